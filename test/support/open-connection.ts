/** A real Connection over a fake socket (or any other), and requests of an API that does not exist. */
import assert from 'node:assert/strict'
import { AgentError } from '../../src/errors.ts'
import { Connection, type ConnectionOptions } from '../../src/output/kafka/connection.ts'
import type { Exchange, NoAnswer } from '../../src/output/kafka/exchange.ts'
import type { AnswerReader } from '../../src/output/kafka/wire/primitives.ts'
import { FakeSocket } from './fake-socket.ts'

/** A request that says its name, and hears a number. */
export class Question implements Exchange {
  readonly answered: boolean
  readonly settled = Promise.withResolvers<NoAnswer | null>()
  readonly pieces: readonly Buffer[]
  isSettled = false
  correlationId = -1
  answer: number | null = null

  constructor(settings: { answered?: boolean; pieces?: readonly Buffer[] } = {}) {
    this.answered = settings.answered ?? true
    this.pieces = settings.pieces ?? [Buffer.from('question')]
  }

  encode(correlationId: number): readonly Buffer[] {
    this.correlationId = correlationId
    return this.pieces
  }

  decode(reader: AnswerReader): void {
    this.answer = reader.int16()
    reader.end()
  }

  settle(failure: NoAnswer | null): void {
    assert.ok(!this.isSettled, 'settled twice')
    this.isSettled = true
    this.settled.resolve(failure)
  }

  async failure(): Promise<{ code: string; maybeSent: boolean } | null> {
    const failure = await this.settled.promise
    return failure && { code: failure.error.code, maybeSent: failure.maybeSent }
  }
}

/** The frame that answers a question with a number. */
export function answer(correlationId: number, value: number): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.writeInt32BE(6)
  bytes.writeInt32BE(correlationId, 4)
  bytes.writeInt16BE(value, 8)
  return bytes
}

export type Changes = Partial<ConnectionOptions>

/** Opens a connection over a fake socket; `closed` resolves to how it closes. */
export async function connected(changes: Changes = {}) {
  const socket = new FakeSocket()
  const closed = Promise.withResolvers<{ code: string; unanswered: number }>()
  const connection = new Connection({
    address: 'fake:9092',
    open: (connected) => {
      setImmediate(connected)
      return socket
    },
    connectTimeoutMs: 10_000,
    requestTimeoutMs: 10_000,
    silenceMs: 8_000,
    now: () => performance.now(),
    onSilence: () => undefined,
    onClose: ({ code }, unanswered) => closed.resolve({ code, unanswered }),
    ...changes,
  })
  await connection.connect()
  const ask = (settings?: ConstructorParameters<typeof Question>[0]): Question => {
    const question = new Question(settings)
    connection.send(question)
    return question
  }
  return { socket, connection, ask, closed: closed.promise }
}

/** The error with which a test closes a connection. */
export const stop = new AgentError('connection-lost', 'the test is over')
