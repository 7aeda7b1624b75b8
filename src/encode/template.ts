/**
 * What is the same in every record of a file, rendered to bytes once: the kernel copies it around each line. Which
 * segment goes where is told in kernel/layout.ts and drawn in kernel/simd/json.ts and raw.ts.
 */
import type { Append } from '../kernel/kernel.ts'
import type { LinearMemory } from '../kernel/memory.ts'

export interface Segment {
  readonly index: number
  /** Null renders as Kafka's null (length -1). */
  readonly bytes: Uint8Array | null
}

/** The segments of one file: their bytes one behind the other, and a row (index, begin, length) for each. */
export interface Template {
  readonly text: Uint8Array
  readonly rows: Int32Array
  readonly appender: 'appendJson' | 'appendRaw'
}

/** `numbers`: cells of the table that hold a number in place of a length, by index. */
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

/** Puts a file's template where the kernel looks for it, unless it is there already. */
export class TemplateSlot {
  readonly #memory: LinearMemory
  #installed: Template | null = null

  constructor(memory: LinearMemory) {
    this.#memory = memory
  }

  /** Bytes that a template may have. */
  get capacity(): number {
    return this.#memory.templateText.length
  }

  install(template: Template): Append {
    if (this.#installed !== template) {
      this.#copy(template)
      this.#installed = template
    }
    return this.#memory.kernel[template.appender]
  }

  #copy({ text, rows }: Template): void {
    // before anything is overwritten: the template that is installed stays whole
    if (text.length > this.capacity) throw new RangeError(`a file's metadata is larger than ${this.capacity} bytes`)
    const { pointer } = this.#memory.templateText
    this.#memory.bytes.set(text, pointer)
    this.#memory.setSegments(rows, pointer)
  }
}
