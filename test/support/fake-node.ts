/** One node of a fake Kafka: its port and its sockets. What it answers is fake-broker.ts's. */
import { once } from 'node:events'
import net from 'node:net'
import { Frames } from '../../src/output/kafka/wire/frames.ts'
import type { ApiName, Fault } from './fake-fault.ts'
import * as wire from './fake-wire.ts'

export interface Serving {
  takeFault(api: ApiName, node: number): Fault | null
  /** The answer's frame; with acks 0 there is none. */
  serve(node: number, request: wire.FakeRequest, fault: Fault | null): Buffer | 'nothing' | 'close'
}

export class FakeNode {
  readonly id: number
  readonly host = '127.0.0.1'
  /** The same over down and up. */
  port = 0
  /** Connections accepted so far. */
  accepted = 0
  /** Set before {@link down}: down for the client, but the other nodes still see it. */
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

  /** Whether metadata names it; a node that is {@link partitioned} away from the client only, still is. */
  get isListed(): boolean {
    return this.#server !== null || this.partitioned
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** The address it has in metadata; its own unless set. */
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

  /** Reads nothing more, from no connection, until {@link resume}. */
  stall(): void {
    this.#stalled = true
    for (const socket of this.#sockets) socket.pause()
  }

  resume(): void {
    this.#stalled = false
    for (const socket of this.#sockets) socket.resume()
  }

  /** Closes the connection on which the next `bytes` bytes have come in: in the middle of the client's write. */
  closeAfter(bytes: number): void {
    this.#closeAfterBytes = bytes
  }

  #serve(socket: net.Socket): void {
    this.accepted++
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // A client that resets the connection is none of the test's concern.
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
        served = served.then(() => this.#answer(socket, request))
      }
    })
    if (this.#stalled) socket.pause()
  }

  async #answer(socket: net.Socket, frame: Buffer): Promise<void> {
    if (socket.destroyed) return
    const request = wire.readRequest(frame)
    const fault = this.#kafka.takeFault(request.api, this.id)
    if (fault?.kind === 'close' && fault.when === 'before-append') {
      socket.destroy()
      return
    }
    const answer = this.#kafka.serve(this.id, request, fault)
    if (fault?.kind === 'late') await fault.until
    if (socket.destroyed) return
    const half = fault?.kind === 'close' && fault.when === 'mid-answer'
    if (half && answer instanceof Buffer) socket.write(answer.subarray(0, answer.length / 2), () => socket.destroy())
    else if (fault?.kind === 'close' || answer === 'close') socket.destroy()
    if (fault?.kind === 'close' || !(answer instanceof Buffer)) return
    socket.write(fault?.kind === 'bytes' ? fault.bytes : answer)
    if (fault?.kind === 'twice') socket.write(answer)
  }
}
