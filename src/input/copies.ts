/**
 * Copies that copytruncate leaves: a new file beside a known one, with its name and something more, that begins with
 * the same bytes and agrees up to where we are in the known one. While the known file has not been cut yet, nobody can
 * say which of them goes on: the new one is held back, unless it has more bytes than the known one, which is not cut.
 * Once that is cut, the new one is its copy, and not shipped again.
 * (What the known file had unread when it was cut is only in the copy: to go on in it is a later issue; until then
 * those bytes are counted as lost.)
 */
import type { Directory } from './directory.ts'
import { FINGERPRINT_BYTES, bytesAt, guardOf, hash, hashOf } from './identity.ts'
import { isRotatedName, liveNames } from './glob.ts'
import type { LogFile } from './log-file.ts'
import type { FileFacts, Volume } from './volume.ts'
import { GUARD_BYTES } from '../kernel/layout.ts'

const HELD_MS = 30_000

/** What is remembered of a generation that was cut. */
interface Original {
  readonly directory: Directory
  readonly name: string
  readonly fingerprint: LogFile['fingerprint']
  readonly offset: number
  readonly guard: string
}

export type Judgement = 'none' | 'held' | 'copy'

export class Copies {
  readonly #clock: () => number
  readonly #cut: (Original & { readonly until: number })[] = []
  /** By device and inode: how large they were last, and since when. */
  readonly #held = new Map<string, { size: number; since: number }>()

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** A generation was cut: its copy may still turn up. */
  remember(file: LogFile): void {
    const now = this.#clock()
    while (this.#cut[0] !== undefined && this.#cut[0].until < now) this.#cut.shift()
    this.#cut.push({ ...originalOf(file), until: now + HELD_MS })
  }

  /** Whether an unknown open file is the copy of another. */
  async judge(what: { directory: Directory; name: string; descriptor: number; facts: FileFacts }): Promise<Judgement> {
    const { facts } = what
    for (const original of this.#cut) {
      if (original.until >= this.#clock() && (await this.#agrees(original, what))) return this.#decide(facts, 'copy')
    }
    // by name: to compare every new file with every known one is felt at thousands of them
    for (const name of liveNames(what.name)) {
      const file = what.directory.files.get(name)
      if (file?.standing !== 'live') continue
      const outgrown = await isOutgrown(file, what.facts.size)
      // what a mount says of a size may be old
      if (outgrown && !file.volume.remote) continue
      if ((await this.#agrees(originalOf(file), what)) || (await mayBecome(file, what)))
        return this.#decide(facts, 'held', outgrown)
    }
    return this.#decide(facts, 'none')
  }

  /** One that is being written has more time, unless it seems to have `outgrown` the other. */
  #decide({ key, size }: FileFacts, judgement: Judgement, outgrown = false): Judgement {
    const held = this.#held.get(key)
    const since = held !== undefined && (held.size === size || outgrown) ? held.since : this.#clock()
    if (judgement === 'held' && this.#clock() - since < HELD_MS) {
      this.#held.set(key, { size, since })
      return 'held'
    }
    this.#held.delete(key)
    return judgement === 'held' ? 'none' : judgement
  }

  async #agrees(
    original: Original,
    {
      directory,
      name,
      descriptor,
      facts,
    }: { directory: Directory; name: string; descriptor: number; facts: FileFacts },
  ): Promise<boolean> {
    if (original.directory !== directory || !isRotatedName(name, (live) => live === original.name)) return false
    return beginsAs(original, { volume: directory.volume, descriptor, size: facts.size })
  }
}

/** A copy is seen while it is written: what there is of a file that has fewer bytes yet is the beginning of the other. */
async function mayBecome(
  file: LogFile,
  { directory, descriptor, facts }: { directory: Directory; descriptor: number; facts: FileFacts },
): Promise<boolean> {
  if (facts.size >= Math.max(originalOf(file).offset, file.fingerprint.length)) return false
  const length = Math.min(facts.size, FINGERPRINT_BYTES)
  const its = await bytesAt(directory.volume, descriptor, { position: 0, length })
  // a closed one has only its fingerprint to be compared
  if (file.descriptor < 0) return length < file.fingerprint.length || hash(its) === file.fingerprint.hash
  return its.equals(await bytesAt(file.volume, file.descriptor, { position: 0, length }))
}

/** Whether an open file has the first bytes of another, and those before where we are in it. */
async function beginsAs(
  { fingerprint, offset, guard }: Pick<Original, 'fingerprint' | 'offset' | 'guard'>,
  { volume, descriptor, size }: { volume: Volume; descriptor: number; size: number },
): Promise<boolean> {
  if (fingerprint.length === 0 || size < Math.max(offset, fingerprint.length)) return false
  const head = await bytesAt(volume, descriptor, { position: 0, length: fingerprint.length })
  if (hash(head) !== fingerprint.hash) return false
  const length = Math.min(GUARD_BYTES, offset)
  return guardOf(await bytesAt(volume, descriptor, { position: offset - length, length })) === guard
}

/** Nothing is a copy of a file that is shorter, and was not cut. */
async function isOutgrown(file: LogFile, size: number): Promise<boolean> {
  const { descriptor, volume } = file
  const facts = descriptor >= 0 ? await volume.factsOf(descriptor) : await volume.facts(file.place)
  if (facts === null || facts.key !== file.key || Math.max(facts.size, file.size) >= size) return false
  if (descriptor < 0) return file.isAsSeen(facts)
  return beginsAs(originalOf(file), { volume, descriptor, size: facts.size })
}

function originalOf(file: LogFile): Original {
  const guard = hashOf(file.guard ?? file.watermark.guard)
  const offset = file.guard === null ? file.watermark.offset : file.next
  return { directory: file.directory, name: file.name, fingerprint: file.fingerprint, offset, guard }
}
