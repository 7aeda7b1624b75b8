/**
 * The life cycle of one generation: whether it may be read, whether its file has a name, and how it ends. Every change is a
 * method here; generations.ts draws the order in which they come.
 */

/**
 * live: the file has a name that the input's globs match; rotated: it has another name, or none that is known;
 * deleted: it has no name any more, only our descriptor; detached: its bytes are gone (it was truncated, or the
 * descriptor was lost), and only receipts are still to come.
 */
export type Standing = 'live' | 'rotated' | 'deleted' | 'detached'

export class Life {
  #standing: Standing
  #admitted = false
  #finished = false
  #forgotten = false
  #activeAt = 0

  constructor(standing: Standing) {
    this.#standing = standing
  }

  get standing(): Standing {
    return this.#standing
  }

  /** Whether its id is in the journal, so that it may be read. */
  get admitted(): boolean {
    return this.#admitted
  }

  /** Whether all of it is read and stored, and nobody is expected to write to it. */
  get finished(): boolean {
    return this.#finished
  }

  /** Whether it is no known file any more; another object may stand for what is left of it. */
  get forgotten(): boolean {
    return this.#forgotten
  }

  /** Monotonic ms when bytes last came, it was opened, or it lost its name: since then it may be quiet. */
  get activeAt(): number {
    return this.#activeAt
  }

  /** Whether it will have no turns any more. */
  get isOver(): boolean {
    return this.#standing === 'detached' || this.#forgotten
  }

  admit(): void {
    this.#admitted = true
  }

  /** It was found under a name that the globs match. */
  beLive(): void {
    this.#standing = 'live'
  }

  /** It has no name any more that the globs match, or none at all. */
  loseName(standing: 'rotated' | 'deleted'): void {
    this.#standing = standing
  }

  /** Its bytes are gone. */
  detach(): void {
    this.#standing = 'detached'
  }

  forget(): void {
    this.#forgotten = true
  }

  finish(): void {
    this.#finished = true
  }

  /** There is something to be read again. */
  revive(): void {
    this.#finished = false
  }

  /** `at`: monotonic ms. */
  noteActivity(at: number): void {
    this.#activeAt = at
  }
}
