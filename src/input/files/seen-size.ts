/**
 * How large a file was seen to be, and how many of these bytes surely were its own. The two differ because a file that was
 * cut can be filled again: the bytes that were seen last may be another generation's already, and only a read finds out.
 * The bytes that a cut took are counted by how many were the file's own:
 *
 * | seen                            | its own are at least                                         |
 * |---------------------------------|--------------------------------------------------------------|
 * | larger than before              | the bytes that were read or known to be its own before       |
 * | smaller than before             | most likely those that were seen before: it was cut only now |
 * | its beginning is as it was      | those that were seen: {@link SeenSize.own}                   |
 *
 * All sizes in bytes.
 */

/** Where a generation ended when its file was cut, as far as that can be known. */
export interface EndAtCut {
  /** Bytes up to here were read, or seen while the file still began as it did. */
  readonly sure: number
  /** Bytes up to here were seen; if the file was cut and filled again unseen, some of them were another generation's. */
  readonly seen: number
}

export class SeenSize {
  #last = 0
  #own = 0
  /** The size before it was seen to be smaller; 0 where it was not. */
  #before = 0
  #hasShrunk = false

  /** The size that was seen last. */
  get last(): number {
    return this.#last
  }

  /** Whether it was seen to be smaller than before, and not read since. */
  get hasShrunk(): boolean {
    return this.#hasShrunk
  }

  /** Whether bytes were seen that may be another generation's. */
  get isUnsure(): boolean {
    return this.#own < this.#last && !this.#hasShrunk
  }

  /** Note the size that the file system has just reported. */
  note(size: number): void {
    // a file that has grown may have been cut and filled again, even twice; one that is smaller was cut only now
    if (size < this.#last && !this.#hasShrunk) {
      this.#before = this.#last
      this.#hasShrunk = true
    }
    this.#last = size
  }

  /** This many bytes surely are its own. */
  own(size: number): void {
    if (!this.#hasShrunk) this.#own = Math.max(this.#own, size)
  }

  /** It was read up to here. */
  reached(offset: number): void {
    this.#last = Math.max(this.#last, offset)
    this.#own = Math.max(this.#own, offset)
    this.#hasShrunk = false
  }

  /** This is its size, whatever was seen before. */
  set(size: number): void {
    this.#last = size
  }

  /** Where it ended when it was cut. `read`: how far it was read. `now`: its size now; null if that is not known. */
  endAtCut(read: { next: number; halfLineEnd: number }, now: number | null): EndAtCut {
    // it was not seen since the cut, so all bytes of the last size were its own
    const isOwn = now !== null && now < this.#last && !this.#hasShrunk
    const sure = Math.max(this.#own, read.halfLineEnd, read.next)
    return { sure, seen: Math.max(sure, this.#before, isOwn ? this.#last : 0) }
  }

  /** How many unread bytes were lost when its end was cut off. Parameters are those of {@link endAtCut}. */
  lostAtEnd({ next }: { next: number }, now: number | null): number {
    const end = Math.max(this.#own, this.#before)
    const lost = now === null ? 0 : Math.max(0, end - Math.max(now, next))
    this.#own = this.#last
    this.#before = 0
    this.#hasShrunk = false
    return lost
  }
}
