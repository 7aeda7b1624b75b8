/**
 * How far an agent has come, seen from Kafka: the end offsets of the topic together with the agent's CPU and memory, looked
 * at again and again. Moments between two looks are interpolated.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { usageOf } from '../../support/process.ts'
import type { Topics } from '../../support/topics.ts'
import type { Child } from './child.ts'

export interface Look {
  /** performance.now() */
  readonly atMs: number
  readonly records: number
  readonly cpuMs: number
  readonly rssBytes: number
}

export interface Following {
  readonly topics: Topics
  readonly topic: string
  readonly agent: Child
  /** How many records to wait for. */
  readonly records: number
  /** Called after each look, and awaited. */
  readonly onLook?: (look: Look) => void | Promise<void>
}

/** The pause between looks until the first record, which is short since the time until then is a figure. */
const EAGER_MS = 10
const EVERY_MS = 100
/** An agent without a new record for this long has failed. */
const STALLED_MS = 180_000

/** Waits until this many records are in the topic, and returns all looks. */
export async function follow({ topics, topic, agent, records, onLook }: Following): Promise<Look[]> {
  const looks: Look[] = []
  let movedAt = performance.now()
  for (;;) {
    const there = await recordsIn(topics, topic)
    const atMs = performance.now()
    if (agent.isEnded()) throw new Error(`an agent ended at ${there} of ${records} records: ${agent.lastWords()}`)
    const { cpuMs, rssBytes } = usageOf(agent.pid)
    const look = { atMs, records: there, cpuMs, rssBytes }
    if (there !== looks.at(-1)?.records) movedAt = atMs
    looks.push(look)
    await onLook?.(look)
    if (there >= records) return looks
    if (atMs - movedAt > STALLED_MS) {
      throw new Error(`nothing new since ${there} of ${records} records: the agent: ${agent.lastWords()}`)
    }
    await delay(there === 0 ? EAGER_MS : EVERY_MS)
  }
}

export async function recordsIn(topics: Topics, topic: string): Promise<number> {
  return (await topics.endOffsets(topic)).reduce((sum, end) => sum + end, 0)
}

/** The moment at which this many records were in the topic, interpolated between two looks. */
export function momentOf(looks: readonly Look[], records: number): { atMs: number; cpuMs: number } {
  const next = looks.findIndex((look) => look.records >= records)
  const [before, after] = [looks[next - 1], looks[next]]
  if (before === undefined || after === undefined) throw new Error(`no look before and after ${records} records`)
  const part = (records - before.records) / (after.records - before.records)
  const between = (from: number, to: number): number => from + (to - from) * part
  return { atMs: between(before.atMs, after.atMs), cpuMs: between(before.cpuMs, after.cpuMs) }
}
