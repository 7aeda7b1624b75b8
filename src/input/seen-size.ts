/**
 * How large a file was seen to be, and how much of that surely was its own. The two differ because a file that was cut
 * can be filled again: what was seen last may be another generation's already, and only a read tells. What is lost by a
 * cut is counted by what was the file's own:
 *
 * | seen                            | its own is at least                                          |
 * |---------------------------------|--------------------------------------------------------------|
 * | larger than before              | what was confirmed or read, until it is confirmed again      |
 * | smaller than before             | what was seen before: it was cut, or its end was, only now   |
 * | its beginning is as it was      | what was seen: {@link SeenSize.confirm}                      |
 *
 * All sizes in bytes.
 */
export class SeenSize {
  #last = 0
  #own = 0
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
      this.#own = Math.max(this.#own, this.#last)
      this.#hasShrunk = true
    }
    this.#last = size
  }

  /** So much of it was surely its own. */
  confirm(size: number): void {
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

  /** What was unread of it when it was cut. `read`: how far it was read; `now`: its size, null if that is not known. */
  lostByCut(read: { next: number; seen: number }, now: number | null): number {
    // nothing was seen since it was cut: what was seen last was its own
    const isOwn = now !== null && now < this.#last && !this.#hasShrunk
    return Math.max(0, Math.max(this.#own, read.seen, isOwn ? this.#last : 0) - read.next)
  }

  /** Its end was cut off: what was unread of that. Parameters as of {@link lostByCut}. */
  lostAtEnd({ next }: { next: number }, now: number | null): number {
    const lost = now === null ? 0 : Math.max(0, this.#own - Math.max(now, next))
    this.#own = this.#last
    this.#hasShrunk = false
    return lost
  }
}
