/**
 * Which file on disk is which generation: looks in, lives of files out. It joins those who decide: what a look says of
 * known files (sightings.ts), what an unknown file is (arrivals.ts), cuts (truncations.ts), ends (departures.ts). None of
 * them reads lines.
 *
 * The life of a generation:
 *   found (a sighting that is no generation by its content) -> admitted (its id is in the journal) -> read
 *   -> rotated or deleted -> drained and everything stored -> let go; the entry stays while its file is on disk
 *   truncated -> detached: a new generation takes over the descriptor, the old one waits for its receipts and a copy
 */
import { ignoreSystemError } from '../../errors.ts'
import type { Receipt } from '../../flow.ts'
import type { Events } from '../../observe/events.ts'
import { Arrivals } from './arrivals.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import { Departures } from './departures.ts'
import { Descriptors, type DescriptorsOptions } from './descriptors.ts'
import type { Directory, Look, Sighting } from '../discovery/directory.ts'
import { guardAt } from './identity.ts'
import { type Inspected, Inspection } from './inspection.ts'
import { type LogFile, asLogFile } from './log-file.ts'
import { Missing } from './missing.ts'
import { NamedCopies } from '../copies/named-copies.ts'
import { Originals } from '../copies/originals.ts'
import { type Judgement, Sightings } from './sightings.ts'
import { Truncations } from './truncations.ts'
import { UnnamedCopies } from '../copies/unnamed-copies.ts'
import { UnreadRests } from '../copies/unread-rests.ts'
import type { Volume } from '../volume/volume.ts'

export interface GenerationsOptions {
  readonly checkpoint: Checkpoint
  readonly events: Events
  readonly maxOpenFiles: number
  /** A last line without a newline counts after the file was quiet for so long. */
  readonly lastLineQuietMs: number
  /** Monotonic ms. */
  readonly clock: () => number
  readonly random: (bytes: number) => Buffer
  readonly volumeOf: (path: string) => Volume
  /** Whether what is at a path has been seen, if it can be: a mount may not have answered yet. */
  readonly hasSeen: (path: string) => boolean
  /** The file may have something to read. */
  readonly wake: (file: LogFile) => void
  /** The file will not be read any more. */
  readonly letGo: (file: LogFile) => void
  readonly freed: DescriptorsOptions['freed']
}

export class Generations {
  readonly #options: GenerationsOptions
  readonly #byKey = new Map<string, LogFile>()
  #ending = false
  /** Files that have lost their name and may still be written to. */
  readonly #draining = new Set<LogFile>()
  /** Files that we knew and have not found under any name that the globs match. */
  readonly missing: Missing
  readonly #arrivals: Arrivals
  readonly #originals: Originals
  readonly #unnamedCopies: UnnamedCopies
  readonly #rests: UnreadRests
  readonly #truncations: Truncations
  readonly #departures: Departures
  readonly descriptors: Descriptors
  readonly #inspection: Inspection
  readonly #sightings: Sightings

  constructor(options: GenerationsOptions) {
    const { checkpoint, clock, events, random } = options
    this.#options = options
    this.missing = new Missing(checkpoint.entries.values(), options)
    const originals = new Originals(clock)
    this.#originals = originals
    this.#unnamedCopies = new UnnamedCopies(originals, clock)
    this.descriptors = new Descriptors({ max: options.maxOpenFiles, clock, freed: options.freed })
    const rests = new UnreadRests({ originals, events, accountedFor: (file) => this.#truncations.release(file) })
    this.#rests = rests
    const mine = { missing: this.missing, descriptors: this.descriptors, known: this.#byKey, checkpoint, events }
    this.#arrivals = new Arrivals({
      ...mine,
      originals,
      rests,
      copies: new NamedCopies(originals, clock),
      random,
      clock,
      wake: (file) => this.#begin(file),
    })
    const letGo = (file: LogFile): void => {
      this.#draining.delete(file)
      options.letGo(file)
    }
    this.#inspection = new Inspection({ ...mine, originals, deleted: (file) => this.#leftItsName(file, 'deleted') })
    this.#sightings = new Sightings({
      ...mine,
      arrivals: this.#arrivals,
      inspection: this.#inspection,
      wake: options.wake,
      leftItsName: (file, standing) => this.#leftItsName(file, standing),
      lose: (file) => this.#lose(file),
    })
    this.#truncations = new Truncations({ ...mine, arrivals: this.#arrivals, originals, rests, clock, letGo })
    this.#departures = new Departures({
      ...mine,
      clock,
      lastLineQuietMs: options.lastLineQuietMs,
      hasSeen: options.hasSeen,
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

  /** A directory was looked at. Returns true when it has to be looked at again soon. */
  see(directory: Directory, look: Look): Promise<boolean> {
    return this.#sightings.see(directory, look)
  }

  /** Take in a file that is no open generation. */
  arrived(directory: Directory, sighting: Sighting): Promise<Judgement> {
    return this.#sightings.arrived(directory, sighting)
  }

  /** What a read found: the bytes before its offset are not there any more. A new generation begins. */
  truncated(file: LogFile): void {
    this.#truncations.truncated(file)
  }

