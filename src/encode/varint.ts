/**
 * Zigzag varints of Kafka's records, for rendering templates and reading records back; the hot path has its own in the
 * kernel.
 */

/** The varint of an integer below 2^53 in magnitude. */
export function varint(n: number): Buffer {
  const bytes: number[] = []
  let v = n < 0 ? -2n * BigInt(n) - 1n : 2n * BigInt(n)
  while (v > 127n) {
    bytes.push(Number(v & 127n) | 128)
    v >>= 7n
  }
  bytes.push(Number(v))
  return Buffer.from(bytes)
}

/** Bytes behind their length; null is length -1. */
export function sized(bytes: Uint8Array | null): Buffer {
  return bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes])
}

/**
 * Reads varints and byte strings one after another. Throws RangeError at the end of the bytes, and at an invalid
 * varint.
 */
export class VarintReader {
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.at = at
  }

  varint(): number {
    let v = 0n
    let shift = 0n
    for (;;) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) throw new RangeError('a varint runs over the end')
      v |= BigInt(byte & 127) << shift
      if (byte < 128) break
      shift += 7n
      if (shift > 63n) throw new RangeError('a varint of more than 64 bits')
    }
    return Number(v & 1n ? -(v >> 1n) - 1n : v >> 1n)
  }

  bytes(length: number): Uint8Array {
    if (this.at + length > this.#bytes.length) throw new RangeError('a record runs over the end')
    return this.#bytes.subarray(this.at, (this.at += length))
  }

  sized(): Uint8Array | null {
    const length = this.varint()
    return length < 0 ? null : this.bytes(length)
  }
}
