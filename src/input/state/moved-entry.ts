/**
 * The short line of an entry of which only the position has moved since it was last written whole into the same journal:
 * with hundreds of files that are written to, whole lines every second were a quarter of what the agent cost.
 */
import { type Guard, guardText, parseGuard } from '../../guard.ts'
import { type Entry, type EntrySource, isBytes, isObject, storedOf } from './stored-generation.ts'

/** What moves with what comes to a file. */
export interface Moved {
  readonly offset: number
  readonly skipped: number
  readonly guard: Guard
  readonly size: number
  readonly mtimeMs: number
}

/** By hand, since JSON.stringify costs several times as much; nothing in it needs to be escaped. */
export function movedJson(id: string, { offset, skipped, guard, size, mtimeMs }: Moved): string {
  return `{"moved":"${id}","offset":${offset},"skipped":${skipped},"guard":"${guardText(guard)}","size":${size},"mtimeMs":${mtimeMs}}`
}

/** Takes such a line into the entries; null if it is none, false if there is no entry that it could be about. */
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

/** Which entries are whole in the journal that is written, so that a short line is enough. */
export class WholeLines {
  /** What changes seldom of each, as it was written last. */
  readonly #lasting = new Map<string, readonly unknown[]>()

  /** Whether only the position of an entry has changed since it was written whole. If not, it is about to be. */
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

  gone(id: string): void {
    this.#lasting.delete(id)
  }

  /** The journal is another one, or may lack lines. */
  forget(): void {
    this.#lasting.clear()
  }
}
