/**
 * A Kafka cluster without sockets, for tests of what uses a {@link Transport}. It stores by the real rules (fake-log.ts),
 * and keeps every request until the test decides about it, or responds at once. It checks the promises between a
 * transport and its user: one batch a partition in a request, and bytes that do not change.
 *
 * ```ts
 * const kafka = new MemoryTransport({ logs: [1, 2] })      // leaders of the partitions
 * kafka.automatic = false
 * kafka.pending[0].respond()                                // serve it, and let the response arrive
 * kafka.pending[0].lose('response')
 * ```
 */
import assert from 'node:assert/strict'
import { zstdDecompressSync } from 'node:zlib'
import type { ItemResponse, ProduceItem, ProducerId, TopicView, Transport } from '../../src/output/transport.ts'
import { FakeLog } from './fake-log.ts'
import { valuesOf } from './made-file.ts'

interface Partition {
  leader: number
  readonly log: FakeLog
}

interface Topic {
  readonly id: string
  readonly partitions: readonly Partition[]
}

const error = (code: number): ItemResponse => ({ kind: 'response', code, message: null, baseOffset: -1 })
const unanswered = (maybeSent: boolean): ItemResponse => ({ kind: 'no-response', maybeSent, reason: 'connection lost' })

/** One Produce request that is under way. */
export class MemoryRequest {
  readonly node: number
  readonly items: readonly ProduceItem[]
  /** The batches as they were sent. */
  readonly batches: readonly Buffer[]
  readonly #kafka: MemoryTransport
  readonly #resolve: (answers: readonly ItemResponse[]) => void
  #answers: ItemResponse[] | null = null
  isDone = false

  constructor(
    kafka: MemoryTransport,
    request: { node: number; items: readonly ProduceItem[] },
    resolve: (answers: readonly ItemResponse[]) => void,
  ) {
    this.#kafka = kafka
    this.node = request.node
    this.items = request.items
    this.#resolve = resolve
    this.batches = request.items.map(({ parts }) => Buffer.concat(parts))
    const partitions = request.items.map(({ topic, partition }) => `${topic}-${partition}`)
    assert.deepEqual([...new Set(partitions)], partitions, 'a partition twice in a request')
  }

  /** The values of the records, by item. */
  get values(): string[][] {
    return this.batches.map(valuesIn)
  }

  get isServed(): boolean {
    return this.#answers !== null
  }

  /** Lets the broker serve the request; its response stays under way. */
  serve(): void {
    this.#answers ??= this.items.map((item, index) => this.#kafka.append(this.node, item, this.batches[index]!))
  }

  /** Serves the request, if that has not happened, and lets the response arrive. */
  respond(): void {
    this.serve()
    this.#end(this.#answers!)
  }

  /** Responds with an error, for all items or for one; these are not stored, and the others are served. */
  fail(code: number, only?: number): void {
    this.#answers = this.items.map((item, index) =>
      only === undefined || only === index ? error(code) : this.#kafka.append(this.node, item, this.batches[index]!),
    )
    this.#end(this.#answers)
  }

  /** Loses the request before it was sent (unsent), after it was sent (request), or its response (response). */
  lose(what: 'unsent' | 'request' | 'response'): void {
    if (what === 'response') this.serve()
    this.#end(this.items.map(() => unanswered(what !== 'unsent')))
  }

  #end(answers: readonly ItemResponse[]): void {
    assert.ok(!this.isDone, 'a request was answered twice')
    this.isDone = true
    for (const [index, { parts }] of this.items.entries()) {
      assert.ok(Buffer.concat(parts).equals(this.batches[index]!), 'the bytes changed before the answer')
    }
    this.#kafka.pending.splice(this.#kafka.pending.indexOf(this), 1)
    this.#resolve(this.#kafka.acks === 0 && answers[0]?.kind === 'response' ? this.items.map(() => error(0)) : answers)
  }
}

export class MemoryTransport implements Transport {
  onChange: (topic: string) => void = () => undefined
  onReady: (node: number) => void = () => undefined
  /** Every request, in the order in which they were sent. */
  readonly requests: MemoryRequest[] = []
  /** The requests without a response. */
  readonly pending: MemoryRequest[] = []
  readonly refreshed: string[] = []
  /** Whether requests get a response as soon as possible. */
  automatic = true
  acks: -1 | 0 = -1
  /** How many producer ids were given; the next one waits while `idsHeld`. */
  ids = 0
  idsHeld = false
  readonly #topics = new Map<string, Topic>()
  /** The deleted topics, in their order, with what was stored in them. */
  readonly #former: { readonly name: string; readonly topic: Topic }[] = []
  #made = 0
  readonly #down = new Set<number>()
  readonly #waitingForId: (() => void)[] = []
  #closed = false

