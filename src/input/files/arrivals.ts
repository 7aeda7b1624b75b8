/**
 * Takes in files that were sighted and are no known generation. Each is opened with care, and known again by its content or
 * taken for new.
 */
import type { FoundReason, IgnoreReason } from '../../flow.ts'
import type { Events } from '../../observe/events.ts'
import { systemErrorOf } from '../../errors.ts'
import type { Guard } from '../../guard.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import type { Descriptors } from './descriptors.ts'
import type { Directory, Look, Sighting } from '../discovery/directory.ts'
import { bytesAt, fingerprintOf, guardAt, newId } from './identity.ts'
import { rootsOf } from '../input-rules.ts'
import type { KnownFiles } from './known-files.ts'
import { LogFile, type Origin } from './log-file.ts'
import type { BySibling, Missing } from './missing.ts'
import type { NamedCopies } from '../copies/named-copies.ts'
import { type OpenFile, openLog } from '../volume/open.ts'
import type { Originals } from '../copies/originals.ts'
import { recreate } from './recreate.ts'
import type { StoredGeneration } from '../state/stored-generation.ts'
import type { UnreadRests } from '../copies/unread-rests.ts'
import { closeOn } from '../volume/volume.ts'

export interface ArrivalsOptions {
  readonly checkpoint: Pick<Checkpoint, 'fresh' | 'since' | 'put' | 'written'>
  readonly events: Pick<Events, 'fileDenied' | 'fileIgnored'>
  readonly missing: Missing
  readonly copies: NamedCopies
  readonly originals: Pick<Originals, 'add'>
  readonly rests: Pick<UnreadRests, 'copied'>
  readonly descriptors: Descriptors
  readonly known: Pick<KnownFiles, 'get' | 'add' | 'begin'>
  readonly random: (bytes: number) => Buffer
  /** Monotonic ms. */
  readonly clock: () => number
}

/** What a sighted file turned out to be. */
export type Arrival =
  | { readonly kind: 'file'; readonly file: LogFile; readonly reason: FoundReason }
  /** Another look has taken it in meanwhile. */
  | { readonly kind: 'known'; readonly file: LogFile }
  | { readonly kind: 'ignored' }
  /** Look again soon: it is denied, held back or gone, or may be a missing one (missing.ts). */
  | { readonly kind: 'again' }
  /** Judge it once more after all others in the directory: it may be a rotated piece of a missing one (missing.ts). */
  | { readonly kind: 'sibling' }

/** How many bytes before the end of a file the start of its last line is looked for, when reading begins at the end. */
const LOOK_BACK = 64 * 1024

const IGNORED: Arrival = { kind: 'ignored' }
const AGAIN: Arrival = { kind: 'again' }
const SIBLING: Arrival = { kind: 'sibling' }

export class Arrivals {
  readonly #options: ArrivalsOptions
  /** By directory and name: the reason that was reported last, so that each is reported once. */
  readonly #reported = new WeakMap<Directory, Map<string, string>>()
  readonly #admitting = new Set<Promise<void>>()
  #onlyCopies = false

  constructor(options: ArrivalsOptions) {
    this.#options = options
  }

  async judge(directory: Directory, sighting: Sighting, bySibling: BySibling): Promise<Arrival> {
    const { wasThere, untaken } = directory
    const arrival = await this.#judge(directory, sighting, bySibling)
    if (arrival.kind === 'sibling') return arrival
    if (arrival.kind !== 'again') untaken.delete(sighting.name)
    else if (wasThere || untaken.get(sighting.name) === null) untaken.set(sighting.name, sighting.facts)
    return arrival
  }

  async #judge(directory: Directory, sighting: Sighting, bySibling: BySibling): Promise<Arrival> {
    const path = directory.pathOf(sighting.name)
    if (this.#isOldPiece(sighting, path)) return this.#ignore(directory, sighting, 'rotated-before-first-start')
    return this.#options.descriptors.inLine(directory.volume, () => this.#open(directory, sighting, bySibling))
  }

