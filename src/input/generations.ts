/**
 * Which file on disk is which generation: sightings in, lives of files out. It decides what is new, known, renamed,
 * replaced, truncated, gone, and when a file may be let go. It never reads lines and never sends any.
 *
 * The life of a generation:
 *   found (sighting, no generation by its content) -> admitted (its id is in the journal) -> read
 *   -> rotated or deleted -> drained and everything stored -> let go; the entry stays while its file is on disk
 *   truncated -> detached: a new generation takes over the descriptor, the old one waits for its receipts
 */
import fs from 'node:fs'
import type { Receipt } from '../flow.ts'
import type { Events } from '../observe/events.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Directory, Look, Sighting } from './directory.ts'
import { Copies } from './copies.ts'
import { bytesAt, fingerprintOf, isSame, newId } from './identity.ts'
import type { InputRules } from './input-rules.ts'
import { latin1Of } from './glob.ts'
import { LogFile } from './log-file.ts'
import { Missing } from './missing.ts'
import { openLog } from './open.ts'
import type { StoredGeneration } from './stored-generation.ts'
import type { FileFacts, Volume } from './volume.ts'

export interface GenerationsOptions {
  readonly checkpoint: Checkpoint
  readonly events: Events
  readonly maxOpenFiles: number
  /** A last line without a newline counts after the file was quiet for so long. */
  readonly lastLineQuietMs: number
  /** Wall clock, ms since the epoch. */
  readonly now: () => number
  /** Monotonic ms. */
  readonly clock: () => number
  readonly random: (bytes: number) => Buffer
  /** The file may have something to read. */
  wake(file: LogFile): void
  /** The file will not be read any more. */
  letGo(file: LogFile): void
}

/** Bytes looked back for the start of a line when reading begins at the end of a file. */
const LOOK_BACK = 64 * 1024

export class Generations {
  readonly #options: GenerationsOptions
  readonly #byKey = new Map<string, LogFile>()
  readonly #detached = new Set<LogFile>()
  readonly #missing: Missing
  readonly #copies: Copies
  readonly #told = new Map<string, string>()
  /** Until the first look over everything is done, files present are the ones "present at the first start". */
  #firstLook = true
  #openFiles = 0

  constructor(options: GenerationsOptions) {
    this.#options = options
    this.#missing = new Missing(options.checkpoint.entries.values(), options.clock)
    this.#copies = new Copies(options.clock)
  }

  /** Every generation that is on disk as far as we know, or still waits for receipts. */
  *all(): Iterable<LogFile> {
    yield* this.#byKey.values()
    yield* this.#detached
  }

  get openFiles(): number {
    return this.#openFiles
  }

  /** The first look over all directories is done. */
  endFirstLook(): void {
    this.#firstLook = false
  }

  /** Directories that hold files we knew and have not found; they are searched for any name. */
  missingPlaces(): ReadonlySet<string> {
    return this.#missing.places()
  }

  /** A directory was looked at. Returns true when it has to be looked at again soon. */
  async see(directory: Directory, look: Look): Promise<boolean> {
    const seen = new Map<LogFile, Sighting>()
    let again = look.denied.length > 0
    for (const { path, reason } of look.denied) this.#tellOnce(path, reason, 'denied')
    for (const sighting of look.sightings) {
      const known = await this.#known(directory, sighting)
      if (known !== null) {
        // of two names of one file (hard links), the one that the globs match counts
        if (seen.get(known)?.kind !== 'live') seen.set(known, sighting)
      } else {
        const found = await this.#unknown(directory, sighting)
        if (found === 'again') again = true
        else if (found !== 'ignored') seen.set(found, sighting)
      }
    }
    for (const [file, sighting] of seen) this.#found(file, directory, sighting)
    for (const [name, file] of [...directory.files]) {
      if (seen.has(file) || file.name !== name || file.directory !== directory) continue
      directory.files.delete(name)
      await this.#notFound(file)
    }
    return again
  }

