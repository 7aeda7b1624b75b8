/**
 * Everything that is prepared for a file before its lines are encoded: how its input ships, its template and its key.
 * It is made at the file's first chunk, and kept for the files that were read last: of ten thousand files few are
 * written to, and for the others it would only cost memory.
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

/** How one input is framed, encoded and shipped. */
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
  /**
   * The lane that the file's records go to; null until it is known, and where it is chosen at every read, after each
   * read.
   */
  lane: Lane | null
  /** {@link Producer.topology} at the time when the lane was chosen for good; -1: it is chosen at every read. */
  laneSince: number
}

export class PreparedFiles {
  readonly #shipping: ReadonlyMap<string, Shipping>
  readonly #metadata: MetadataSource
  readonly #kept: number
  readonly #topics = new Map<string, Obstacle>()
  #recent = new Map<Generation, Prepared>()
  /** The files that were recent before these, kept until `kept` other files are recent. */
  #earlier = new Map<Generation, Prepared>()

  /** `shipping`: by input id; `kept`: at least this many files are kept, and at most twice as many. */
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

  /** The obstacle that files of an input wait for while its topic cannot be reached. */
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
