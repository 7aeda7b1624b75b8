/**
 * The demo's application, in a process of its own. It writes two logs and rotates them as applications do, by renaming
 * the file and creating a new one. `node app.ts DIRECTORY SINCE steady|show`: steady goes on until SIGTERM; show writes
 * for some seconds, then as fast as it can, and ends. It reports its progress on standard output, one JSON object in
 * each line.
 */
import { closeSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { LOGS, lineOf, type Log } from './lines.ts'

/** Lines written by log, and rotations of all logs, up to now. */
export interface Progress {
  readonly written: Readonly<Record<Log, number>>
  readonly rotations: number
}

const TICK_MS = 20
const LINES_A_TICK = 40
/** For how many ticks a show writes steadily, and how many lines it then writes at once to each log. */
const SHOW_TICKS = 250
const BURST_LINES = 60_000
const BURST_WRITE = 500
/** Ticks between two rotations. */
const SHOW_ROTATE_TICKS = 25
const STEADY_ROTATE_TICKS = 250
/** Rotated pieces that are kept of each log. */
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
    for (let n = Math.min(KEPT, ++this.rotations); n > 1; n--)
      renameSync(`${this.#path}.${n - 1}`, `${this.#path}.${n}`)
    renameSync(this.#path, `${this.#path}.1`)
    // a logger that learns of the rotation late does this
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
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())

if (manner === 'steady') await writeSteadily(Infinity, STEADY_ROTATE_TICKS)
else {
  await writeSteadily(SHOW_TICKS, SHOW_ROTATE_TICKS)
  writeAtOnce()
}
for (const log of logs) log.close()

/** Writes to both logs. They are rotated in turns. */
async function writeSteadily(ticks: number, rotateTicks: number): Promise<void> {
  for (let tick = 1; tick <= ticks && !stop.signal.aborted; tick++) {
    for (const log of logs) log.write(LINES_A_TICK)
    if (tick % rotateTicks === 0) (tick % (2 * rotateTicks) === 0 ? access : app)?.rotate()
    reportProgress()
    await delay(TICK_MS)
  }
}

function writeAtOnce(): void {
  for (let lines = 0; lines < BURST_LINES; lines += BURST_WRITE) {
    for (const log of logs) log.write(BURST_WRITE)
    if (lines === BURST_LINES / 2) for (const log of logs) log.rotate()
  }
  reportProgress()
}

function reportProgress(): void {
  const progress: Progress = {
    written: { access: access?.written ?? 0, app: app?.written ?? 0 },
    rotations: logs.reduce((sum, log) => sum + log.rotations, 0),
  }
  process.stdout.write(`${JSON.stringify(progress)}\n`)
}
