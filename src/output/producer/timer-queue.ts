/**
 * A timer queue: which item has to be looked at when. It is a heap of times, so that the cost grows with the items that
 * wait and not with all there are. An item has one time at most, the earliest that was set; {@link
 * TimerQueue.takeUntil} takes it away. An entry of the heap that an earlier one has replaced stays until its time, and
 * is ignored then.
 */

/** An item that can be in a timer queue. Only the queue sets the field; Infinity: the item has no time. */
export interface Timed {
  wakeAt: number
}

export interface TimerEntry<T> {
  readonly item: T
  /** On the caller's clock. */
  readonly at: number
}

export class TimerQueue<T extends Timed> {
  readonly #heap: TimerEntry<T>[] = []

  /** The earliest time at which an item may be due; Infinity when the queue is empty. */
  get next(): number {
    return this.#heap[0]?.at ?? Infinity
  }

  /** Sets an item's time. Infinity, and a time that is not before the one it has, change nothing. */
  set(item: T, at: number): void {
    if (at >= item.wakeAt) return
    item.wakeAt = at
    this.#push({ item, at })
  }

  /** Takes out every item whose time is at or before `time`, the earliest first. */
  takeUntil(time: number): TimerEntry<T>[] {
    const due: TimerEntry<T>[] = []
    for (let first = this.#heap[0]; first !== undefined && first.at <= time; first = this.#heap[0]) {
      this.#pop()
      if (first.item.wakeAt !== first.at) continue
      first.item.wakeAt = Infinity
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
