/**
 * One connection to one broker: frames, correlation ids, deadlines, and the promise that a request is finished only
 * when the socket can no longer touch its bytes. A connection does not know what a request says; broker.ts decides
 * whether and when to connect again.
 *
 * The way of a request: `send` puts it into the queue. When the socket has taken all bytes of the request before, its
 * pieces go to the socket as one writev. It is finished when it is written and its response has come, or when the
 * socket is closed.
 *
 * Requests are handed to the socket one at a time, because the socket would otherwise queue them where we cannot look:
 * a request in our queue has certainly not been sent, and any other may have been.
 */
import type { Duplex } from 'node:stream'
import { AgentError, messageOf } from '../../errors.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import { Frames } from './wire/frames.ts'
import { ResponseReader } from './wire/primitives.ts'

/** Opens a socket and calls `connected` once it can be written to (for TLS: after its handshake). */
export type Opener = (connected: () => void) => Duplex

export interface ConnectionOptions {
  /** host:port, for messages. */
  readonly address: string
  readonly open: Opener
  /** Sends the requests that come before any other (API versions, SASL). A rejection ends the connection. */
  readonly authenticate?: ((connection: Connection) => Promise<void>) | undefined
  /** From the first SYN to the end of `authenticate`. */
  readonly connectTimeoutMs: number
  /** From `send` to the response. When this time has passed, the connection ends. */
  readonly requestTimeoutMs: number
  /**
   * When a request waits and no response has come for this long, `onSilence` is called once. The connection lives on.
   */
  readonly silenceMs: number
  /** A monotonic clock in milliseconds. */
  readonly now: () => number
  readonly onSilence: () => void
  /**
   * Called after {@link Connection.connect} has resolved, when the socket is closed and every request finished;
   * `withoutResponse`: how many of them got no response.
   */
  readonly onClose: (reason: AgentError, withoutResponse: number) => void
}

interface Pending {
  readonly request: OutgoingRequest
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
  /** In the queue, not handed to the socket. */
  #unsent: Pending[] = []
  /** Handed to the socket; its write callback has not come yet. */
  #writing: Pending | null = null
  /** Handed to the socket and waiting for a response, oldest first. */
  #awaiting: Pending[] = []
  #correlationId = 0
  #responses = 0
  #respondedAt = -Infinity
  #silent = false
  #timer: NodeJS.Timeout | null = null
  #reason: AgentError | null = null

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** How many requests are not finished. */
  get pending(): number {
    const writingOnly = this.#writing !== null && !this.#awaiting.includes(this.#writing) ? 1 : 0
    return this.#unsent.length + this.#awaiting.length + writingOnly
  }

  /** How many responses have come. */
  get responses(): number {
    return this.#responses
  }

  /** A request is waiting, and no response has come for `silenceMs`. */
  get silent(): boolean {
    return this.#silent
  }

  /** Resolves when requests can be sent; rejects with an AgentError when the socket is closed instead. Call it once. */
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
      // A port out of range throws here; a broker's Metadata may well have one.
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

