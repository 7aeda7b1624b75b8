/**
 * The nouns that pass from stage to stage: types only, no code. Stages know these and nothing of each other.
 *
 * Offsets and lengths are bytes. An offset is a 64-bit file offset held in a JavaScript number (exact below 2^53).
 * A pointer is an address in the kernel's linear memory (see kernel/memory.ts).
 */
import type { Guard } from './guard.ts'

/** A half-open byte range [start, end) of one file generation. */
export interface Range {
  readonly start: number
  readonly end: number
}

/**
 * A range with the guard of its end, so that a stored position can be recognised by content. The guard is NO_GUARD
 * where it is not known; then the end does not become a position.
 */
export interface Extent extends Range {
  readonly guard: Guard
}

/** The container's stream that a line came from; `none` for files that an application writes itself. */
export type Stream = 'none' | 'stdout' | 'stderr'

/** Bytes before a position that belong to a line not finished yet (a CRI partial); read again after a restart. */
export interface OpenPiece {
  readonly stream: Stream
  readonly ranges: readonly Range[]
}

/** How far a generation is finished: every byte below `offset` is stored, settled or lost, except the open pieces. */
export interface Position {
  readonly offset: number
  readonly open: readonly OpenPiece[]
  /** Bytes directly below `offset` that were settled and that the next record reports as `log.skipped`. */
  readonly skipped: number
}

/** Why bytes ended without a record of their own. */
export type SettleReason = 'empty' | 'too-long' | 'too-large'

/**
 * Where the reading of a file begins: at its stored position, its beginning or its end, or nowhere because all of it is
 * stored.
 */
export type FoundReason = 'known' | 'beginning' | 'end' | 'finished'

/** Why a file that a glob matches is not read. */
export type IgnoreReason = 'not-regular' | 'outside-roots' | 'rotated-before-first-start'

/** Why bytes can never be shipped. */
export type LossReason = 'truncated' | 'gone'

/**
 * One generation of one log file, as all stages see it. The input owns it; the others only read its names. A new
 * generation (after a truncation, with a new inode or other content) is a new object with a new id.
 */
export interface Generation {
  /** `log.file.id`: 24 hexadecimal digits that never change. */
  readonly id: string
  /** The id of the input that it belongs to. */
  readonly inputId: string
  /**
   * The path at discovery, with one character for each byte (latin1), so that names that are not UTF-8 keep their
   * bytes.
   */
  readonly path: string
}

/** Bytes of one generation in the kernel's memory. */
export interface Chunk {
  readonly file: Generation
  /**
   * The address of the bytes. At least 64 bytes before and after them belong to the chunk, so that SIMD may overrun.
   */
  readonly pointer: number
  readonly length: number
  /** The file offset of the first byte. */
  readonly offset: number
  /** When the bytes were read: milliseconds since the epoch. */
  readonly readAt: number
  /**
   * Null if the chunk has lines to be framed. Otherwise the chunk is one line, or the beginning of one, which ends at
   * this file offset whatever its bytes are: a last line without a newline, or a line that is too long to be held.
   */
  readonly lineEnd: number | null
  /** The guard of a file offset in the chunk, or of `lineEnd`. */
  guardAt(offset: number): Guard
}

/** Why a file's lines cannot be taken over. Files that wait for the same thing share one object. */
export interface Obstacle {
  /**
   * room: there is no buffer for the file's partition. topic: its topic, or its partition of the topic, cannot be
   * reached. descriptor: as many files are open as may be, and all of them are needed.
   */
  readonly kind: 'room' | 'topic' | 'descriptor'
  readonly topic: string
}

/** What the stages behind the input did with a chunk. */
export interface Taken {
  /** The file offset behind the last byte that was taken over, where the next read begins. */
  readonly next: number
  /** Why not all bytes were taken over, which the file then waits for; null if all were. */
  readonly blocked: Obstacle | null
}

/** What became of some bytes of a file, which need not be adjacent. Only a receipt moves a watermark. */
export interface Receipt {
  readonly file: Generation
  readonly ranges: readonly Extent[]
  readonly outcome: 'stored' | 'settled'
}

export type Scalar = string | number | boolean

/** The facts about a file that its records carry. enrich/ gathers them and encode/ renders them. */
export interface RecordFacts {
  /** `path` is latin1, as {@link Generation.path}. */
  readonly file: { readonly id: string; readonly path: string }
  readonly agent: { readonly name: string; readonly id: string }
  readonly fields: Readonly<Record<string, Scalar>>
  /** Present where Kubernetes metadata is known. */
  readonly kubernetes?: Readonly<Record<string, unknown>>
}

/** A record that was made smaller. */
export interface CutRecord {
  readonly bytes: Uint8Array
  /** Bytes of the line that were in the record and are no longer in it. */
  readonly cutBytes: number
  /** Whether the record was not marked as truncated before. */
  readonly wasWhole: boolean
}
