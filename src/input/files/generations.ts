/**
 * Which file on disk is which generation. This joins the files that decide it: sightings.ts (what a look says of known
 * files), arrivals.ts (what an unknown file is), truncations.ts (cuts), departures.ts (ends). None of them reads lines.
 *
 * The life of a generation:
 *   found (a sighted file that is no known generation by its content) -> admitted (its id is in the journal) -> read
 *   -> rotated or deleted -> drained, and everything stored -> let go; the entry stays while its file is on disk
 *   truncated -> detached: a new generation takes over the descriptor, the old one waits for its receipts and a copy
 */
import { ignoreSystemError } from '../../errors.ts'
import type { Receipt } from '../../flow.ts'
import type { Events } from '../../observe/events.ts'
import { Arrivals } from './arrivals.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import { Departures } from './departures.ts'
import { Descriptors } from './descriptors.ts'
import { Inspection } from './inspection.ts'
import { KnownFiles, type Turns } from './known-files.ts'
import { type LogFile, asLogFile } from './log-file.ts'
import { Missing } from './missing.ts'
import { NamedCopies } from '../copies/named-copies.ts'
import { Originals } from '../copies/originals.ts'
import { Sightings } from './sightings.ts'
import { Truncations } from './truncations.ts'
import { UnnamedCopies } from '../copies/unnamed-copies.ts'
import { UnreadRests } from '../copies/unread-rests.ts'
import type { Volume } from '../volume/volume.ts'

export interface GenerationsOptions {
  readonly checkpoint: Checkpoint
  readonly events: Events
  readonly maxOpenFiles: number
  /** A last line without a newline counts after the file was quiet for this long; ms. */
  readonly lastLineQuietMs: number
  /** Monotonic ms. */
  readonly clock: () => number
  readonly random: (bytes: number) => Buffer
  readonly volumeOf: (path: string) => Volume
  /** Whether a file at this path would have been seen by now; a mount may not have answered yet. */
  readonly hasSeen: (path: string) => boolean
  readonly turns: Turns
  /** Another file may be open now. */
  readonly freed: () => void
}

/** Each member decides one thing. The stage and a file's turn go to the member that they need. */
export class Generations {
  /** Generations on disk. */
  readonly known: KnownFiles
  /** Generations that were known and are under no name that the globs match. */
  readonly missing: Missing
  /** What an unknown file is. */
  readonly arrivals: Arrivals
  /** What a look at a directory says of known files. */
  readonly sightings: Sightings
  /** What the file system says of one known file. */
  readonly inspection: Inspection
  /** Which files are open. */
  readonly descriptors: Descriptors
  /** What becomes of a generation whose file was cut, and of receipts. */
  readonly truncations: Truncations
  /** How generations end. */
  readonly departures: Departures
  /** Whether a new file is a copy, where its name does not say so. */
  readonly unnamedCopies: UnnamedCopies
  readonly #rests: UnreadRests

  constructor(options: GenerationsOptions) {
    const { checkpoint, clock, events, turns, lastLineQuietMs, hasSeen } = options
    const originals = new Originals(clock)
    const missing = new Missing(checkpoint.entries.values(), options)
    const known = new KnownFiles({ checkpoint, events, missing, originals, turns, clock })
    const descriptors = new Descriptors({ max: options.maxOpenFiles, clock, events, freed: options.freed })
    const rests = new UnreadRests({ originals, events, accountedFor: (file) => this.truncations.release(file) })
    const shared = { checkpoint, events, clock, missing, known, originals, descriptors, rests }
    const arrivals = new Arrivals({ ...shared, copies: new NamedCopies(originals, clock), random: options.random })
    const inspection = new Inspection(shared)
    const departures = new Departures({ ...shared, inspection, lastLineQuietMs, hasSeen })
    this.missing = missing
    this.known = known
    this.descriptors = descriptors
    this.#rests = rests
    this.arrivals = arrivals
    this.inspection = inspection
    this.departures = departures
    this.unnamedCopies = new UnnamedCopies({ originals, clock, rests, departures })
    this.sightings = new Sightings({ ...shared, arrivals, inspection })
    this.truncations = new Truncations({ ...shared, arrivals })
  }

  /** Every generation that is on disk as far as we know, or still waits for receipts or a copy. */
  *all(): Iterable<LogFile> {
    yield* this.known.all()
    yield* this.truncations.detached()
  }

  /** How many generations {@link all} yields. */
  get count(): number {
    return this.known.count + this.truncations.waiting
  }

  /** Bytes of a file are stored or settled. */
  receive(receipt: Receipt): void {
    this.truncations.receive(receipt)
    this.descriptors.rested(asLogFile(receipt.file))
  }

  /** Called about once a second: give up what has waited long enough, and drain files that have lost their name. */
  async tick(): Promise<void> {
    this.#rests.giveUpOld()
    this.descriptors.retry()
    await this.departures.drain(this.known.all())
    void this.departures.giveUpMissing()
  }

  /**
   * The files are gone when the agent has stopped, and no later start can look for copies. So take in the copies that are
   * there now, and nothing else; of files that were cut, everything that is in no copy is counted as lost.
   */
  async giveUpRests(): Promise<void> {
    this.arrivals.takeOnlyCopies()
    for (const directory of this.#rests.directories()) {
      // a mount could hang, and a directory could be gone
      const look = directory.volume.remote ? null : await directory.look().catch(ignoreSystemError)
      if (look) await this.sightings.see(directory, look)
    }
    this.#rests.giveUpAll()
  }
}
