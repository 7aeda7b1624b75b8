/**
 * The Java peer (java/KafkaPeer.java): a process with Kafka's own Java client that serves many requests of many test
 * processes. The runner starts one and names its port in KAFKA_TEST_PEER; a test file that is run alone starts its own.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { javaRuntime } from './java.ts'
import { FrameParser, recordsOf, type KafkaRecord } from './java-reader.ts'

export interface PeerProcess {
  readonly port: number
  close(): Promise<void>
}

/** Starts a peer. Its Java client, of one version of Kafka, also speaks with brokers of other versions. */
export async function startPeer(): Promise<PeerProcess> {
  const runtime = await javaRuntime()
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
  const child = spawn(runtime.java, [quiet, ...runtime.options(512), 'KafkaPeer'], {
    detached: true, // a Ctrl-C must not end it: the tests still need it to clean up
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const first = await Promise.race([once(lines, 'line'), exited.then(() => [])])
  lines.close()
  if (first.length === 0) throw new Error(`the Java peer ended at its start with code ${child.exitCode}`)
  return {
    port: Number(first[0]),
    close: async () => {
      child.stdin.end()
      await exited
    },
  }
}

export interface TopicDescription {
  readonly name: string
  readonly id: string
  /** leader: -1 while there is none */
  readonly partitions: readonly { partition: number; leader: number; replicas: number[]; isr: number[] }[]
}

/** The operations (java/PeerTopics.java, java/PeerReader.java) and their results. */
interface Results {
  ready: null
  createTopic: TopicDescription
  deleteTopic: null
  addPartitions: TopicDescription
  configureTopic: null
  describeTopic: TopicDescription
  /** Offsets by partition. */
  offsets: number[]
  moveLeader: null
  /** The number of records. */
  read: number
}

export interface PeerRequest<Operation extends keyof Results> {
  readonly op: Operation
  readonly bootstrap: string
  readonly topic?: string
  readonly [parameter: string]: unknown
}

interface Pending {
  finish(response: string): void
  onRecord(record: KafkaRecord): void
}

/** One connection to a peer. It keeps the test process alive until it is closed. */
export class PeerSession {
  readonly #socket: Socket
  readonly #own: PeerProcess | undefined
  readonly #pending = new Map<number, Pending>()
  #lastId = 0

  private constructor(socket: Socket, own: PeerProcess | undefined) {
    this.#socket = socket
    this.#own = own
    const frames = new FrameParser()
    socket.on('data', (chunk: Buffer) => {
      for (const frame of frames.push(chunk)) {
        if (frame.kind === 'J') this.#finish(frame.id, frame.payload.toString())
        else for (const record of recordsOf(frame.payload)) this.#pending.get(frame.id)?.onRecord(record)
      }
    })
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => {
      for (const id of this.#pending.keys()) this.#finish(id, '{"error":"the Java peer is gone"}')
    })
  }

  static async open(): Promise<PeerSession> {
    const shared = process.env['KAFKA_TEST_PEER']
    const own = shared === undefined ? await startPeer() : undefined
    const socket = connect({ host: '127.0.0.1', port: own?.port ?? Number(shared), noDelay: true })
    await once(socket, 'connect')
    return new PeerSession(socket, own)
  }

  /** Sends a request and resolves to its result. An error of Kafka rejects with its Java class in the message. */
  async request<Operation extends keyof Results>(
    request: PeerRequest<Operation>,
    onRecord: (record: KafkaRecord) => void = () => {},
  ): Promise<Results[Operation]> {
    const id = ++this.#lastId
    const { promise, resolve, reject } = Promise.withResolvers<Results[Operation]>()
    const finish = (response: string): void => {
      const { result, error }: { result: Results[Operation]; error?: string } = JSON.parse(response)
      if (error === undefined) resolve(result)
      else reject(new Error(`${request.op} ${request.topic ?? ''}: ${error}`))
    }
    this.#pending.set(id, { finish, onRecord })
    this.#socket.write(`${JSON.stringify({ ...request, id })}\n`)
    return promise
  }

  #finish(id: number, response: string): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    pending?.finish(response)
  }

  async close(): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#socket.destroy()
    await closed
    await this.#own?.close()
  }
}
