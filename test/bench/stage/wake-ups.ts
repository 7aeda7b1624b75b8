/**
 * How often a process wakes up. The kernel counts how often a thread goes to sleep by itself. How many wake-ups of the
 * main thread are due to timers shows only in its system calls: epoll returns without an event.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Stage } from './stage.ts'

/** How often the threads of a process went to sleep since each began. */
export function sleepsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, 'utf8')
    return sum + Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1])
  }, 0)
}

export interface EventLoopWakeUps {
  /** How often a second epoll timed out, so a timer was due. */
  readonly timers: number
  /** How often a second something happened on a descriptor. */
  readonly events: number
}

/** `…], 1024, 995, NULL, 8) = 0`: time-out and number of events; the text before may be in another line. */
const WAIT = /\], \d+, (-?\d+)\b.*\) += (\d+)/g

const CALLS = 'trace=epoll_wait,epoll_pwait,epoll_pwait2'

/** Traces a process; null without strace, or without permission. The process is slow meanwhile: measure nothing else. */
export async function watchEventLoop(stage: Stage, pid: number, ms: number): Promise<EventLoopWakeUps | null> {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' })
  } catch {
    return null
  }
  const tracer = stage.launch({ program: 'strace', args: ['-f', '-q', '-e', CALLS, '-p', String(pid)] })
  // the span that is traced
  await delay(ms)
  const isAllowed = !tracer.isEnded()
  await tracer.stop()
  if (!isAllowed) return null
  const waits = Array.from(tracer.complaints().matchAll(WAIT), ([, timeout, events]) => ({ timeout, events }))
  const slept = waits.filter(({ timeout }) => timeout !== '0') // with a time-out of 0 epoll does not wait
  const timers = slept.filter(({ events }) => events === '0').length
  return { timers: timers / (ms / 1000), events: (slept.length - timers) / (ms / 1000) }
}
