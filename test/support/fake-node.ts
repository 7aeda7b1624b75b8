/** One node of a fake Kafka: its port and its sockets. The responses are made by fake-broker.ts. */
import { once } from 'node:events'
import net from 'node:net'
import { Frames } from '../../src/output/kafka/wire/frames.ts'
import type { ApiName, Fault } from './fake-fault.ts'
import * as wire from './fake-wire.ts'

export interface Serving {
  takeFault(api: ApiName, node: number): Fault | null
  /** The frame of the response; with acks 0 there is none. */
  serve(node: number, request: wire.FakeRequest, fault: Fault | null): Buffer | 'nothing' | 'close'
}

export class FakeNode {
  readonly id: number
  readonly host = '127.0.0.1'
  /** The port, which is the same after {@link down} and {@link up}. */
  port = 0
  /** Connections accepted so far. */
  accepted = 0
  /** Set before {@link down}: the node is down for the client, but the other nodes still see it. */
  partitioned = false
  readonly #kafka: Serving
  readonly #sockets = new Set<net.Socket>()
  #server: net.Server | null = null
  #advertised: { host: string; port: number } | null = null
  #stalled = false
  #closeAfterBytes = -1

  constructor(id: number, kafka: Serving) {
    this.id = id
    this.#kafka = kafka
  }

  /** Whether metadata lists this node. A node that is {@link partitioned} away from the client is still listed. */
  get isListed(): boolean {
    return this.#server !== null || this.partitioned
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** The address of this node in metadata; its own unless another one is set. */
  get advertised(): { host: string; port: number } {
    return this.#advertised ?? this
  }

  set advertised(address: { host: string; port: number }) {
    this.#advertised = address
  }

  async up(): Promise<void> {
    const server = net.createServer({ noDelay: true }, (socket) => this.#serve(socket))
    server.listen(this.port, this.host)
    await once(server, 'listening')
    const address = server.address()
    if (address !== null && typeof address === 'object') this.port = address.port
    this.#server = server
  }

  async down(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    const closed = once(server, 'close')
    server.close()
    this.drop()
    await closed
  }

  /** Closes every connection, as a broker does with idle ones. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Stops reading from all connections, until {@link resume}. */
  stall(): void {
    this.#stalled = true
    for (const socket of this.#sockets) socket.pause()
  }

  resume(): void {
    this.#stalled = false
    for (const socket of this.#sockets) socket.resume()
  }

  /** Closes a connection once `bytes` more bytes have come in: in the middle of the client's write. */
  closeAfter(bytes: number): void {
    this.#closeAfterBytes = bytes
  }

  #serve(socket: net.Socket): void {
    this.accepted++
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // A client may reset the connection.
    socket.on('error', () => undefined)
    const frames = new Frames()
    let served = Promise.resolve()
    socket.on('data', (chunk: Buffer) => {
      if (this.#closeAfterBytes >= 0 && (this.#closeAfterBytes -= chunk.length) < 0) {
        socket.destroy()
        return
      }
      frames.push(chunk)
      for (let frame = frames.next(); frame !== null; frame = frames.next()) {
        const request = Buffer.from(frame)
        served = served.then(() => this.#respond(socket, request))
      }
    })
    if (this.#stalled) socket.pause()
  }

  async #respond(socket: net.Socket, frame: Buffer): Promise<void> {
    if (socket.destroyed) return
    const request = wire.readRequest(frame)
    const fault = this.#kafka.takeFault(request.api, this.id)
    if (fault?.kind === 'close' && fault.when === 'before-append') {
      socket.destroy()
      return
    }
    const response = this.#kafka.serve(this.id, request, fault)
    if (fault?.kind === 'late') await fault.until
    if (socket.destroyed) return
    const half = fault?.kind === 'close' && fault.when === 'mid-response'
    if (half && response instanceof Buffer)
      socket.write(response.subarray(0, response.length / 2), () => socket.destroy()) // prettier-ignore
    else if (fault?.kind === 'close' || response === 'close') socket.destroy()
    if (fault?.kind === 'close' || !(response instanceof Buffer)) return
    socket.write(fault?.kind === 'bytes' ? fault.bytes : response)
    if (fault?.kind === 'twice') socket.write(response)
  }
}
