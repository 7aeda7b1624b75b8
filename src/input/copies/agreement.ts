/** A file that agrees with another one so far, which may be cut: then the file is its copy. */
import type { LogFile } from '../files/log-file.ts'
import type { FileFacts } from '../volume/volume.ts'

/** With which file another agrees, and how far. */
export interface Agreement {
  readonly original: LogFile
  readonly end: number
}

/** A file that is held back, as it was when it was compared last. */
export interface Held {
  readonly facts: FileFacts
  /** When it began to be so long; monotonic ms. */
  readonly since: number
  /** Null where that is not far enough to say something. */
  readonly agreement: Agreement | null
}

/** How far a file, which was not written to since, agreed with one that is cut by now; null if it is not. */
export function agreedBeforeCut(held: Held | undefined, { size, mtimeMs }: FileFacts): Agreement | null {
  const isAsBefore = held?.facts.size === size && held.facts.mtimeMs === mtimeMs
  return isAsBefore && held.agreement?.original.standing === 'detached' ? held.agreement : null
}
