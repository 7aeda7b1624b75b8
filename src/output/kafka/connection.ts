/**
 * One connection to one broker: frames, correlation ids, deadlines, and the promise that a request is settled only
 * when the socket can no longer touch its bytes. Knows nothing of what a request says; whether and when to connect
 * again is broker.ts's.
 *
 * The way of a request: `send` puts it in line. When the socket has taken all bytes of the one before, its pieces go
 * to the socket as one writev. It is settled when it is written and answered, or when the socket is closed.
 *
 * One request is handed over at a time because the socket would otherwise queue them where we can't see: like this
 * a request in line has certainly not been sent, and everything else may have been.
 */
import type { Duplex } from 'node:stream'
import { AgentError, messageOf } from '../../errors.ts'
import type { Exchange, NoAnswer } from './exchange.ts'
import { Frames } from './wire/frames.ts'
import { AnswerReader } from './wire/primitives.ts'

/** Opens a socket and calls `connected` once it can be written to (for TLS: after its handshake). */
export type Opener = (connected: () => void) => Duplex

export interface ConnectionOptions {
  /** host:port, for messages. */
  readonly address: string
  readonly open: Opener
  /** Asks what must be asked before anything else (API versions, SASL). A rejection ends the connection. */
  readonly authenticate?: ((connection: Connection) => Promise<void>) | undefined
  /** From the first SYN to the end of `authenticate`. */
  readonly connectTimeoutMs: number
  /** From `send` to the answer. Its passing ends the connection. */
  readonly requestTimeoutMs: number
  /** Nothing was answered for this long though a request is waiting: told once, the connection lives on. */
  readonly silenceMs: number
  /** A monotonic clock in milliseconds. */
  readonly now: () => number
  readonly onSilence: () => void
  /** After {@link Connection.connect} has resolved: the socket is closed and every request settled. */
  readonly onClose: (reason: AgentError, unanswered: number) => void
}

interface Pending {
  readonly exchange: Exchange
  readonly since: number
  correlationId: number
  written: boolean
  decoded: boolean
}

export class Connection {
  readonly #options: ConnectionOptions
  readonly #frames = new Frames()
  readonly #closed = Promise.withResolvers<void>()
  #socket: Duplex | null = null
  #connecting: PromiseWithResolvers<void> | null = null
  /** In line, not handed to the socket. */
  #unsent: Pending[] = []
  /** Handed to the socket, its write callback not come yet. */
  #writing: Pending | null = null
  /** Handed to the socket and not answered, oldest first. */
  #unanswered: Pending[] = []
  #correlationId = 0
  #answers = 0
  #answeredAt = -Infinity
  #silent = false
  #timer: NodeJS.Timeout | null = null
  #reason: AgentError | null = null

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** Requests not settled yet. */
  get pending(): number {
    const writingOnly = this.#writing !== null && !this.#unanswered.includes(this.#writing) ? 1 : 0
    return this.#unsent.length + this.#unanswered.length + writingOnly
  }

  /** How many answers have come. */
  get answers(): number {
    return this.#answers
  }

  /** A request is waiting and nothing was answered for `silenceMs`. */
  get silent(): boolean {
    return this.#silent
  }

  /** Resolves when requests can be sent. Rejects with an AgentError when the socket is closed again. Call once. */
  connect(): Promise<void> {
    const connecting = Promise.withResolvers<void>()
    this.#connecting = connecting
    const { address, connectTimeoutMs } = this.#options
    const timer = setTimeout(() => {
      this.#end(new AgentError('kafka-unreachable', `no connection to ${address} within ${connectTimeoutMs} ms`))
    }, connectTimeoutMs)
    try {
      this.#listen(this.#options.open(() => void this.#authenticate()))
    } catch (error) {
      // A port out of range, which a broker's Metadata may well name, throws here.
      this.#end(this.#lost(messageOf(error), error))
    }
    return connecting.promise.finally(() => clearTimeout(timer))
  }

