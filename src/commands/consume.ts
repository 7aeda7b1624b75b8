/**
 * `logagent consume`: a small console consumer that shows what is in a topic: values byte for byte, or whole records as
 * JSON, one in each line. It leaves nothing behind in the cluster. It is no audit, since it counts and compares
 * nothing.
 */
import type { KafkaMessage } from 'kafkajs'
import type { BrokerAddress } from '../broker-address.ts'
import { openCluster } from './kafka-client.ts'
import { textOrBase64 } from './text-or-base64.ts'
import { readTopic } from './topic-reader.ts'
import { write } from './write.ts'

export interface ConsumeOptions {
  readonly brokers: readonly BrokerAddress[]
  readonly topic: string
  readonly fromBeginning: boolean
  /** Whether to go on after the end offsets that the topic has at the start. */
  readonly follow: boolean
  /** How many records to show at most; Infinity for no limit. */
  readonly max: number
  /** value: the value's bytes and a newline. record: the JSON object of {@link showRecord}. */
  readonly format: 'value' | 'record'
  readonly stdout: NodeJS.WritableStream
  readonly signal: AbortSignal
}

const NEWLINE = Buffer.from('\n')

/**
 * Shows records until the end, until `max`, or until `signal` aborts. Throws AgentError `kafka-unreachable` or
 * `kafka-refused`.
 */
export async function consume(options: ConsumeOptions): Promise<void> {
  const { topic, format, stdout, signal } = options
  const cluster = openCluster({
    brokers: options.brokers,
    clientId: 'logagent-consume',
    connectTimeoutMs: 5000,
    requestTimeoutMs: 10_000,
  })
  let left = options.max
  if (left <= 0) return
  for await (const { partition, records } of readTopic(cluster, options)) {
    const shown = records.slice(0, left)
    left -= shown.length
    const output =
      format === 'value'
        ? Buffer.concat(shown.flatMap(({ value }) => [value ?? NEWLINE.subarray(1), NEWLINE]))
        : shown.map((record) => `${showRecord(topic, partition, record)}\n`).join('')
    await write(stdout, output, signal)
    if (left === 0) return
  }
}

/**
 * A record as one line of JSON: topic, partition, offset, timestamp (ms since the epoch), key, headers, value. Bytes
 * are text where they are UTF-8, else `{"base64": "…"}`; no key or value is null; a header given more than once is a
 * list.
 */
export function showRecord(topic: string, partition: number, record: KafkaMessage): string {
  const { offset, timestamp, key, headers = {}, value } = record
  return JSON.stringify({
    topic,
    partition,
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: textOrBase64(key),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, bytes]) => [
        name,
        Array.isArray(bytes) ? bytes.map((one) => textOrBase64(one)) : textOrBase64(bytes),
      ]),
    ),
    value: textOrBase64(value),
  })
}
