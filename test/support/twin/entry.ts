/** The values that the twin works on, where the kernel has cells of columns and rendered bytes. */

/** The facts that all records of a file have in common. */
export interface TwinFacts {
  /** `path` has one character for each byte. */
  readonly file: { readonly id: string; readonly path: string }
  readonly agent: { readonly name: string; readonly id: string }
  readonly fields: Readonly<Record<string, unknown>>
  readonly kubernetes?: Readonly<Record<string, unknown>>
}

export interface TwinEntry {
  readonly text: Uint8Array
  /** The file offsets that the text came from. */
  readonly ranges: readonly { readonly start: number; readonly end: number }[]
  readonly timestampNs: bigint
  readonly stream: 'none' | 'stdout' | 'stderr'
  readonly route: number
  truncated: boolean
  verdict: 'ship' | 'empty' | 'too-long' | 'too-large'
}

/** What a record contains and its entry does not know. */
export interface Place {
  /** The record's number in its batch. */
  readonly number: number
  /** Milliseconds. */
  readonly baseTimestamp: number
  /** Bytes settled before the record. */
  readonly skipped: number
}

export function sourceBytes(entry: TwinEntry): number {
  return entry.ranges.reduce((sum, range) => sum + range.end - range.start, 0)
}

export const milliseconds = (entry: TwinEntry): number => Number(entry.timestampNs / 1_000_000n)
