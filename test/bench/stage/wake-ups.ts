/**
 * How often a process wakes up. Each time a thread goes to sleep by itself is counted by the kernel; how many of the main
 * thread's wake-ups were a timer's is only to be seen in its system calls: epoll came back with no event.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Stage } from './stage.ts'

/** Of all threads, since each began. */
export function sleepsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')
    return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1])
  }, 0)
}

export interface EventLoopWakeUps {
  /** A second: epoll timed out, so a timer was due. */
  readonly timers: number
  /** A second: something happened on a descriptor. */
  readonly events: number
}

/** `…], 1024, 995, NULL, 8) = 0`: time-out and number of events; what comes before may stand in another line. */
const WAIT = /\], \d+, (-?\d+)\b.*\) += (\d+)/g

const CALLS = 'trace=epoll_wait,epoll_pwait,epoll_pwait2'

/** Null where there is no strace, or it may not look. The process is slowed down meanwhile: no figure is to be taken. */
export async function watchEventLoop(stage: Stage, pid: number, ms: number): Promise<EventLoopWakeUps | null> {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' })
  } catch {
    return null
  }
  const tracer = stage.launch({ program: 'strace', args: ['-f', '-q', '-e', CALLS, '-p', String(pid)] })
  await delay(ms)
  const isAllowed = !tracer.isEnded()
  await tracer.stop()
  if (!isAllowed) return null
  const waits = Array.from(tracer.complaints().matchAll(WAIT), ([, timeout, events]) => ({ timeout, events }))
  const slept = waits.filter(({ timeout }) => timeout !== '0') // without a time-out it only looks, and goes on
  const timers = slept.filter(({ events }) => events === '0').length
  return { timers: timers / (ms / 1000), events: (slept.length - timers) / (ms / 1000) }
}
