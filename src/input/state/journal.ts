/**
 * The append journal: one open file that changed entries are added to, and that always ends, as far as we know, after
 * a whole line. What the lines say is state-format.ts, when they are written is checkpoint.ts.
 */
import type { StateFile } from './disk.ts'

/** What one sync made durable. */
export interface Synced {
  readonly entries: number
  readonly bytes: number
}

/** Encoding and writing go block by block, so that 10,000 entries neither hold up the event loop nor fill memory. */
const BLOCK_CHARACTERS = 64 * 1024

export class Journal {
  readonly #file: StateFile
  #length: number
  #torn = false
  #usable = true
  #unsynced: Synced = { entries: 0, bytes: 0 }

  /** `length`: bytes in the file, all of them whole lines. */
  constructor(file: StateFile, length: number) {
    this.#file = file
    this.#length = length
  }

  get length(): number {
    return this.#length
  }

  /** false: nothing this file says from now on can be relied on, only a new snapshot helps. */
  get usable(): boolean {
    return this.#usable
  }

  get unsynced(): boolean {
    return this.#unsynced.entries > 0
  }

  /**
   * Adds lines, each ending in '\n'; resolves when the system has taken them (kill -9 of this process can't lose them
   * any more, a loss of power can). When it throws, some of the lines may have been added. Never two at a time.
   */
  async append(lines: Iterable<string>): Promise<void> {
    await this.#cutTornEnd()
    for (const block of blocksOf(lines)) {
      try {
        await writeAll(this.#file, block.bytes, this.#length)
      } catch (error) {
        this.#torn = true
        throw error
      }
      this.#length += block.bytes.length
      const { entries, bytes } = this.#unsynced
      this.#unsynced = { entries: entries + block.lines, bytes: bytes + block.bytes.length }
    }
  }

  /**
   * Resolves when everything appended before the call survives a loss of power. If it throws the journal has had its
   * day: Linux marks the pages clean after a failed write-back, so that the next fdatasync says yes to bytes that
   * never reached the disk.
   */
  async sync(): Promise<Synced> {
    const synced = this.#unsynced
    this.#unsynced = { entries: 0, bytes: 0 }
    try {
      await this.#file.sync()
    } catch (error) {
      this.giveUp()
      throw error
    }
    return synced
  }

  giveUp(): void {
    this.#usable = false
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /**
   * What a failed append left behind must go before the next one: a shorter round of lines would be followed by whole
   * lines of the failed one, and those older positions would be read last.
   */
  async #cutTornEnd(): Promise<void> {
    if (!this.#torn) return
    try {
      await this.#file.truncate(this.#length)
    } catch (error) {
      this.giveUp()
      throw error
    }
    this.#torn = false
  }
}

export interface Block {
  readonly bytes: Buffer
  readonly lines: number
}

export function* blocksOf(lines: Iterable<string>): Generator<Block> {
  let text = ''
  let count = 0
  for (const line of lines) {
    text += line
    count++
    if (text.length < BLOCK_CHARACTERS) continue
    yield { bytes: Buffer.from(text), lines: count }
    text = ''
    count = 0
  }
  if (count > 0) yield { bytes: Buffer.from(text), lines: count }
}

/** A disk that is nearly full takes a part of what it is given and says no only when asked again. */
export async function writeAll(file: StateFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const taken = await file.write(bytes.subarray(written), position + written)
    if (taken <= 0) throw new Error('the disk took no bytes of a write')
    written += taken
  }
}
