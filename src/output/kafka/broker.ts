/**
 * One broker: its address, at most one connection to it, made on demand with back-off, and when requests may be sent to
 * it. metadata-cache.ts knows which broker leads which partitions, and wire/ has the formats of requests and responses.
 *
 * A broker that closes an idle connection (connections.max.idle.ms) is normal: there is no event and no back-off, and
 * the next demand connects again.
 */
import { type BrokerAddress, hostAndPort } from '../../broker-address.ts'
import { AgentError, messageOf } from '../../errors.ts'
import type { Events } from '../../observe/events.ts'
import { Backoff, type BackoffLimits } from '../backoff.ts'
import { Connection, type Opener } from './connection.ts'
import { handshake } from './handshake.ts'
import type { OutgoingRequest } from './outgoing-request.ts'

export interface BrokerSettings {
  readonly clientId: string
  /** At most 10 s: a broker that can't be reached has to be in the log within 10 s. */
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly retry: BackoffLimits
}

export interface BrokerOptions {
  readonly settings: BrokerSettings
  readonly events: Pick<Events, 'brokerConnected' | 'brokerUnreachable'>
  readonly random: () => number
  readonly now: () => number
  readonly open: (address: BrokerAddress) => Opener
  /** The place of SASL: after the handshake, before any other request. */
  readonly authenticate?: ((connection: Connection) => Promise<void>) | undefined
  /** {@link Broker.ready} was false when it was last called, and is true now. */
  readonly onReady: (broker: Broker) => void
  /** A connection could not be made, was lost, or has gone silent: leaders may have moved away. */
  readonly onDown: (broker: Broker) => void
}

/**
 * A broker that has not responded for this long is reported: well within the 10 s in which a broker that cannot be
 * reached has to be in the log.
 */
const SILENCE_MS = 8_000
/**
 * The longest throttle time that is followed: an absurd one must not stop shipping for days. A broker that insists on
 * it does not read from our connection anyway.
 */
const MAX_THROTTLE_MS = 60_000
/** A connection that is closed sooner than this without one response was not closed for being idle. */
const SHORT_LIFE_MS = 1_000

export class Broker {
  /** Node id, -1 for a bootstrap address. */
  readonly node: number
  readonly #options: BrokerOptions
  readonly #backoff: Backoff
  /** Connections that are being closed. */
  readonly #closing = new Set<Promise<void>>()
  #address: BrokerAddress
  /** The connection in use (`#usable`) or being made. */
  #connection: Connection | null = null
  #usable = false
  #opening: Promise<Connection> | null = null
  /** When the connection became usable. */
  #usableSince = 0
  /** Responses that came on the connection before it was usable. */
  #handshakeResponses = 0
  #throttledUntil = -Infinity
  #notBefore = -Infinity
  #lastError = new AgentError('kafka-unreachable', 'not tried yet')
  /** Somebody waits for {@link BrokerOptions.onReady}. */
  #wanted = false
  #timer: NodeJS.Timeout | null = null
  /** Whether the next connection is reported: the first one, and one after a failure. */
  #reportConnected: boolean
  #closed = false

  constructor(node: number, address: BrokerAddress, options: BrokerOptions) {
    this.node = node
    this.#address = address
    this.#options = options
    this.#backoff = new Backoff(options.settings.retry, options.random)
    this.#reportConnected = node >= 0
  }

