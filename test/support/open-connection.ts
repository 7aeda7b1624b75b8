/** A real Connection over a fake socket (or any other), and requests of an API that does not exist. */
import assert from 'node:assert/strict'
import { AgentError } from '../../src/errors.ts'
import { Connection, type ConnectionOptions } from '../../src/output/kafka/connection.ts'
import type { OutgoingRequest, NoResponse } from '../../src/output/kafka/outgoing-request.ts'
import type { ResponseReader } from '../../src/output/kafka/wire/primitives.ts'
import { FakeSocket } from './fake-socket.ts'

/** A request whose response is a number. */
export class NumberRequest implements OutgoingRequest {
  readonly expectsResponse: boolean
  readonly finished = Promise.withResolvers<NoResponse | null>()
  readonly pieces: readonly Buffer[]
  isFinished = false
  correlationId = -1
  response: number | null = null

  constructor(settings: { expectsResponse?: boolean; pieces?: readonly Buffer[] } = {}) {
    this.expectsResponse = settings.expectsResponse ?? true
    this.pieces = settings.pieces ?? [Buffer.from('request')]
  }

  encode(correlationId: number): readonly Buffer[] {
    this.correlationId = correlationId
    return this.pieces
  }

  decode(reader: ResponseReader): void {
    this.response = reader.int16()
    reader.end()
  }

  finish(failure: NoResponse | null): void {
    assert.ok(!this.isFinished, 'finished twice')
    this.isFinished = true
    this.finished.resolve(failure)
  }

  async failure(): Promise<{ code: string; maybeSent: boolean } | null> {
    const failure = await this.finished.promise
    return failure && { code: failure.error.code, maybeSent: failure.maybeSent }
  }
}

/** The frame of a response that is a number. */
export function response(correlationId: number, value: number): Buffer {
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
  const closed = Promise.withResolvers<{ code: string; withoutResponse: number }>()
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
    onClose: ({ code }, withoutResponse) => closed.resolve({ code, withoutResponse }),
    ...changes,
  })
  await connection.connect()
  const send = (settings?: ConstructorParameters<typeof NumberRequest>[0]): NumberRequest => {
    const request = new NumberRequest(settings)
    connection.send(request)
    return request
  }
  return { socket, connection, send, closed: closed.promise }
}

/** The error with which a test closes a connection. */
export const stop = new AgentError('connection-lost', 'the test is over')
