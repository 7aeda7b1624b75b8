/**
 * The world of one partition: its brokers and the network to them, as a model in which requests and responses stay on
 * connections until the test moves them. A broker accepts batches by the rules of fake-log.ts. This adds what happens
 * between brokers and on the network: leaders that move with or without the last batches, requests and responses that are
 * lost, or that arrive when nobody waits for them any more.
 */
import { decodeRecords } from '../../src/encode/records.ts'
import type { ItemResponse } from '../../src/output/transport.ts'
import { fakeBatch } from './fake-batch.ts'
import { FakeLog } from './fake-log.ts'

/** How many records a batch of another producer has. */
const STRANGE = 77

export interface Request<Tag> {
  readonly tag: Tag
  readonly bytes: Buffer
}

interface Delivery<Tag> {
  readonly tag: Tag
  readonly answer: ItemResponse
}

/** A connection to the leader of one term. The broker serves one request after another. */
export class Wire<Tag> {
  readonly term: number
  /** The requests that are sent and not served yet. */
  readonly requests: Request<Tag>[] = []
  /** The responses that have not arrived yet. */
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

/** `Tag` is what the sender recognizes a request by. */
export class PartitionWorld<Tag> {
  log = new FakeLog()
  /** The term of the current leader: how often the leader has changed. */
  term = 0
  /** How many batches of the log all replicas have: no move of the leader can take them back. */
  #committed = 0
  /** Requests of broken connections that the broker may still serve. */
  readonly #zombies: { readonly term: number; readonly bytes: Buffer }[] = []
  /** Which producer the broker has forgotten, and at how many batches of the log. */
  #forgot: { readonly at: number; readonly producerId: number }[] = []
  maxBatchBytes = Infinity
  /** The values that were stored in deleted topics of the name. */
  readonly #deleted: string[] = []

  /** Serves the wire's oldest request, and puts the response on the wire. `code`: the code of an error. */
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
   * Breaks a connection. Returns, oldest first, the requests that get no response; `maybeSent` of those that were not
   * served had left, and the broker may still serve some of these later (`isZombie`).
   */
  break(wire: Wire<Tag>, maybeSent: number, isZombie: () => boolean): Delivery<Tag>[] {
    const lost = (tag: Tag, sent: boolean): Delivery<Tag> => ({
      tag,
      answer: { kind: 'no-response', maybeSent: sent, reason: 'connection lost' },
    })
    const requests = wire.requests.splice(0)
    // requests leave in the order in which they were sent
    for (const { bytes } of requests.slice(0, maybeSent)) {
      if (isZombie()) this.#zombies.push({ term: wire.term, bytes })
    }
    return [
      ...wire.answers.splice(0).map(({ tag }) => lost(tag, true)),
      ...requests.map(({ tag }, index) => lost(tag, index < maybeSent)),
    ]
  }

  /** Serves a request of a broken connection, which nobody waits for any more. */
  serveZombie(index: number): void {
    const [zombie] = this.#zombies.splice(index % Math.max(1, this.#zombies.length), 1)
    if (zombie !== undefined && zombie.term === this.term) this.#append(zombie.bytes)
  }

  /** Makes another broker the leader. It has what all replicas had, and `more` of the batches behind that. */
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

  /** Appends a batch of another producer, under an id and epoch that it should not have. */
  fence(producerId: number, epoch: number): void {
    this.log.append(fakeBatch({ values: Array.from({ length: STRANGE }, () => '-1:'), producerId, epoch, sequence: 0 }))
    this.#committed = this.log.batches.length
  }

  /** Deletes the topic and creates it again, with an empty log and no producers. `leads`: the leader stays the same. */
  remake(leads: boolean): void {
    this.#deleted.push(...valuesIn(this.log))
    this.log = new FakeLog()
    this.#committed = 0
    this.#forgot = []
    if (!leads) this.term++
  }

  /** Whether no request of a broken connection is left that the broker may still serve. */
  get isQuiet(): boolean {
    return this.#zombies.length === 0
  }

  /** Forgets all producers, as when their entries have expired. */
  forget(): void {
    for (const producerId of new Set(this.log.batches.map((batch) => batch.producerId))) {
      this.#forgot.push({ at: this.log.batches.length, producerId })
      this.log.forget(producerId)
    }
  }

  /** All values in the log and in those of deleted topics before it, in order, with repeats. */
  values(): string[] {
    return [...this.#deleted, ...valuesIn(this.log)]
  }

  /** Ends all trouble: no request of a broken connection is served any more, and batches may have any size. */
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
