/**
 * Plain TCP to a broker. TLS will be a second file like this one: same shape, another event when it is ready.
 */
import net from 'node:net'
import type { BrokerAddress } from '../../broker-address.ts'
import type { Opener } from './connection.ts'

/**
 * After about this time an idle connection that a firewall has dropped is noticed, before the next batch hangs on it.
 */
const KEEP_ALIVE_MS = 30_000

export function tcp({ host, port }: BrokerAddress): Opener {
  return (connected) => {
    const socket = net.connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS })
    socket.once('connect', connected)
    return socket
  }
}
