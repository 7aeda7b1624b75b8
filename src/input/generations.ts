/**
 * Which file on disk is which generation: sightings in, lives of files out. It decides what is known, renamed, replaced,
 * truncated, gone, and when a file may be let go; what an unknown file is, arrivals.ts decides. Neither reads lines.
 *
 * The life of a generation:
 *   found (a sighting that is no generation by its content) -> admitted (its id is in the journal) -> read
 *   -> rotated or deleted -> drained and everything stored -> let go; the entry stays while its file is on disk
 *   truncated -> detached: a new generation takes over the descriptor, the old one waits for its receipts
 */
import type { Receipt } from '../flow.ts'
import type { Events } from '../observe/events.ts'
import { Arrivals } from './arrivals.ts'
import type { Checkpoint } from './checkpoint.ts'
import { Departures } from './departures.ts'
import { Copies } from './copies.ts'
import { Descriptors } from './descriptors.ts'
import type { Directory, Look, Sighting } from './directory.ts'
import { type Inspected, Inspection } from './inspection.ts'
import { messageOf } from '../errors.ts'
import type { LogFile } from './log-file.ts'
import { Missing } from './missing.ts'
import { Truncations } from './truncations.ts'
import type { Volume } from './volume.ts'

export interface GenerationsOptions {
  readonly checkpoint: Checkpoint
  readonly events: Events
  readonly maxOpenFiles: number
  /** A last line without a newline counts after the file was quiet for so long. */
  readonly lastLineQuietMs: number
  /** Monotonic ms. */
  readonly clock: () => number
  readonly random: (bytes: number) => Buffer
  readonly volumeOf: (path: string) => Promise<Volume | null>
  /** The file may have something to read. */
  readonly wake: (file: LogFile) => void
  /** The file will not be read any more. */
  readonly letGo: (file: LogFile) => void
}

interface Seen {
  readonly sighting: Sighting
  /** It was not opened for this sighting. */
  readonly isKnown: boolean
}

export class Generations {
  readonly #options: GenerationsOptions
  readonly #byKey = new Map<string, LogFile>()
  #ending = false
  /** Files that we knew and have not found under any name that the globs match. */
  readonly missing: Missing
  readonly #arrivals: Arrivals
  readonly #truncations: Truncations
  readonly #departures: Departures
  readonly #descriptors: Descriptors
  readonly #inspection: Inspection

