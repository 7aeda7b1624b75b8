/**
 * The first step of sealing: compress the records of a batch, off the main thread. The second, the stamp, happens at
 * the moment of sending (batch.ts). A fixed number of batches is compressed at a time; the others wait their turn.
 */
import { constants, zstdCompress } from 'node:zlib'
import type { Batch, Compression } from './batch.ts'

/** Batches compressed at the same time: each takes a thread of libuv's pool and its own working memory. */
export const SLOTS = 2

type Compress = (payload: Uint8Array, done: (error: Error | null, bytes: Uint8Array) => void) => void

/** Level 1: most of the gain for a fraction of the CPU; a log agent shares its node with what it watches. */
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
   * Make the batch's next send ready. Without compression it is ready on return; else `done` is called once it is.
   * The batch's records must not change until then.
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
      // what does not get smaller (or fails for want of memory) goes as it is
      batch.compress(this.#codec, error === null && bytes.length < payload.length ? bytes : null)
      batch.ready = true
      done()
      this.#next()
    })
  }
}
