/**
 * A scriptable Kafka over real sockets, for faults that a real one does not have on demand: responses that are lost, late,
 * doubled or wrong, bytes that are no response, sockets that close in the middle. Several nodes share topics and leaders.
 * Batches are stored by the real rules (fake-log.ts). Like a real broker, a node serves one request of a connection at a
 * time.
 *
 * ```ts
 * const kafka = await FakeKafka.start({ nodes: 2, topics: { logs: 3 } })
 * kafka.onProduce(fault.responseLost())       // the next Produce request, on any node
 * kafka.on('Metadata', fault.garbage(), { times: 2, node: 1 })
 * kafka.moveLeader('logs', 0, 2)
 * kafka.log('logs', 0).batches
 * await kafka.close()
 * ```
 */
import type { Writer } from '../../src/output/kafka/wire/primitives.ts'
import type { ApiName, Fault } from './fake-fault.ts'
import { FakeLog } from './fake-log.ts'
import { FakeNode, type Serving } from './fake-node.ts'
import * as wire from './fake-wire.ts'

interface Topic {
  id: string
  readonly partitions: { leader: number; epoch: number; readonly log: FakeLog }[]
}

interface Armed {
  readonly api: ApiName
  readonly fault: Fault
  readonly node: number | null
  left: number
}

export interface SeenRequest {
  readonly node: number
  readonly api: ApiName
  /** The requested topics (Metadata), or topic-partitions (Produce). */
  readonly about: readonly string[]
}

export class FakeKafka implements Serving {
  /** Every request, in the order in which they were served. */
  readonly requests: SeenRequest[] = []
  readonly nodes: readonly FakeNode[]
  /** The APIs and versions that the nodes say they support. */
  apis: readonly wire.ApiRow[] = [
    [0, 0, 11],
    [3, 0, 12],
    [18, 0, 4],
    [22, 0, 5],
  ]
  /** false: the nodes respond to ApiVersions as brokers that do not know its version 3. */
  knowsApiVersions3 = true
  readonly #topics = new Map<string, Topic>()
  #armed: Armed[] = []
  #ids = 0

  private constructor(nodes: number) {
    this.nodes = Array.from({ length: nodes }, (_, index) => new FakeNode(index + 1, this))
  }

  /** `topics`: the number of partitions of each; their leaders are spread over the nodes (numbered from 1). */
  static async start(settings: { nodes?: number; topics?: Readonly<Record<string, number>> } = {}): Promise<FakeKafka> {
    const kafka = new FakeKafka(settings.nodes ?? 1)
    for (const [topic, partitions] of Object.entries(settings.topics ?? {})) kafka.createTopic(topic, partitions)
    await Promise.all(kafka.nodes.map((node) => node.up()))
    return kafka
  }

  get bootstrap(): { host: string; port: number }[] {
    return this.nodes.map(({ host, port }) => ({ host, port }))
  }

  node(id: number): FakeNode {
    const node = this.nodes[id - 1]
    if (node === undefined) throw new Error(`there is no node ${id}`)
    return node
  }

