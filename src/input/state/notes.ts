/**
 * What the state keeps beside the entries: lines that have a kind and a key. This program knows one kind, the facts of
 * pods; others were written by a newer one and are kept for it.
 *
 *   {"kind":"pod","key":"0f5c3f52-…","facts":{…}}     replaces the line before of the same kind and key
 *   {"gone":"0f5c3f52-…","kind":"pod"}                journal only: it was removed
 */
import { isObject } from './stored-generation.ts'

/** A parsed line, with all its members. */
export interface Note {
  readonly kind: string
  readonly key: string
  readonly [member: string]: unknown
}

/** A JSON object that the state does not look into. */
export type PodFacts = Readonly<Record<string, unknown>>

const POD = 'pod'

export class Notes {
  readonly #notes = new Map<string, Note>()

  get size(): number {
    return this.#notes.size
  }

  /** By the id that {@link put} returns. */
  get(id: string): Note | undefined {
    return this.#notes.get(id)
  }

  values(): Iterable<Note> {
    return this.#notes.values()
  }

  /** Replaces the note of the same kind and key; returns its id. */
  put(note: Note): string {
    const id = noteId(note)
    this.#notes.set(id, note)
    return id
  }

  /** Returns its id, or undefined if there is none. */
  remove(note: { readonly kind: string; readonly key: string }): string | undefined {
    const id = noteId(note)
    return this.#notes.delete(id) ? id : undefined
  }

  /** By uid: a copy. */
  pods(): Map<string, PodFacts> {
    const pods = new Map<string, PodFacts>()
    for (const { kind, key, facts } of this.#notes.values()) {
      if (kind === POD && isObject(facts)) pods.set(key, facts)
    }
    return pods
  }

  putPod(uid: string, facts: PodFacts): string {
    const name = { kind: POD, key: uid }
    // its line may have members that a newer program knows
    return this.put({ ...this.#notes.get(noteId(name)), ...name, facts })
  }

  removePod(uid: string): string | undefined {
    return this.remove({ kind: POD, key: uid })
  }
}

/** The note in a parsed line, or undefined if it is none. */
export function noteFrom(value: Readonly<Record<string, unknown>>): Note | undefined {
  const { kind, key } = value
  return typeof kind === 'string' && typeof key === 'string' ? { ...value, kind, key } : undefined
}

/** The JSON text of the line that says that a note was removed. */
export function goneNoteJson(id: string): string {
  const [kind, key]: unknown[] = JSON.parse(id)
  return JSON.stringify({ gone: key, kind })
}

function noteId({ kind, key }: { readonly kind: string; readonly key: string }): string {
  return JSON.stringify([kind, key])
}
