/**
 * The append journal: one open file to which changed entries are added. A torn line that a failed append may have left is
 * cut off before the next append. The lines' format is in format.ts; checkpoint.ts decides when they are written.
 */
import type { StateFile } from './disk.ts'

/** The amount that one sync made durable. */
export interface Synced {
  readonly entries: number
  readonly bytes: number
}

/** Lines are encoded and written block by block: 10,000 entries must neither block the event loop nor fill memory. */
const BLOCK_CHARACTERS = 64 * 1024

export class Journal {
  readonly #file: StateFile
  #length: number
  #torn = false
  #usable = true
  #unsynced: Synced = { entries: 0, bytes: 0 }

  /** `length`: length of the file in bytes, all of them whole lines. */
  constructor(file: StateFile, length: number) {
    this.#file = file
    this.#length = length
  }

  get length(): number {
    return this.#length
  }

  /** False once the file can no longer be relied on: only a new snapshot helps. */
  get usable(): boolean {
    return this.#usable
  }

  /** Whether lines were appended that no sync has made durable. */
  get unsynced(): boolean {
    return this.#unsynced.entries > 0
  }

  /**
   * Adds lines, each ending in '\n'. Resolves when the operating system has them: a kill -9 of this process cannot lose
   * them any more, a loss of power can. When it rejects, some of the lines may have been added. The caller must not begin
   * an append while another one runs.
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
   * Resolves when everything appended before the call survives a loss of power. When it rejects, the journal is no longer
   * usable: Linux marks the pages clean after a failed write-back, so the next fdatasync would succeed although the bytes
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

  /** Makes the journal unusable: nothing may be appended to it any more. */
  giveUp(): void {
    this.#usable = false
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /**
   * Removes the bytes that a failed append left behind. If the next append were shorter, whole lines of the failed one
   * would follow it, and a restart would read their older positions last.
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

/** Encoded lines that are written together. */
export interface Block {
  readonly bytes: Buffer
  readonly lines: number
}

/** Joins and encodes lines into blocks of at least 64 Ki characters, the last one excepted. */
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

/** Writes all bytes. A nearly full disk first takes a part of them, and rejects only the write of the rest. */
export async function writeAll(file: StateFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const taken = await file.write(bytes.subarray(written), position + written)
    if (taken <= 0) throw new Error('the disk wrote no bytes')
    written += taken
  }
}
