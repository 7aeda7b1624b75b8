/**
 * One broker: its address, at most one connection to it, made on demand with back-off, and when it may be sent to.
 * Which broker leads what is metadata-cache.ts's; what is said on the connection is wire/'s.
 *
 * A broker that closes an idle connection (connections.max.idle.ms) is normal: no event, no back-off, the next demand
 * connects again.
 */
import { AgentError, messageOf } from '../../errors.ts'
import type { Events } from '../../observe/events.ts'
import { Backoff, type BackoffLimits } from '../backoff.ts'
import { Connection, type Opener } from './connection.ts'
import type { Exchange } from './exchange.ts'
import { greet } from './handshake.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface BrokerOptions {
  readonly clientId: string
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly retry: BackoffLimits
  readonly events: Pick<Events, 'brokerConnected' | 'brokerUnreachable'>
  readonly random: () => number
  readonly now: () => number
  readonly open: (address: Address) => Opener
  /** SASL has its place here: after the API versions, before anything else. */
  readonly authenticate?: ((connection: Connection) => Promise<void>) | undefined
  /** Somebody asked {@link Broker.ready} in vain; now it would say yes. */
  readonly onReady: (broker: Broker) => void
  /** A connection could not be made, was lost, or has gone silent: leaders may have moved away. */
  readonly onDown: (broker: Broker) => void
}

/** A broker that says nothing for this long is named, well within the 10 s in which somebody must hear of it. */
const SILENCE_MS = 8_000
/** An absurd throttle time must not stop shipping for days; a broker that means it leaves us unread anyway. */
const MAX_THROTTLE_MS = 60_000
/** A connection closed sooner without one answer was not closed for being idle. */
const SHORT_LIFE_MS = 1_000

export class Broker {
  /** Node id, -1 for a bootstrap address. */
  readonly node: number
  readonly #options: BrokerOptions
  readonly #backoff: Backoff
  /** Sockets on their way to being closed. */
  readonly #leaving = new Set<Promise<void>>()
  #address: Address
  /** The connection in use or being made; `#usable` tells which. */
  #connection: Connection | null = null
  #usable = false
  #opening: Promise<Connection> | null = null
  #since = 0
  /** Answers of the connection that came before it was usable. */
  #greetings = 0
  #throttledUntil = -Infinity
  #notBefore = -Infinity
  #lastError = new AgentError('kafka-unreachable', 'not tried yet')
  #asked = false
  #timer: NodeJS.Timeout | null = null
  /** Whether somebody should hear when it is connected: the first time, and after a failure. */
  #news: boolean
  #closed = false

  constructor(node: number, address: Address, options: BrokerOptions) {
    this.node = node
    this.#address = address
    this.#options = options
    this.#backoff = new Backoff(options.retry, options.random)
    this.#news = node >= 0
  }

  get address(): string {
    const { host, port } = this.#address
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  }

  get connected(): boolean {
    return this.#usable
  }

  /** Connected, but it has left a request unanswered for long. */
  get silent(): boolean {
    return this.#connection?.silent ?? false
  }

  /** Neither connected nor about to be. */
  get idle(): boolean {
    return this.#connection === null
  }

  /** Requests on their way. */
  get pending(): number {
    return this.#connection?.pending ?? 0
  }

  /** A connection failed a moment ago, and it is too early for the next attempt. */
  get resting(): boolean {
    return this.#connection === null && this.#options.now() < this.#notBefore
  }

