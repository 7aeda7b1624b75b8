/**
 * Which paths lead to file systems whose calls can hang, by the kernel's table of mounts. To ask such a path itself, for
 * its type even, can hang for ever. So a path is walked down only as far as that is safe, and its links are followed here
 * and not by the kernel.
 *
 * Paths have one character a byte (latin1).
 */
import fs from 'node:fs'
import { ignoreSystemError } from '../../errors.ts'

/** Network file systems, those with a daemon behind them, and what mounts one of them when it is touched. */
const CAN_HANG =
  /^(nfs\d?|cifs|smb3|smbfs|fuse|fuseblk|fuse\..*|virtiofs|9p|ceph|afs|kafs|lustre|ocfs2|gfs2|gpfs|beegfs|coda|orangefs|autofs)$/

/** As many as the kernel follows. */
const MOST_LINKS = 40

/** The table is read again after so long. */
const OLD_MS = 1000

const BLOCK_BYTES = 16 * 1024

export interface MountsOptions {
  /** The table, as in /proc/self/mountinfo (proc(5)). */
  readonly read: () => string
  /** Monotonic ms. */
  readonly clock: () => number
}

/** A mount that can hang. */
export interface Mount {
  /** `major:minor`. */
  readonly device: string
  /** Where it is mounted. */
  readonly point: string
  /** What its calls wait for: the host of the server where the table names one, else the device. */
  readonly server: string
}

interface Place {
  /** The path without links; where a mount that can hang lies on the way, only as far as that. */
  readonly at: string
  /** That mount; null if there is none. */
  readonly mount: Mount | null
}

export class Mounts {
  readonly #options: MountsOptions
  /** Those that can hang, by mount point. */
  #hanging: ReadonlyMap<string, Mount> = new Map()
  #readAt = -Infinity
  /** Where directories lie. */
  readonly #places = new Map<string, Place>()

  constructor(options: MountsOptions) {
    this.#options = options
  }

  /**
   * The first mount that can hang on the way to an absolute path; null when there is none. What does not exist is on no
   * mount beyond what does.
   */
  hangingAt(path: string): Mount | null {
    this.#refresh()
    return this.#hanging.size === 0 ? null : this.#walkTo(path).mount
  }

  /** Each directory is walked to once as long as the table is believed: thousands of files may lie in one. */
  #walkTo(path: string): Place {
    const above = path.slice(0, path.lastIndexOf('/'))
    let place = this.#places.get(above)
    if (place === undefined) this.#places.set(above, (place = this.#walk('', above)))
    return place.mount === null ? this.#walk(place.at, path.slice(above.length)) : place
  }

  /** `from`: where the path begins, without links. */
  #walk(from: string, path: string): Place {
    let at = from
    let links = 0
    const left = path.split('/').reverse()
    for (;;) {
      const mount = this.#hanging.get(at === '' ? '/' : at)
      if (mount !== undefined) return { at, mount }
      const name = left.pop()
      if (name === undefined) return { at, mount: null }
      if (name === '' || name === '.') continue
      if (name === '..') {
        at = at.slice(0, Math.max(0, at.lastIndexOf('/')))
        continue
      }
      const next = `${at}/${name}`
      const target = this.#hanging.has(next) ? null : linkAt(next)
      if (target === null) {
        at = next
        continue
      }
      // the kernel says ELOOP then
      if (++links > MOST_LINKS) return { at, mount: null }
      if (target.startsWith('/')) at = ''
      left.push(...target.split('/').reverse())
    }
  }

  #refresh(): void {
    const now = this.#options.clock()
    if (now - this.#readAt < OLD_MS) return
    const isFirst = this.#readAt === -Infinity
    this.#readAt = now
    try {
      this.#hanging = hanging(this.#options.read())
    } catch (error) {
      // no descriptor is left for it now: what it said last is believed for a while longer
      if (isFirst) throw error
      ignoreSystemError(error)
    }
    this.#places.clear()
  }
}

/**
 * Opens the table of the mounts that this process sees, for as long as it lives: there may be no descriptor left when it
 * is to be read again, and without it no local file could be opened or looked at.
 */
export function openMountTable(): () => string {
  const table = fs.openSync('/proc/self/mountinfo', 'r')
  return () => {
    const blocks: Buffer[] = []
    for (let length = 0; ;) {
      const block = Buffer.allocUnsafe(BLOCK_BYTES)
      // from its beginning the kernel makes it anew
      const bytes = fs.readSync(table, block, 0, BLOCK_BYTES, length)
      if (bytes === 0) return Buffer.concat(blocks, length).toString('latin1')
      blocks.push(block.subarray(0, bytes))
      length += bytes
    }
  }
}

function hanging(table: string): Map<string, Mount> {
  const mounts = new Map<string, Mount>()
  for (const line of table.split('\n')) {
    // id, parent, major:minor, root, mount point, options, optional fields, '-', type, source, …
    const words = line.split(' ')
    const [, , device, , at] = words
    const [type, source = ''] = words.slice(words.indexOf('-', 6) + 1)
    if (device === undefined || at === undefined || type === undefined) continue
    const point = at.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
    // what was mounted last is on top
    if (CAN_HANG.test(type)) mounts.set(point, { device, point, server: hostOf(source) ?? device })
    else mounts.delete(point)
  }
  return mounts
}

/** The host in the source of a mount: `host:/export`, `user@host:directory`, `[fd00::1]:/export`, `//host/share`. */
function hostOf(source: string): string | null {
  const [, host, windowsHost] = /^(?:[^/:@]*@)?(\[[^\]]*\]|[^/:@]+):|^\/\/([^/]+)/.exec(source) ?? []
  return host ?? windowsHost ?? null
}

/** Where a link points to; null for what is none, or cannot be asked about. */
function linkAt(path: string): string | null {
  const bytes = Buffer.from(path, 'latin1')
  try {
    const isLink = fs.lstatSync(bytes, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
    return isLink ? fs.readlinkSync(bytes, 'latin1') : null
  } catch {
    return null
  }
}
