/**
 * A request and its response as a connection sees them. Types only: produce-request.ts and request.ts have the two
 * kinds.
 */
import type { AgentError } from '../../errors.ts'
import type { ResponseReader } from './wire/primitives.ts'

/** Why a request gets no response. */
export interface NoResponse {
  readonly error: AgentError
  /** Whether any byte of the request may have reached the socket. */
  readonly maybeSent: boolean
}

/**
 * A request and its response. It is the caller's own object, so that the connection allocates next to nothing itself.
 */
export interface OutgoingRequest {
  /** false: the broker sends no response (Produce with acks 0), and the request is done when it is written. */
  readonly expectsResponse: boolean
  /** The whole frame in pieces, which must not change until {@link finish}. */
  encode(correlationId: number): readonly Uint8Array[]
  /**
   * Reads the response, from behind its correlation id. A throw means that the broker broke the protocol. Called before
   * {@link finish}.
   */
  decode(reader: ResponseReader): void
  /**
   * Called exactly once: the pieces are free. null: the request is written, and its response, if there is one, decoded.
   */
  finish(failure: NoResponse | null): void
}
