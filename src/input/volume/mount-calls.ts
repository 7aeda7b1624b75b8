/**
 * Calls to mounts that can hang. Each takes a thread of libuv's pool until it is answered, for ever where the server is
 * gone; and the state's disk, the compressor and the names of brokers need those threads too. So a mount has one call
 * under way at a time, the mounts of one server have a quarter of what there may be, and all together a fixed number
 * (commands/threads.ts). The others wait, and the mount that has waited longest is next: one that answers always gets its
 * turn, until as many calls hang as may be under way.
 *
 * A mount that does not answer for seconds is reported, once, and so is one that waits for others as long.
 */
import type { Events } from '../../observe/events.ts'
import { type Mount, Mounts, openMountTable } from './mounts.ts'
import { type Maybe, type Volume, remoteVolume, through, volumesBeside } from './volume.ts'

/** A mount counts as hanging when a call takes longer. */
const HUNG_MS = 5000

/** One server has at most this part of the calls: when it goes, all of its mounts hang at once. */
const PARTS = 4

export interface MountCallsOptions {
  /** Calls under way at the same time, of all mounts together. */
  readonly atOnce: number
  /** Monotonic ms. */
  readonly clock: () => number
  readonly events: Pick<Events, 'mountHangs' | 'mountWaits' | 'mountAnswers'>
}

/** Calls under way to the mounts of one server. */
interface Server {
  calls: number
}

/** What is asked of one mount, in order. */
interface Line {
  readonly volume: Volume
  readonly server: Server
  readonly queue: (() => Promise<void>)[]
  point: string
  state: 'idle' | 'waiting' | 'calling'
  /** When it came to be in this state. */
  since: number
  reported: 'hangs' | 'waits' | null
}

export class MountCalls {
  readonly #options: MountCallsOptions
  readonly #ofServer: number
  readonly #lines = new Map<string, Line>()
  readonly #servers = new Map<string, Server>()
  /** Lines whose next call waits, in the order in which they came to. */
  readonly #waiting = new Set<Line>()
  #calls = 0
  #isWatching = false

  constructor(options: MountCallsOptions) {
    this.#options = options
    this.#ofServer = Math.max(1, Math.floor(options.atOnce / PARTS))
  }

  /** The volume of a mount: whoever asks it stands in its line. `volume`: what answers; the real one when left out. */
  volumeOn({ device, point, server }: Mount, volume: Volume = remoteVolume): Volume {
    const key = `${device} ${server}`
    const known = this.#lines.get(key)
    if (known !== undefined) {
      // the kernel uses the numbers of devices again
      if (known.state === 'idle') known.point = point
      return known.volume
    }
    const ofServer = this.#servers.get(server) ?? { calls: 0 }
    this.#servers.set(server, ofServer)
    const line: Line = {
      volume: through(volume, (start) => this.#call(line, start)),
      server: ofServer,
      queue: [],
      point,
      state: 'idle',
      since: 0,
      reported: null,
    }
    this.#lines.set(key, line)
    return line.volume
  }

  #call<T>(line: Line, start: () => Maybe<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      line.queue.push(async () => {
        try {
          resolve(await start())
        } catch (error) {
          reject(error)
        }
      })
      if (line.state === 'idle') {
        this.#enter(line, 'waiting')
        this.#begin()
      }
    })
  }

  #enter(line: Line, state: Line['state']): void {
    line.state = state
    line.since = this.#options.clock()
    if (state === 'waiting') this.#waiting.add(line)
    else this.#waiting.delete(line)
    if (state !== 'idle') this.#watch(HUNG_MS)
  }

  /** Begin as many calls as may. */
  #begin(): void {
    for (const line of this.#waiting) {
      if (this.#calls === this.#options.atOnce) return
      if (line.server.calls < this.#ofServer) void this.#callNext(line)
    }
  }

  async #callNext(line: Line): Promise<void> {
    this.#enter(line, 'calling')
    this.#calls++
    line.server.calls++
    await line.queue.shift()?.()
    this.#calls--
    line.server.calls--
    if (line.reported !== null) this.#options.events.mountAnswers(line.point)
    line.reported = null
    this.#enter(line, line.queue.length > 0 ? 'waiting' : 'idle')
    this.#begin()
  }

  // -- who does not answer --------------------------------------------------------------------------------------------

  #watch(ms: number): void {
    if (this.#isWatching) return
    this.#isWatching = true
    // to wait for an answer is no reason to live
    setTimeout(() => this.#reportHung(), ms).unref()
  }

  #reportHung(): void {
    this.#isWatching = false
    const now = this.#options.clock()
    let next = Infinity
    for (const line of this.#lines.values()) {
      if (line.state === 'idle') continue
      const left = line.since + HUNG_MS - now
      if (left > 0) next = Math.min(next, left)
      else this.#report(line)
    }
    if (next < Infinity) this.#watch(next)
  }

  #report(line: Line): void {
    // who waits for calls to its own server would have no answer either
    const what = line.state === 'calling' || line.server.calls === this.#ofServer ? 'hangs' : 'waits'
    if (line.reported === what) return
    line.reported = what
    if (what === 'hangs') this.#options.events.mountHangs(line.point)
    else this.#options.events.mountWaits(line.point)
  }
}

/** How the directories of this machine are reached. */
export function volumesHere(options: MountCallsOptions): (path: string) => Volume {
  const calls = new MountCalls(options)
  const mounts = new Mounts({ read: openMountTable(), clock: options.clock })
  return volumesBeside(mounts, (mount) => calls.volumeOn(mount))
}
