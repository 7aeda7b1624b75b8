/**
 * The floor, for scale: it only reads a file and writes its bytes to a socket on loopback. No agent can cost less.
 * `node floor.ts FILE PORT MARK…` prints its CPU time when each mark of bytes was written. The listener (sink.ts) throws
 * the bytes away, in a process of its own.
 */
import { openSync, readSync } from 'node:fs'
import { once } from 'node:events'
import { connect } from 'node:net'

const CHUNK = 900_000
const BUFFERS = 3

const [file = '', port = '', ...marks] = process.argv.slice(2)
const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true })
await once(socket, 'connect')

const descriptor = openSync(file, 'r')
/** Buffers with their last write, which must be over before a buffer is filled again. */
const free = Array.from({ length: BUFFERS }, () => ({
  buffer: Buffer.allocUnsafeSlow(CHUNK),
  written: Promise.resolve<unknown>(undefined),
}))
const left = marks.map(Number)
let at = 0
for (let next = free.shift(); next !== undefined; next = free.shift()) {
  const { buffer } = next
  await next.written
  const bytes = readSync(descriptor, buffer, 0, CHUNK, at)
  if (bytes === 0) break
  at += bytes
  const { promise, resolve } = Promise.withResolvers<unknown>()
  socket.write(buffer.subarray(0, bytes), resolve)
  free.push({ buffer, written: promise })
  const [mark = Infinity] = left
  if (at >= mark) {
    left.shift()
    const { user, system } = process.cpuUsage()
    const { maxRSS } = process.resourceUsage()
    const reached = { bytes: at, atMs: performance.now(), cpuMs: (user + system) / 1000, peakRssBytes: maxRSS * 1024 }
    process.stdout.write(`${JSON.stringify(reached)}\n`)
  }
}
await Promise.all(free.map(({ written }) => written))
socket.end()