  /** Puts a request into the queue. On a connection that has ended it is finished at once, as not sent. */
  send(request: OutgoingRequest): void {
    if (this.#reason !== null || this.#socket === null) {
      request.finish({ error: this.#reason ?? this.#lost('not connected'), maybeSent: false })
      return
    }
    this.#unsent.push({ request, since: this.#options.now(), correlationId: 0, written: false, decoded: false })
    if (this.#writing === null) this.#writeNext()
    if (this.#timer === null) this.#watch()
  }

  /** Ends the connection; pending requests get no response. Resolves when the socket is closed. */
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
    if (next.request.expectsResponse) this.#awaiting.push(next)
    const pieces = next.request.encode(next.correlationId)
    const last = pieces.length - 1
    // While the socket is corked, the pieces are collected for one writev.
    socket.cork()
    for (let i = 0; i < last; i++) socket.write(pieces[i]!)
    socket.write(pieces[last]!, this.#onWritten)
    socket.uncork()
  }

  readonly #onWritten = (error?: Error | null): void => {
    const written = this.#writing
    // A request whose write failed is finished when the socket is closed: until then the kernel may still hold its
    // bytes.
    if (error || written === null || this.#reason !== null) return
    written.written = true
    this.#writing = null
    this.#writeNext()
    if (!written.request.expectsResponse || written.decoded) this.#finish(written)
  }

  readonly #onData = (chunk: Buffer): void => {
    try {
      this.#frames.push(chunk)
      while (this.#reason === null) {
        const frame = this.#frames.next()
        if (frame === null) return
        this.#onResponse(new ResponseReader(frame))
      }
    } catch (error) {
      const message = `${this.#options.address}: ${messageOf(error)}`
      this.#end(new AgentError('protocol-violation', message, { cause: error }))
    }
  }

  #onResponse(reader: ResponseReader): void {
    const correlationId = reader.int32()
    const oldest = this.#awaiting[0]
    // A broker responds in the order of the requests. A response out of turn belongs to no request, nor do those after
    // it.
    if (oldest === undefined || oldest.correlationId !== correlationId) {
      const wanted = oldest === undefined ? 'none' : oldest.correlationId
      throw new AgentError('protocol-violation', `a response to request ${correlationId} came, expected: ${wanted}`)
    }
    oldest.request.decode(reader)
    oldest.decoded = true
    this.#awaiting.shift()
    this.#responses++
    this.#respondedAt = this.#options.now()
    this.#silent = false
    if (oldest.written) this.#finish(oldest)
  }

  #finish(pending: Pending): void {
    if (this.#timer !== null && this.#oldest() === undefined) {
      clearTimeout(this.#timer)
      this.#timer = null
    }
    pending.request.finish(null)
  }

  #oldest(): Pending | undefined {
    return this.#awaiting[0] ?? this.#writing ?? this.#unsent[0]
  }

  /**
   * Starts the one timer for all requests; there is none while nothing is pending. The oldest is always the next to be
   * overdue.
   */
  #watch(): void {
    const oldest = this.#oldest()
    if (oldest === undefined || this.#reason !== null) return
    const { requestTimeoutMs, silenceMs, now } = this.#options
    const overdueAt = oldest.since + requestTimeoutMs
    const silentAt = this.#silent ? Infinity : Math.max(oldest.since, this.#respondedAt) + silenceMs
    const wait = Math.max(1, Math.ceil(Math.min(overdueAt, silentAt) - now()))
    // After a process was stopped or starved for long, its timer and the response are both there, and timers run first:
    // setImmediate lets what lies in the socket be read before it is checked for lateness.
    this.#timer = setTimeout(() => setImmediate(this.#checkDeadlines), wait)
  }

  readonly #checkDeadlines = (): void => {
    if (this.#timer === null) return
    clearTimeout(this.#timer)
    this.#timer = null
    const oldest = this.#oldest()
    if (oldest === undefined || this.#reason !== null) return
    const { address, requestTimeoutMs, silenceMs, now, onSilence } = this.#options
    const time = now()
    if (time - oldest.since >= requestTimeoutMs) {
      this.#end(new AgentError('request-timeout', `${address} did not respond within ${requestTimeoutMs} ms`))
      return
    }
    if (time - Math.max(oldest.since, this.#respondedAt) >= silenceMs && !this.#silent) {
      this.#silent = true
      onSilence()
    }
    this.#watch()
  }

  #lost(why: string, cause?: unknown): AgentError {
    const code = this.#connecting === null ? 'connection-lost' : 'kafka-unreachable'
    return new AgentError(code, `${this.#options.address}: ${why}`, { cause })
  }

  /** Ends the connection for a reason; the first one counts. The rest happens when the socket says 'close'. */
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
    const touched = this.#writing === null || this.#awaiting.includes(this.#writing) ? [] : [this.#writing]
    touched.push(...this.#awaiting)
    const unsent = this.#unsent
    this.#writing = null
    this.#awaiting = []
    this.#unsent = []
    let withoutResponse = unsent.length
    for (const pending of touched) {
      if (!pending.decoded) withoutResponse++
      pending.request.finish(pending.decoded ? null : { error: reason, maybeSent: true })
    }
    for (const pending of unsent) pending.request.finish({ error: reason, maybeSent: false })
    this.#closed.resolve()
    if (this.#connecting === null) this.#options.onClose(reason, withoutResponse)
    else this.#connecting.reject(reason)
  }
}
