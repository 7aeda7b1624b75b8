/** Volumes for tests: the local one with its calls counted, and mounts that hang when the test wants it. */
import { MountCalls } from '../../src/input/volume/mount-calls.ts'
import { type FileFacts, type Listed, type Read, type Volume, localVolume } from '../../src/input/volume/volume.ts'

/** A mount as the input uses it: with one call at a time. */
export function inLine(mount: Volume): Volume {
  const ignored = { mountHangs: () => undefined, mountWaits: () => undefined, mountAnswers: () => undefined }
  const calls = new MountCalls({ atOnce: 8, clock: () => performance.now(), events: ignored })
  return calls.volumeOn({ device: '0:7', point: '/mnt/far', server: '0:7' }, mount)
}

type Synchronous<T> = Exclude<T, Promise<unknown>>

/** The result of a call to the local volume, which is no promise. */
function now<T>(value: T): Synchronous<T> {
  if (value instanceof Promise) throw new TypeError('a call to a local volume returned a promise')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that is what was just checked
  return value as Synchronous<T>
}

export interface CountedVolume extends Volume {
  reads: number
  bytesRead: number
  /** Paths that {@link Volume.facts} was called with. */
  readonly asked: string[]
  /** Directories that were listed. */
  readonly listed: string[]
}

/** The local file system with its calls counted. `change` replaces some of them. */
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
 * A mount whose calls take their time: a local directory behind promises, with a device number of its own. A read writes
 * its bytes only when it is answered; code that uses the memory earlier sees the former bytes.
 */
export class RemoteMount implements Volume {
  readonly remote = true
  /** The number of calls that were not answered yet. */
  pending = 0
  /** The highest number of such calls so far. */
  mostPending = 0
  /** The names of all calls so far. */
  readonly calls: string[] = []
  readonly #device: string
  #gate: Promise<void> = Promise.resolve()
  #open: () => void = () => undefined

  constructor(device: string) {
    this.#device = device
  }

  /** Answers no call from now on, until {@link answer}. */
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
      // an answer takes at least one turn of the event loop, as over a network
      await new Promise((resolve) => setImmediate(resolve))
      return answer()
    } finally {
      this.pending--
    }
  }
}
