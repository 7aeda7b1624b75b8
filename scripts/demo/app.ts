/**
 * The demo's application, a process of its own: writes two logs and rotates them as applications do, by renaming the
 * file and creating a new one. `node app.ts DIRECTORY SINCE steady|show`: steady goes on until SIGTERM; show writes for
 * some seconds, then as fast as it can, and ends. Tells on standard output how far it is, one JSON object a line.
 */
import { closeSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LOGS, lineOf, type Log } from './lines.ts'

/** Lines written so far by log, and rotations of all logs. */
export interface Progress {
  readonly written: Readonly<Record<Log, number>>
  readonly rotations: number
}

const TICK_MS = 20
const LINES_A_TICK = 40
/** Of the show: how long it takes its time, and what it then writes at once to each log. */
const TICKS = 250
const BURST_LINES = 60_000
const BURST_WRITE = 500
/** Ticks between two rotations, of one log and then the other. */
const ROTATE_TICKS = { show: 25, steady: 250 }
const KEPT = 5

class RotatingLog {
  readonly #log: Log
  readonly #path: string
  readonly #since: number
  #descriptor: number
  written = 0
  rotations = 0

  constructor(log: Log, directory: string, since: number) {
    this.#log = log
    this.#path = join(directory, `${log}.log`)
    this.#since = since
    this.#descriptor = openSync(this.#path, 'a')
  }

  write(lines: number): void {
    let text = ''
    for (let i = 0; i < lines; i++) text += `${lineOf(this.#log, this.written++, this.#since)}\n`
    writeSync(this.#descriptor, text)
  }

  /** app.log.4 becomes app.log.5 (which is gone), …, app.log becomes app.log.1, and a new app.log is created. */
  rotate(): void {
    for (let n = Math.min(KEPT, ++this.rotations); n > 1; n--) renameSync(`${this.#path}.${n - 1}`, `${this.#path}.${n}`)
    renameSync(this.#path, `${this.#path}.1`)
    // as a logger does that is told of the rotation late
    this.write(3)
    closeSync(this.#descriptor)
    this.#descriptor = openSync(this.#path, 'a')
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

const [directory = '.', since = '0', manner = 'show'] = process.argv.slice(2)
const logs = LOGS.map((log) => new RotatingLog(log, directory, Number(since)))
const [access, app] = logs
const every = manner === 'steady' ? ROTATE_TICKS.steady : ROTATE_TICKS.show
let stopped = false
process.on('SIGTERM', () => (stopped = true))

for (let tick = 1; !stopped && (manner === 'steady' || tick <= TICKS); tick++) {
  for (const log of logs) log.write(LINES_A_TICK)
  if (tick % every === 0) (tick % (2 * every) === 0 ? access : app)?.rotate()
  tell()
  await delay(TICK_MS)
}
for (let left = manner === 'steady' ? 0 : BURST_LINES; left > 0 && !stopped; left -= BURST_WRITE) {
  for (const log of logs) log.write(BURST_WRITE)
  if (left === BURST_LINES / 2) for (const log of logs) log.rotate()
}
tell()
for (const log of logs) log.close()

function tell(): void {
  const progress: Progress = {
    written: { access: access?.written ?? 0, app: app?.written ?? 0 },
    rotations: logs.reduce((sum, log) => sum + log.rotations, 0),
  }
  process.stdout.write(`${JSON.stringify(progress)}\n`)
}
