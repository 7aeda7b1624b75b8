/**
 * The bytes that are the same in every record of a file. They are rendered once, and the kernel copies them around each
 * line. kernel/layout.ts has the segments; kernel/simd/json.ts and raw.ts draw where each of them goes.
 */
import type { Append } from '../kernel/kernel.ts'
import type { LinearMemory } from '../kernel/memory.ts'

export interface Segment {
  readonly index: number
  /** Null renders as Kafka's null (length -1). */
  readonly bytes: Uint8Array | null
}

/** The segments of one file: their bytes, one behind the other, and a row (index, begin, length) for each. */
export interface Template {
  readonly text: Uint8Array
  readonly rows: Int32Array
  readonly appender: 'appendJson' | 'appendRaw'
}

/** A template of these segments. `numbers`: rows that have a number in place of a length, by index. */
export function templateOf(
  appender: Template['appender'],
  segments: readonly Segment[],
  numbers: readonly (readonly [index: number, value: number])[] = [],
): Template {
  const rows = new Int32Array(3 * (segments.length + numbers.length))
  let begin = 0
  for (const [i, { index, bytes }] of segments.entries()) {
    rows.set([index, begin, bytes?.length ?? -1], 3 * i)
    begin += bytes?.length ?? 0
  }
  for (const [i, [index, value]] of numbers.entries()) rows.set([index, 0, value], 3 * (segments.length + i))
  const text = new Uint8Array(Buffer.concat(segments.flatMap(({ bytes }) => bytes ?? [])))
  return { text, rows, appender }
}

/** The place where the kernel finds the template of the records that it appends. */
export class TemplateSlot {
  readonly #memory: LinearMemory
  #installed: Template | null = null

  constructor(memory: LinearMemory) {
    this.#memory = memory
  }

  /** How many bytes a template's text may have. */
  get capacity(): number {
    return this.#memory.templateText.length
  }

  /** Copies a template to the slot, unless it is there already; returns the appender for it. */
  install(template: Template): Append {
    if (this.#installed !== template) {
      this.#copy(template)
      this.#installed = template
    }
    return this.#memory.kernel[template.appender]
  }

  #copy({ text, rows }: Template): void {
    // checked before anything is overwritten, so that the installed template stays whole
    if (text.length > this.capacity) throw new RangeError(`a file's metadata is larger than ${this.capacity} bytes`)
    const { pointer } = this.#memory.templateText
    this.#memory.bytes.set(text, pointer)
    this.#memory.setSegments(rows, pointer)
  }
}
