/** Bytes that Kafka's own Java client wrote (test/fixtures, made by scripts/golden.sh), with the inputs they come from. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FIXTURES = join(import.meta.dirname, '../fixtures')

export interface BatchFixture {
  /** The file's name, which says what is special about the batch. */
  readonly name: string
  readonly compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly transactional: boolean
  readonly baseOffset: number
  readonly partitionLeaderEpoch: number
  /** CRC-32C as in the batch's header, unsigned. */
  readonly crc: number
  readonly records: readonly RecordFixture[]
  /** The whole batch, from its base offset on. */
  readonly bytes: Buffer
}

export interface RecordFixture {
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly name: string; readonly value: Buffer | null }[]
}

interface StoredRecord {
  /** How many such records there are, one after the other. */
  readonly times?: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly { readonly name: string; readonly value: string | null }[]
}

export function batchFixtures(): BatchFixture[] {
  const directory = join(FIXTURES, 'batches')
  const names = readdirSync(directory).filter((file) => file.endsWith('.json'))
  return names.sort().map((file) => {
    const stored: Omit<BatchFixture, 'records'> & { records: StoredRecord[] } = JSON.parse(text(join('batches', file)))
    const name = file.replace(/\.json$/, '')
    const bytes = readFileSync(join(directory, `${name}.bin`))
    return { ...stored, name, bytes, records: stored.records.flatMap(recordsOf) }
  })
}

function recordsOf({ times = 1, timestamp, key, value, headers }: StoredRecord): RecordFixture[] {
  const record: RecordFixture = {
    timestamp,
    key: base64(key),
    value: base64(value),
    headers: headers.map((header) => ({ name: header.name, value: base64(header.value) })),
  }
  return Array.from({ length: times }, () => record)
}

/** The fields as in Kafka's message definitions; byte fields (`records`) in base64; no unknown tagged fields. */
export type MessageBody = Readonly<Record<string, unknown>>

export interface MessageFixture {
  readonly what: string
  readonly version: number
  readonly correlationId: number
  /** The client id of a request; null in responses. */
  readonly clientId: string | null
  readonly body: MessageBody
  /** Header and body, without the four bytes of length before them. */
  readonly bytes: Buffer
}

export type WireApi = 'produce' | 'metadata' | 'init-producer-id' | 'api-versions'

interface StoredMessage {
  readonly what: string
  readonly version: number
  readonly header?: { readonly correlationId: number; readonly clientId: string | null }
  readonly correlationId?: number
  readonly body: MessageBody
  readonly bytes: string
}

export function wireFixtures(api: WireApi): { requests: MessageFixture[]; responses: MessageFixture[] } {
  const stored: { requests: StoredMessage[]; responses: StoredMessage[] } = JSON.parse(
    text(join('wire', `${api}.json`)),
  )
  return { requests: stored.requests.map(messageOf), responses: stored.responses.map(messageOf) }
}

function messageOf({ what, version, header, correlationId, body, bytes }: StoredMessage): MessageFixture {
  return {
    what,
    version,
    correlationId: header?.correlationId ?? correlationId ?? 0,
    clientId: header?.clientId ?? null,
    body,
    bytes: Buffer.from(bytes, 'base64'),
  }
}

export interface Murmur2Fixture {
  readonly key: Buffer
  /** Signed, as Java's int. */
  readonly hash: number
  /** The partition that Java's producer chooses, by the number of partitions. */
  readonly partitions: Readonly<Record<string, number>>
}

export function murmur2Fixtures(): Murmur2Fixture[] {
  const stored: { key: string; hash: number; partitions: Record<string, number> }[] = JSON.parse(text('murmur2.json'))
  return stored.map((vector) => ({ ...vector, key: Buffer.from(vector.key, 'base64') }))
}

export interface VarintFixture {
  readonly value: bigint
  readonly bytes: Buffer
}

/** Varints of a kind: zigzag ones are signed, and used in records; unsigned ones are lengths and tags of messages. */
export function varintFixtures(kind: 'zigzag32' | 'zigzag64' | 'unsigned32'): VarintFixture[] {
  const stored: Record<typeof kind, [string, string][]> = JSON.parse(text('varints.json'))
  return stored[kind].map(([value, hex]) => ({ value: BigInt(value), bytes: Buffer.from(hex, 'hex') }))
}

function base64(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'base64')
}

function text(file: string): string {
  return readFileSync(join(FIXTURES, file), 'utf8')
}
