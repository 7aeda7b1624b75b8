/**
 * Where the reading of a generation stands. Reads move it (read.ts); only a jump and the limit of a stop come from
 * elsewhere, and have a method each.
 */
import type { Guard } from '../../guard.ts'

/** How far the newline of a long half line was looked for. */
export interface Scan {
  /** File offset to look on from. */
  readonly at: number
  /** Of the bytes before `at`. */
  readonly guard: Guard
}

export class ReadCursor {
  /** File offset of the first byte that no stage has taken over: where the next read begins. */
  next: number
  /** Of the bytes before `next`. */
  guard: Guard
  /** Bytes from `next` to here were read before and hold no newline; 0 where nothing is known. */
  halfLineEnd = 0
  /** Set while a half line is too long to be read again and again. */
  scan: Scan | null = null
  #limit: number

  constructor(next: number, guard: Guard, limit: number) {
    this.next = next
    this.guard = guard
    this.#limit = limit
  }

  /** File offset beyond which nothing is read; Infinity until a stop. */
  get limit(): number {
    return this.#limit
  }

  /** At a stop: read no further than this. */
  stopAt(limit: number): void {
    this.#limit = limit
  }

  /** The next read begins there, and nothing is known of what follows. */
  jumpTo(offset: number, guard: Guard): void {
    this.next = offset
    this.halfLineEnd = 0
    this.scan = null
    this.guard = guard
  }
}
