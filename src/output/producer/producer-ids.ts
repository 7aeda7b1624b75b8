/**
 * Producer ids for the lanes. All lanes use one id: sequences and epochs are counted per partition. A lane that cannot
 * use its id any more (fenced, or out of epochs) gets a new one, and so do all lanes that need one after it.
 */
import type { Lane } from './lane.ts'
import type { ProducerId, Transport } from '../transport.ts'

export class ProducerIds {
  readonly #transport: Pick<Transport, 'producerId'>
  readonly #signal: AbortSignal
  readonly #onReady: (lane: Lane) => void
  #current: ProducerId | null = null
  #requesting = false
  readonly #waiting = new Set<Lane>()

  /** `onReady` is called when a lane has got its id. */
  constructor(transport: Pick<Transport, 'producerId'>, signal: AbortSignal, onReady: (lane: Lane) => void) {
    this.#transport = transport
    this.#signal = signal
    this.#onReady = onReady
  }

  /** Gives the lane an id, if it needs one. False when it gets the id later. */
  provide(lane: Lane): boolean {
    const { sequence } = lane
    if (!sequence.needsProducer) return true
    if (this.#current !== null && this.#current.id !== sequence.formerId) {
      sequence.adopt(this.#current)
      return true
    }
    this.#waiting.add(lane)
    if (!this.#requesting) void this.#request()
    return false
  }

  async #request(): Promise<void> {
    this.#requesting = true
    try {
      this.#current = await this.#transport.producerId(this.#signal)
    } catch (error) {
      // the transport retries until it has one, so that only the abort is expected here
      if (!this.#signal.aborted) throw error
      return
    } finally {
      this.#requesting = false
    }
    for (const lane of this.#waiting) {
      if (lane.sequence.needsProducer) lane.sequence.adopt(this.#current)
      this.#onReady(lane)
    }
    this.#waiting.clear()
  }
}
