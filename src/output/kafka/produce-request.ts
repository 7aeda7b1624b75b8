/**
 * One Produce request, from a transport's items to their responses. This is the hot path: one object and one promise
 * for a request, one small object for the response of an item.
 */
import { AgentError } from '../../errors.ts'
import type { OutgoingRequest, NoResponse } from './outgoing-request.ts'
import type { ItemResponse, ProduceItem } from '../transport.ts'
import { encodeProduce, decodeProduce, type PartitionResponse, type ProduceSettings } from './wire/produce.ts'
import type { ResponseReader } from './wire/primitives.ts'

/** The settings that all requests of a transport share. */
export interface ProduceContext extends ProduceSettings {
  readonly clientId: string
}

/** A broker whose responses may demand a pause. */
export interface Throttled {
  throttle(milliseconds: number): void
}

/** With acks 0 there is no response, so that written counts as stored: this is what at-most-once means. */
const WRITTEN: ItemResponse = { kind: 'response', code: 0, message: null, baseOffset: -1 }

const NOT_MENTIONED: ItemResponse = {
  kind: 'no-response',
  maybeSent: true,
  reason: 'the response does not mention it',
}

export class ProduceRequest implements OutgoingRequest {
  readonly expectsResponse: boolean
  readonly #context: ProduceContext
  readonly #items: readonly ProduceItem[]
  readonly #broker: Throttled
  readonly #resolve: (responses: readonly ItemResponse[]) => void
  #responses: readonly ItemResponse[] | null = null

  constructor(
    context: ProduceContext,
    request: { readonly items: readonly ProduceItem[]; readonly broker: Throttled },
    resolve: (responses: readonly ItemResponse[]) => void,
  ) {
    this.expectsResponse = context.acks !== 0
    this.#context = context
    this.#items = request.items
    this.#broker = request.broker
    this.#resolve = resolve
  }

  encode(correlationId: number): readonly Uint8Array[] {
    const { clientId } = this.#context
    return encodeProduce({ correlationId, clientId }, this.#context, this.#items)
  }

  decode(reader: ResponseReader): void {
    const { partitions, throttleMs } = decodeProduce(reader)
    this.#responses = inOrder(this.#items, partitions)
    if (throttleMs > 0) this.#broker.throttle(throttleMs)
  }

  finish(failure: NoResponse | null): void {
    this.#resolve(
      failure === null ? (this.#responses ?? this.#items.map(() => WRITTEN)) : noResponse(this.#items, failure),
    )
  }
}

/** The same for every item: no response will come. */
export function noResponse(items: readonly ProduceItem[], failure: NoResponse): readonly ItemResponse[] {
  const missing: ItemResponse = { kind: 'no-response', maybeSent: failure.maybeSent, reason: failure.error.message }
  return items.map(() => missing)
}

/**
 * The responses for the partitions in the order of the items. The broker gives them in an order of its own, and each
 * item must have exactly one: a response that leaves a partition out, or has one that is not in the request, does not
 * belong to our request, and does not prove that anything was stored.
 *
 * The work is linear, since a request may have thousands of partitions. Responses in the items' order need no look-up;
 * the places of the items are collected at the first response out of order.
 */
function inOrder(items: readonly ProduceItem[], partitions: readonly PartitionResponse[]): readonly ItemResponse[] {
  const responses = items.map(() => NOT_MENTIONED)
  let places: Places | null = null
  let found = 0
  let next = 0
  for (const partition of partitions) {
    let index = next
    if (!isFor(items[next], partition)) {
      places ??= placesOf(items)
      index = places.get(partition.topic)?.get(partition.partition) ?? -1
    }
    if (responses[index] !== NOT_MENTIONED) {
      throw new AgentError(
        'protocol-violation',
        `a response for ${partition.topic}-${partition.partition}, which is not in the request`,
      )
    }
    responses[index] = toItemResponse(partition)
    found++
    next = index + 1
  }
  if (found < items.length) {
    const { topic, partition } = items[responses.indexOf(NOT_MENTIONED)]!
    throw new AgentError('protocol-violation', `a response without ${topic}-${partition}, which is in the request`)
  }
  return responses
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

function isFor(item: ProduceItem | undefined, { topic, partition }: PartitionResponse): boolean {
  return item !== undefined && item.partition === partition && item.topic === topic
}

function toItemResponse({ code, baseOffset, message, recordErrors }: PartitionResponse): ItemResponse {
  if (recordErrors.length === 0) return { kind: 'response', code, message, baseOffset }
  const records = recordErrors
    .slice(0, 3)
    .map((error) => `record ${error.index}: ${error.message ?? 'no reason given'}`)
  const words = message === null ? records : [message, ...records]
  return { kind: 'response', code, message: words.join('; '), baseOffset }
}