  createTopic(name: string, partitions: number): void {
    const id = (++this.#ids).toString(16).padStart(32, '0')
    this.#topics.set(name, { id, partitions: [] })
    this.addPartitions(name, partitions)
  }

  addPartitions(name: string, count: number): void {
    const { partitions } = this.#topic(name)
    for (let left = count; left > 0; left--) {
      partitions.push({ leader: 1 + (partitions.length % this.nodes.length), epoch: 0, log: new FakeLog() })
    }
  }

  deleteTopic(name: string): void {
    this.#topics.delete(name)
  }

  /** Makes a node the leader; -1: no node. */
  moveLeader(topic: string, partition: number, node: number): void {
    const moved = this.#topic(topic).partitions[partition]
    if (moved === undefined) throw new Error(`there is no ${topic}-${partition}`)
    moved.leader = node
    moved.epoch++
  }

  log(topic: string, partition: number): FakeLog {
    const found = this.#topic(topic).partitions[partition]
    if (found === undefined) throw new Error(`there is no ${topic}-${partition}`)
    return found.log
  }

  /** Lets the next `times` requests of this API (to this node) meet the fault. Faults armed earlier come first. */
  on(api: ApiName, fault: Fault, where: { readonly node?: number; readonly times?: number } = {}): void {
    this.#armed.push({ api, fault, node: where.node ?? null, left: where.times ?? 1 })
  }

  onProduce(fault: Fault, where: { readonly node?: number; readonly times?: number } = {}): void {
    this.on('Produce', fault, where)
  }

  /** The node id of the leader; -1: there is none. */
  leaderOf(topic: string, partition: number): number {
    return this.#topics.get(topic)?.partitions[partition]?.leader ?? -1
  }

  /** How many faults have met no request yet. */
  get faultsLeft(): number {
    return this.#armed.reduce((sum, { left }) => sum + left, 0)
  }

  /** Forgets all faults that have met no request yet. */
  heal(): void {
    this.#armed = []
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.down()))
  }

  takeFault(api: ApiName, node: number): Fault | null {
    const armed = this.#armed.find((armed) => armed.api === api && (armed.node === null || armed.node === node))
    if (armed === undefined) return null
    if (--armed.left === 0) this.#armed.splice(this.#armed.indexOf(armed), 1)
    return armed.fault
  }

  #append(node: number, topic: string, partition: number, bytes: Buffer): wire.PartitionResult {
    const found = this.#topics.get(topic)?.partitions[partition]
    if (found === undefined) return { topic, partition, code: 3, baseOffset: -1 }
    if (found.leader !== node) return { topic, partition, code: 6, baseOffset: -1 }
    return { topic, partition, ...found.log.append(bytes) }
  }

  #writeMetadata(writer: Writer, names: readonly string[], throttleMs: number, code: number): void {
    const up = this.nodes.filter((node) => node.isListed)
    const topics = names.map((name) => {
      const topic = this.#topics.get(name)
      if (topic === undefined || code !== 0) return { code: code || 3, name, id: '0'.repeat(32), partitions: [] }
      const partitions = topic.partitions.map(({ leader, epoch }) => ({
        leader: up.some((node) => node.id === leader) ? leader : -1,
        epoch,
      }))
      return { code: 0, name, id: topic.id, partitions }
    })
    const brokers = up.map((node) => ({ node: node.id, host: node.advertised.host, port: node.advertised.port }))
    wire.writeMetadata(writer, brokers, topics, throttleMs)
  }

  /** The frame of the response; 'nothing': there is none (Produce with acks 0). */
  serve(node: number, request: wire.FakeRequest, fault: Fault | null): Buffer | 'nothing' | 'close' {
    const { api, body } = request
    const throttleMs = fault?.kind === 'throttle' ? fault.milliseconds : 0
    const code = fault?.kind === 'error' ? fault.code : 0
    let about: readonly string[] = []
    let write: (writer: Writer) => void
    switch (api) {
      case 'Produce': {
        const { acks, partitions } = wire.readProduce(request)
        about = partitions.map(({ topic, partition }) => `${topic}-${partition}`)
        const results = partitions.map(({ topic, partition, bytes }) =>
          fault?.kind === 'error' && (fault.partition ?? partition) === partition
            ? { topic, partition, code, baseOffset: -1, message: fault.message ?? null }
            : this.#append(node, topic, partition, bytes),
        )
        this.requests.push({ node, api, about })
        // With acks 0 there is no response: closing the connection is the only way to report an error.
        if (acks === 0) return results.some((result) => result.code !== 0) ? 'close' : 'nothing'
        write = (writer) => wire.writeProduce(writer, results, throttleMs)
        break
      }
      case 'Metadata': {
        about = wire.readMetadata(body).topics
        write = (writer) => this.#writeMetadata(writer, about, throttleMs, code)
        break
      }
      case 'InitProducerId': {
        const id = 1000 + ++this.#ids
        write = (writer) => wire.writeInitProducerId(writer, { code, id, throttleMs })
        break
      }
      case 'ApiVersions': {
        write = (writer) =>
          (this.knowsApiVersions3 ? wire.writeApiVersions : wire.writeOldApiVersions)(writer, this.apis)
        break
      }
    }
    if (api !== 'Produce') this.requests.push({ node, api, about })
    const correlationId = request.correlationId + (fault?.kind === 'correlation' ? fault.add : 0)
    return wire.frameOf(correlationId, write, api === 'ApiVersions')
  }

  #topic(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw new Error(`there is no topic ${name}`)
    return topic
  }
}
