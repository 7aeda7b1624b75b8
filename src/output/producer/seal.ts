/**
 * The first step of sealing a batch: compress its records, off the main thread. The second step, the stamp, happens at
 * the moment of sending (batch.ts). A fixed number of batches is compressed at a time; the others wait in a queue.
 */
import { constants, zstdCompress } from 'node:zlib'
import type { Batch, Compression } from './batch.ts'

/** How many batches are compressed at the same time: each takes a thread of libuv's pool and its own working memory. */
export const SLOTS = 2

type Compress = (payload: Uint8Array, done: (error: Error | null, bytes: Uint8Array) => void) => void

/** Level 1 has most of the gain for a fraction of the CPU, which the agent shares with the node's applications. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const COMPRESSORS: Partial<Record<Compression, Compress>> = {
  zstd: (payload, done) => zstdCompress(payload, ZSTD, done),
}

interface Work {
  readonly batch: Batch
  readonly done: () => void
}

export class Seal {
  readonly #codec: Compression
  readonly #waiting: Work[] = []
  #running = 0
  #idle: (() => void) | null = null

  constructor(codec: Compression) {
    this.#codec = codec
  }

  /**
   * Makes the batch's next send ready. Without compression it is ready on return; otherwise `done` is called once it
   * is. The batch's records must not change until then.
   */
  seal(batch: Batch, done: () => void): void {
    if (COMPRESSORS[this.#codec] === undefined) {
      batch.compress('none', null)
      batch.ready = true
      return
    }
    this.#waiting.push({ batch, done })
    this.#next()
  }

  /** Resolves when no compressor touches the memory any more. */
  async close(): Promise<void> {
    this.#waiting.length = 0
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  #next(): void {
    while (this.#running < SLOTS) {
      const work = this.#waiting.shift()
      if (work === undefined) break
      this.#running++
      this.#compress(work)
    }
    if (this.#running === 0) this.#idle?.()
  }

  #compress({ batch, done }: Work): void {
    const payload = batch.payload()
    COMPRESSORS[this.#codec]?.(payload, (error, bytes) => {
      this.#running--
      // records that do not get smaller, or cannot be compressed for lack of memory, are sent as they are
      batch.compress(this.#codec, error === null && bytes.length < payload.length ? bytes : null)
      batch.ready = true
      done()
      this.#next()
    })
  }
}
