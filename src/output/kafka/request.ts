/**
 * Requests that are rare and small (API versions, metadata, a producer id): one promise each, and a way to ask any of
 * several brokers. The hot path has its own, produce-exchange.ts.
 */
import type { AgentError } from '../../errors.ts'
import type { Connection } from './connection.ts'
import type { Exchange, NoAnswer } from './exchange.ts'
import type { AnswerReader } from './wire/primitives.ts'

/** A question of one API: how it is written and how its answer is read. */
export interface Question<T> {
  readonly encode: (correlationId: number) => readonly Uint8Array[]
  readonly decode: (reader: AnswerReader) => T
}

/** Asks on a connection. Rejects with the connection's AgentError when there will be no answer. */
export function ask<T>(connection: Connection, question: Question<T>): Promise<T> {
  return new Promise((resolve, reject) => connection.send(new Asked(question, resolve, reject)))
}

class Asked<T> implements Exchange {
  readonly answered = true
  readonly #question: Question<T>
  readonly #resolve: (answer: T) => void
  readonly #reject: (error: AgentError) => void
  #answer: { readonly value: T } | null = null

  constructor(question: Question<T>, resolve: (answer: T) => void, reject: (error: AgentError) => void) {
    this.#question = question
    this.#resolve = resolve
    this.#reject = reject
  }

  encode(correlationId: number): readonly Uint8Array[] {
    return this.#question.encode(correlationId)
  }

  decode(reader: AnswerReader): void {
    this.#answer = { value: this.#question.decode(reader) }
  }

  settle(failure: NoAnswer | null): void {
    if (failure !== null) this.#reject(failure.error)
    else if (this.#answer !== null) this.#resolve(this.#answer.value)
  }
}

/**
 * The first answer any of `candidates` gives. They are tried one after the other, the next one as soon as all before
 * have failed or after `patienceMs`: one broker that says nothing must not hold up what others can tell, and a late
 * answer still counts. Rejects with the last error when all have failed; `none` is the error when there is nobody.
 */
export async function askAnyOf<C extends object, T>(
  candidates: readonly C[],
  attempt: (candidate: C) => Promise<T>,
  settings: { readonly patienceMs: number; readonly none: () => Error },
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  let begun = 0
  let failed = 0
  let timer: NodeJS.Timeout | null = null
  const begin = async (candidate: C): Promise<void> => {
    try {
      resolve(await attempt(candidate))
    } catch (error) {
      failed++
      if (failed === begun) next(error)
    }
  }
  const next = (error: unknown): void => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const candidate = candidates[begun]
    if (candidate === undefined) {
      if (failed === begun) reject(error)
      return
    }
    begun++
    timer = setTimeout(() => next(null), settings.patienceMs)
    void begin(candidate)
  }
  next(settings.none())
  try {
    return await promise
  } finally {
    if (timer !== null) clearTimeout(timer)
  }
}
