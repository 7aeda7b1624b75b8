/**
 * Plain TCP to a broker. TLS will be a second file like this one: same shape, another event when it is ready.
 */
import net from 'node:net'
import type { Address } from './broker.ts'
import type { Opener } from './connection.ts'

/** An idle connection that a firewall forgot is found out after about this, and not only when the next batch hangs. */
const KEEP_ALIVE_MS = 30_000

export function tcp({ host, port }: Address): Opener {
  return (connected) => {
    const socket = net.connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS })
    socket.once('connect', connected)
    return socket
  }
}