  /** Whether a request would go out now. If not, whatever is missing is begun, and `onReady` follows. */
  ready(): boolean {
    if (this.#closed) return false
    if (this.#usable && this.#options.now() >= this.#throttledUntil) return true
    this.#asked = true
    this.#pursue()
    return false
  }

  /** Nobody needs this broker any more: no further attempts. A connection that is there stays. */
  rest(): void {
    this.#asked = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** A connection, made now if there is none. Rejects at once while the broker is {@link resting}. */
  connect(): Promise<Connection> {
    if (this.#usable && this.#connection !== null) return Promise.resolve(this.#connection)
    if (this.#closed || this.resting) return Promise.reject(this.#lastError)
    this.#opening ??= this.#open()
    return this.#opening
  }

  /** Where it is not connected, the exchange is settled at once, as not sent. */
  send(exchange: Exchange): void {
    if (this.#usable && this.#connection !== null) this.#connection.send(exchange)
    else {
      const error = new AgentError('connection-lost', `broker ${this.node} is not connected`)
      exchange.settle({ error, maybeSent: false })
    }
  }

  throttle(milliseconds: number): void {
    const until = this.#options.now() + Math.min(milliseconds, MAX_THROTTLE_MS)
    this.#throttledUntil = Math.max(this.#throttledUntil, until)
  }

  /** The broker has another address now. What the old one was asked stays unanswered. */
  moveTo(address: Address): void {
    if (address.host === this.#address.host && address.port === this.#address.port) return
    this.leave(`${this.address} is no longer the address of broker ${this.node}`)
    this.#address = address
    this.#backoff.reset()
    this.#notBefore = -Infinity
    this.#news = true
    if (this.#asked) this.#pursue()
  }

  /** Give up the connection, if there is one; not a failure. */
  leave(reason: string): void {
    const connection = this.#forget()
    if (connection === null) return
    const closed = connection.close(new AgentError('connection-lost', reason))
    this.#leaving.add(closed)
    void closed.then(() => this.#leaving.delete(closed))
  }

  /** For good. Resolves when every socket is closed. */
  async close(): Promise<void> {
    this.#closed = true
    this.#lastError = new AgentError('connection-lost', 'the agent stops')
    this.rest()
    this.leave(this.#lastError.message)
    await Promise.all(this.#leaving)
  }

  readonly #pursue = (): void => {
    if (this.#timer !== null || this.#opening !== null || this.#closed) return
    const wait = Math.ceil((this.#usable ? this.#throttledUntil : this.#notBefore) - this.#options.now())
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = null
        this.#pursue()
      }, wait)
    } else if (this.#usable) {
      this.#asked = false
      this.#options.onReady(this)
    } else {
      // What goes wrong is told and tried again by #failed.
      this.connect().catch(() => undefined)
    }
  }

  async #open(): Promise<Connection> {
    const { open, authenticate, clientId, connectTimeoutMs, requestTimeoutMs, now, events } = this.#options
    const connection = new Connection({
      address: this.address,
      open: open(this.#address),
      authenticate: async (connection) => {
        await greet(connection, { address: this.address, clientId })
        await authenticate?.(connection)
      },
      connectTimeoutMs,
      requestTimeoutMs,
      silenceMs: SILENCE_MS,
      now,
      onSilence: () => {
        this.#unreachable(`no answer for ${SILENCE_MS / 1000} s`)
        this.#options.onDown(this)
      },
      onClose: (reason, unanswered) => this.#onClose(connection, reason, unanswered),
    })
    this.#connection = connection
    try {
      await connection.connect()
    } catch (error) {
      // Otherwise leave() was faster and this attempt is of no interest any more.
      if (this.#connection === connection) this.#failed(error)
      throw error
    }
    if (this.#connection !== connection) throw this.#lastError
    this.#opening = null
    this.#usable = true
    this.#since = now()
    this.#greetings = connection.answers
    if (this.#news) events.brokerConnected(this.node, this.address)
    this.#news = false
    if (this.#asked) this.#pursue()
    return connection
  }

  #onClose(connection: Connection, reason: AgentError, unanswered: number): void {
    if (connection !== this.#connection) return
    const { now } = this.#options
    const proven = connection.answers > this.#greetings || now() - this.#since >= SHORT_LIFE_MS
    if (proven) this.#backoff.reset()
    if (!proven || unanswered > 0 || reason.code !== 'connection-lost') {
      this.#failed(reason)
      return
    }
    this.#forget()
    // With acks 0 this is all a broker can do to say that it does not lead the partition any more.
    this.#options.onDown(this)
    if (this.#asked) this.#pursue()
  }

  #failed(error: unknown): void {
    this.#forget()
    this.#lastError =
      error instanceof AgentError ? error : new AgentError('internal', messageOf(error), { cause: error })
    this.#notBefore = this.#options.now() + this.#backoff.next()
    this.#unreachable(this.#lastError.message)
    this.#options.onDown(this)
    if (this.#asked) this.#pursue()
  }

  #forget(): Connection | null {
    const connection = this.#connection
    this.#connection = null
    this.#usable = false
    this.#opening = null
    return connection
  }

  #unreachable(reason: string): void {
    this.#news = true
    this.#options.events.brokerUnreachable(this.node, this.address, reason)
  }
}