  get address(): string {
    return hostAndPort(this.#address)
  }

  get connected(): boolean {
    return this.#usable
  }

  /** It is connected, but has not responded to a request for long. */
  get silent(): boolean {
    return this.#connection?.silent ?? false
  }

  /** It is neither connected nor about to be. */
  get idle(): boolean {
    return this.#connection === null
  }

  /** How many requests are not finished. */
  get pending(): number {
    return this.#connection?.pending ?? 0
  }

  /** A connection failed a moment ago, and it is too early for the next attempt. */
  get backingOff(): boolean {
    return this.#connection === null && this.#options.now() < this.#notBefore
  }

  /** Whether a request would go out now. If not, `onReady` is called as soon as it would. */
  ready(): boolean {
    if (this.#closed) return false
    if (this.#usable && this.#options.now() >= this.#throttledUntil) return true
    this.#wanted = true
    this.#advance()
    return false
  }

  /** Nobody needs this broker any more: nothing more is attempted. A connection that is there stays. */
  stopTrying(): void {
    this.#wanted = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** A connection, made now if there is none. Rejects at once while the broker is {@link backingOff}. */
  connect(): Promise<Connection> {
    if (this.#usable && this.#connection !== null) return Promise.resolve(this.#connection)
    if (this.#closed || this.backingOff) return Promise.reject(this.#lastError)
    this.#opening ??= this.#open()
    return this.#opening
  }

  /** Sends a request. Where the broker is not connected, it is finished at once, as not sent. */
  send(request: OutgoingRequest): void {
    if (this.#usable && this.#connection !== null) this.#connection.send(request)
    else {
      const error = new AgentError('connection-lost', `broker ${this.node} is not connected`)
      request.finish({ error, maybeSent: false })
    }
  }

  throttle(milliseconds: number): void {
    const until = this.#options.now() + Math.min(milliseconds, MAX_THROTTLE_MS)
    this.#throttledUntil = Math.max(this.#throttledUntil, until)
  }

  /** The broker has another address now. Requests to the old one get no response. */
  moveTo(address: BrokerAddress): void {
    if (address.host === this.#address.host && address.port === this.#address.port) return
    this.disconnect(`${this.address} is no longer the address of broker ${this.node}`)
    this.#address = address
    this.#backoff.reset()
    this.#notBefore = -Infinity
    this.#reportConnected = true
    if (this.#wanted) this.#advance()
  }

  /** Closes the connection, if there is one. This does not count as a failure. */
  disconnect(reason: string): void {
    const connection = this.#forget()
    if (connection === null) return
    const closed = connection.close(new AgentError('connection-lost', reason))
    this.#closing.add(closed)
    void closed.then(() => this.#closing.delete(closed))
  }

  /** Closes for good. Resolves when every socket is closed. */
  async close(): Promise<void> {
    this.#closed = true
    this.#lastError = new AgentError('connection-lost', 'the agent stops')
    this.stopTrying()
    this.disconnect(this.#lastError.message)
    await Promise.all(this.#closing)
  }

  /** Takes the next step towards {@link BrokerOptions.onReady}. */
  readonly #advance = (): void => {
    if (this.#timer !== null || this.#opening !== null || this.#closed) return
    const wait = Math.ceil((this.#usable ? this.#throttledUntil : this.#notBefore) - this.#options.now())
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = null
        this.#advance()
      }, wait)
    } else if (this.#usable) {
      this.#wanted = false
      this.#options.onReady(this)
    } else {
      // #failed reports the error, and tries again.
      this.connect().catch(() => undefined)
    }
  }

  async #open(): Promise<Connection> {
    const { open, authenticate, settings, now, events } = this.#options
    const { clientId, connectTimeoutMs, requestTimeoutMs } = settings
    const connection = new Connection({
      address: this.address,
      open: open(this.#address),
      authenticate: async (connection) => {
        await handshake(connection, { address: this.address, clientId })
        await authenticate?.(connection)
      },
      connectTimeoutMs,
      requestTimeoutMs,
      silenceMs: SILENCE_MS,
      now,
      onSilence: () => {
        this.#unreachable(`no response for ${SILENCE_MS / 1000} s`)
        this.#options.onDown(this)
      },
      onClose: (reason, withoutResponse) => this.#onClose(connection, reason, withoutResponse),
    })
    this.#connection = connection
    try {
      await connection.connect()
    } catch (error) {
      // Otherwise disconnect() came first, and this attempt does not matter any more.
      if (this.#connection === connection) this.#failed(error)
      throw error
    }
    if (this.#connection !== connection) throw this.#lastError
    this.#opening = null
    this.#usable = true
    this.#usableSince = now()
    this.#handshakeResponses = connection.responses
    if (this.#reportConnected) events.brokerConnected(this.node, this.address)
    this.#reportConnected = false
    if (this.#wanted) this.#advance()
    return connection
  }

  #onClose(connection: Connection, reason: AgentError, withoutResponse: number): void {
    if (connection !== this.#connection) return
    const { now } = this.#options
    const proven = connection.responses > this.#handshakeResponses || now() - this.#usableSince >= SHORT_LIFE_MS
    if (proven) this.#backoff.reset()
    if (!proven || withoutResponse > 0 || reason.code !== 'connection-lost') {
      this.#failed(reason)
      return
    }
    this.#forget()
    // With acks 0 a broker has no other way to say that it does not lead the partition any more.
    this.#options.onDown(this)
    if (this.#wanted) this.#advance()
  }

  #failed(error: unknown): void {
    this.#forget()
    this.#lastError =
      error instanceof AgentError ? error : new AgentError('internal', messageOf(error), { cause: error })
    this.#notBefore = this.#options.now() + this.#backoff.next()
    this.#unreachable(this.#lastError.message)
    this.#options.onDown(this)
    if (this.#wanted) this.#advance()
  }

  #forget(): Connection | null {
    const connection = this.#connection
    this.#connection = null
    this.#usable = false
    this.#opening = null
    return connection
  }

  #unreachable(reason: string): void {
    this.#reportConnected = true
    this.#options.events.brokerUnreachable(this.node, this.address, reason)
  }
}
