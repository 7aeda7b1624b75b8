/**
 * Notes: lines of the state beside the entries, each with a kind and a key. This program knows one kind, the facts of
 * pods. Notes of other kinds were written by a newer program, and are kept for it.
 *
 *   {"kind":"pod","key":"0f5c3f52-…","facts":{…}}     replaces an earlier line of the same kind and key
 *   {"gone":"0f5c3f52-…","kind":"pod"}                journal only: the note was removed
 */
import { isObject } from './stored-generation.ts'

/** A parsed line, with all its members. */
export interface Note {
  readonly kind: string
  readonly key: string
  readonly [member: string]: unknown
}

/** The facts of a pod: any JSON object; the state does not look into it. */
export type PodFacts = Readonly<Record<string, unknown>>

const POD = 'pod'

export class Notes {
  readonly #notes = new Map<string, Note>()

  /** The note with an id that {@link put} returned. */
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

  /** Removes the note of this kind and key, and returns its id; undefined if there is none. */
  remove(note: { readonly kind: string; readonly key: string }): string | undefined {
    const id = noteId(note)
    return this.#notes.delete(id) ? id : undefined
  }

  /** A copy of the facts of all pods, by uid. */
  pods(): Map<string, PodFacts> {
    const pods = new Map<string, PodFacts>()
    for (const { kind, key, facts } of this.#notes.values()) {
      if (kind === POD && isObject(facts)) pods.set(key, facts)
    }
    return pods
  }

  /** Replaces the facts of a pod; returns the note's id. */
  putPod(uid: string, facts: PodFacts): string {
    const name = { kind: POD, key: uid }
    // the note may have members that only a newer program knows
    return this.put({ ...this.#notes.get(noteId(name)), ...name, facts })
  }

  /** Removes the facts of a pod, and returns the note's id; undefined if there are none. */
  removePod(uid: string): string | undefined {
    return this.remove({ kind: POD, key: uid })
  }
}

/** The note in a parsed line, or undefined if it is none. */
export function noteFrom(value: Readonly<Record<string, unknown>>): Note | undefined {
  const { kind, key } = value
  return typeof kind === 'string' && typeof key === 'string' ? { ...value, kind, key } : undefined
}

/** The JSON of the line by which the journal removes a note. */
export function goneNoteJson(id: string): string {
  const [kind, key]: unknown[] = JSON.parse(id)
  return JSON.stringify({ gone: key, kind })
}

function noteId({ kind, key }: { readonly kind: string; readonly key: string }): string {
  return JSON.stringify([kind, key])
}
