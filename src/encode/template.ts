/**
 * What is the same in every record of a file, rendered to bytes once: the kernel copies it around each line. Which
 * segment goes where is told in kernel/layout.ts and drawn in kernel/simd/json.ts and raw.ts.
 */
import type { Append, Kernel } from '../kernel/kernel.ts'
import type { LinearMemory } from '../kernel/memory.ts'
import { SLACK } from '../kernel/layout.ts'

export interface Segment {
  readonly index: number
  /** Null renders as Kafka's null (length -1). */
  readonly bytes: Uint8Array | null
}

export interface Template {
  readonly segments: readonly Segment[]
  /** For raw records: constant headers, -1 for none at all. */
  readonly headerCount: { readonly index: number; readonly count: number } | null
  /** Which of the kernel's functions writes the records. */
  readonly append: (kernel: Kernel) => Append
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
    return template.append(this.#memory.kernel)
  }

  #copy(template: Template): void {
    const size = template.segments.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
    // before anything is overwritten: the template that is installed stays whole
    if (size + SLACK > this.capacity) throw new RangeError(`a file's metadata is larger than ${this.capacity} bytes`)
    let { pointer } = this.#memory.templateText
    for (const { index, bytes } of template.segments) {
      const length = bytes?.length ?? 0
      if (bytes !== null) this.#memory.bytes.set(bytes, pointer)
      this.#memory.setSegment(index, pointer, bytes === null ? -1 : length)
      pointer += length
    }
    const { headerCount } = template
    if (headerCount !== null) this.#memory.setSegment(headerCount.index, 0, headerCount.count)
  }
}

/** A path as text: UTF-8 where it is, replacement characters where it is not. `path` has one character a byte. */
export function textOfPath(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}
