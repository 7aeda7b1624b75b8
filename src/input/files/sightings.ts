/**
 * What a look at a directory says of known generations: which are still there, under which name, changed or not, and which
 * are gone. Files that are none of them go to arrivals.ts. Names and files can have changed since the look, and during every
 * call that a mount takes its time for: what was seen is believed of the same inode only.
 */
import type { FoundReason } from '../../flow.ts'
import type { Events } from '../../observe/events.ts'
import { ignoreSystemError, systemErrorOf } from '../../errors.ts'
import { isSameBirth } from '../volume/birth-time.ts'
import type { Arrivals } from './arrivals.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import type { Descriptors } from './descriptors.ts'
import { type Directory, type Look, type Sighting, inOrderOfWriting } from '../discovery/directory.ts'
import type { Inspection } from './inspection.ts'
import type { KnownFiles } from './known-files.ts'
import { LogFile } from './log-file.ts'
import type { BySibling, Missing } from './missing.ts'

export interface SightingsOptions {
  readonly checkpoint: Pick<Checkpoint, 'put' | 'touch'>
  readonly events: Pick<Events, 'fileFound' | 'fileDenied'>
  readonly missing: Pick<Missing, 'isEmpty' | 'has' | 'hasPlace'>
  readonly arrivals: Arrivals
  readonly descriptors: Descriptors
  readonly inspection: Inspection
  readonly known: KnownFiles
}

interface KnownSighting {
  readonly sighting: Sighting
  /** It was known before, and not opened for this sighting. */
  readonly isKnown: boolean
}

/** The generation that a sighted file is, or why there is none (arrivals.ts). */
export type Judgement = LogFile | 'ignored' | 'again' | 'sibling'

/** A generation that a look has found. */
interface New {
  readonly file: LogFile
  readonly reason: FoundReason
}

export class Sightings {
  readonly #options: SightingsOptions

  constructor(options: SightingsOptions) {
    this.#options = options
  }

  /** A directory was looked at. Returns true when it has to be looked at again soon. */
  async see(directory: Directory, look: Look): Promise<boolean> {
    const arrived: New[] = []
    // another file may come under the name of one that went
    const before = [...directory.files]
    const denied = new Set(look.denied.map(({ name }) => directory.pathOf(name)))
    const unsure = new Set<string>()
    let again = look.denied.length > 0
    this.#options.arrivals.forgetOthers(directory, look)
    for (const { name, reason } of look.denied) this.#options.arrivals.deny(directory, name, reason)
    // rotated files are known to be so, and read, before the files that took their place
    const others: Sighting[] = []
    const known = new Map<LogFile, KnownSighting>()
    for (const sighting of look.sightings) {
      const file = await this.#knownOf(directory, sighting)
      if (file === null) others.push(sighting)
      else if (file === 'unsure') unsure.add(sighting.facts.key)
      else notice(known, file, { sighting, isKnown: true })
    }
    if (unsure.size > 0) again = true
    const found = new Map<LogFile, KnownSighting>()
    for (const [file, what] of known) if (!file.isOver) this.#found(file, directory, what)
    const siblings: Sighting[] = []
    const judge = async (sighting: Sighting, bySibling: BySibling): Promise<void> => {
      const arrival = await this.#judge(directory, sighting, bySibling)
      if (arrival === 'sibling') siblings.push(sighting)
      if (arrival === 'again') again = true
      if (typeof arrival === 'string') return
      if (!(arrival instanceof LogFile)) arrived.push(arrival)
      const file = arrival instanceof LogFile ? arrival : arrival.file
      if (known.get(file)?.sighting.kind !== 'live') notice(found, file, { sighting, isKnown: false })
    }
    for (const sighting of this.#inOrder(directory, others)) await judge(sighting, 'not yet')
    for (const sighting of siblings) await judge(sighting, 'now')
    for (const [file, what] of found) if (!file.isOver) this.#found(file, directory, what)
    const seen = new Set([...known.keys(), ...found.keys()])
    // they were not judged in the order in which they were written
    for (const one of arrived.sort((a, b) => inOrderOfWriting(a.file, b.file))) this.#admit(one)
    // it was cut since it was sighted: another generation has its place
    for (const file of seen) if (file.isOver) again = true
    for (const [name, file] of before) {
      if (seen.has(file) || file.place !== directory.pathOf(name) || this.#options.known.get(file.key) !== file)
        continue
      // it may be there all the same
      if (denied.has(file.place) || unsure.has(file.key)) continue
      if (directory.files.get(name) === file) directory.files.delete(name)
      await this.#notFound(file)
    }
    return again
  }

  /** Files that may be missing ones come before their copies: first those with an inode, then those at a place. */
  #inOrder(directory: Directory, sightings: readonly Sighting[]): readonly Sighting[] {
    const { missing } = this.#options
    if (missing.isEmpty) return sightings
    const ranks: [Sighting[], Sighting[], Sighting[]] = [[], [], []]
    for (const sighting of sightings) {
      const isPlace = (): boolean => missing.hasPlace(directory.pathOf(sighting.name))
      ranks[missing.has(sighting.facts.key) ? 0 : isPlace() ? 1 : 2].push(sighting)
    }
    return ranks.flat()
  }

  /** Take in a file that is no known generation. */
  async arrived(directory: Directory, sighting: Sighting): Promise<Judgement> {
    const arrival = await this.#judge(directory, sighting, 'now')
    if (typeof arrival === 'string' || arrival instanceof LogFile) return arrival
    this.#admit(arrival)
    return arrival.file
  }

  /** Judge a file that is not known. A new generation has to be admitted by {@link #admit} afterwards. */
  async #judge(directory: Directory, sighting: Sighting, bySibling: BySibling): Promise<New | Judgement> {
    const arrival = await this.#options.arrivals.judge(directory, sighting, bySibling)
    if (arrival.kind === 'known') return arrival.file
    if (arrival.kind !== 'file') return arrival.kind
    const { file, reason } = arrival
    directory.files.set(file.name, file)
    return { file, reason }
  }

