/** Free ports on loopback, for servers that must come back on the same port after they were killed. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const LOW = 12_000

/**
 * A port that is free and not among the taken ones, which it joins. Not by binding port 0: that gives a port of the range
 * which outgoing connections draw from. While the broker is down, a client that dials it again and again may then be given
 * that very port as its own, is connected to itself, and the broker can't have its port back.
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
