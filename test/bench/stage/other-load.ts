/**
 * How busy the machine was with other programs during a measurement: the CPU time of the whole machine less that of the
 * bench and of all its descendants (agents, Kafka, the sink). It is kept with each figure, since it can explain the figure.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'

export interface OtherLoad {
  /** How many cores other programs used. */
  readonly otherCores: number
  /** How many cores the hypervisor gave to other machines. */
  readonly stolenCores: number
}

interface Totals {
  readonly atMs: number
  readonly busyMs: number
  readonly ownMs: number
  readonly stolenMs: number
}

/** Clock ticks: 100 a second on every Linux. */
const TICK_MS = 10

/** Begins a span; the result is to be called at its end. */
export function watchOtherLoad(): () => OtherLoad {
  const begin = totals()
  return () => {
    const end = totals()
    const ms = end.atMs - begin.atMs
    const other = end.busyMs - begin.busyMs - (end.ownMs - begin.ownMs)
    const rounded = (cores: number): number =>
      Math.round(Math.min(availableParallelism(), Math.max(0, cores)) * 100) / 100
    return { otherCores: rounded(other / ms), stolenCores: rounded((end.stolenMs - begin.stolenMs) / ms) }
  }
}

function totals(): Totals {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, stolen = 0] = line.split(/\s+/).slice(1).map(Number)
  return {
    atMs: performance.now(),
    busyMs: (user + nice + system + irq + softirq) * TICK_MS,
    stolenMs: stolen * TICK_MS,
    ownMs: ownTicks() * TICK_MS,
  }
}

/** The CPU ticks of this process and its living descendants, each with the children it has already waited for. */
function ownTicks(): number {
  const parents = new Map<number, number>()
  const ticks = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const fields = statOf(pid)
    parents.set(pid, Number(fields[1]))
    ticks.set(
      pid,
      fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0),
    )
  }
  const isOwn = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 0 && (pid === process.pid || isOwn(parents.get(pid)))
  return [...ticks].reduce((sum, [pid, own]) => (isOwn(pid) ? sum + own : sum), 0)
}

/** The fields of /proc/PID/stat after the name, which may hold anything; none for a process that has ended. */
function statOf(pid: number): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}