  #listen(socket: Duplex): void {
    this.#socket = socket
    socket.on('data', this.#onData)
    socket.on('end', () => this.#end(this.#lost('closed by the broker')))
    socket.on('error', (error) => this.#end(this.#lost(error.message, error)))
    socket.on('close', () => this.#onClosed())
  }

  /** Puts a request in line. On a connection that has ended it is settled at once, as not sent. */
  send(exchange: Exchange): void {
    if (this.#reason !== null || this.#socket === null) {
      exchange.settle({ error: this.#reason ?? this.#lost('not connected'), maybeSent: false })
      return
    }
    this.#unsent.push({ exchange, since: this.#options.now(), correlationId: 0, written: false, decoded: false })
    if (this.#writing === null) this.#writeNext()
    if (this.#timer === null) this.#watch()
  }

  /** Ends the connection; what is pending stays unanswered. Resolves when the socket is closed. */
  close(reason: AgentError): Promise<void> {
    this.#end(reason)
    return this.#closed.promise
  }

  async #authenticate(): Promise<void> {
    try {
      await this.#options.authenticate?.(this)
    } catch (error) {
      this.#end(error instanceof AgentError ? error : this.#lost(messageOf(error), error))
    }
    if (this.#reason !== null) return
    this.#connecting?.resolve()
    this.#connecting = null
  }

  #writeNext(): void {
    const next = this.#unsent.shift()
    if (next === undefined || this.#socket === null || this.#reason !== null) return
    const socket = this.#socket
    next.correlationId = this.#correlationId
    // Back to 0 after 2^31 - 1: the field is a signed int32.
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff
    this.#writing = next
    if (next.exchange.answered) this.#unanswered.push(next)
    const pieces = next.exchange.encode(next.correlationId)
    const last = pieces.length - 1
    // Corked, the pieces become one writev.
    socket.cork()
    for (let i = 0; i < last; i++) socket.write(pieces[i]!)
    socket.write(pieces[last]!, this.#onWritten)
    socket.uncork()
  }

  readonly #onWritten = (error?: Error | null): void => {
    const written = this.#writing
    // A write that failed is settled when the socket is closed: until then the kernel may still hold its bytes.
    if (error || written === null || this.#reason !== null) return
    written.written = true
    this.#writing = null
    this.#writeNext()
    if (!written.exchange.answered || written.decoded) this.#settle(written, null)
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#frames.push(chunk)
      while (this.#reason === null) {
        const frame = this.#frames.next()
        if (frame === null) return
        this.#onAnswer(new AnswerReader(frame))
      }
    } catch (error) {
      const message = `${this.#options.address}: ${messageOf(error)}`
      this.#end(new AgentError('protocol-violation', message, { cause: error }))
    }
  }

  #onAnswer(reader: AnswerReader): void {
    const correlationId = reader.int32()
    const oldest = this.#unanswered[0]
    // A broker answers in the order it was asked. An answer out of turn belongs to nobody, and so would all after it.
    if (oldest === undefined || oldest.correlationId !== correlationId) {
      const wanted = oldest === undefined ? 'none' : oldest.correlationId
      throw new AgentError('protocol-violation', `an answer to request ${correlationId} came, expected: ${wanted}`)
    }
    oldest.exchange.decode(reader)
    oldest.decoded = true
    this.#unanswered.shift()
    this.#answers++
    this.#answeredAt = this.#options.now()
    this.#silent = false
    if (oldest.written) this.#settle(oldest, null)
  }

  #settle(pending: Pending, failure: NoAnswer | null): void {
    if (this.#timer !== null && this.#oldest() === undefined) {
      clearTimeout(this.#timer)
      this.#timer = null
    }
    pending.exchange.settle(failure)
  }

  #oldest(): Pending | undefined {
    return this.#unanswered[0] ?? this.#writing ?? this.#unsent[0]
  }

  /** One timer for all requests, and none while nothing is pending. The oldest is always the next to be overdue. */
  #watch(): void {
    const oldest = this.#oldest()
    if (oldest === undefined || this.#reason !== null) return
    const { requestTimeoutMs, silenceMs, now } = this.#options
    const overdueAt = oldest.since + requestTimeoutMs
    const silentAt = this.#silent ? Infinity : Math.max(oldest.since, this.#answeredAt) + silenceMs
    const wait = Math.max(1, Math.ceil(Math.min(overdueAt, silentAt) - now()))
    // A process that was stopped or starved for long finds its timer and the answer due at once, and timers run first:
    // setImmediate lets what lies in the socket be read before we judge.
    this.#timer = setTimeout(() => setImmediate(this.#judge), wait)
  }

  readonly #judge = (): void => {
    if (this.#timer === null) return
    clearTimeout(this.#timer)
    this.#timer = null
    const oldest = this.#oldest()
    if (oldest === undefined || this.#reason !== null) return
    const { address, requestTimeoutMs, silenceMs, now, onSilence } = this.#options
    const time = now()
    if (time - oldest.since >= requestTimeoutMs) {
      this.#end(new AgentError('request-timeout', `${address} did not answer within ${requestTimeoutMs} ms`))
      return
    }
    if (time - Math.max(oldest.since, this.#answeredAt) >= silenceMs && !this.#silent) {
      this.#silent = true
      onSilence()
    }
    this.#watch()
  }

  #lost(why: string, cause?: unknown): AgentError {
    const code = this.#connecting === null ? 'connection-lost' : 'kafka-unreachable'
    return new AgentError(code, `${this.#options.address}: ${why}`, { cause })
  }

  /** The first reason counts; the rest happens when the socket says 'close'. */
  #end(reason: AgentError): void {
    if (this.#reason !== null) return
    this.#reason = reason
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#socket === null) this.#onClosed()
    else this.#socket.destroy()
  }

  #onClosed(): void {
    this.#reason ??= this.#lost('closed')
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const reason = this.#reason
    const touched = this.#writing === null || this.#unanswered.includes(this.#writing) ? [] : [this.#writing]
    touched.push(...this.#unanswered)
    const unsent = this.#unsent
    this.#writing = null
    this.#unanswered = []
    this.#unsent = []
    let unanswered = unsent.length
    for (const pending of touched) {
      if (!pending.decoded) unanswered++
      pending.exchange.settle(pending.decoded ? null : { error: reason, maybeSent: true })
    }
    for (const pending of unsent) pending.exchange.settle({ error: reason, maybeSent: false })
    this.#closed.resolve()
    if (this.#connecting === null) this.#options.onClose(reason, unanswered)
    else this.#connecting.reject(reason)
  }
}