  constructor(options: GenerationsOptions) {
    const { checkpoint, clock, events, random } = options
    this.#options = options
    this.missing = new Missing(checkpoint.entries.values(), options)
    const copies = new Copies(clock)
    this.#descriptors = new Descriptors(options.maxOpenFiles, clock)
    const mine = { missing: this.missing, descriptors: this.#descriptors, known: this.#byKey, checkpoint, events }
    this.#arrivals = new Arrivals({ ...mine, copies, random, wake: options.wake })
    const { letGo } = options
    this.#inspection = new Inspection({ ...mine, deleted: (file) => this.#leftItsName(file, 'deleted') })
    this.#truncations = new Truncations({ ...mine, arrivals: this.#arrivals, copies, clock, letGo })
    this.#departures = new Departures({
      ...mine,
      clock,
      lastLineQuietMs: options.lastLineQuietMs,
      wake: options.wake,
      check: (file) => this.check(file),
      forget: (file) => this.#forget(file),
      letGo,
    })
  }

  /** Every generation that is on disk as far as we know, or still waits for receipts. */
  *all(): Iterable<LogFile> {
    yield* this.#byKey.values()
    yield* this.#truncations.detached()
  }

  /** How many {@link all} are. */
  get count(): number {
    return this.#byKey.size + this.#truncations.waiting
  }

  get openFiles(): number {
    return this.#descriptors.count
  }

  /** A directory was looked at. Returns true when it has to be looked at again soon. */
  async see(directory: Directory, look: Look): Promise<boolean> {
    const seen = new Map<LogFile, Seen>()
    const before = [...directory.files] // another file may come under the name of one that went
    const denied = new Set(look.denied.map(({ path }) => path))
    let again = look.denied.length > 0
    for (const { path, reason } of look.denied) this.#arrivals.deny(path, reason)
    for (const sighting of look.sightings) {
      const known = await this.#known(directory, sighting)
      const file = known ?? (await this.arrived(directory, sighting))
      if (file === 'again') again = true
      // of two names of one file (hard links), the one that the globs match counts
      else if (file !== 'ignored' && seen.get(file)?.sighting.kind !== 'live')
        seen.set(file, { sighting, isKnown: known !== null })
    }
    for (const [file, what] of seen) this.#found(file, directory, what)
    for (const [name, file] of before) {
      if (seen.has(file) || file.place !== directory.pathOf(name) || this.#byKey.get(file.key) !== file) continue
      // it may be there
      if (denied.has(file.place)) continue
      if (directory.files.get(name) === file) directory.files.delete(name)
      await this.#notFound(file)
    }
    return again
  }

  /** What a read found: the bytes before its offset are not there any more. A new generation begins. */
  truncated(file: LogFile): void {
    this.#truncations.truncated(file)
  }

  /** What a read found: the file is shorter than it was, and the bytes before its offset are there. */
  shortened(file: LogFile): void {
    this.#truncations.shortened(file)
  }

  /** A range of a file is stored or settled. */
  receive(receipt: Receipt): void {
    this.#truncations.receive(receipt)
  }

  /** A truncated generation whose unstored bytes can't be read again. */
  abandon(file: LogFile): void {
    this.#truncations.abandon(file)
  }

  /** There are more bytes than before. */
  grown(file: LogFile): Promise<void> {
    return this.#inspection.grown(file)
  }

  /** Make sure that a file has a descriptor; false when it cannot be opened now, or is another file by now. */
  open(file: LogFile): Promise<boolean> {
    return this.#descriptors.open(file)
  }

  /** Ask an open or closed file how it is. Throws what the file system throws. */
  check(file: LogFile): Promise<Inspected> {
    return this.#inspection.check(file)
  }

  /** Close a file whose descriptor is no good any more; it is opened again by its name. */
  drop(file: LogFile): void {
    this.#descriptors.close(file)
  }

  /** A closed file was not at its place. Where a directory's look cannot notice it, it is missing from now on. */
  gone(file: LogFile): void {
    if (file.isOver) return
    if (file.descriptor < 0 && file.directory.files.get(file.name) !== file) this.#lose(file)
    else file.directory.mtimeMs = -1
  }

  /** Called about once a second: files that have no name of ours any more are drained and let go. */
  async tick(): Promise<void> {
    await this.#departures.drain(this.#byKey.values())
    void this.#departures.giveUpMissing()
  }

  /** Whether a file's last line counts although it has no newline: it is finished, and has been quiet. */
  isFinal(file: LogFile): boolean {
    return (this.#ending && file.standing === 'deleted') || (file.standing !== 'live' && this.#departures.isQuiet(file))
  }

  /** From now on a deleted file's last line does not wait: with our descriptor its bytes go too. */
  end(): void {
    this.#ending = true
  }

  admitted(): Promise<void> {
    return this.#arrivals.admitted()
  }

  /** Close every descriptor. Positions are the checkpoint's affair. */
  close(): void {
    this.#descriptors.closeAll()
  }

  // -- sightings ------------------------------------------------------------------------------------------------------

  /** The generation that has the sighting's inode, if it is still the same file. */
  async #known(directory: Directory, { name, facts }: Sighting): Promise<LogFile | null> {
    const file = this.#byKey.get(facts.key)
    if (file === undefined) return null
    // an open descriptor keeps the inode from being used again
    if (file.descriptor >= 0 || file.isAsSeen(facts)) return file
    const same = await this.#descriptors.isSameAt(file, directory.pathOf(name))
    if (same) return file
    this.#lose(file)
    return null
  }

  /** Take in a file that is no open generation. */
  async arrived(directory: Directory, sighting: Sighting): Promise<LogFile | 'ignored' | 'again'> {
    const arrival = await this.#arrivals.judge(directory, sighting)
    if (arrival.kind === 'twin') return arrival.file
    if (arrival.kind !== 'file') return arrival.kind
    const { file, reason } = arrival
    this.#byKey.set(file.key, file)
    directory.files.set(file.name, file)
    if (reason === 'finished') {
      file.admitted = true
      this.#options.checkpoint.put(file)
    } else {
      this.#options.events.fileFound(file, { offset: file.next, reason })
      this.#arrivals.admit(file)
    }
    return file
  }

  #found(file: LogFile, directory: Directory, { sighting, isKnown }: Seen): void {
    const { name, facts, kind, isLink } = sighting
    const moved = file.directory !== directory || file.name !== name
    if (file.directory.files.get(file.name) === file) file.directory.files.delete(file.name)
    file.directory = directory
    file.name = name
    file.isLinked = isLink
    directory.files.set(name, file)
    if (kind === 'live') file.standing = 'live'
    else this.#leftItsName(file, 'rotated')
    // what it said when it was opened is newer; and by then another file may have had the name
    const changed = isKnown && !file.isAsSeen(facts)
    if (moved || changed) this.#options.checkpoint.touch(file)
    if (!changed) return
    file.note(facts)
    if (file.parked) this.#inspection.confirm(file).catch(() => undefined)
    if (file.revive()) this.#options.wake(file)
  }

  async #notFound(file: LogFile): Promise<void> {
    if (file.descriptor < 0) return this.#lose(file)
    try {
      const facts = await file.volume.factsOf(file.descriptor)
      file.note(facts)
      this.#leftItsName(file, facts.links === 0 ? 'deleted' : 'rotated')
      if (file.hasNews) this.#options.wake(file)
    } catch (error) {
      // the server has forgotten the handle
      this.#options.events.fileDenied(file.place, messageOf(error))
      this.drop(file)
      return this.#lose(file)
    }
  }

  #leftItsName(file: LogFile, standing: 'rotated' | 'deleted'): void {
    if (file.standing === 'live') {
      // its writer may go on for a while
      file.lastDataAt = this.#options.clock()
      this.#options.events.fileRotated(file)
    }
    file.standing = standing
  }

  // -- ends -----------------------------------------------------------------------------------------------------------

  /** A closed file is not where it was: it may turn up elsewhere for a while. */
  #lose(file: LogFile): void {
    this.#forget(file)
    const stored = file.toStored()
    this.#options.checkpoint.put(stored)
    this.missing.add(stored)
  }

  #forget(file: LogFile): void {
    file.forgotten = true
    if (this.#byKey.get(file.key) === file) this.#byKey.delete(file.key)
    if (file.directory.files.get(file.name) === file) file.directory.files.delete(file.name)
    this.#options.letGo(file)
  }
}
