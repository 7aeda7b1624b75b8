/**
 * Why the package `tail` is not the shipping reader (docs/decisions/0005): a writer appends numbered lines and rotates
 * the file by renaming it and creating a new one; `tail` and `logagent run --output stdout` read it at the same time.
 * `node test/bench/tail-rotation.ts [seconds]` prints a row for each rate. No Kafka is needed; the kernel must be built.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { Tail } from 'tail'
import { freshDirectory } from '../support/temp.ts'
import { LogWriter, numberedLine } from '../support/numbered-log.ts'
import { until } from '../support/wait.ts'

const LOG = 'app'
const TICK_MS = 10
const ROTATE_MS = 1000
const RATES = [100, 1000, 10_000]
/** A reader that got no line for this long will get no more. */
const QUIET_MS = 3000

/** The lines that a reader gave, by number. */
class Tally {
  readonly #seen = new Set<number>()
  repeated = 0
  changed = 0
  lastAt = performance.now()

  add(line: Buffer): void {
    this.lastAt = performance.now()
    const n = Number(line.subarray(0, 40).toString('latin1').split(' ', 2)[1])
    if (!Number.isInteger(n) || !line.equals(numberedLine(LOG, n))) this.changed++
    else if (this.#seen.has(n)) this.repeated++
    else this.#seen.add(n)
  }

  row(written: number): string {
    return `${written - this.#seen.size} / ${this.repeated} / ${this.changed}`
  }
}

if (process.argv[2] === 'write') await write(process.argv.slice(3))
else await compare(Number(process.argv[2] ?? 10))

/** The writer's process: writes at a rate for `ms`, and prints how many lines and rotations there were. */
async function write([path = '', rate = '0', ms = '0']: readonly string[]): Promise<void> {
  const writer = new LogWriter(LOG, path)
  const begin = performance.now()
  let rotations = 0
  for (let now = 0; now < Number(ms); now = performance.now() - begin) {
    writer.write(Math.floor((now / 1000) * Number(rate)) - writer.next)
    if (now > (rotations + 1) * ROTATE_MS) {
      renameSync(path, `${path}.${++rotations}`)
      writer.reopen()
    }
    // the pace of the writer
    await delay(TICK_MS)
  }
  writer.close()
  process.stdout.write(`${writer.next} ${rotations}\n`)
}

async function compare(seconds: number): Promise<void> {
  process.stdout.write(
    '| lines/s | written | rotations | tail lost / repeated / changed | logagent lost / repeated / changed |\n',
  )
  process.stdout.write('| --- | --- | --- | --- | --- |\n')
  for (const rate of RATES) process.stdout.write(`${await oneRate(rate, seconds * 1000)}\n`)
}

async function oneRate(rate: number, ms: number): Promise<string> {
  const cleanUps: (() => void | Promise<void>)[] = []
  const directory = freshDirectory({ after: (cleanUp) => void cleanUps.push(cleanUp) })
  const path = join(directory, 'app.log')
  new LogWriter(LOG, path).close()
  const [tail, agent] = [new Tally(), new Tally()]
  const reader = readWithTail(path, tail)
  const child = readWithAgent(path, agent)
  await once(child, 'spawn')
  const writer = spawn(process.execPath, [import.meta.filename, 'write', path, String(rate), String(ms)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: writer.stdout }), 'line')
  const [written = 0, rotations = 0] = String(line).split(' ').map(Number)
  const isQuiet = (): boolean => performance.now() - Math.max(tail.lastAt, agent.lastAt) > QUIET_MS
  await until(isQuiet, { within: 60_000, what: 'both readers are quiet' })
  reader.unwatch()
  child.kill('SIGTERM')
  await once(child, 'close')
  for (const cleanUp of cleanUps) await cleanUp()
  return `| ${rate} | ${written} | ${rotations} | ${tail.row(written)} | ${agent.row(written)} |`
}

function readWithTail(path: string, tally: Tally): Tail {
  // latin1 keeps every byte; with UTF-8, characters at the edges of its blocks would be broken as well
  const tail = new Tail(path, { fromBeginning: true, follow: true, encoding: 'latin1' })
  tail.on('line', (line: string) => tally.add(Buffer.from(line, 'latin1')))
  tail.on('error', () => undefined)
  return tail
}

function readWithAgent(path: string, tally: Tally): ChildProcess {
  const main = join(import.meta.dirname, '../../src/main.ts')
  const agent = spawn(process.execPath, [main, 'run', '--output', 'stdout', '--paths', path, '--encoding', 'raw'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  createInterface({ input: agent.stdout }).on('line', (line) => {
    const { value }: { value: string | { base64: string } } = JSON.parse(line)
    tally.add(typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64'))
  })
  return agent
}
