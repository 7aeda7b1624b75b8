/**
 * How large a file was seen to be, and how much of that surely was its own. The two differ because a file that was cut
 * can be filled again: what was seen last may be another generation's already, and only a read tells. What a cut took is
 * counted by what was the file's own:
 *
 * | seen                            | its own is at least                                          |
 * |---------------------------------|--------------------------------------------------------------|
 * | larger than before              | what was confirmed or read, until it is confirmed again      |
 * | smaller than before             | most likely what was seen before: it was cut only now        |
 * | its beginning is as it was      | what was seen: {@link SeenSize.own}                      |
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
  /** As seen before it was seen to be smaller; 0 where it was not. */
  #before = 0
  #hasShrunk = false

  /** As seen last. */
  get last(): number {
    return this.#last
  }

  /** It was seen to be smaller than before, and not read since. */
  get hasShrunk(): boolean {
    return this.#hasShrunk
  }

  /** Bytes were seen that may be another generation's. */
  get isUnsure(): boolean {
    return this.#own < this.#last && !this.#hasShrunk
  }

  /** The file system says so now. */
  note(size: number): void {
    // one that has grown may have been cut and filled again, twice even; one that is smaller was cut only now
    if (size < this.#last && !this.#hasShrunk) {
      this.#before = this.#last
      this.#hasShrunk = true
    }
    this.#last = size
  }

  /** So much of it was surely its own. */
  own(size: number): void {
    if (!this.#hasShrunk) this.#own = Math.max(this.#own, size)
  }

  /** It was read up to here. */
  reached(offset: number): void {
    this.#last = Math.max(this.#last, offset)
    this.#own = Math.max(this.#own, offset)
    this.#hasShrunk = false
  }

  /** This is its size, whatever was seen. */
  set(size: number): void {
    this.#last = size
  }

  /** Where it ended when it was cut. `read`: how far it was read; `now`: its size, null if that is not known. */
  endAtCut(read: { next: number; halfLineEnd: number }, now: number | null): EndAtCut {
    // nothing was seen since it was cut: what was seen last was its own
    const isOwn = now !== null && now < this.#last && !this.#hasShrunk
    const sure = Math.max(this.#own, read.halfLineEnd, read.next)
    return { sure, seen: Math.max(sure, this.#before, isOwn ? this.#last : 0) }
  }

  /** Its end was cut off: what was unread of that. Parameters as of {@link endAtCut}. */
  lostAtEnd({ next }: { next: number }, now: number | null): number {
    const end = Math.max(this.#own, this.#before)
    const lost = now === null ? 0 : Math.max(0, end - Math.max(now, next))
    this.#own = this.#last
    this.#before = 0
    this.#hasShrunk = false
    return lost
  }
}
