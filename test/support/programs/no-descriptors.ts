/** Uses up all descriptors, does something that must not need one, and writes the outcome to standard output. */
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
  /** No descriptor is left when the socket is made. */
  async lock() {
    const disk = {
      ...fs.promises,
      readdir: async (path: string) => {
        const names = await fs.promises.readdir(path)
        takeAll()
        return names
      },
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this is the form of readdir that is called
    const { unenforced } = await lockState(directory, Math.random, disk as unknown as typeof fs.promises)
    return `held ${unenforced}`
  },
}

try {
  process.stdout.write((await doing[what]?.()) ?? 'unknown')
} catch (error) {
  process.stdout.write(messageOf(error))
}
// what is still open ends with the process
process.exit(0)
