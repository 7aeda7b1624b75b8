/** One listener made of others, without writing out every event. */
import type { Events } from './events.ts'

/** An event's method. No event has more than four parameters, and a rest parameter would make an array for every call. */
export type AnyEvent = (w: unknown, x: unknown, y: unknown, z: unknown) => void

/** Make a listener whose method for each event is made from the methods that `listeners` have for it. */
export function everyEvent<Listeners extends readonly [Events, ...Events[]]>(
  listeners: Listeners,
  make: (...methods: { readonly [K in keyof Listeners]: AnyEvent }) => AnyEvent,
): Events {
  /* oxlint-disable typescript/no-unsafe-type-assertion -- the parameters' types are lost here, and are right all the same */
  const all: Partial<Record<keyof Events, AnyEvent>> = {}
  for (const name of Object.keys(listeners[0]) as (keyof Events)[]) {
    const methods = listeners.map((listener) => listener[name] as unknown as AnyEvent)
    all[name] = make(...(methods as unknown as { readonly [K in keyof Listeners]: AnyEvent }))
  }
  return all as unknown as Events
  /* oxlint-enable typescript/no-unsafe-type-assertion */
}
