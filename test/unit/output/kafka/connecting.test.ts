import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { after, describe, test } from 'node:test'
import { AgentError } from '../../../../src/errors.ts'
import type { Connection } from '../../../../src/output/kafka/connection.ts'
import { tcp } from '../../../../src/output/kafka/tcp.ts'
import { response, connected, NumberRequest, stop, type Changes } from '../../../support/open-connection.ts'

describe('connecting', () => {
  const servers: net.Server[] = []
  const sockets = new Set<net.Socket>()
  after(() => {
    for (const socket of sockets) socket.destroy()
    for (const server of servers) server.close()
  })

  async function listen(onData?: (socket: net.Socket) => void): Promise<{ host: string; port: number }> {
    const server = net.createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      if (onData) socket.on('data', () => onData(socket))
    })
    servers.push(server.listen(0, '127.0.0.1'))
    await once(server, 'listening')
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    return { host: '127.0.0.1', port: address.port }
  }

  function connectTo(address: { host: string; port: number }, changes: Changes = {}): Promise<unknown> {
    return connected({ open: tcp(address), ...changes })
  }

  test('to a port where nobody listens is refused', async () => {
    await assert.rejects(connectTo({ host: '127.0.0.1', port: 1 }), { code: 'kafka-unreachable' })
  })

  test('to a port that does not exist is refused, too', async () => {
    await assert.rejects(connectTo({ host: '127.0.0.1', port: 70_000 }), { code: 'kafka-unreachable' })
  })

  test('waits for the handshake, within the same time', async () => {
    const address = await listen()
    const authenticate = async (connection: Connection): Promise<void> => {
      const request = new NumberRequest()
      connection.send(request)
      const failure = await request.finished.promise
      if (failure !== null) throw failure.error
    }
    const before = performance.now()
    const connecting = connectTo(address, { authenticate, connectTimeoutMs: 80 })
    await assert.rejects(connecting, { code: 'kafka-unreachable', message: 'no connection to fake:9092 within 80 ms' })
    assert.ok(performance.now() - before < 5_000)
  })

  test('fails with the reason of the handshake', async () => {
    const authenticate = (): Promise<void> => Promise.reject(new AgentError('unsupported-broker', 'too old'))
    await assert.rejects(connectTo(await listen(), { authenticate }), { code: 'unsupported-broker' })
  })

  test('carries more than the socket buffers hold, and reports what was cut off', async () => {
    const { connection, send } = await connected({ open: tcp(await listen()) })
    const large = send({ pieces: [Buffer.alloc(64 * 1024 * 1024)] })
    const next = send()
    await connection.close(stop)
    assert.deepEqual(await large.failure(), { code: 'connection-lost', maybeSent: true })
    assert.deepEqual(await next.failure(), { code: 'connection-lost', maybeSent: false })
  })

  test('does not find a request overdue whose response lies in the socket already', async () => {
    const address = await listen((socket) => {
      socket.write(response(0, 1))
      // The process is starved: when it runs again, timer and response are both there.
      const end = performance.now() + 120
      while (performance.now() < end);
    })
    const { connection, send } = await connected({ open: tcp(address), requestTimeoutMs: 60 })
    assert.equal(await send().failure(), null)
    await connection.close(stop)
  })
})
