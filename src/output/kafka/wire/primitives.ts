/**
 * The primitive types of the Kafka protocol: reading them from a response, writing them into a request. The layout of
 * messages is elsewhere (one file an API), and so is the format of record batches (encode/records.ts).
 *
 * A broker's bytes are hostile: each read checks that the bytes are there, each length is compared with the bytes
 * that are left, and anything that doesn't fit throws AgentError `protocol-violation`, and no other error.
 *
 * Types and sizes: https://kafka.apache.org/protocol#protocol_types
 */
import { AgentError } from '../../../errors.ts'

function violation(message: string): AgentError {
  return new AgentError('protocol-violation', message)
}

/** Reads one response from front to end. Strings are copied out, so the bytes may be reused afterwards. */
export class ResponseReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** Takes `length` bytes; returns where they begin. */
  #take(length: number): number {
    const at = this.#at
    if (length > this.#bytes.length - at) {
      throw violation(`a response ends early: ${length} bytes expected at ${at}, ${this.#bytes.length - at} left`)
    }
    this.#at = at + length
    return at
  }

  boolean(): boolean {
    return this.#bytes[this.#take(1)] !== 0
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  /** An int64 as a number. The values that Kafka sends (offsets, times, producer ids) stay below 2^53. */
  int64(): number {
    const at = this.#take(8)
    const value = this.#bytes.readInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4)
    if (!Number.isSafeInteger(value)) throw violation(`a response has a 64-bit number beyond 2^53 at ${at}`)
    return value
  }

  /** An unsigned varint: seven bits a byte, lowest first, at most 32 bits in all. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const at = this.#take(1)
      const byte = this.#bytes[at]!
      if (shift === 28 && byte > 0x0f) throw violation(`a response has a varint beyond 32 bits at ${at}`)
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw violation('a response has a varint without an end')
  }

  compactNullableString(): string | null {
    const length = this.unsignedVarint() - 1
    if (length < 0) return null
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  compactString(): string {
    const text = this.compactNullableString()
    if (text === null) throw violation(`a response has null for a string that is never null, before ${this.#at}`)
    return text
  }

  /** 16 bytes as 32 hexadecimal digits. */
  uuid(): string {
    const at = this.#take(16)
    return this.#bytes.toString('hex', at, at + 16)
  }

  /**
   * The number of elements of an array that is never null. `elementBytes` is the least number of bytes that an element
   * can have: a number of elements that cannot fit in the bytes left is refused before anything is allocated for them.
   */
  compactArray(elementBytes: number): number {
    return this.#count(this.unsignedVarint() - 1, elementBytes)
  }

  /** The number of elements of an array in the old form, whose length is an int32; see {@link compactArray}. */
  array(elementBytes: number): number {
    return this.#count(this.int32(), elementBytes)
  }

  #count(count: number, elementBytes: number): number {
    if (count < 0 || count * elementBytes > this.left) {
      throw violation(`a response has an array of ${count} elements with ${this.left} bytes left`)
    }
    return count
  }

  skip(bytes: number): void {
    this.#take(bytes)
  }

  /** Skips tagged fields. They are optional by definition, and none has anything that we need. */
  skipTaggedFields(): void {
    for (let count = this.unsignedVarint(); count > 0; count--) {
      this.unsignedVarint()
      this.skip(this.unsignedVarint())
    }
  }

  /**
   * Checks that all bytes are read. Bytes that are left mean that the two sides use different versions: nothing that
   * was read before can be trusted then.
   */
  end(): void {
    if (this.left > 0) throw violation(`a response has ${this.left} bytes too many`)
  }
}

/** Writes one request, and grows as needed; {@link cut} gives what was written since the last cut. */
export class Writer {
  #bytes: Buffer
  #start = 0
  #at = 0

  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  #room(bytes: number): number {
    const at = this.#at
    if (at + bytes <= this.#bytes.length) {
      this.#at = at + bytes
      return at
    }
    // Only what was not cut yet is moved: cuts keep the buffer they were made from.
    const open = this.#bytes.subarray(this.#start, at)
    this.#bytes = Buffer.allocUnsafe(Math.max(2 * open.length, open.length + bytes, 256))
    this.#bytes.set(open)
    this.#start = 0
    this.#at = open.length + bytes
    return open.length
  }

  int8(value: number): void {
    const at = this.#room(1)
    this.#bytes.writeInt8(value, at)
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0)
  }

  int16(value: number): void {
    const at = this.#room(2)
    this.#bytes.writeInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.#room(4)
    this.#bytes.writeInt32BE(value, at)
  }

  /** `value` must be a safe integer. */
  int64(value: number): void {
    const at = this.#room(8)
    this.#bytes.writeInt32BE(Math.floor(value / 2 ** 32), at)
    this.#bytes.writeUInt32BE(value >>> 0, at + 4)
  }

  unsignedVarint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      const at = this.#room(1)
      this.#bytes[at] = (rest & 0x7f) | 0x80
      rest = Math.floor(rest / 128)
    }
    const at = this.#room(1)
    this.#bytes[at] = rest
  }

  /** Writes a string in the old form, whose length is an int16; only request headers still have one. */
  string(text: string): void {
    const length = Buffer.byteLength(text)
    this.int16(length)
    const at = this.#room(length)
    this.#bytes.write(text, at, length, 'utf8')
  }

  compactString(text: string): void {
    const length = Buffer.byteLength(text)
    this.unsignedVarint(length + 1)
    const at = this.#room(length)
    this.#bytes.write(text, at, length, 'utf8')
  }

  compactNullableString(text: string | null): void {
    if (text === null) this.unsignedVarint(0)
    else this.compactString(text)
  }

  /** Writes the length of an array whose elements follow. */
  compactArray(elements: number): void {
    this.unsignedVarint(elements + 1)
  }

  /** Writes 32 hexadecimal digits as 16 bytes. */
  uuid(hex: string): void {
    const at = this.#room(16)
    this.#bytes.write(hex, at, 16, 'hex')
  }

  noTaggedFields(): void {
    this.int8(0)
  }

  /** The bytes written since the last cut, without a copy: they do not change, since the writer goes on behind them. */
  cut(): Buffer {
    const piece = this.#bytes.subarray(this.#start, this.#at)
    this.#start = this.#at
    return piece
  }
}
