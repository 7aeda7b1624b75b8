/** File systems as the input sees them: the local one with its reads counted, one that fails, mounts that can hang. */
import { MountCalls } from '../../src/input/volume/mount-calls.ts'
import { type FileFacts, type Listed, type Read, type Volume, localVolume } from '../../src/input/volume/volume.ts'

/** For the tests of other rooms that still import it from here. */
export { systemError } from './system-error.ts'

/** A mount as the input has it: one call after the other. */
export function inLine(mount: Volume): Volume {
  const nobody = { mountHangs: () => undefined, mountWaits: () => undefined, mountAnswers: () => undefined }
  const calls = new MountCalls({ atOnce: 8, clock: () => performance.now(), events: nobody })
  return calls.volumeOn({ device: '0:7', point: '/mnt/far', server: '0:7' }, mount)
}

type Synchronous<T> = Exclude<T, Promise<unknown>>

/** The local file system's answers are no promises. */
function now<T>(value: T): Synchronous<T> {
  if (value instanceof Promise) throw new TypeError('a local volume answers at once')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that is what was just checked
  return value as Synchronous<T>
}

export interface CountedVolume extends Volume {
  reads: number
  bytesRead: number
  /** What {@link Volume.facts} was asked about. */
  readonly asked: string[]
  /** Directories that were listed. */
  readonly listed: string[]
}

/** The local file system, counting. `change` replaces single calls. */
export function countedVolume(change: Partial<Volume> = {}): CountedVolume {
  const volume: CountedVolume = {
    ...localVolume,
    reads: 0,
    bytesRead: 0,
    asked: [],
    listed: [],
    facts(path) {
      volume.asked.push(path)
      return localVolume.facts(path)
    },
    list(path) {
      volume.listed.push(path)
      return localVolume.list(path)
    },
    read(descriptor, into) {
      const got = now(localVolume.read(descriptor, into))
      volume.reads++
      volume.bytesRead += got
      return got
    },
    ...change,
  }
  return volume
}

/**
 * A mount whose calls take their time: a local directory behind promises, with a device number of its own. Bytes are
 * there only when a read is answered, so who looks at the memory too early sees what was there before.
 */
export class RemoteMount implements Volume {
  readonly remote = true
  /** Calls that were not answered yet, and the highest number of them there was. */
  pending = 0
  mostPending = 0
  /** Calls so far, by name. */
  readonly calls: string[] = []
  readonly #device: string
  #gate: Promise<void> = Promise.resolve()
  #open: () => void = () => undefined

  constructor(device: string) {
    this.#device = device
  }

  /** From now on no call is answered, until {@link answer}. */
  hang(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve))
  }

  answer(): void {
    this.#open()
    this.#gate = Promise.resolve()
  }

  facts(path: string): Promise<FileFacts | null> {
    return this.#call('facts', () => {
      const facts = now(localVolume.facts(path))
      return facts === null ? null : this.#moved(facts)
    })
  }

  list(path: string): Promise<Listed[] | null> {
    return this.#call('list', () => now(localVolume.list(path)))
  }

  open(path: string): Promise<number> {
    return this.#call('open', () => now(localVolume.open(path)))
  }

  factsOf(descriptor: number): Promise<FileFacts> {
    return this.#call('factsOf', () => this.#moved(now(localVolume.factsOf(descriptor))))
  }

  read(descriptor: number, into: Read): Promise<number> {
    return this.#call('read', () => now(localVolume.read(descriptor, into)))
  }

  close(descriptor: number): Promise<void> {
    return this.#call('close', () => now(localVolume.close(descriptor)))
  }

  realPath(path: string): Promise<string> {
    return this.#call('realPath', () => now(localVolume.realPath(path)))
  }

  #moved(facts: FileFacts): FileFacts {
    return { ...facts, key: `${this.#device}:${facts.key.slice(facts.key.indexOf(':') + 1)}` }
  }

  async #call<T>(name: string, answer: () => T): Promise<T> {
    this.calls.push(name)
    this.pending++
    this.mostPending = Math.max(this.mostPending, this.pending)
    try {
      await this.#gate
      // a network is never faster than a turn of the event loop
      await new Promise((resolve) => setImmediate(resolve))
      return answer()
    } finally {
      this.pending--
    }
  }
}
