/**
 * A request and its answer as a connection sees them. Types only; ask.ts and produce-exchange.ts have the two kinds.
 */
import type { AgentError } from '../../errors.ts'
import type { AnswerReader } from './wire/primitives.ts'

/** Why a request stays without an answer. */
export interface NoAnswer {
  readonly error: AgentError
  /** Whether any byte of it may have reached the socket. */
  readonly maybeSent: boolean
}

/** A request and its answer: the caller's object, so that the connection adds next to nothing of its own. */
export interface Exchange {
  /** false: the broker sends no answer (Produce with acks 0); done when written. */
  readonly answered: boolean
  /** The whole frame in pieces, which must not change until `settle`. */
  encode(correlationId: number): readonly Uint8Array[]
  /** The answer behind its correlation id. A throw means that the broker broke the protocol. Comes before settle. */
  decode(reader: AnswerReader): void
  /** Exactly once: the pieces are free. null: written and, if there is an answer to come, decoded. */
  settle(failure: NoAnswer | null): void
}