  async #open(directory: Directory, sighting: Sighting, bySibling: BySibling): Promise<Arrival> {
    const opened = await openLog(directory.volume, directory.pathOf(sighting.name), rootsOf(sighting.interest))
    switch (opened.kind) {
      case 'refused':
        return this.#ignore(directory, sighting, opened.reason)
      case 'denied':
      case 'exhausted':
        this.deny(directory, sighting.name, opened.reason)
        return this.#leave(sighting)
      case 'gone':
        return AGAIN
      case 'open':
        return this.#identifyOrDeny(directory, sighting, { ...opened, bySibling })
    }
    return opened satisfies never
  }

  deny(directory: Directory, name: string, reason: string): void {
    if (this.#isNews(directory, name, reason)) this.#options.events.fileDenied(directory.pathOf(name), reason)
  }

  /** A directory was looked at: forget names and files that are not there any more, which would be kept for ever. */
  forgetOthers(directory: Directory, { sightings, denied }: Look): void {
    const { untaken, wasThere } = directory
    this.#options.copies.forgetOthers(directory, sightings)
    if (wasThere) for (const { name } of denied) untaken.set(name, null)
    const reported = this.#reported.get(directory)
    if (reported === undefined && untaken.size === 0) return
    const there = new Set([...denied, ...sightings].map(({ name }) => name))
    for (const name of untaken.keys()) if (!there.has(name)) untaken.delete(name)
    for (const name of reported?.keys() ?? []) if (!there.has(name)) reported?.delete(name)
  }

  /** Make a generation that begins now. `at`: where its reading begins, and the guard of the bytes before that. */
  create(what: Omit<Origin, 'id' | 'volume' | 'start' | 'foundAt'>, at: { offset: number; guard: Guard }): LogFile {
    const { volume } = what.directory
    const { random, clock } = this.#options
    return new LogFile({ ...what, id: newId(random), volume, start: { ...at, skipped: 0 }, foundAt: clock() })
  }

  /** Let a file be read once its id is where a kill -9 cannot lose it: a repeat of its records must carry the same id. */
  admit(file: LogFile): void {
    const { checkpoint, known } = this.#options
    checkpoint.put(file)
    const admitting = checkpoint.written().then(() => {
      this.#admitting.delete(admitting)
      file.life.admit()
      return known.begin(file)
    })
    this.#admitting.add(admitting)
  }

  /** From now on take in only copies of files that were cut, and nothing that would be read. */
  takeOnlyCopies(): void {
    this.#onlyCopies = true
  }

  /** Whether a file waits for its id to be in the journal. */
  get isAdmitting(): boolean {
    return this.#admitting.size > 0
  }

  /** Resolves when every file that waits for the journal is admitted. */
  async admitted(): Promise<void> {
    await Promise.all(this.#admitting)
  }

  #ignore(directory: Directory, { kind, name }: Sighting, reason: IgnoreReason): Arrival {
    // no glob matches a file that is only sought
    if (kind !== 'sought' && this.#isNews(directory, name, reason))
      this.#options.events.fileIgnored(directory.pathOf(name), reason)
    return IGNORED
  }

  #isNews(directory: Directory, name: string, reason: string): boolean {
    const reported = this.#reported.get(directory) ?? new Map<string, string>()
    const isNews = reported.get(name) !== reason
    this.#reported.set(directory, reported.set(name, reason))
    return isNews
  }

  #leave({ facts }: Sighting): Arrival {
    this.#options.missing.outOfReach(facts)
    return AGAIN
  }

  /** Identify an open file. If it cannot be read, its descriptor is closed, and what is known of it is kept. */
  async #identifyOrDeny(
    directory: Directory,
    sighting: Sighting,
    { bySibling, ...opened }: OpenFile & { bySibling: BySibling },
  ): Promise<Arrival> {
    const { missing, known } = this.#options
    const path = directory.pathOf(sighting.name)
    const sought = sighting.kind === 'sought'
    const other = known.get(opened.facts.key)
    if (other !== undefined) {
      closeOn(directory.volume, opened.descriptor)
      // the known one is closed and may have had the inode before: the next look decides
      return other.descriptor < 0 ? AGAIN : { kind: 'known', file: other }
    }
    let stored: StoredGeneration | null = null
    try {
      const isSibling = (name: string): boolean => directory.isSibling(sighting, name)
      const file = { facts: opened.facts, path, isSibling, bySibling }
      const found = await missing.find(directory.volume, opened.descriptor, file)
      // no glob matches a file that is only sought
      if (typeof found === 'string' || (sought && found === null)) {
        closeOn(directory.volume, opened.descriptor)
        return found === null ? IGNORED : found === 'sibling' ? SIBLING : AGAIN
      }
      stored = found
      const arrival = await this.#identify(directory, sighting, { ...opened, stored })
      this.#reported.get(directory)?.delete(sighting.name)
      if (arrival.kind !== 'file' && stored !== null) missing.add(stored)
      return arrival
    } catch (error) {
      closeOn(directory.volume, opened.descriptor)
      if (stored !== null) missing.add(stored)
      this.deny(directory, sighting.name, systemErrorOf(error).message)
      return this.#leave(sighting)
    }
  }

  async #identify(
    directory: Directory,
    sighting: Sighting,
    { descriptor, facts, stored }: OpenFile & { stored: StoredGeneration | null },
  ): Promise<Arrival> {
    const { copies, originals, rests, known, descriptors } = this.#options
    const { volume } = directory
    const path = directory.pathOf(sighting.name)
    const what = { directory, name: sighting.name, descriptor, facts }
    const copy = stored === null ? await copies.judge(what) : 'none'
    const start = stored === null ? await this.#startOf(directory, sighting, { descriptor, facts }) : 0
    const isPassedOver = copy !== 'none' && copy !== 'held' && !copy.isReadOn
    const offset = isPassedOver ? copy.size : start
    const guard = await guardAt(volume, descriptor, offset)
    const fingerprint = await fingerprintOf(volume, descriptor)
    // another look may have found the same file meanwhile; from here to the end nothing is awaited
    const other = known.get(facts.key)
    if (other !== undefined || copy === 'held' || (this.#onlyCopies && !isPassedOver)) {
      closeOn(volume, descriptor)
      return other === undefined ? AGAIN : { kind: 'known', file: other }
    }
    const { interest: within, name, isLink: isLinked } = sighting
    const standing = sighting.kind === 'live' ? 'live' : 'rotated'
    const seen = { directory, within, name, isLinked, key: facts.key, standing, fingerprint } as const
    const file =
      stored === null
        ? this.create({ ...seen, rules: within.rules, path }, { offset, guard })
        : recreate({ ...seen, stored, foundAt: this.#options.clock() })
    // it was read before we started
    if (file.next > 0 && !isPassedOver) originals.add(file, -Infinity)
    known.add(file)
    if (isPassedOver || (stored?.finished === true && facts.size <= file.next)) file.life.finish()
    // where there is no room, the file is known from now on, and is opened again when it has its turn
    if (file.finished) descriptors.leave(file, descriptor, facts)
    else descriptors.adopt(file, descriptor, facts)
    // its facts were taken before the bytes that it is known by, so this much is its own
    file.seenSize.own(facts.size)
    if (copy !== 'none') rests.copied(copy)
    const reason = file.finished ? 'finished' : stored !== null ? 'known' : start > 0 ? 'end' : 'beginning'
    return { kind: 'file', file, reason }
  }

  #isOldPiece({ kind, interest, facts }: Sighting, path: string): boolean {
    const { checkpoint, missing } = this.#options
    if (kind === 'live' || interest.rules.rotated === 'all') return false
    if (missing.has(facts.key) || missing.hasPlace(path)) return false
    return facts.mtimeMs < checkpoint.since
  }

  /** Where reading of a file without a position begins: at the end only if the file was there at the very first start. */
  async #startOf(
    directory: Directory,
    { interest, kind, name, facts: sighted }: Sighting,
    { descriptor, facts }: OpenFile,
  ): Promise<number> {
    const { wasThere, untaken } = directory
    const { fresh } = this.#options.checkpoint
    if (interest.rules.start === 'beginning' || !fresh || kind !== 'live') return 0
    if (!wasThere && !untaken.has(name)) return 0
    const atStart = untaken.get(name) ?? sighted
    // another file has taken the name since, or the file was cut
    if (facts.key !== atStart.key || facts.size < atStart.size) return 0
    // after a while the inode may be another file's; without birth times nothing says so
    if (!wasThere && facts.bornMs !== atStart.bornMs) return 0
    // the line that is being written at that moment is shipped whole
    const from = Math.max(0, atStart.size - LOOK_BACK)
    const bytes = await bytesAt(directory.volume, descriptor, { position: from, length: atStart.size - from })
    return from + bytes.lastIndexOf(10) + 1
  }
}
