/**
 * One partition, its brokers and the network to them, as a model: requests and answers lie on connections until somebody
 * says what happens to them. What a broker takes follows fake-log.ts; this adds what happens between brokers and on the
 * way: leaders that move with or without the last batches, requests and answers that are lost, or arrive when nobody
 * waits for them any more.
 */
import { decodeRecords } from '../../src/encode/records.ts'
import type { ItemResponse } from '../../src/output/transport.ts'
import { fakeBatch } from './fake-batch.ts'
import { FakeLog } from './fake-log.ts'

/** Records of a batch that is not ours. */
const STRANGE = 77

export interface Request<Tag> {
  readonly tag: Tag
  readonly bytes: Buffer
}

interface Delivery<Tag> {
  readonly tag: Tag
  readonly answer: ItemResponse
}

/** A connection to the leader of one term. The broker serves one request after the other. */
export class Wire<Tag> {
  readonly term: number
  /** Sent and not served yet. */
  readonly requests: Request<Tag>[] = []
  /** Given and not arrived yet. */
  readonly answers: Delivery<Tag>[] = []

  constructor(term: number) {
    this.term = term
  }

  get isEmpty(): boolean {
    return this.requests.length + this.answers.length === 0
  }
}

export type Serving = 'well' | 'error-before' | 'error-after' | 'duplicate-code'

const answered = (code: number, baseOffset = -1): ItemResponse => ({
  kind: 'response',
  code,
  message: null,
  baseOffset,
})

/** `Tag` is what the other side knows a request by. */
export class PartitionWorld<Tag> {
  log = new FakeLog()
  /** Counts the leaders. */
  term = 0
  /** Of the log: what all replicas have, and no leader move can take back. */
  #committed = 0
  /** Requests of connections that broke, still in the broker's hands. */
  readonly #zombies: { readonly term: number; readonly bytes: Buffer }[] = []
  /** When (in batches of the log) the broker forgot which producer. */
  #forgot: { readonly at: number; readonly producerId: number }[] = []
  maxBatchBytes = Infinity
  /** What was stored in topics of the name that were deleted. */
  readonly #deleted: string[] = []

  /** Serve the wire's oldest request, and put its answer on the way back. `code`: of the error, if it is one. */
  serve(wire: Wire<Tag>, how: Serving, code: number): void {
    const request = wire.requests.shift()
    if (request === undefined) return
    const { tag, bytes } = request
    wire.answers.push({ tag, answer: this.#answer(wire.term, bytes, how, code) })
  }

  #answer(term: number, bytes: Buffer, how: Serving, code: number): ItemResponse {
    if (term !== this.term) return answered(6)
    if (how === 'error-before') return answered(code)
    const before = this.log.batches.length
    const appended = this.#append(bytes)
    if (appended.code !== 0) return answered(appended.code)
    if (how === 'error-after') return answered(code)
    this.#committed = this.log.batches.length
    const known = this.log.batches.length === before
    return known && how === 'duplicate-code' ? answered(46) : answered(0, appended.baseOffset)
  }

  #append(bytes: Buffer): { code: number; baseOffset: number } {
    this.log.maxBatchBytes = this.maxBatchBytes
    return this.log.append(bytes)
  }

  /**
   * The connection is gone. Returns, oldest first, who gets no answer; `maybeSent` says how many of the requests that
   * were not served had left for sure; the broker may still serve some of these later.
   */
  break(wire: Wire<Tag>, maybeSent: number, isZombie: () => boolean): Delivery<Tag>[] {
    const lost = (tag: Tag, sent: boolean): Delivery<Tag> => ({
      tag,
      answer: { kind: 'no-response', maybeSent: sent, reason: 'connection lost' },
    })
    const requests = wire.requests.splice(0)
    // what was handed over first left first
    for (const { bytes } of requests.slice(0, maybeSent)) {
      if (isZombie()) this.#zombies.push({ term: wire.term, bytes })
    }
    return [
      ...wire.answers.splice(0).map(({ tag }) => lost(tag, true)),
      ...requests.map(({ tag }, index) => lost(tag, index < maybeSent)),
    ]
  }

  /** A request arrives that nobody waits for any more. */
  serveZombie(index: number): void {
    const [zombie] = this.#zombies.splice(index % Math.max(1, this.#zombies.length), 1)
    if (zombie !== undefined && zombie.term === this.term) this.#append(zombie.bytes)
  }

  /** A new leader. It has what all replicas had, and `more` of the batches behind. */
  move(more: number): void {
    this.term++
    const kept = this.log.batches.slice(0, this.#committed + more)
    const log = new FakeLog()
    for (const [index, batch] of kept.entries()) {
      for (const { at, producerId } of this.#forgot) if (at === index) log.forget(producerId)
      log.append(batch.bytes)
    }
    this.#forgot = this.#forgot.filter(({ at }) => at <= kept.length)
    for (const { at, producerId } of this.#forgot) if (at === kept.length) log.forget(producerId)
    this.#committed = kept.length
    this.log = log
  }

  /** Another producer appends a batch like none of ours, under an id and epoch it should not have. */
  fence(producerId: number, epoch: number): void {
    this.log.append(fakeBatch({ values: Array.from({ length: STRANGE }, () => '-1:'), producerId, epoch, sequence: 0 }))
    this.#committed = this.log.batches.length
  }

  /** The topic is deleted and made anew: its log is empty, and knows nobody. `leads`: its leader is the same broker. */
  remake(leads: boolean): void {
    this.#deleted.push(...valuesIn(this.log))
    this.log = new FakeLog()
    this.#committed = 0
    this.#forgot = []
    if (!leads) this.term++
  }

  /** Nothing of a connection that broke is in the broker's hands. */
  get isQuiet(): boolean {
    return this.#zombies.length === 0
  }

  /** As when the producer's entry has expired. */
  forget(): void {
    for (const producerId of new Set(this.log.batches.map((batch) => batch.producerId))) {
      this.#forgot.push({ at: this.log.batches.length, producerId })
      this.log.forget(producerId)
    }
  }

  /** All values in the log and in those before it, in order; repeats as often as they are there. */
  values(): string[] {
    return [...this.#deleted, ...valuesIn(this.log)]
  }

  /** Nothing strange is on its way any more. */
  heal(): void {
    this.#zombies.length = 0
    this.maxBatchBytes = Infinity
  }
}

function valuesIn({ batches }: FakeLog): string[] {
  return batches.flatMap(({ bytes }) =>
    decodeRecords(bytes.subarray(61)).map(({ value }) => Buffer.from(value ?? []).toString()),
  )
}
