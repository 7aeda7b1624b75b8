/** Free ports on loopback, for servers that must come back on the same port after they were killed. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const LOW = 12_000

/**
 * Finds a port that is free and not among the taken ones, and adds it to them. It does not bind port 0, because that gives
 * a port from the range of outgoing connections: while the broker is down, a client that dials it again and again may get
 * that very port as its own and be connected to itself, and the broker cannot have its port back.
 */
export async function freePort(taken: Set<number>): Promise<number> {
  const [ephemeral = 0] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/).map(Number)
  const high = ephemeral > LOW + 1000 ? ephemeral : 32_768
  for (;;) {
    const port = LOW + Math.floor(Math.random() * (high - LOW))
    if (taken.has(port) || !(await isFree(port))) continue
    taken.add(port)
    return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  await new Promise((closed) => server.close(closed))
  return true
}
