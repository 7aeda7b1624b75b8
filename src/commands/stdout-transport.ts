/**
 * The transport of `logagent run --output stdout`. Instead of sending a record to Kafka it prints one JSON object in a
 * line. Every topic has one partition. A record that was printed counts as stored.
 */
import { decodeRecords } from '../encode/records.ts'
import { messageOf } from '../errors.ts'
import {
  type ItemResponse,
  NO_TOPIC_ID,
  type ProduceItem,
  type ProducerId,
  type TopicView,
  type Transport,
} from '../output/transport.ts'
import { HEADER_BYTES } from '../output/producer/batch.ts'
import { textOrBase64 } from './text-or-base64.ts'
import { write } from './write.ts'

const NODE = 0
const BASE_TIMESTAMP_AT = 27

export class StdoutTransport implements Transport {
  onChange: (topic: string) => void = () => undefined
  onReady: (node: number) => void = () => undefined
  readonly #stdout: NodeJS.WritableStream
  readonly #stop = new AbortController()
  #last: Promise<unknown> = Promise.resolve()

  constructor(stdout: NodeJS.WritableStream) {
    this.#stdout = stdout
  }

  want(): void {
    // every topic exists
  }

  refresh(): void {
    // no leader ever changes
  }

  view(): TopicView {
    return { id: NO_TOPIC_ID, leaders: [NODE] }
  }

  ready(): boolean {
    return true
  }

  producerId(): Promise<ProducerId> {
    return Promise.resolve({ id: 0, epoch: 0 })
  }

  /** Prints batches one after the other, so that none overtakes a batch that waits for a slow reader. */
  produce(_node: number, items: readonly ProduceItem[]): Promise<readonly ItemResponse[]> {
    const printed = this.#last.then(() => this.#print(items))
    this.#last = printed
    return printed
  }

  async #print(items: readonly ProduceItem[]): Promise<readonly ItemResponse[]> {
    try {
      for (const item of items) await write(this.#stdout, showBatch(item), this.#stop.signal)
      return items.map(() => ({ kind: 'response', code: 0, message: null, baseOffset: -1 }))
    } catch (error) {
      const reason = messageOf(error)
      return items.map(() => ({ kind: 'no-response', maybeSent: true, reason }))
    }
  }

  close(): Promise<void> {
    this.#stop.abort()
    return Promise.resolve()
  }
}

function showBatch({ topic, partition, parts }: ProduceItem): string {
  const batch = Buffer.concat(parts)
  const base = Number(batch.readBigInt64BE(BASE_TIMESTAMP_AT))
  return decodeRecords(batch.subarray(HEADER_BYTES))
    .map(({ timestampDelta, key, value, headers }) => {
      const shown = {
        topic,
        partition,
        timestamp: base + timestampDelta,
        key: textOrBase64(key),
        headers: Object.fromEntries(headers.map((header) => [header.name, textOrBase64(header.value)])),
        value: textOrBase64(value),
      }
      return `${JSON.stringify(shown)}\n`
    })
    .join('')
}
