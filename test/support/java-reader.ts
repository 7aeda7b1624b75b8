/** The frames and records that the Java peer sends (laid out in java/PeerConnection.java and java/PeerReader.java). */

export interface KafkaRecord {
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly name: string; readonly value: Buffer | null }[]
}

export interface Frame {
  /** 'J': the JSON response that ends a request. 'R': records that come before it. */
  readonly kind: 'J' | 'R'
  readonly id: number
  readonly payload: Buffer
}

/** Turns the chunks of a socket into whole frames. Bytes are copied once, however small the chunks are. */
export class FrameParser {
  #lengthBytes = Buffer.alloc(4)
  #frame: Buffer | undefined
  #filled = 0

  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    let at = 0
    while (at < chunk.length) {
      const target = this.#frame ?? this.#lengthBytes
      const copied = chunk.copy(target, this.#filled, at)
      at += copied
      this.#filled += copied
      if (this.#filled < target.length) break
      this.#filled = 0
      if (this.#frame === undefined) {
        this.#frame = Buffer.allocUnsafeSlow(this.#lengthBytes.readUInt32BE())
        continue
      }
      const frame = this.#frame
      this.#frame = undefined
      const kind = frame[0] === 0x52 ? 'R' : 'J'
      frames.push({ kind, id: frame.readInt32BE(1), payload: frame.subarray(5) })
    }
    return frames
  }
}

/** The records of an 'R' frame. Keys and values are views into the frame. */
export function* recordsOf(payload: Buffer): Generator<KafkaRecord> {
  let at = 0
  const int32 = (): number => payload.readInt32BE((at += 4) - 4)
  const int64 = (): number => Number(payload.readBigInt64BE((at += 8) - 8))
  const bytes = (): Buffer | null => {
    const length = int32()
    return length < 0 ? null : payload.subarray(at, (at += length))
  }
  while (at < payload.length) {
    const partition = int32()
    const offset = int64()
    const timestamp = int64()
    const key = bytes()
    const value = bytes()
    const headers = Array.from({ length: int32() }, () => ({ name: bytes()?.toString() ?? '', value: bytes() }))
    yield { partition, offset, timestamp, key, value, headers }
  }
}