  #admit({ file, reason }: New): void {
    if (reason === 'finished') {
      file.life.admit()
      this.#options.checkpoint.put(file)
    } else {
      this.#options.events.fileFound(file, { offset: file.next, reason })
      this.#options.arrivals.admit(file)
    }
  }

  /** The generation that has the sighting's inode, if it is still the same file. */
  async #knownOf(directory: Directory, { name, facts, interest }: Sighting): Promise<LogFile | 'unsure' | null> {
    const file = this.#options.known.get(facts.key)
    if (file === undefined) return null
    const path = directory.pathOf(name)
    // an open descriptor keeps the inode from being used again
    if (file.descriptor >= 0) return file
    // a file system without birth times has coarse file times as well
    if (file.isAsSeen(facts) && (isSameBirth(facts.bornMs, file.bornMs) === true || path === file.place)) return file
    const found = await this.#options.descriptors.isSameAt(file, path, interest)
    // another look, or a turn, may have been faster
    if (file.isOver || file.descriptor >= 0) return 'unsure'
    if (found !== 'other') return found === 'same' ? file : 'unsure'
    this.#options.known.lose(file)
    return null
  }

  #found(file: LogFile, directory: Directory, { sighting, isKnown }: KnownSighting): void {
    const { name, facts, kind, isLink, interest } = sighting
    const moved = file.directory !== directory || file.name !== name
    if (file.directory.files.get(file.name) === file) file.directory.files.delete(file.name)
    const { location } = file
    location.directory = directory
    location.name = name
    location.within = interest
    location.isLinked = isLink
    directory.files.set(name, file)
    if (kind === 'live') file.life.beLive()
    else this.#options.known.leftItsName(file, 'rotated')
    // its facts at the opening are newer, and at the look another file may have had the name
    const changed = isKnown && !file.isAsSeen(facts)
    if (moved || changed) this.#options.checkpoint.touch(file)
    if (!changed) return
    file.note(facts)
    const { inspection } = this.#options
    if (inspection.isToVerify(file)) inspection.verify(file).catch(ignoreSystemError)
    if (file.revive()) this.#options.known.wake(file)
  }

  async #notFound(file: LogFile): Promise<void> {
    const { descriptor, place } = file
    if (descriptor < 0) return this.#options.known.lose(file)
    // while a mount took its time, it may have been cut, closed, or found elsewhere
    const isStillSo = (): boolean => !file.isOver && file.descriptor === descriptor && file.place === place
    try {
      const facts = await file.volume.factsOf(descriptor)
      if (!isStillSo() || facts.key !== file.key) return
      file.note(facts)
      this.#options.known.leftItsName(file, facts.links === 0 ? 'deleted' : 'rotated')
      if (file.hasNews) this.#options.known.wake(file)
    } catch (error) {
      // the server has forgotten the handle
      this.#options.events.fileDenied(place, systemErrorOf(error).message)
      if (!isStillSo()) return
      this.#options.descriptors.close(file)
      return this.#options.known.lose(file)
    }
  }
}

/** Of two names of one file (hard links), the one that the globs match counts. */
function notice(files: Map<LogFile, KnownSighting>, file: LogFile, seen: KnownSighting): void {
  if (files.get(file)?.sighting.kind !== 'live') files.set(file, seen)
}
