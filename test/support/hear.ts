/** Everything the agent tells, in the order in which it was told. */
import { Counters, countingEvents } from '../../src/observe/counters.ts'
import type { Events } from '../../src/observe/events.ts'

export interface Ear {
  readonly events: Events
  readonly counters: Counters
  /** `[event, ...facts]` of every event; of one kind if its name is given, then without the name. */
  heard(): readonly (readonly unknown[])[]
  heard(name: keyof Events): readonly (readonly unknown[])[]
  /** Names of the events so far. */
  names(): readonly string[]
}

export function hear(): Ear {
  const all: [keyof Events, ...unknown[]][] = []
  const counters = new Counters()
  const counting = countingEvents(counters, () => 0)
  /* oxlint-disable typescript/no-unsafe-type-assertion -- the types of the parameters are lost and found on this way */
  const names = Object.keys(counting) as (keyof Events)[]
  const entries = names.map((name) => {
    const count = counting[name] as (...facts: unknown[]) => void
    const tell = (...facts: unknown[]): void => {
      all.push([name, ...facts])
      count(...facts)
    }
    return [name, tell]
  })
  const events = Object.fromEntries(entries) as Events
  /* oxlint-enable typescript/no-unsafe-type-assertion */
  return {
    events,
    counters,
    heard: (name?: keyof Events) =>
      name === undefined ? all : all.filter(([told]) => told === name).map(([, ...facts]) => facts),
    names: () => all.map(([name]) => name),
  }
}
