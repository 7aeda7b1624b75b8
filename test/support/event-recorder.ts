/** Records all events that the code under test reports, in their order, and counts them as the agent does. */
import { Counters, countingEvents } from '../../src/observe/counters.ts'
import type { Events } from '../../src/observe/events.ts'

export interface EventRecorder {
  readonly events: Events
  readonly counters: Counters
  /** `[event, ...facts]` of every event; if a name is given, only the facts of the events with that name. */
  reported(): readonly (readonly unknown[])[]
  reported(name: keyof Events): readonly (readonly unknown[])[]
  /** The names of the events so far. */
  names(): readonly string[]
}

export function recordEvents(): EventRecorder {
  const all: [keyof Events, ...unknown[]][] = []
  const counters = new Counters()
  const counting = countingEvents(counters, () => 0)
  /* oxlint-disable typescript/no-unsafe-type-assertion -- the parameters have no types in between */
  const names = Object.keys(counting) as (keyof Events)[]
  const entries = names.map((name) => {
    const count = counting[name] as (...facts: unknown[]) => void
    const report = (...facts: unknown[]): void => {
      all.push([name, ...facts])
      count(...facts)
    }
    return [name, report]
  })
  const events = Object.fromEntries(entries) as Events
  /* oxlint-enable typescript/no-unsafe-type-assertion */
  return {
    events,
    counters,
    reported: (name?: keyof Events) =>
      name === undefined ? all : all.filter(([event]) => event === name).map(([, ...facts]) => facts),
    names: () => all.map(([name]) => name),
  }
}
