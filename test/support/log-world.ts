/**
 * A world of log files as applications and rotation leave them, on a real file system, which keeps every generation of
 * bytes: stories of reading are compared with it. The agent sees nothing in the middle of a call.
 */
import { closeSync, existsSync, ftruncateSync, fstatSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** One generation: the bytes of a file from its beginning to its end, or until it was cut to nothing. */
export interface Bytes {
  readonly number: number
  /** `device:inode`. */
  readonly key: string
  content: Buffer
  /** Null: these bytes have no name any more. */
  name: string | null
  /** Why these bytes are not on the disk any more. */
  gone: 'deleted' | 'cut' | null
  /** How long the file was when the agent last had time to look. */
  seen: number
  /** How many bytes from the beginning must be delivered. */
  owed: number
}

interface Writer {
  readonly descriptor: number
  bytes: Bytes
  /** The rest of a line that was begun. */
  rest: string
}

const KEPT = 3

export class LogWorld {
  readonly directory: string
  readonly all: Bytes[] = []
  readonly #names = new Map<string, Bytes>()
  readonly #writers = new Map<string, Writer>()
  #lines = 0

  constructor(directory: string) {
    this.directory = directory
  }

  /** The newest bytes that are in a file with this device and inode. */
  byKey(key: string): Bytes | undefined {
    return this.all.findLast((bytes) => bytes.key === key && bytes.gone !== 'cut')
  }

  /** Appends whole lines, after the rest of a line that was begun. */
  write(log: string, lengths: readonly number[]): void {
    const writer = this.#writer(log)
    const lines = lengths.map((length) => this.#line(length)).join('')
    this.#append(writer, writer.rest + lines)
    writer.rest = ''
  }

  /** Begins a line, or writes a little more of a line that was begun. */
  writeHalf(log: string, length: number): void {
    const writer = this.#writer(log)
    const line = writer.rest === '' ? this.#line(length) : writer.rest
    // at least its number, so that it is not taken for the beginning of another line
    const half = Math.max(line.indexOf('>') + 1, Math.floor(line.length / 2))
    writer.rest = line.slice(half)
    this.#append(writer, line.slice(0, half))
  }

  /** `log` becomes `log.1`, that `log.2` and so on; the writer goes on in the old file until {@link reopen}. */
  rotate(log: string): void {
    if (!this.#names.has(log)) return
    this.remove(`${log}.${KEPT}`)
    for (let n = KEPT; n > 0; n--) this.rename(n === 1 ? log : `${log}.${n - 1}`, `${log}.${n}`)
  }

  rename(from: string, to: string): void {
    const bytes = this.#names.get(from)
    if (bytes === undefined) return
    renameSync(join(this.directory, from), join(this.directory, to))
    this.#names.delete(from)
    this.#names.set(to, bytes)
    bytes.name = to
  }

  /** The writer goes on in the file that is called `log` now; it creates that file if need be. */
  reopen(log: string): void {
    this.#close(log)
    this.#writer(log)
  }

  /** Cuts a file to nothing; the writer goes on. Returns the former bytes, if there were any. */
  cut(name: string): Bytes | undefined {
    const bytes = this.#names.get(name)
    if (bytes === undefined || bytes.content.length === 0) return undefined
    const descriptor = openSync(join(this.directory, name), 'r+')
    ftruncateSync(descriptor)
    closeSync(descriptor)
    const next = this.#add(bytes.key, name)
    for (const writer of this.#writers.values()) if (writer.bytes === bytes) writer.bytes = next
    bytes.name = null
    bytes.gone = 'cut'
    return bytes
  }

  /** Deletes a file. Its writer, if there is one, ends. */
  remove(name: string): Bytes | undefined {
    const bytes = this.#names.get(name)
    if (bytes === undefined) return undefined
    for (const [log, writer] of this.#writers) if (writer.bytes === bytes) this.#close(log)
    unlinkSync(join(this.directory, name))
    this.#names.delete(name)
    bytes.name = null
    bytes.gone = 'deleted'
    return bytes
  }

  named(name: string): Bytes | undefined {
    return this.#names.get(name)
  }

  close(): void {
    for (const log of this.#writers.keys()) this.#close(log)
  }

  /** A line that repeats its number: no two lines look alike where only a part of them is compared. */
  #line(length: number): string {
    const number = ++this.#lines
    return `<${number}>${`${number}.`.repeat(length).slice(0, length)}\n`
  }

  #writer(log: string): Writer {
    const known = this.#writers.get(log)
    if (known !== undefined) return known
    const path = join(this.directory, log)
    const isNew = !existsSync(path)
    const descriptor = openSync(path, 'a')
    const { dev, ino } = fstatSync(descriptor, { bigint: true })
    const bytes = isNew ? this.#add(`${dev}:${ino}`, log) : this.#names.get(log)
    if (bytes === undefined) throw new Error(`${log} is on the disk and not in the model`)
    const writer = { descriptor, bytes, rest: '' }
    this.#writers.set(log, writer)
    return writer
  }

  #append(writer: Writer, text: string): void {
    const bytes = Buffer.from(text)
    writeSync(writer.descriptor, bytes)
    writer.bytes.content = Buffer.concat([writer.bytes.content, bytes])
  }

  #close(log: string): void {
    const writer = this.#writers.get(log)
    if (writer !== undefined) closeSync(writer.descriptor)
    this.#writers.delete(log)
  }

  #add(key: string, name: string): Bytes {
    const content = Buffer.alloc(0)
    const bytes: Bytes = { number: this.all.length, key, content, name, gone: null, seen: 0, owed: 0 }
    this.all.push(bytes)
    this.#names.set(name, bytes)
    return bytes
  }
}