  /** What a read found: the bytes before its offset are not there any more. A new generation begins. */
  truncated(file: LogFile): void {
    const { checkpoint, events } = this.#options
    const lost = Math.max(0, Math.max(file.size, file.seen) - file.next)
    events.fileTruncated(file, lost)
    if (lost > 0) events.lost(file, 'truncated', lost)
    this.#copies.remember(file)
    const next = this.#create(file.directory, {
      rules: file.rules,
      path: file.place,
      name: file.name,
      key: file.key,
      offset: 0,
    })
    next.descriptor = file.descriptor
    next.standing = file.standing
    next.partition = file.partition
    file.descriptor = -1
    file.standing = 'detached'
    file.size = file.next
    this.#options.letGo(file)
    this.#byKey.set(file.key, next)
    if (file.directory.files.get(file.name) === file) file.directory.files.set(file.name, next)
    if (file.unacknowledged === 0) checkpoint.remove(file.id)
    else this.#detached.add(file)
    this.#admit(next)
  }

  /** A range of a file is stored or settled. */
  receive({ file, range, outcome, guard }: Receipt): void {
    const { checkpoint } = this.#options
    const known = file as LogFile
    if (!known.watermark.finish(range, outcome, guard)) return
    if (known.standing !== 'detached') checkpoint.put(known.toStored())
    else if (known.unacknowledged > 0) checkpoint.put(known.toStored())
    else {
      this.#detached.delete(known)
      checkpoint.remove(known.id)
    }
  }

  /** Bytes were read: keep the fingerprint growing until it is whole. */
  async grown(file: LogFile): Promise<void> {
    if (file.fingerprint.length >= 1024 || file.next <= file.fingerprint.length || file.descriptor < 0) return
    file.fingerprint = await fingerprintOf(file.volume, file.descriptor)
  }

  /** Make sure that a file has a descriptor; false when it cannot be opened now, or is another file by now. */
  async open(file: LogFile): Promise<boolean> {
    if (file.descriptor >= 0) return true
    if (file.standing === 'detached') return false
    if (!this.#makeRoom()) return false
    const opened = await openLog(file.volume, file.place, this.#roots(file.rules, file.directory.path))
    if (opened.kind !== 'open') return false
    const same = opened.facts.key === file.key && (await this.#isStill(file, opened.descriptor, opened.facts))
    // a slow mount may have answered two of us
    if (!same || file.descriptor >= 0) {
      fs.closeSync(opened.descriptor)
      return same
    }
    this.#adoptDescriptor(file, opened.descriptor, opened.facts)
    return true
  }

  /**
   * Ask an open or closed file for its facts. Returns 'gone' when its place has to be looked at again, 'grown' when
   * there is something to read, 'same' otherwise.
   */
  async check(file: LogFile): Promise<'same' | 'grown' | 'gone'> {
    let facts: FileFacts | null
    if (file.descriptor >= 0) facts = await file.volume.factsOf(file.descriptor)
    else facts = await file.volume.facts(file.place)
    if (facts === null || facts.key !== file.key) return 'gone'
    const changed = facts.size !== file.size || facts.mtimeMs !== file.mtimeMs
    if (changed) this.#note(file, facts)
    if (file.descriptor >= 0 && facts.links === 0) this.#leftItsName(file, 'deleted')
    // the same size with another time: it may have been cut and filled again, the read will tell
    return changed && (facts.size !== file.next || file.next > 0) ? 'grown' : 'same'
  }

  /** Called about once a second: files that have no name of ours any more are drained and let go. */
  async tick(): Promise<void> {
    const { clock, lastLineQuietMs, wake } = this.#options
    for (const file of [...this.#byKey.values()]) {
      if (file.standing === 'live' || file.descriptor < 0) continue
      if ((await this.check(file)) === 'grown') wake(file)
      else if (clock() - file.lastDataAt >= lastLineQuietMs) {
        if (file.next < file.size) wake(file)
        else if (file.unacknowledged === 0) this.#letGo(file)
      }
    }
    this.#expire()
  }

  #expire(): void {
    const { events, checkpoint } = this.#options
    for (const stored of this.#missing.expired()) {
      const bytes = Math.max(0, stored.size - stored.position.offset)
      if (bytes > 0 && !stored.finished) events.lost({ ...stored }, 'gone-while-stopped', bytes)
      checkpoint.remove(stored.id)
    }
  }

  /** Whether a file's last line counts although it has no newline: it is finished, and has been quiet. */
  isFinal(file: LogFile): boolean {
    return file.standing !== 'live' && this.#options.clock() - file.lastDataAt >= this.#options.lastLineQuietMs
  }

  /** Close every descriptor. Positions are the checkpoint's affair. */
  close(): void {
    for (const file of this.#byKey.values()) this.#close(file)
  }

  // -- known files ----------------------------------------------------------------------------------------------------

  async #known(directory: Directory, { name, facts }: Sighting): Promise<LogFile | null> {
    const file = this.#byKey.get(facts.key)
    if (file === undefined) return null
    // an open descriptor keeps the inode from being used again
    if (file.descriptor >= 0) return file
    if (facts.size === file.size && facts.mtimeMs === file.mtimeMs) return file
    const opened = await openLog(directory.volume, directory.pathOf(name), this.#roots(file.rules, directory.path))
    if (opened.kind !== 'open') return file
    const same = opened.facts.key === facts.key && (await this.#isStill(file, opened.descriptor, opened.facts))
    fs.closeSync(opened.descriptor)
    if (same) return file
    this.#lose(file)
    return null
  }

  #isStill(file: LogFile, descriptor: number, facts: FileFacts): Promise<boolean> {
    return isSame(file.volume, descriptor, { facts, stored: file.toStored() })
  }

  #found(file: LogFile, directory: Directory, { name, facts, kind }: Sighting): void {
    const moved = file.directory !== directory || file.name !== name
    if (file.directory.files.get(file.name) === file) file.directory.files.delete(file.name)
    file.directory = directory
    file.name = name
    directory.files.set(name, file)
    if (kind === 'live') file.standing = 'live'
    else this.#leftItsName(file, 'rotated')
    const changed = facts.size !== file.size || facts.mtimeMs !== file.mtimeMs
    if (changed) this.#note(file, facts)
    if (moved) this.#options.checkpoint.put(file.toStored())
    if (changed && facts.size !== file.next) {
      file.finished = false
      this.#options.wake(file)
    }
  }

  #note(file: LogFile, facts: FileFacts): void {
    file.size = facts.size
    file.mtimeMs = facts.mtimeMs
  }

  async #notFound(file: LogFile): Promise<void> {
    if (file.descriptor < 0) {
      this.#lose(file)
      return
    }
    const facts = await file.volume.factsOf(file.descriptor)
    this.#note(file, facts)
    this.#leftItsName(file, facts.links === 0 ? 'deleted' : 'rotated')
    if (facts.size > file.next) this.#options.wake(file)
  }

  #leftItsName(file: LogFile, standing: 'rotated' | 'deleted'): void {
    if (file.standing === 'live') {
      // its writer may go on for a while
      file.lastDataAt = this.#options.clock()
      this.#options.events.fileRotated(file)
    }
    file.standing = standing
  }

  /** A closed file is not where it was: it may turn up elsewhere for a while. */
  #lose(file: LogFile): void {
    this.#forget(file)
    this.#options.letGo(file)
    this.#missing.add(file.toStored())
  }

  #letGo(file: LogFile): void {
    const { checkpoint, events, letGo } = this.#options
    this.#close(file)
    letGo(file)
    events.fileLetGo(file)
    if (file.standing === 'deleted') {
      this.#forget(file)
      checkpoint.remove(file.id)
      return
    }
    file.finished = true
    checkpoint.put(file.toStored())
  }

  #forget(file: LogFile): void {
    this.#byKey.delete(file.key)
    if (file.directory.files.get(file.name) === file) file.directory.files.delete(file.name)
  }

  // -- unknown files --------------------------------------------------------------------------------------------------

  /** The generation it is; or that it is none of ours; or that it has to be looked at again. */
  async #unknown(directory: Directory, sighting: Sighting): Promise<LogFile | 'ignored' | 'again'> {
    const { rules } = sighting.interest
    const path = directory.pathOf(sighting.name)
    if (this.#isOldPiece(sighting)) {
      this.#tellOnce(path, 'rotated before our first start', 'ignored')
      return 'ignored'
    }
    if (!this.#makeRoom()) return 'again'
    const opened = await openLog(directory.volume, path, this.#roots(rules, sighting.interest.base))
    if (opened.kind === 'denied' || opened.kind === 'refused') {
      this.#tellOnce(path, opened.reason, opened.kind === 'denied' ? 'denied' : 'ignored')
      return opened.kind === 'denied' ? 'again' : 'ignored'
    }
    if (opened.kind === 'gone') return 'again'
    this.#told.delete(path)
    return this.#identify(directory, sighting, opened)
  }

  async #identify(
    directory: Directory,
    sighting: Sighting,
    { descriptor, facts }: { descriptor: number; facts: FileFacts },
  ): Promise<LogFile | 'again'> {
    const { checkpoint, events } = this.#options
    const { rules } = sighting.interest
    const path = directory.pathOf(sighting.name)
    const { volume } = directory
    const stored = await this.#missing.find(volume, descriptor, { facts, path })
    const copy =
      stored === null
        ? await this.#copies.judge({ directory, name: sighting.name, descriptor, facts, files: this.#byKey.values() })
        : 'none'
    const start = stored === null ? await this.#startOf(volume, sighting, descriptor) : 0
    const fingerprint = await fingerprintOf(volume, descriptor)
    // From here to the end nothing waits: another look may have found the same file meanwhile.
    const twin = this.#byKey.get(facts.key)
    if (twin !== undefined || copy === 'held') {
      fs.closeSync(descriptor)
      return twin ?? 'again'
    }
    const file =
      stored === null
        ? this.#create(directory, {
            rules,
            path,
            name: sighting.name,
            key: facts.key,
            offset: copy === 'copy' ? facts.size : start,
          })
        : this.#recreate(directory, { rules, name: sighting.name, key: facts.key, stored })
    file.standing = sighting.kind === 'live' ? 'live' : 'rotated'
    file.fingerprint = fingerprint
    file.finished = copy === 'copy' || (stored?.finished === true && facts.size <= file.next)
    this.#byKey.set(file.key, file)
    directory.files.set(file.name, file)
    this.#adoptDescriptor(file, descriptor, facts)
    if (file.finished) {
      this.#close(file)
      checkpoint.put(file.toStored())
      file.admitted = true
      return file
    }
    const reason = stored !== null ? 'known' : start > 0 ? 'end' : 'beginning'
    events.fileFound(file, { offset: file.next, reason })
    this.#admit(file)
    return file
  }

  #isOldPiece({ kind, interest, facts }: Sighting): boolean {
    if (kind === 'live' || interest.rules.rotated === 'all' || this.#missing.has(facts.key)) return false
    return facts.mtimeMs < this.#options.checkpoint.since
  }

  /** Where to begin with a file that has no position. */
  async #startOf(volume: Volume, { interest, kind, facts }: Sighting, descriptor: number): Promise<number> {
    const { fresh } = this.#options.checkpoint
    if (interest.rules.start === 'beginning' || !this.#firstLook || !fresh || kind !== 'live') return 0
    // the line that is being written is shipped whole
    const from = Math.max(0, facts.size - LOOK_BACK)
    const bytes = await bytesAt(volume, descriptor, { position: from, length: facts.size - from })
    return from + bytes.lastIndexOf(10) + 1
  }

  #create(
    directory: Directory,
    what: { rules: InputRules; path: string; name: string; key: string; offset: number },
  ): LogFile {
    const { volume } = directory
    const start = { offset: what.offset, skipped: 0, guard: '' }
    return new LogFile({ ...what, id: newId(this.#options.random), volume, directory, start })
  }

  #recreate(
    directory: Directory,
    { rules, name, key, stored }: { rules: InputRules; name: string; key: string; stored: StoredGeneration },
  ): LogFile {
    const { id, path, position, guard, partition } = stored
    const start = { offset: position.offset, skipped: position.skipped, guard }
    const file = new LogFile({ id, rules, path, name, key, volume: directory.volume, directory, start })
    file.partition = partition
    return file
  }

  /** Nothing of a file is shipped before its id is where a kill -9 cannot lose it: a repeat must carry the same id. */
  #admit(file: LogFile): void {
    const { checkpoint, wake } = this.#options
    checkpoint.put(file.toStored())
    void checkpoint.written().then(() => {
      file.admitted = true
      if (file.standing !== 'detached') wake(file)
    })
  }

  // -- descriptors ----------------------------------------------------------------------------------------------------

  #adoptDescriptor(file: LogFile, descriptor: number, facts: FileFacts): void {
    file.descriptor = descriptor
    this.#openFiles++
    this.#note(file, facts)
    file.lastDataAt = this.#options.clock()
  }

  #close(file: LogFile): void {
    if (file.descriptor < 0) return
    fs.closeSync(file.descriptor)
    file.descriptor = -1
    this.#openFiles--
  }

  /**
   * Make sure that one more file may be open: if need be close the one that was quiet longest, among those that are
   * read and stored to their end. False when every open file is still needed: then who asks waits.
   */
  #makeRoom(): boolean {
    if (this.#openFiles < this.#options.maxOpenFiles) return true
    let quietest: LogFile | null = null
    for (const file of this.#byKey.values()) {
      if (file.descriptor < 0 || file.standing !== 'live' || file.next < file.size || file.unacknowledged > 0) continue
      if (quietest === null || file.lastDataAt < quietest.lastDataAt) quietest = file
    }
    if (quietest === null) return false
    this.#close(quietest)
    return true
  }

  #roots(rules: InputRules, base: string): readonly string[] {
    return rules.roots.length > 0 ? rules.roots.map(latin1Of) : [base]
  }

  #tellOnce(path: string, reason: string, what: 'denied' | 'ignored'): void {
    if (this.#told.get(path) === reason) return
    this.#told.set(path, reason)
    if (what === 'denied') this.#options.events.fileDenied(path, reason)
    else this.#options.events.fileIgnored(path, reason)
  }
}
