/**
 * Calls to mounts that can hang. Each call takes a thread of libuv's pool until it is answered, for ever if the server is
 * gone. The state's disk, the compressor and name lookups of brokers need those threads too. Therefore the number of calls
 * under way is limited: to one for each mount, to a quarter of the total for the mounts of one server, and in total to a
 * fixed number (commands/threads.ts). Further calls wait, and the mount that has waited longest is called next. A mount
 * that answers therefore always gets its turn, until as many calls hang as may be under way.
 *
 * A mount that does not answer for some seconds is reported once, and so is a mount that waits for others for as long.
 */
import type { Events } from '../../observe/events.ts'
import { type Mount, Mounts, openMountTable } from './mounts.ts'
import { type Maybe, type Volume, remoteVolume, through, volumesBeside } from './volume.ts'

/** A mount counts as hanging when a call takes longer than this. */
const HUNG_MS = 5000

/** One server may have one in this many of the calls: when a server fails, all of its mounts hang at once. */
const PARTS = 4

export interface MountCallsOptions {
  /** The number of calls that may be under way at the same time, for all mounts together. */
  readonly atOnce: number
  /** Monotonic ms. */
  readonly clock: () => number
  readonly events: Pick<Events, 'mountHangs' | 'mountWaits' | 'mountAnswers'>
}

/** A server, and the number of calls under way to its mounts. */
interface Server {
  calls: number
}

/** The calls to one mount, in order. */
interface CallQueue {
  readonly volume: Volume
  readonly server: Server
  /** Calls that have not begun. */
  readonly calls: (() => Promise<void>)[]
  /** Where the mount is, for reports. */
  point: string
  state: 'idle' | 'waiting' | 'calling'
  /** Monotonic ms at which it entered {@link state}. */
  since: number
  reported: 'hangs' | 'waits' | null
}

export class MountCalls {
  readonly #options: MountCallsOptions
  /** The number of calls that may be under way to the mounts of one server. */
  readonly #mostOfServer: number
  readonly #queues = new Map<string, CallQueue>()
  readonly #servers = new Map<string, Server>()
  /** Queues whose next call waits, the longest waiting first. */
  readonly #waiting = new Set<CallQueue>()
  /** Calls under way, to all mounts. */
  #calls = 0
  /** Whether the timer of the next report runs. */
  #isReportDue = false

  constructor(options: MountCallsOptions) {
    this.#options = options
    this.#mostOfServer = Math.max(1, Math.floor(options.atOnce / PARTS))
  }

  /** The volume of a mount, whose calls go through the mount's queue. Tests pass another `volume` to make the calls. */
  volumeOn({ device, point, server }: Mount, volume: Volume = remoteVolume): Volume {
    const key = `${device} ${server}`
    const known = this.#queues.get(key)
    if (known !== undefined) {
      // the kernel reuses device numbers, so the same key may now be mounted elsewhere
      if (known.state === 'idle') known.point = point
      return known.volume
    }
    const ofServer = this.#servers.get(server) ?? { calls: 0 }
    this.#servers.set(server, ofServer)
    const queue: CallQueue = {
      volume: through(volume, (start) => this.#call(queue, start)),
      server: ofServer,
      calls: [],
      point,
      state: 'idle',
      since: 0,
      reported: null,
    }
    this.#queues.set(key, queue)
    return queue.volume
  }

  #call<T>(queue: CallQueue, start: () => Maybe<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      queue.calls.push(async () => {
        try {
          resolve(await start())
        } catch (error) {
          reject(error)
        }
      })
      if (queue.state === 'idle') {
        this.#enter(queue, 'waiting')
        this.#begin()
      }
    })
  }

  #enter(queue: CallQueue, state: CallQueue['state']): void {
    queue.state = state
    queue.since = this.#options.clock()
    if (state === 'waiting') this.#waiting.add(queue)
    else this.#waiting.delete(queue)
    if (state !== 'idle') this.#reportAfter(HUNG_MS)
  }

  /** Begins as many calls as may be under way. */
  #begin(): void {
    for (const queue of this.#waiting) {
      if (this.#calls === this.#options.atOnce) return
      if (queue.server.calls < this.#mostOfServer) void this.#callNext(queue)
    }
  }

  async #callNext(queue: CallQueue): Promise<void> {
    this.#enter(queue, 'calling')
    this.#calls++
    queue.server.calls++
    await queue.calls.shift()?.()
    this.#calls--
    queue.server.calls--
    if (queue.reported !== null) this.#options.events.mountAnswers(queue.point)
    queue.reported = null
    this.#enter(queue, queue.calls.length > 0 ? 'waiting' : 'idle')
    this.#begin()
  }

  // -- reports --------------------------------------------------------------------------------------------------------

  #reportAfter(ms: number): void {
    if (this.#isReportDue) return
    this.#isReportDue = true
    // this timer must not keep the process alive
    setTimeout(() => this.#reportHung(), ms).unref()
  }

  #reportHung(): void {
    this.#isReportDue = false
    const now = this.#options.clock()
    let next = Infinity
    for (const queue of this.#queues.values()) {
      if (queue.state === 'idle') continue
      const left = queue.since + HUNG_MS - now
      if (left > 0) next = Math.min(next, left)
      else this.#report(queue)
    }
    if (next < Infinity) this.#reportAfter(next)
  }

  #report(queue: CallQueue): void {
    // a mount that waits for other calls to its own server would get no answer either
    const what = queue.state === 'calling' || queue.server.calls === this.#mostOfServer ? 'hangs' : 'waits'
    if (queue.reported === what) return
    queue.reported = what
    if (what === 'hangs') this.#options.events.mountHangs(queue.point)
    else this.#options.events.mountWaits(queue.point)
  }
}

/** Returns a function that gives the volume of any directory of this machine. */
export function volumesHere(options: MountCallsOptions): (path: string) => Volume {
  const calls = new MountCalls(options)
  const mounts = new Mounts({ read: openMountTable(), clock: options.clock })
  return volumesBeside(mounts, (mount) => calls.volumeOn(mount))
}
