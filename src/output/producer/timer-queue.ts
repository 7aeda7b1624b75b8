/**
 * Who has to be looked at when: a heap of times, so that the cost goes with those who wait for something and not with
 * all there are. Each has one appointment at most, the earliest that was made; {@link TimerQueue.takeUntil} ends it.
 * An entry that an earlier one has replaced stays in the heap until its time and is ignored then.
 */

/** Whoever can wait. The field belongs to the timetable; Infinity: no appointment. */
export interface Waiting {
  wakeAt: number
}

export interface TimerEntry<T> {
  readonly who: T
  /** On the caller's clock. */
  readonly at: number
}

export class TimerQueue<T extends Waiting> {
  readonly #heap: TimerEntry<T>[] = []

  /** The earliest time that anyone may wait for; Infinity when nobody does. */
  get next(): number {
    return this.#heap[0]?.at ?? Infinity
  }

  /** Infinity, or a time not before the appointment there is, changes nothing. */
  set(who: T, at: number): void {
    if (at >= who.wakeAt) return
    who.wakeAt = at
    this.#push({ who, at })
  }

  /** Everyone whose time is at or before `time`, the earliest first. */
  takeUntil(time: number): TimerEntry<T>[] {
    const due: TimerEntry<T>[] = []
    for (let first = this.#heap[0]; first !== undefined && first.at <= time; first = this.#heap[0]) {
      this.#pop()
      if (first.who.wakeAt !== first.at) continue
      first.who.wakeAt = Infinity
      due.push(first)
    }
    return due
  }

  #push(entry: TimerEntry<T>): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]!
      if (parent.at <= entry.at) break
      heap[at] = parent
      at = above
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && heap[below + 1]!.at < heap[below]!.at) below++
      if (heap[below]!.at >= last.at) break
      heap[at] = heap[below]!
      at = below
    }
    heap[at] = last
  }
}
