/**
 * Producer ids for the lanes. One id serves all: sequences and epochs are the partition's affair. A lane that has used
 * its id up (fenced, or out of epochs) gets a new one, and so does who comes after it.
 */
import type { Lane } from './lane.ts'
import type { ProducerId, Transport } from '../transport.ts'

export class ProducerIds {
  readonly #transport: Pick<Transport, 'producerId'>
  readonly #signal: AbortSignal
  readonly #onReady: (lane: Lane) => void
  #current: ProducerId | null = null
  #asking = false
  readonly #waiting = new Set<Lane>()

  /** `onReady`: the lane has its id. */
  constructor(transport: Pick<Transport, 'producerId'>, signal: AbortSignal, onReady: (lane: Lane) => void) {
    this.#transport = transport
    this.#signal = signal
    this.#onReady = onReady
  }

  /** Give the lane an id. False when it is told later. */
  provide(lane: Lane): boolean {
    const { sequence } = lane
    if (!sequence.needsProducer) return true
    if (this.#current !== null && this.#current.id !== sequence.formerId) {
      sequence.adopt(this.#current)
      return true
    }
    this.#waiting.add(lane)
    if (!this.#asking) void this.#ask()
    return false
  }

  async #ask(): Promise<void> {
    this.#asking = true
    try {
      this.#current = await this.#transport.producerId(this.#signal)
    } catch (error) {
      // it is retried for as long as there is need, so only the end is a reason
      if (!this.#signal.aborted) throw error
      return
    } finally {
      this.#asking = false
    }
    for (const lane of this.#waiting) {
      if (lane.sequence.needsProducer) lane.sequence.adopt(this.#current)
      this.#onReady(lane)
    }
    this.#waiting.clear()
  }
}
