/**
 * Short journal lines, for entries of which only the position has moved since they were last written whole into the same
 * journal. With hundreds of growing files, writing whole lines every second was a quarter of the agent's CPU time.
 */
import { type Guard, guardText, parseGuard } from '../../guard.ts'
import { type Entry, type EntrySource, isBytes, isObject, storedOf } from './stored-generation.ts'

/** The members of an entry that change as a file grows and is shipped. */
export interface Moved {
  readonly offset: number
  readonly skipped: number
  readonly guard: Guard
  readonly size: number
  readonly mtimeMs: number
}

/** The JSON of a short line. Built by hand, since JSON.stringify costs several times as much; nothing needs escaping. */
export function movedJson(id: string, { offset, skipped, guard, size, mtimeMs }: Moved): string {
  return `{"moved":"${id}","offset":${offset},"skipped":${skipped},"guard":"${guardText(guard)}","size":${size},"mtimeMs":${mtimeMs}}`
}

/** Applies a short line to its entry. Null if the line is of another kind; false if it has no entry, or is not sound. */
export function takeMoved(value: unknown, entries: Map<string, Entry>): boolean | null {
  if (!isObject(value) || typeof value['moved'] !== 'string') return null
  const { moved: id, offset, skipped, guard: digits, size, mtimeMs } = value
  const entry = entries.get(id)
  const guard = typeof digits === 'string' ? parseGuard(digits) : null
  if (entry === undefined || guard === null || typeof mtimeMs !== 'number') return false
  if (!isBytes(offset) || !isBytes(skipped) || !isBytes(size)) return false
  const stored = storedOf(entry)
  entries.set(id, { ...stored, position: { offset, open: [], skipped }, guard, size, mtimeMs })
  return true
}

/** Remembers which entries the current journal holds whole, so that a short line is enough for their next change. */
export class WholeLines {
  /** By id: the seldom changing members, as they were written last. */
  readonly #lasting = new Map<string, readonly unknown[]>()

  /**
   * Whether only the position of an entry has changed since it was written whole. If false, the caller writes it whole
   * now, and the entry counts as whole from then on.
   */
  hasOnlyMoved(entry: Entry): entry is EntrySource & Required<Pick<EntrySource, 'moved'>> {
    const now = 'toStored' in entry && entry.moved !== undefined ? (entry.lasting?.() ?? null) : null
    if (now === null) {
      this.#lasting.delete(entry.id)
      return false
    }
    const before = this.#lasting.get(entry.id)
    if (before?.every((member, at) => member === now[at]) === true) return true
    this.#lasting.set(entry.id, now)
    return false
  }

  /** The entry was removed. */
  gone(id: string): void {
    this.#lasting.delete(id)
  }

  /** Forgets all entries: the journal is a new one, or may lack lines. */
  forget(): void {
    this.#lasting.clear()
  }
}
