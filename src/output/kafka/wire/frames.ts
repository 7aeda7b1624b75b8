/**
 * Cuts the bytes of a socket into frames: int32 length, then that many bytes. The content of a frame is not known here.
 */
import { AgentError } from '../../../errors.ts'

/** A response has at least a correlation id. */
const MIN_FRAME = 4
/**
 * No response to our requests comes near this length. A greater one means that the bytes are not the Kafka protocol
 * (but TLS or HTTP, for example).
 */
const MAX_FRAME = 16 * 1024 * 1024
const FIRST_PIECE = 64 * 1024
const NOTHING = Buffer.alloc(0)

/**
 * Gives the frames of pushed chunks: push a chunk, then call {@link next} until it gives null. A frame that lies within
 * one chunk is handed out as a view, without a copy. Any other frame is collected in a buffer that doubles: the work is
 * linear however small the chunks are, and the memory is never more than twice what the broker has really sent,
 * whatever length it announced.
 */
export class Frames {
  #chunk: Buffer = NOTHING
  #at = 0
  /** How many bytes of the length have come, and their value. */
  #lengthBytes = 0
  #length = 0
  #partial: Buffer = NOTHING
  #filled = 0

  /** Takes the next chunk. The chunk before must be used up. */
  push(chunk: Buffer): void {
    this.#chunk = chunk
    this.#at = 0
  }

  /** The next whole frame, without its length; null when more bytes are needed. It is valid until the next push. */
  next(): Buffer | null {
    const chunk = this.#chunk
    while (this.#lengthBytes < 4) {
      if (this.#at === chunk.length) return this.#used()
      this.#length = (this.#length << 8) | chunk[this.#at++]!
      if (++this.#lengthBytes === 4) this.#checkLength()
    }
    const there = chunk.length - this.#at
    if (this.#filled === 0 && there >= this.#length) {
      const frame = chunk.subarray(this.#at, this.#at + this.#length)
      this.#at += this.#length
      this.#lengthBytes = 0
      return frame
    }
    const taken = Math.min(there, this.#length - this.#filled)
    this.#collect(chunk.subarray(this.#at, this.#at + taken))
    this.#at += taken
    if (this.#filled < this.#length) return this.#used()
    const frame = this.#partial
    this.#partial = NOTHING
    this.#filled = 0
    this.#lengthBytes = 0
    return frame.subarray(0, this.#length)
  }

  #checkLength(): void {
    if (this.#length >= MIN_FRAME && this.#length <= MAX_FRAME) return
    throw new AgentError('protocol-violation', `a frame of ${this.#length} bytes was announced`)
  }

  #collect(piece: Buffer): void {
    const filled = this.#filled + piece.length
    if (filled > this.#partial.length) {
      const size = Math.min(this.#length, Math.max(FIRST_PIECE, 2 * this.#partial.length, filled))
      const larger = Buffer.allocUnsafeSlow(size)
      larger.set(this.#partial.subarray(0, this.#filled))
      this.#partial = larger
    }
    this.#partial.set(piece, this.#filled)
    this.#filled = filled
  }

  /** Releases a chunk with nothing left in it, so that an idle connection holds none. */
  #used(): null {
    this.#chunk = NOTHING
    this.#at = 0
    return null
  }
}
