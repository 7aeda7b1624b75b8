/** How far a file agrees with another one. If that one is cut afterwards, the file is its copy. */
import type { LogFile } from '../files/log-file.ts'
import type { FileFacts } from '../volume/volume.ts'

/** The file that another one agrees with, and the offset up to which it does. */
export interface Agreement {
  readonly original: LogFile
  readonly end: number
}

/** A file that is held back, as it was when it was last compared. */
export interface Held {
  readonly facts: FileFacts
  /** Monotonic ms: since when it has had this size. */
  readonly since: number
  /** Null where the files do not agree far enough to say something. */
  readonly agreement: Agreement | null
}

/** How far a held file agreed with one that is cut by now. Null if that is not cut, or the held file was written to since. */
export function agreedBeforeCut(held: Held | undefined, { size, mtimeMs }: FileFacts): Agreement | null {
  const isAsBefore = held?.facts.size === size && held.facts.mtimeMs === mtimeMs
  return isAsBefore && held.agreement?.original.standing === 'detached' ? held.agreement : null
}
