/**
 * Mounts directories a second time through FUSE, and serves them until it is ended, for tests of file systems whose server
 * can be gone. Mounts are read only; requests are served one at a time, and nothing is cached. SIGUSR2 makes it stop
 * responding, or respond again. (SIGSTOP could stop it during a request, whose caller could then not even be killed.) It
 * writes `mounted`, `away` and `back` to standard output. Arguments: pairs of a directory and a mount point.
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { systemCodeOf } from '../../../src/errors.ts'

const [ENOENT, ENOSYS] = [2, 38]
const ROOT = 1n
const HEADER_BYTES = 40
/** The flag of an open file that makes the kernel send each read to this program. */
const DIRECT_IO = 1

interface Mounted {
  readonly backing: string
  readonly device: number
}

/** Paths that were looked up, by inode, which is unambiguous as all directories are on one file system. */
const paths = new Map<bigint, string>()

/** Fields of a response, each with its width in bytes. */
function packed(...fields: readonly (readonly [bytes: 2 | 4 | 8, value: number | bigint])[]): Buffer {
  const bytes = Buffer.alloc(fields.reduce((sum, [width]) => sum + width, 0))
  let at = 0
  for (const [width, value] of fields) {
    if (width === 8) bytes.writeBigUInt64LE(BigInt(value), at)
    else bytes.writeUIntLE(Number(value), at, width)
    at += width
  }
  return bytes
}

const u32 = (...values: readonly (number | bigint)[]): Buffer => packed(...values.map((value) => [4, value] as const))
const u64 = (...values: readonly (number | bigint)[]): Buffer => packed(...values.map((value) => [8, value] as const))

/** struct fuse_attr */
function attributes(node: bigint, stats: fs.BigIntStats): Buffer {
  const seconds = [stats.atimeNs, stats.mtimeNs, stats.ctimeNs].map((ns) => ns / 1_000_000_000n)
  const rest = [stats.atimeNs, stats.mtimeNs, stats.ctimeNs].map((ns) => ns % 1_000_000_000n)
  const { mode, nlink, uid, gid } = stats
  return Buffer.concat([
    u64(node, stats.size, stats.blocks, ...seconds),
    u32(...rest, mode, nlink, uid, gid, 0, 4096, 0),
  ])
}

function statOf(path: string): fs.BigIntStats | null {
  return fs.statSync(path, { bigint: true, throwIfNoEntry: false }) ?? null
}

/** The entries of a directory (struct fuse_dirent) from index `from` on, as many as fit into `room` bytes. */
function entries(path: string, from: number, room: number): Buffer {
  const parts: Buffer[] = []
  let left = room
  for (const [index, name] of fs.readdirSync(path).entries()) {
    const stats = index < from ? null : statOf(join(path, name))
    if (stats === null) continue
    const bytes = Buffer.from(name)
    const entry = Buffer.alloc(Math.ceil((24 + bytes.length) / 8) * 8)
    Buffer.concat([u64(stats.ino, index + 1), u32(bytes.length, stats.isDirectory() ? 4 : 8), bytes]).copy(entry)
    if (entry.length > left) break
    left -= entry.length
    parts.push(entry)
  }
  return Buffer.concat(parts)
}

/** The response to a request: its body or an error; null if the request has no response. */
function responseTo(backing: string, operation: number, node: bigint, body: Buffer): Buffer | number | null {
  const path = node === ROOT ? backing : (paths.get(node) ?? '')
  switch (operation) {
    case 26: // INIT: protocol 7.31
      return Buffer.concat([u32(7, 31, 0, 0), packed([2, 12], [2, 10]), u32(1 << 17, 1, 32), Buffer.alloc(32)])
    case 1: {
      // LOOKUP
      const named = join(path, body.subarray(0, body.indexOf(0)).toString())
      const stats = statOf(named)
      if (stats === null) return ENOENT
      paths.set(stats.ino, named)
      return Buffer.concat([u64(stats.ino, 0, 0, 0), u32(0, 0), attributes(stats.ino, stats)])
    }
    case 3: {
      // GETATTR
      const stats = statOf(path)
      return stats === null ? ENOENT : Buffer.concat([u64(0), u32(0, 0), attributes(node, stats)])
    }
    case 14: // OPEN
    case 27: // OPENDIR
      return Buffer.concat([u64(0), u32(operation === 14 ? DIRECT_IO : 0, 0)])
    case 15: {
      // READ
      const bytes = Buffer.alloc(body.readUInt32LE(16))
      const file = fs.openSync(path, 'r')
      const length = fs.readSync(file, bytes, 0, bytes.length, body.readBigUInt64LE(8))
      fs.closeSync(file)
      return bytes.subarray(0, length)
    }
    case 28: // READDIR
      return entries(path, Number(body.readBigUInt64LE(8)), body.readUInt32LE(16))
    case 17: // STATFS
      return Buffer.alloc(80)
    case 18: // RELEASE
    case 25: // FLUSH
    case 29: // RELEASEDIR
    case 34: // ACCESS
      return Buffer.alloc(0)
    case 2: // FORGET
    case 36: // INTERRUPT
    case 42: // BATCH_FORGET
      return null
    default:
      return ENOSYS
  }
}

const options = `fd=3,rootmode=40000,user_id=0,group_id=0,allow_other`

function mount(backing: string, point: string): Mounted {
  const device = fs.openSync('/dev/fuse', fs.constants.O_RDWR | fs.constants.O_NONBLOCK)
  const mounted = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'test', point], {
    stdio: ['ignore', 'inherit', 'inherit', device],
  })
  if (mounted.status !== 0) throw new Error('mount failed')
  return { backing, device }
}

const directories = process.argv.slice(2)
const mounts: Mounted[] = []
for (let pair = 0; pair < directories.length; pair += 2)
  mounts.push(mount(directories[pair] ?? '', directories[pair + 1] ?? ''))
process.stdout.write('mounted\n')

const request = Buffer.alloc(1 << 20)

/** Serves all pending requests of a mount. */
function serve({ backing, device }: Mounted): void {
  for (;;) {
    let length: number
    try {
      length = fs.readSync(device, request)
    } catch (error) {
      if (systemCodeOf(error) === 'EAGAIN') return
      throw error
    }
    const [operation, node] = [request.readUInt32LE(4), request.readBigUInt64LE(16)]
    const result = responseTo(backing, operation, node, request.subarray(HEADER_BYTES, length))
    if (result === null) continue
    const [error, body] = typeof result === 'number' ? [result, Buffer.alloc(0)] : [0, result]
    const head = Buffer.alloc(16)
    head.writeUInt32LE(16 + body.length)
    head.writeInt32LE(-error, 4)
    request.copy(head, 8, 8, 16)
    fs.writeSync(device, Buffer.concat([head, body]))
  }
}

let isAway = false
let end: NodeJS.Timeout | undefined
process.on('SIGUSR2', () => {
  isAway = !isAway
  // calls that hang end with this program, should the test not wake it again
  if (isAway) end = setTimeout(() => process.exit(1), 60_000)
  else clearTimeout(end)
  process.stdout.write(isAway ? 'away\n' : 'back\n')
})
setInterval(() => {
  if (!isAway) for (const mounted of mounts) serve(mounted)
}, 1)
