/** Takes every descriptor there is, does something that must not need one, and says on standard output how that went. */
import * as fs from 'node:fs'
import { openRandomBytes } from '../../../src/commands/random.ts'
import { messageOf } from '../../../src/errors.ts'
import { lockState } from '../../../src/input/state/lock.ts'

const [what = '', directory = ''] = process.argv.slice(2)

function takeAll(): void {
  try {
    for (;;) fs.openSync('/dev/null', 'r')
  } catch {
    // there is none left
  }
}

const doing: Readonly<Record<string, () => Promise<string>>> = {
  async random() {
    const random = openRandomBytes()
    takeAll()
    return `${new Set(Array.from({ length: 100 }, () => random(12).toString('hex'))).size} ids`
  },
  /** The last ones are gone when it comes to the socket. */
  async lock() {
    const disk = {
      ...fs.promises,
      readdir: async (path: string) => {
        const names = await fs.promises.readdir(path)
        takeAll()
        return names
      },
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the many forms of readdir it is this one
    const { unenforced } = await lockState(directory, Math.random, disk as unknown as typeof fs.promises)
    return `held ${unenforced}`
  },
}

try {
  process.stdout.write((await doing[what]?.()) ?? 'unknown')
} catch (error) {
  process.stdout.write(messageOf(error))
}
// what it holds is let go with it
process.exit(0)
