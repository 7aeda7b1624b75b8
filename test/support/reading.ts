/** For tests of reading: memory, rules, an open file, and reading it line by line as the pipeline would. */
import { closeSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Chunk } from '../../src/flow.ts'
import type { Guard } from '../../src/guard.ts'
import { Directory } from '../../src/input/discovery/directory.ts'
import type { InputRules } from '../../src/input/input-rules.ts'
import { LogFile } from '../../src/input/files/log-file.ts'
import { FileReader } from '../../src/input/reading/read.ts'
import { type Volume, localVolume } from '../../src/input/volume/volume.ts'
import { LinearMemory } from '../../src/kernel/memory.ts'
import { BatchMemory } from '../../src/output/producer/batch-memory.ts'
import { ReadMemory } from '../../src/output/producer/read-memory.ts'
import { atEnd, type Ending } from './ending.ts'

export const MAX_LINE = 256 * 1024

/** A log that has more bytes than a fingerprint. */
export const LONG = Array.from({ length: 200 }, (_, n) => `line ${n} of a log\n`).join('')

/** As large as the agent's where lines may have `maxLineBytes`, with little behind it. */
export function testMemory(maxLineBytes = MAX_LINE): LinearMemory {
  const chunk = maxLineBytes + 64 * 1024
  const largest = chunk + 1024
  return new LinearMemory({ total: 4 * largest + 1024 * 1024, chunk, largest })
}

/** A buffer for each read on a mount, as the output lends them. `onRoom`: one came free for which a file waits. */
export function testReadMemory(memory: LinearMemory, onRoom: () => void = () => undefined): ReadMemory {
  return new ReadMemory(new BatchMemory(memory.pool, () => void setImmediate(onRoom)))
}

export function rulesFor(globs: string | readonly string[], change: Partial<InputRules> = {}): InputRules {
  return {
    id: 'app',
    globs: typeof globs === 'string' ? [globs] : globs,
    exclude: [],
    start: 'beginning',
    rotated: 'follow',
    roots: [],
    maxLineBytes: MAX_LINE,
    ...change,
  }
}

export interface OpenSettings {
  readonly volume?: Volume
  readonly rules?: Partial<InputRules>
  readonly id?: string
  readonly start?: { readonly offset: number; readonly skipped: number; readonly guard: Guard }
  readonly admitted?: boolean
}

/** A generation of the file at a path, open for reading; its facts are those of now. */
export async function openFile(t: Ending, path: string, settings: OpenSettings = {}): Promise<LogFile> {
  const { volume = localVolume, id = 'a'.repeat(24), start = { offset: 0, skipped: 0, guard: 0 } } = settings
  const descriptor = await volume.open(path)
  const facts = await volume.factsOf(descriptor)
  const directory = new Directory(dirname(path), volume, [])
  const rules = rulesFor(path, settings.rules)
  const name = basename(path)
  const file = new LogFile({
    id,
    rules,
    within: { rules, base: directory.path },
    path,
    key: facts.key,
    volume,
    directory,
    name,
    start,
    foundAt: 0,
  })
  directory.files.set(name, file)
  file.descriptor = descriptor
  file.note(facts)
  if (settings.admitted ?? true) file.life.admit()
  atEnd(t, () => {
    if (file.descriptor !== descriptor) return
    closeSync(descriptor)
    file.descriptor = -1
  })
  return file
}

/** A piece of a file that was handed on: where its bytes lie in the file, and those of them that a chunk had. */
export interface Piece {
  readonly start: number
  readonly end: number
  readonly bytes: Buffer
  /** The guard of `end`, as a receipt would carry it. */
  readonly guard: Guard
}

/** Takes whole lines as the pipeline does: `most` of them at a time. Answers how far it came. */
export function takeLines(memory: LinearMemory, chunk: Chunk, into: Piece[], most = Infinity): number {
  const bytes = Buffer.from(memory.view(chunk.pointer, chunk.length))
  if (chunk.lineEnd !== null) {
    into.push({ start: chunk.offset, end: chunk.lineEnd, bytes, guard: chunk.guardAt(chunk.lineEnd) })
    return chunk.lineEnd
  }
  let at = 0
  for (let lines = 0; lines < most; lines++) {
    const newline = bytes.indexOf(10, at)
    if (newline < 0) break
    const [start, end] = [chunk.offset + at, chunk.offset + newline + 1]
    into.push({ start, end, bytes: bytes.subarray(at, newline + 1), guard: chunk.guardAt(end) })
    at = newline + 1
  }
  return chunk.offset + at
}

/** A reader with its memory, and reading to the end as a file's turns would. */
export class ReadingDesk {
  readonly memory: LinearMemory
  readonly reader: FileReader
  /** Reads of the last {@link toEnd}, by kind of result. */
  kinds: string[] = []

  constructor(memory = testMemory()) {
    this.memory = memory
    this.reader = new FileReader({ memory, ...memory.chunk }, () => 0)
  }

  /** Until there is nothing more: everything that was handed on, and whether the file turned out to be another one. */
  async toEnd(file: LogFile, how: { final?: boolean; most?: number } = {}): Promise<Piece[] | 'changed'> {
    const pieces: Piece[] = []
    this.kinds = []
    for (let turns = 0; turns < 10_000; turns++) {
      const result = await this.reader.read(file, how.final ?? false)
      this.kinds.push(result.kind)
      if (result.kind === 'changed') return 'changed'
      if (result.kind === 'nothing') return pieces
      if (result.kind === 'scanning') continue
      const next = takeLines(this.memory, result.chunk, pieces, how.most)
      this.reader.advance(file, next)
    }
    throw new Error(`reading goes round in circles: ${this.kinds.slice(-20).join(' ')}`)
  }

  /** The text of all that {@link toEnd} hands on. */
  async text(file: LogFile, how: { final?: boolean; most?: number } = {}): Promise<string> {
    const pieces = await this.toEnd(file, how)
    return pieces === 'changed' ? pieces : pieces.map(({ bytes }) => bytes.toString()).join('')
  }
}

/** A generation without a file, for tests that need only its state. */
export function paperFile(
  name: string,
  change: { volume?: Volume; device?: string; foundAt?: number; admitted?: boolean } = {},
): LogFile {
  const { volume = localVolume, device = '1', foundAt = 0, admitted = true } = change
  const directory = new Directory('/paper', volume, [])
  const start = { offset: 0, skipped: 0, guard: 0 }
  const rules = rulesFor('/paper/*')
  const origin = {
    id: name,
    rules,
    within: { rules, base: '/paper' },
    path: `/paper/${name}`,
    key: `${device}:${name}`,
    volume,
    directory,
    foundAt,
  }
  const file = new LogFile({ ...origin, name, start })
  directory.files.set(name, file)
  if (admitted) file.life.admit()
  return file
}
