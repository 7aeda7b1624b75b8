/**
 * Finds out, from the kernel's table of mounts, which paths lead to file systems whose calls can hang. Any call with such a
 * path can hang for ever, even one that asks for the file system's type. A path is therefore walked from the root only as
 * far as that is safe, and its symbolic links are followed here and not by the kernel.
 *
 * Paths have one character a byte (latin1).
 */
import fs from 'node:fs'
import { ignoreSystemError } from '../../errors.ts'

/** Types of network file systems, of those served by a daemon, and of those that mount one of these when accessed. */
const CAN_HANG =
  /^(nfs\d?|cifs|smb3|smbfs|fuse|fuseblk|fuse\..*|virtiofs|9p|ceph|afs|kafs|lustre|ocfs2|gfs2|gpfs|beegfs|coda|orangefs|autofs)$/

/** Most links that are followed in one path: the kernel's own limit. */
const MOST_LINKS = 40

/** The table is read again when it is older than this. */
const OLD_MS = 1000

const BLOCK_BYTES = 16 * 1024

export interface MountsOptions {
  /** Reads the table, in the format of /proc/self/mountinfo (proc(5)). */
  readonly read: () => string
  /** Monotonic ms. */
  readonly clock: () => number
}

/** A mount whose calls can hang. */
export interface Mount {
  /** The device number, `major:minor`. */
  readonly device: string
  /** The mount point. */
  readonly point: string
  /** Its calls wait for this: the server's host where the table names one, else the device. */
  readonly server: string
}

/** The end of a walk along a path. */
interface Place {
  /** The path without links; only as far as the first mount on the way that can hang. */
  readonly at: string
  /** The first mount on the way that can hang; null if there is none. */
  readonly mount: Mount | null
}

export class Mounts {
  readonly #options: MountsOptions
  /** Mounts that can hang, by mount point. */
  #hanging: ReadonlyMap<string, Mount> = new Map()
  /** Monotonic ms of the last reading of the table. */
  #readAt = -Infinity
  /** Places of directories, by path, until the table is read again. */
  readonly #places = new Map<string, Place>()

  constructor(options: MountsOptions) {
    this.#options = options
  }

  /**
   * The first mount that can hang on the way to an absolute path; null when there is none. Where a path ends in names that
   * do not exist, its existing part counts.
   */
  hangingAt(path: string): Mount | null {
    this.#refresh()
    return this.#hanging.size === 0 ? null : this.#walkTo(path).mount
  }

  /** Walks to each directory once for each reading of the table: one directory may hold thousands of files. */
  #walkTo(path: string): Place {
    const above = path.slice(0, path.lastIndexOf('/'))
    let place = this.#places.get(above)
    if (place === undefined) this.#places.set(above, (place = this.#walk('', above)))
    return place.mount === null ? this.#walk(place.at, path.slice(above.length)) : place
  }

  /** Walks along `path`. `from`: the directory in which it begins, a path without links. */
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
      // the kernel answers ELOOP for such a path
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
      // a later reading may fail where descriptors are short: the last table is used for another while
      if (isFirst) throw error
      ignoreSystemError(error)
    }
    this.#places.clear()
  }
}

/**
 * Opens the table of the mounts that this process sees, and returns a function that reads it. The descriptor stays open
 * for the life of the process: later there may be none left to open the table again, and without the table no local file
 * could be opened or looked at.
 */
export function openMountTable(): () => string {
  const table = fs.openSync('/proc/self/mountinfo', 'r')
  return () => {
    const blocks: Buffer[] = []
    for (let length = 0; ;) {
      const block = Buffer.allocUnsafe(BLOCK_BYTES)
      // a read at position 0 has the kernel generate the table anew
      const bytes = fs.readSync(table, block, 0, BLOCK_BYTES, length)
      if (bytes === 0) return Buffer.concat(blocks, length).toString('latin1')
      blocks.push(block.subarray(0, bytes))
      length += bytes
    }
  }
}

/** The mounts in a table that can hang, by mount point. */
function hanging(table: string): Map<string, Mount> {
  const mounts = new Map<string, Mount>()
  for (const line of table.split('\n')) {
    // id, parent, major:minor, root, mount point, options, optional fields, '-', type, source, …
    const words = line.split(' ')
    const [, , device, , at] = words
    const [type, source = ''] = words.slice(words.indexOf('-', 6) + 1)
    if (device === undefined || at === undefined || type === undefined) continue
    const point = at.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
    // of several mounts at one point the last one is on top
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

/** The target of a symbolic link; null for a path that is no link, or cannot be looked at. */
function linkAt(path: string): string | null {
  const bytes = Buffer.from(path, 'latin1')
  try {
    const isLink = fs.lstatSync(bytes, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
    return isLink ? fs.readlinkSync(bytes, 'latin1') : null
  } catch {
    return null
  }
}
