/**
 * One Produce request on its way, from a transport's items to their answers. The hot path: one object and one promise
 * for a request, one small object for an answer.
 */
import { AgentError } from '../../errors.ts'
import type { Exchange, NoAnswer } from './exchange.ts'
import type { Answer, ProduceItem } from '../transport.ts'
import { encodeProduce, decodeProduce, type PartitionAnswer, type ProduceSettings } from './wire/produce.ts'
import type { AnswerReader } from './wire/primitives.ts'

/** What every request of one transport shares. */
export interface ProduceContext extends ProduceSettings {
  readonly clientId: string
}

/** Who is told how long the broker wants to be left alone. */
export interface Throttled {
  throttle(milliseconds: number): void
}

/** With acks 0 the broker says nothing, so that written counts as stored: at-most-once is for those who ask for it. */
const WRITTEN: Answer = { kind: 'answered', code: 0, message: null, baseOffset: -1 }

const NO_WORD: Answer = { kind: 'unanswered', maybeSent: true, reason: 'the answer does not mention it' }

export class ProduceExchange implements Exchange {
  readonly answered: boolean
  readonly #context: ProduceContext
  readonly #items: readonly ProduceItem[]
  readonly #broker: Throttled
  readonly #resolve: (answers: readonly Answer[]) => void
  #answers: readonly Answer[] | null = null

  constructor(
    context: ProduceContext,
    request: { readonly items: readonly ProduceItem[]; readonly broker: Throttled },
    resolve: (answers: readonly Answer[]) => void,
  ) {
    this.answered = context.acks !== 0
    this.#context = context
    this.#items = request.items
    this.#broker = request.broker
    this.#resolve = resolve
  }

  encode(correlationId: number): readonly Uint8Array[] {
    const { clientId } = this.#context
    return encodeProduce({ correlationId, clientId }, this.#context, this.#items)
  }

  decode(reader: AnswerReader): void {
    const { partitions, throttleMs } = decodeProduce(reader)
    this.#answers = inOrder(this.#items, partitions)
    if (throttleMs > 0) this.#broker.throttle(throttleMs)
  }

  settle(failure: NoAnswer | null): void {
    this.#resolve(
      failure === null ? (this.#answers ?? this.#items.map(() => WRITTEN)) : unanswered(this.#items, failure),
    )
  }
}

/** The same answer for every item: none will come. */
export function unanswered(items: readonly ProduceItem[], failure: NoAnswer): readonly Answer[] {
  const answer: Answer = { kind: 'unanswered', maybeSent: failure.maybeSent, reason: failure.error.message }
  return items.map(() => answer)
}

/**
 * The broker's answers in the order of the items. It gives them in an order of its own, and each item must have exactly
 * one: an answer that leaves a partition out, or tells of one that was not asked about, is not an answer to our request,
 * and nobody may conclude from it that anything was stored.
 *
 * Linear: a request may have thousands of partitions. A run of answers in the items' order needs no look-up; the places
 * of the items are noted at the first answer out of order.
 */
function inOrder(items: readonly ProduceItem[], partitions: readonly PartitionAnswer[]): readonly Answer[] {
  const answers = items.map(() => NO_WORD)
  let places: Places | null = null
  let answered = 0
  let next = 0
  for (const partition of partitions) {
    let index = next
    if (!isFor(items[next], partition)) {
      places ??= placesOf(items)
      index = places.get(partition.topic)?.get(partition.partition) ?? -1
    }
    if (answers[index] !== NO_WORD) {
      throw new AgentError(
        'protocol-violation',
        `an answer for ${partition.topic}-${partition.partition}, not asked for`,
      )
    }
    answers[index] = toAnswer(partition)
    answered++
    next = index + 1
  }
  if (answered < items.length) {
    const { topic, partition } = items[answers.indexOf(NO_WORD)]!
    throw new AgentError('protocol-violation', `an answer without a word on ${topic}-${partition}`)
  }
  return answers
}

/** Indexes of items, by topic and partition. */
type Places = ReadonlyMap<string, ReadonlyMap<number, number>>

function placesOf(items: readonly ProduceItem[]): Places {
  const places = new Map<string, Map<number, number>>()
  for (const [index, { topic, partition }] of items.entries()) {
    const ofTopic = places.get(topic)
    if (ofTopic === undefined) places.set(topic, new Map([[partition, index]]))
    else ofTopic.set(partition, index)
  }
  return places
}

function isFor(item: ProduceItem | undefined, { topic, partition }: PartitionAnswer): boolean {
  return item !== undefined && item.partition === partition && item.topic === topic
}

function toAnswer({ code, baseOffset, message, recordErrors }: PartitionAnswer): Answer {
  if (recordErrors.length === 0) return { kind: 'answered', code, message, baseOffset }
  const records = recordErrors
    .slice(0, 3)
    .map((error) => `record ${error.index}: ${error.message ?? 'no reason given'}`)
  const words = message === null ? records : [message, ...records]
  return { kind: 'answered', code, message: words.join('; '), baseOffset }
}
