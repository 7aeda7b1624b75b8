/**
 * Asking a known file how it is, beside what a look at its directory tells: its facts, and whether what they say is
 * about itself. Names and lives are generations.ts's.
 */
import type { Checkpoint } from '../state/checkpoint.ts'
import type { Descriptors } from './descriptors.ts'
import { FINGERPRINT_BYTES, bytesAt, hash } from './identity.ts'
import type { KnownFiles } from './known-files.ts'
import type { LogFile } from './log-file.ts'
import type { Originals } from '../copies/originals.ts'

/** 'unsure': it is not there, or cannot be asked, and its place has to be looked at again; 'grown': there may be something to read. */
export type Inspected = 'same' | 'grown' | 'unsure'

export interface InspectionOptions {
  readonly checkpoint: Pick<Checkpoint, 'touch'>
  readonly originals: Pick<Originals, 'know'>
  readonly descriptors: Pick<Descriptors, 'isSameAt'>
  readonly known: Pick<KnownFiles, 'leftItsName'>
}

export class Inspection {
  readonly #options: InspectionOptions

  constructor(options: InspectionOptions) {
    this.#options = options
  }

  /** Ask an open or closed file for its facts. Throws what the file system throws. */
  async check(file: LogFile): Promise<Inspected> {
    const { checkpoint, descriptors, known } = this.#options
    const { volume, descriptor } = file
    const facts = descriptor >= 0 ? await volume.factsOf(descriptor) : await volume.facts(file.place)
    // a mount takes its time: meanwhile it may have been cut, or lost
    if (file.isOver) return 'same'
    if (facts === null || facts.key !== file.key) return 'unsure'
    if (descriptor >= 0 && facts.links === 0) known.leftItsName(file, 'deleted')
    const isSame = file.isAsSeen(facts)
    // of what is not open nothing is believed before it is known to be the same file
    if (descriptor < 0 && !isSame && (await descriptors.isSameAt(file, file.place)) !== 'same') return 'unsure'
    if (file.isOver) return 'same'
    if (!isSame) {
      file.note(facts)
      file.revive()
    }
    // what is not read yet will have to be known again all the same, and counted if it is cut before
    if (this.isToVerify(file)) await this.verify(file)
    if (isSame || file.isOver) return 'same'
    // how much would be lost is known at the next start too
    checkpoint.touch(file)
    // also when it is no longer than before: it may have been cut and filled again, the read will tell
    return 'grown'
  }

  /** Whether more was seen of a file than surely is its own, and it cannot be read soon, or is known by nothing yet. */
  isToVerify({ parked, fingerprint, seenSize }: LogFile): boolean {
    return seenSize.isUnsure && (parked || fingerprint.length === 0)
  }

  /** There are more bytes than before: keep the fingerprint growing until it is whole, as long as it is still true. */
  async growFingerprint(file: LogFile): Promise<void> {
    const { fingerprint, next, size } = file
    if (fingerprint.length < FINGERPRINT_BYTES && Math.max(next, size) > fingerprint.length) await this.verify(file)
  }

  /** What was seen of a file is its own if it still begins as it did: a fingerprint that is not whole grows by that. */
  async verify(file: LogFile): Promise<void> {
    const { descriptor, fingerprint, size } = file
    const { length } = fingerprint
    if (descriptor < 0) return
    const head = await bytesAt(file.volume, descriptor, { position: 0, length: FINGERPRINT_BYTES })
    if (file.descriptor !== descriptor || file.fingerprint !== fingerprint || head.length < length) return
    // it was cut, which the next read finds
    if (length > 0 && hash(head.subarray(0, length)) !== fingerprint.hash) return
    if (head.length > length) file.knowBy({ length: head.length, hash: hash(head) })
    if (file.next > 0) this.#options.originals.know(file)
    file.seenSize.own(size)
  }
}
