/**
 * Files that were sighted and are no open generation: opened with care, known again by their content, or taken for new.
 * What they are afterwards is generations.ts's affair.
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
import type { Missing } from './missing.ts'
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
  readonly originals: Pick<Originals, 'know'>
  readonly rests: Pick<UnreadRests, 'copied'>
  readonly descriptors: Descriptors
  readonly known: Pick<KnownFiles, 'get' | 'add' | 'begin'>
  readonly random: (bytes: number) => Buffer
  /** Monotonic ms. */
  readonly clock: () => number
}

/** What became of a sighting. */
export type Arrival =
  | { readonly kind: 'file'; readonly file: LogFile; readonly reason: FoundReason }
  /** Found meanwhile by another look. */
  | { readonly kind: 'known'; readonly file: LogFile }
  | { readonly kind: 'ignored' }
  /** Look again soon: it is denied, held back, gone, unsettled (missing.ts), or there is no descriptor left. */
  | { readonly kind: 'again' }
  /** To be judged once more when all others in the directory were (missing.ts). */
  | { readonly kind: 'sibling' }

/** Bytes looked back for the start of a line when reading begins at the end of a file. */
const LOOK_BACK = 64 * 1024

const IGNORED: Arrival = { kind: 'ignored' }
const AGAIN: Arrival = { kind: 'again' }
const SIBLING: Arrival = { kind: 'sibling' }

export class Arrivals {
  readonly #options: ArrivalsOptions
  /** Names in a directory with the reason that was reported last, so that it is reported once. */
  readonly #reported = new WeakMap<Directory, Map<string, string>>()
  readonly #admitting = new Set<Promise<void>>()
  #onlyCopies = false

  constructor(options: ArrivalsOptions) {
    this.#options = options
  }

  async judge(directory: Directory, sighting: Sighting, bySibling: 'now' | 'not yet'): Promise<Arrival> {
    const { wasThere, untaken } = directory
    const arrival = await this.#judge(directory, sighting, bySibling)
    if (arrival.kind === 'sibling') return arrival
    if (arrival.kind !== 'again') untaken.delete(sighting.name)
    else if (wasThere || untaken.get(sighting.name) === null) untaken.set(sighting.name, sighting.facts)
    return arrival
  }

  async #judge(directory: Directory, sighting: Sighting, bySibling: 'now' | 'not yet'): Promise<Arrival> {
    const { descriptors } = this.#options
    const path = directory.pathOf(sighting.name)
    if (this.#isOldPiece(sighting, path)) return this.#ignore(directory, sighting, 'rotated-before-first-start')
    if (!descriptors.makeRoomIn(directory)) return this.#leave(sighting)
    const opened = await openLog(directory.volume, path, rootsOf(sighting.interest))
    switch (opened.kind) {
      case 'refused':
        return this.#ignore(directory, sighting, opened.reason)
      case 'denied':
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

  /** A directory was looked at: what is kept of names and files that are not there any more would be kept for ever. */
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

  /** A generation that begins now. */
  create(what: Omit<Origin, 'id' | 'volume' | 'start' | 'foundAt'>, at: { offset: number; guard: Guard }): LogFile {
    const { volume } = what.directory
    const { random, clock } = this.#options
    return new LogFile({ ...what, id: newId(random), volume, start: { ...at, skipped: 0 }, foundAt: clock() })
  }

  /** Nothing of a file is shipped before its id is where a kill -9 cannot lose it: a repeat must carry the same id. */
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

  /** From now on nothing is taken in that would be read. */
  takeOnlyCopies(): void {
    this.#onlyCopies = true
  }

  /** A file is to be read once its id is in the journal. */
  get isAdmitting(): boolean {
    return this.#admitting.size > 0
  }

  /** Resolves when all that were to be admitted are. */
  async admitted(): Promise<void> {
    await Promise.all(this.#admitting)
  }

  #ignore(directory: Directory, { kind, name }: Sighting, reason: IgnoreReason): Arrival {
    // no glob asks for what is sought
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

  /** What can be opened need not be readable: then it must not cost a descriptor at every look, nor what we know of it. */
  async #identifyOrDeny(
    directory: Directory,
    sighting: Sighting,
    { bySibling, ...opened }: OpenFile & { bySibling: 'now' | 'not yet' },
  ): Promise<Arrival> {
    const { missing, known } = this.#options
    const path = directory.pathOf(sighting.name)
    const sought = sighting.kind === 'sought'
    const other = known.get(opened.facts.key)
    if (other !== undefined) {
      closeOn(directory.volume, opened.descriptor)
      // a closed one may have had the inode before: the next look will ask
      return other.descriptor < 0 ? AGAIN : { kind: 'known', file: other }
    }
    let stored: StoredGeneration | null = null
    try {
      const isSibling = (name: string): boolean => directory.isSibling(sighting, name)
      const file = { facts: opened.facts, path, isSibling, bySibling }
      const found = await missing.find(directory.volume, opened.descriptor, file)
      // no glob asks for what is sought
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
    // From here to the end nothing waits: another look may have found the same file meanwhile.
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
    if (file.next > 0 && !isPassedOver) originals.know(file, -Infinity)
    known.add(file)
    descriptors.adopt(file, descriptor, facts)
    // looked at before the bytes it is known by: these are its own
    file.seenSize.own(facts.size)
    if (copy !== 'none') rests.copied(copy)
    if (isPassedOver || (stored?.finished === true && facts.size <= file.next)) {
      file.life.finish()
      descriptors.close(file)
    }
    const reason = file.finished ? 'finished' : stored !== null ? 'known' : start > 0 ? 'end' : 'beginning'
    return { kind: 'file', file, reason }
  }

  #isOldPiece({ kind, interest, facts }: Sighting, path: string): boolean {
    const { checkpoint, missing } = this.#options
    if (kind === 'live' || interest.rules.rotated === 'all') return false
    if (missing.has(facts.key) || missing.hasPlace(path)) return false
    return facts.mtimeMs < checkpoint.since
  }

  /** Where to begin with a file that has no position: at the end only if it was there at the very first start. */
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
    // another one has taken the name since, or it was cut
    if (facts.key !== atStart.key || facts.size < atStart.size) return 0
    // a while later the inode may be another file's; where no time of birth is known, this may be any time
    if (!wasThere && facts.bornMs !== atStart.bornMs) return 0
    // the line that is being written is shipped whole
    const from = Math.max(0, atStart.size - LOOK_BACK)
    const bytes = await bytesAt(directory.volume, descriptor, { position: from, length: atStart.size - from })
    return from + bytes.lastIndexOf(10) + 1
  }
}
