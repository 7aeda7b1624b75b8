/**
 * The nouns that flow from stage to stage: types only, no code. Stages know these and nothing of each other.
 *
 * Offsets and lengths are bytes. An offset is a 64-bit file offset held in a JavaScript number (exact below 2^53).
 * A pointer is an address in the kernel's linear memory (see kernel/memory.ts).
 */
import type { Guard } from './guard.ts'

/** Half-open byte range [start, end) of one file generation. */
export interface Range {
  readonly start: number
  readonly end: number
}

/**
 * A range, and the guard of its end, so that a stored position can be recognised by content: NO_GUARD where it is not
 * known, and then no position is made of it.
 */
export interface Extent extends Range {
  readonly guard: Guard
}

/** Which of a container's streams a line came from; files written by an application have none. */
export type Stream = 'none' | 'stdout' | 'stderr'

/** Bytes before a position that belong to a line not finished yet (a CRI partial); read again after a restart. */
export interface OpenPiece {
  readonly stream: Stream
  readonly ranges: readonly Range[]
}

/** How far one generation is finished: every byte below `offset` is stored, settled or lost, except the open pieces. */
export interface Position {
  readonly offset: number
  readonly open: readonly OpenPiece[]
  /** Bytes directly below `offset` that were settled and ride as `log.skipped` on the next record. */
  readonly skipped: number
}

/** Why bytes ended without a record of their own. */
export type SettleReason = 'empty' | 'too-long' | 'too-large'

/** Where reading of a file begins: at its stored position, its beginning or its end; or nowhere, since all of it is stored. */
export type FoundReason = 'known' | 'beginning' | 'end' | 'finished'

/** Why a file that a glob asks for is not read. */
export type IgnoreReason = 'not-regular' | 'outside-roots' | 'rotated-before-first-start'

/** Why bytes can never be shipped. */
export type LossReason = 'truncated' | 'gone'

/**
 * One generation of one log file, as all stages see it: the input owns it, the others read its names.
 * A new generation (truncation, a new inode, other content) is a new object with a new id.
 */
export interface Generation {
  /** `log.file.id`: 24 hexadecimal digits, for life. */
  readonly id: string
  /** Identity of the input it belongs to. */
  readonly inputId: string
  /** Path at discovery. One character per byte (latin1), so that names that are not UTF-8 keep their bytes. */
  readonly path: string
}

/** Bytes of one generation in the kernel's memory. */
export interface Chunk {
  readonly file: Generation
  /** Where the bytes lie. At least 64 bytes before and after belong to the chunk, so that SIMD may overrun. */
  readonly pointer: number
  readonly length: number
  /** File offset of the first byte. */
  readonly offset: number
  /** When the bytes were read: milliseconds since the epoch. */
  readonly readAt: number
  /**
   * Null: the chunk has lines to be framed. Else it is (the beginning of) one line that ends at this file offset,
   * whatever its bytes: a last line without a newline, or a line too long to be held.
   */
  readonly lineEnd: number | null
  /** The guard of a file offset that lies in the chunk or is `lineEnd`. */
  guardAt(offset: number): Guard
}

/** What keeps a file's lines from being taken over. One object for everybody who is kept by the same. */
export interface Obstacle {
  /**
   * room: there is no buffer for its partition; topic: its topic, or its partition of it, cannot be reached; descriptor:
   * as many files are open as may be, and all of them are needed.
   */
  readonly kind: 'room' | 'topic' | 'descriptor'
  readonly topic: string
}

/** What the stages behind the input did with a chunk. */
export interface Taken {
  /** File offset behind the last byte that is taken over: the next read begins here. */
  readonly next: number
  /** Why not all was taken; the file waits for it. */
  readonly blocked: Obstacle | null
}

/** What became of bytes, which may lie apart. A receipt is the only thing that moves a watermark. */
export interface Receipt {
  readonly file: Generation
  readonly ranges: readonly Extent[]
  readonly outcome: 'stored' | 'settled'
}

export type Scalar = string | number | boolean

/** The facts about a file that its records carry: from enrich/, rendered by encode/. */
export interface RecordFacts {
  /** `path` is latin1, as {@link Generation.path}. */
  readonly file: { readonly id: string; readonly path: string }
  readonly agent: { readonly name: string; readonly id: string }
  readonly fields: Readonly<Record<string, Scalar>>
  /** Set where the Kubernetes metadata is known. */
  readonly kubernetes?: Readonly<Record<string, unknown>>
}

/** A record made smaller. */
export interface CutRecord {
  readonly bytes: Uint8Array
  /** Bytes of the line, as the record had it, that are in it no more. */
  readonly cutBytes: number
  /** The record did not say that it was cut before. */
  readonly wasWhole: boolean
}