  /** What a read found: the file is shorter, and the bytes before its offset are there. */
  shortened(file: LogFile): void {
    this.#truncations.shortened(file)
  }

  /** A range of a file is stored or settled. */
  receive(receipt: Receipt): void {
    this.#truncations.receive(receipt)
    this.descriptors.rested(asLogFile(receipt.file))
  }

  /** Its unstored bytes cannot be read again. */
  abandon(file: LogFile): void {
    this.#truncations.abandon(file)
  }

  /** There are more bytes than before. */
  growFingerprint(file: LogFile): Promise<void> {
    return this.#inspection.growFingerprint(file)
  }

  /** Whether one more file may be opened now; if not, {@link GenerationsOptions.freed} is called when one may. */
  makeRoom(): boolean {
    return this.descriptors.makeRoom()
  }

  /** Make sure that a file has a descriptor; false when it cannot be opened now, or is another file by now. */
  open(file: LogFile): Promise<boolean> {
    return this.descriptors.open(file)
  }

  /** Nothing of it was handed on, and it begins like another one: it has to be judged. If not, others are compared with it. */
  isSuspect(file: LogFile): boolean {
    const isSuspect = this.#unnamedCopies.isSuspect(file)
    if (!isSuspect) this.#originals.know(file)
    return isSuspect
  }

  /** It was judged, and waits for another judgement. */
  isWaiting(file: LogFile): boolean {
    return this.#unnamedCopies.isWaiting(file)
  }

  /**
   * Whether it is known by now what an open file is of which nothing was handed on: if it is a copy, what was read of
   * the other is passed over. Throws what the file system throws.
   */
  async judge(file: LogFile): Promise<boolean> {
    const copied = await this.#unnamedCopies.compare(file)
    if (copied === 'held') return false
    if (copied === 'none') return true
    const guard = await guardAt(file.volume, file.descriptor, copied.end)
    if (file.isOver) return false
    this.#departures.copied(file, copied.end, guard)
    this.#rests.copied({ original: copied.original, size: file.size, isReadOn: true })
    return true
  }

  /** Ask an open or closed file how it is. Throws what the file system throws. */
  check(file: LogFile): Promise<Inspected> {
    return this.#inspection.check(file)
  }

  /** Close a file whose descriptor is no good any more; it is opened again by its name. */
  drop(file: LogFile): void {
    this.descriptors.close(file)
  }

  /** A closed file was not at its place. Where a directory's look cannot notice it, it is missing from now on. */
  doubt(file: LogFile): void {
    if (file.isOver) return
    if (file.descriptor < 0 && file.directory.files.get(file.name) !== file) this.#lose(file)
    else file.directory.mtimeMs = -1
  }

  /** Called about once a second: what has had its time is given up, and files without a name of ours are drained. */
  async tick(): Promise<void> {
    this.#rests.giveUpOld()
    this.descriptors.retry()
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

  /**
   * The files go when the agent has stopped, and no later start can look for copies: those that are there now are taken
   * in, and nothing else. Of what was cut all that is in none of them is lost.
   */
  async giveUpRests(): Promise<void> {
    this.#arrivals.takeOnlyCopies()
    for (const directory of this.#rests.directories()) {
      // a mount could hang, and a directory be gone
      const look = directory.volume.remote ? null : await directory.look().catch(ignoreSystemError)
      if (look) await this.see(directory, look)
    }
    this.#rests.giveUpAll()
  }

  /** A new file is about to be read. */
  get isAdmitting(): boolean {
    return this.#arrivals.isAdmitting
  }

  admitted(): Promise<void> {
    return this.#arrivals.admitted()
  }

  /** Close every descriptor. Positions are the checkpoint's affair. */
  close(): void {
    this.descriptors.closeAll()
  }

  // -- ends -----------------------------------------------------------------------------------------------------------

  #leftItsName(file: LogFile, standing: 'rotated' | 'deleted'): void {
    if (file.standing === 'live') {
      // its writer may go on for a while
      file.life.noteActivity(this.#options.clock())
      this.#options.events.fileRotated(file)
      // what was written to it goes before what is written to the next one
      this.#draining.add(file)
      this.#options.wake(file)
    }
    file.life.loseName(standing)
  }

  /** A file is read for the first time. What has come to the logs that were rotated beside it goes before that. */
  #begin(file: LogFile): void {
    for (const other of this.#draining) if (other.directory === file.directory) this.#options.wake(other)
    this.#options.wake(file)
  }

  /** A closed file is not where it was: it may turn up elsewhere for a while. */
  #lose(file: LogFile): void {
    this.#forget(file)
    const stored = file.toStored()
    this.#options.checkpoint.put(stored)
    this.missing.add(stored)
  }

  #forget(file: LogFile): void {
    file.life.forget()
    this.#originals.forget(file)
    if (this.#byKey.get(file.key) === file) this.#byKey.delete(file.key)
    if (file.directory.files.get(file.name) === file) file.directory.files.delete(file.name)
    this.#draining.delete(file)
    this.#options.letGo(file)
  }
}
