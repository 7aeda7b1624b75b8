/**
 * The generations that are on disk as far as we know, by device and inode, and what is done when one of them loses its name,
 * is not where it was, or is forgotten. The files that generations.ts joins decide when that is so.
 */
import type { Events } from '../../observe/events.ts'
import type { Originals } from '../copies/originals.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import type { LogFile } from './log-file.ts'
import type { Missing } from './missing.ts'

/** The turns that files have. */
export interface Turns {
  /** The file may have something to read. */
  readonly wake: (file: LogFile) => void
  /** The file will not be read any more. */
  readonly letGo: (file: LogFile) => void
}

export interface KnownFilesOptions {
  readonly checkpoint: Pick<Checkpoint, 'put'>
  readonly events: Pick<Events, 'fileRotated'>
  readonly missing: Pick<Missing, 'add'>
  readonly originals: Pick<Originals, 'forget'>
  readonly turns: Turns
  /** Monotonic ms. */
  readonly clock: () => number
}

export class KnownFiles {
  readonly #options: KnownFilesOptions
  readonly #byKey = new Map<string, LogFile>()
  /** Files that have lost their name and may still be written to. */
  readonly #draining = new Set<LogFile>()

  constructor(options: KnownFilesOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#byKey.size
  }

  all(): Iterable<LogFile> {
    return this.#byKey.values()
  }

  /** `key`: device and inode. */
  get(key: string): LogFile | undefined {
    return this.#byKey.get(key)
  }

  /** From now on this generation is the one with its inode. */
  add(file: LogFile): void {
    this.#byKey.set(file.key, file)
  }

  wake(file: LogFile): void {
    this.#options.turns.wake(file)
  }

  /** Let a file be read for the first time. Logs beside it that were rotated are read before, to their end. */
  begin(file: LogFile): void {
    for (const other of this.#draining) if (other.directory === file.directory) this.wake(other)
    this.wake(file)
  }

  /** The file has no name any more that the globs match (rotated), or none at all (deleted). */
  leftItsName(file: LogFile, standing: 'rotated' | 'deleted'): void {
    if (file.standing === 'live') {
      // its writer may go on for a while; until it is quiet, it is not let go
      file.life.noteActivity(this.#options.clock())
      this.#options.events.fileRotated(file)
      // its last lines go before those of the next file
      this.#draining.add(file)
      this.wake(file)
    }
    file.life.loseName(standing)
  }

  /** The file will not be read any more. */
  letGo(file: LogFile): void {
    this.#draining.delete(file)
    this.#options.turns.letGo(file)
  }

  /** A closed file is not where it was: it counts as missing, and may turn up elsewhere for a while. */
  lose(file: LogFile): void {
    this.forget(file)
    const stored = file.toStored()
    this.#options.checkpoint.put(stored)
    this.#options.missing.add(stored)
  }

  /** A closed file was not at its place. Where a look at the directory cannot notice it, it is missing from now on. */
  doubt(file: LogFile): void {
    if (file.isOver) return
    if (file.descriptor < 0 && file.directory.files.get(file.name) !== file) this.lose(file)
    else file.directory.mtimeMs = -1
  }

  /** The file is not on disk any more, or is known as another object from now on. */
  forget(file: LogFile): void {
    file.life.forget()
    this.#options.originals.forget(file)
    if (this.#byKey.get(file.key) === file) this.#byKey.delete(file.key)
    if (file.directory.files.get(file.name) === file) file.directory.files.delete(file.name)
    this.letGo(file)
  }
}
