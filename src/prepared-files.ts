/**
 * What is ready for a file before its lines come: how its input ships, its template and key. Made at its first chunk,
 * and kept for the files that were read last: of ten thousand files few are written to, and the rest would only cost
 * memory.
 */
import { jsonTemplate } from './encode/json.ts'
import { rawTemplate } from './encode/raw.ts'
import type { Template } from './encode/template.ts'
import { recordKeyOf } from './enrich/key.ts'
import { type MetadataSource, factsOf } from './enrich/metadata.ts'
import { AgentError } from './errors.ts'
import type { Generation, Obstacle } from './flow.ts'
import type { LineRules } from './frame/lines.ts'
import type { Lane } from './output/producer/lane.ts'
import { type Affinity, affinityOf } from './output/producer/partition.ts'
import type { Partitioner, RecordKey } from './shipping-rules.ts'

/** What one input asks of the stages behind the reading. */
export interface Shipping extends LineRules {
  readonly topic: string
  readonly partitioner: Partitioner
  readonly encoding: 'json' | 'raw'
  readonly headers: 'otel' | 'none'
  readonly key: RecordKey
}

export interface Prepared {
  readonly shipping: Shipping
  readonly template: Template
  readonly key: Uint8Array | null
  readonly affinity: Affinity
  /** Where the file's records go; null until that is known, and after a read where it is chosen at every read. */
  lane: Lane | null
  /** {@link Producer.topology} when the lane was chosen for good; -1: it is to be chosen at every read. */
  laneSince: number
}

export class PreparedFiles {
  readonly #shipping: ReadonlyMap<string, Shipping>
  readonly #metadata: MetadataSource
  readonly #kept: number
  readonly #topics = new Map<string, Obstacle>()
  #recent = new Map<Generation, Prepared>()
  /** Those that were recent before, until as many others are. */
  #earlier = new Map<Generation, Prepared>()

  /** `shipping`: by input id; `kept`: so many files at least are kept, and twice as many at most. */
  constructor(shipping: ReadonlyMap<string, Shipping>, metadata: MetadataSource, kept = 512) {
    this.#shipping = shipping
    this.#metadata = metadata
    this.#kept = kept
  }

  of(file: Generation): Prepared {
    const known = this.#recent.get(file)
    if (known !== undefined) return known
    const prepared = this.#earlier.get(file) ?? this.#prepare(file)
    if (this.#recent.size >= this.#kept) {
      this.#earlier = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(file, prepared)
    return prepared
  }

  /** What files of an input wait for while its topic cannot be reached. */
  topicOf({ topic }: Shipping): Obstacle {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const obstacle: Obstacle = { kind: 'topic', topic }
    this.#topics.set(topic, obstacle)
    return obstacle
  }

  #prepare(file: Generation): Prepared {
    const shipping = this.#shipping.get(file.inputId)
    if (shipping === undefined) throw new AgentError('internal', `no input ${file.inputId}`)
    const facts = factsOf(file, this.#metadata)
    const key = recordKeyOf(file, shipping.key)
    const template = shipping.encoding === 'json' ? jsonTemplate(facts, key) : rawTemplate(facts, key, shipping.headers)
    return { shipping, template, key, affinity: affinityOf(shipping.partitioner, key), lane: null, laneSince: -1 }
  }
}
