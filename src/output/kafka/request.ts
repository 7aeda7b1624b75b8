/**
 * Requests that are rare and small (API versions, metadata, a producer id): one promise each, and a way to send a
 * request to several brokers until one responds. The hot path has its own kind, produce-request.ts.
 */
import type { AgentError } from '../../errors.ts'
import type { Connection } from './connection.ts'
import type { NoResponse, OutgoingRequest } from './outgoing-request.ts'
import type { ResponseReader } from './wire/primitives.ts'

/** A request of one API: how it is written, and how its response is read. */
export interface ApiRequest<T> {
  readonly encode: (correlationId: number) => readonly Uint8Array[]
  readonly decode: (reader: ResponseReader) => T
}

/** Sends a request and resolves with its response. Rejects with the connection's AgentError when none will come. */
export function request<T>(connection: Connection, apiRequest: ApiRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => connection.send(new PromisedRequest(apiRequest, resolve, reject)))
}

class PromisedRequest<T> implements OutgoingRequest {
  readonly expectsResponse = true
  readonly #apiRequest: ApiRequest<T>
  readonly #resolve: (response: T) => void
  readonly #reject: (error: AgentError) => void
  #response: { readonly value: T } | null = null

  constructor(apiRequest: ApiRequest<T>, resolve: (response: T) => void, reject: (error: AgentError) => void) {
    this.#apiRequest = apiRequest
    this.#resolve = resolve
    this.#reject = reject
  }

  encode(correlationId: number): readonly Uint8Array[] {
    return this.#apiRequest.encode(correlationId)
  }

  decode(reader: ResponseReader): void {
    this.#response = { value: this.#apiRequest.decode(reader) }
  }

  finish(failure: NoResponse | null): void {
    if (failure !== null) this.#reject(failure.error)
    else if (this.#response !== null) this.#resolve(this.#response.value)
  }
}

/**
 * The first response that any of `candidates` gives. They are tried one after the other, the next one as soon as all
 * before have failed or after `patienceMs`: a broker that does not respond must not hold up what others can say, and a
 * late response still counts. Rejects with the last error when all have failed; `none` is the error when there are no
 * candidates.
 */
export async function requestFromAny<C extends object, T>(
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
