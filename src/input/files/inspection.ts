/**
 * Checks of single known files, beside the looks at their directories: what the file system says of a file, and whether
 * that is about the file itself.
 */
import type { Checkpoint } from '../state/checkpoint.ts'
import type { Descriptors } from './descriptors.ts'
import { FINGERPRINT_BYTES, bytesAt, hash } from './identity.ts'
import type { KnownFiles } from './known-files.ts'
import type { LogFile } from './log-file.ts'
import type { Originals } from '../copies/originals.ts'

/**
 * same: nothing is new. grown: there may be something to read. unsure: the file is not there or cannot be checked, so that
 * its place has to be looked at again.
 */
export type Inspected = 'same' | 'grown' | 'unsure'

export interface InspectionOptions {
  readonly checkpoint: Pick<Checkpoint, 'touch'>
  readonly originals: Pick<Originals, 'add'>
  readonly descriptors: Pick<Descriptors, 'isSameAt'>
  readonly known: Pick<KnownFiles, 'leftItsName'>
}

export class Inspection {
  readonly #options: InspectionOptions

  constructor(options: InspectionOptions) {
    this.#options = options
  }

  /** Check an open or closed file. Throws what the file system throws. */
  async check(file: LogFile): Promise<Inspected> {
    const { checkpoint, descriptors, known } = this.#options
    const { volume, descriptor } = file
    const facts = descriptor >= 0 ? await volume.factsOf(descriptor) : await volume.facts(file.place)
    // while a mount took its time, the file may have been cut or lost
    if (file.isOver) return 'same'
    if (facts === null || facts.key !== file.key) return 'unsure'
    if (descriptor >= 0 && facts.links === 0) known.leftItsName(file, 'deleted')
    const isSame = file.isAsSeen(facts)
    // of a closed file nothing is believed before it is known to be the same file
    if (descriptor < 0 && !isSame && (await descriptors.isSameAt(file, file.place)) !== 'same') return 'unsure'
    if (file.isOver) return 'same'
    if (!isSame) {
      file.note(facts)
      file.revive()
    }
    // bytes that are not read yet must be known again too, and counted if they are cut off before
    if (this.isToVerify(file)) await this.verify(file)
    if (isSame || file.isOver) return 'same'
    // so that the next start knows, too, how much would be lost
    checkpoint.touch(file)
    // also when it is no longer than before: it may have been cut and filled again, which the read finds out
    return 'grown'
  }

  /** Whether bytes were seen that may not be the file's own, and it cannot be read soon or has no fingerprint yet. */
  isToVerify({ parked, fingerprint, seenSize }: LogFile): boolean {
    return seenSize.isUnsure && (parked || fingerprint.length === 0)
  }

  /** The file has more bytes than before: let its fingerprint grow until it is whole, if the file still begins as it did. */
  async growFingerprint(file: LogFile): Promise<void> {
    const { fingerprint, next, size } = file
    if (fingerprint.length < FINGERPRINT_BYTES && Math.max(next, size) > fingerprint.length) await this.verify(file)
  }

  /** If the file still begins as it did, all bytes that were seen are its own, and a fingerprint that is not whole grows. */
  async verify(file: LogFile): Promise<void> {
    const { descriptor, fingerprint, size } = file
    const { length } = fingerprint
    if (descriptor < 0) return
    const head = await bytesAt(file.volume, descriptor, { position: 0, length: FINGERPRINT_BYTES })
    if (file.descriptor !== descriptor || file.fingerprint !== fingerprint || head.length < length) return
    // it was cut, which the next read finds out
    if (length > 0 && hash(head.subarray(0, length)) !== fingerprint.hash) return
    if (head.length > length) file.knowBy({ length: head.length, hash: hash(head) })
    if (file.next > 0) this.#options.originals.add(file)
    file.seenSize.own(size)
  }
}
