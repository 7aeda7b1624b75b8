/** What keeps one file from having its next turn, or from being closed. Each public field is written by one file. */
export class TurnState {
  /** It stands in the queue of files with something to read. Written by schedule.ts. */
  queued = false
  /** It waits for room, a topic, a descriptor or its own receipts. Written by parking.ts. */
  parked = false
  /** A read that takes its time is under way. Written by file-turn.ts. */
  reading = false
  #checking = false

  /** A call about it to its file system is under way; a mount that hangs gets no second one. */
  get checking(): boolean {
    return this.#checking
  }

  beginCheck(): void {
    this.#checking = true
  }

  endCheck(): void {
    this.#checking = false
  }
}