  /** @param topics node ids of the leaders by topic and partition; -1: none */
  constructor(topics: Readonly<Record<string, readonly number[]>>) {
    for (const [topic, leaders] of Object.entries(topics)) this.setLeaders(topic, leaders)
  }

  log(topic: string, partition: number): FakeLog {
    const found = this.#topics.get(topic)?.partitions[partition]
    if (found === undefined) throw new Error(`there is no ${topic}-${partition}`)
    return found.log
  }

  /** The values stored in a partition, in order, with repeats. */
  values(topic: string, partition: number): string[] {
    return this.log(topic, partition).batches.flatMap(({ bytes }) => valuesIn(bytes))
  }

  /** The values stored in a partition of each topic that ever had the name, oldest topic first. */
  everStored(topic: string, partition: number): string[][] {
    const former = this.#former.filter(({ name }) => name === topic)
    const logs = former.flatMap(({ topic: { partitions } }) => partitions[partition]?.log ?? [])
    return [...logs, this.log(topic, partition)].map(({ batches }) => batches.flatMap(({ bytes }) => valuesIn(bytes)))
  }

  setLeaders(topic: string, leaders: readonly number[]): void {
    const { id, partitions } = this.#topics.get(topic) ?? { id: String(++this.#made).padStart(32, '0'), partitions: [] }
    const after = leaders.map((leader, index) => ({ leader, log: partitions[index]?.log ?? new FakeLog() }))
    this.#topics.set(topic, { id, partitions: after })
    this.onChange(topic)
  }

  /** Deletes a topic with its logs. */
  deleteTopic(topic: string): void {
    this.#forget(topic)
    this.onChange(topic)
  }

  /** Deletes a topic and creates another one of its name, at once. */
  remakeTopic(topic: string, leaders: readonly number[]): void {
    this.#forget(topic)
    this.setLeaders(topic, leaders)
  }

  #forget(name: string): void {
    const topic = this.#topics.get(name)
    if (topic !== undefined) this.#former.push({ name, topic })
    this.#topics.delete(name)
  }

  /** Takes a node down or up. Requests under way to a node that goes down stay pending. */
  setDown(node: number, down: boolean): void {
    if (down) this.#down.add(node)
    else if (this.#down.delete(node)) this.onReady(node)
  }

  releaseIds(): void {
    this.idsHeld = false
    for (const resolve of this.#waitingForId.splice(0)) resolve()
  }

  append(node: number, { topic, partition }: ProduceItem, bytes: Buffer): ItemResponse {
    const found = this.#topics.get(topic)?.partitions[partition]
    if (found === undefined) return error(3)
    if (found.leader !== node) return error(6)
    return { kind: 'response', message: null, ...found.log.append(bytes) }
  }

  // -- Transport ------------------------------------------------------------------------------------------------------

  want(): void {}

  view(topic: string): TopicView | null {
    const found = this.#topics.get(topic)
    return found === undefined ? null : { id: found.id, leaders: found.partitions.map(({ leader }) => leader) }
  }

  refresh(topic: string): void {
    this.refreshed.push(topic)
  }

  async producerId(signal: AbortSignal): Promise<ProducerId> {
    if (this.idsHeld) {
      await new Promise<void>((resolve, reject) => {
        this.#waitingForId.push(resolve)
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      })
    }
    return { id: 1000 + this.ids++, epoch: 0 }
  }

  ready(node: number): boolean {
    return !this.#down.has(node)
  }

  produce(node: number, items: readonly ProduceItem[]): Promise<readonly ItemResponse[]> {
    assert.ok(!this.#closed, 'a request after the end')
    assert.ok(this.ready(node), 'a request to a broker that is down')
    return new Promise((resolve) => {
      const request = new MemoryRequest(this, { node, items }, resolve)
      this.requests.push(request)
      this.pending.push(request)
      if (this.automatic) queueMicrotask(() => request.respond())
    })
  }

  close(): Promise<void> {
    this.#closed = true
    for (const request of [...this.pending]) request.lose('request')
    return Promise.resolve()
  }
}

function valuesIn(batch: Buffer): string[] {
  const isZstd = (batch[22]! & 7) === 4
  return valuesOf(isZstd ? Buffer.concat([batch.subarray(0, 61), zstdDecompressSync(batch.subarray(61))]) : batch)
}
