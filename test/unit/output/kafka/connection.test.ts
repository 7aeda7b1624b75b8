import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { response, connected, stop } from '../../../support/open-connection.ts'
import { until } from '../../../support/wait.ts'

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}

describe('a connection', () => {
  test('writes a request in one piece, and several one behind the other', async () => {
    const { socket, connection, send } = await connected()
    const pieces = [Buffer.from('head '), Buffer.from('batch '), Buffer.from('tail')]
    const requests = [send({ pieces }), send({ pieces }), send({ pieces })]
    await until(() => socket.writes.length === 3, { what: 'three writes' })
    assert.deepEqual(socket.writes.map(String), ['head batch tail', 'head batch tail', 'head batch tail'])
    assert.deepEqual(
      requests.map((request) => request.correlationId),
      [0, 1, 2],
    )
    await connection.close(stop)
  })

  test('gives each of several requests in flight its own response', async () => {
    const { socket, connection, send } = await connected()
    const requests = [send(), send(), send()]
    await until(() => socket.writes.length === 3, { what: 'three writes' })
    socket.push(Buffer.concat([response(0, 10), response(1, 11)]))
    socket.push(response(2, 12))
    for (const request of requests) assert.equal(await request.failure(), null)
    assert.deepEqual(
      requests.map((request) => request.response),
      [10, 11, 12],
    )
    assert.equal(connection.pending, 0)
    await connection.close(stop)
  })

  test('does not finish a request with a response before its bytes are written', async () => {
    const { socket, connection, send } = await connected()
    socket.holdWrites = true
    const request = send()
    socket.push(response(0, 1))
    await until(() => request.response === 1, { what: 'the response' })
    await turn()
    assert.equal(request.isFinished, false)
    socket.letWrite()
    assert.equal(await request.failure(), null)
    await connection.close(stop)
  })

  test('does not finish a request without a response before the socket is closed', async () => {
    const { socket, connection, send } = await connected()
    socket.holdClose = true
    const [first, second] = [send(), send()]
    const closing = connection.close(stop)
    await turn()
    assert.equal(first.isFinished || second.isFinished, false)
    socket.letClose()
    await closing
    assert.equal(first.isFinished && second.isFinished, true)
  })

  test('distinguishes what may have been sent from what has certainly not', async () => {
    const { socket, send, closed } = await connected()
    const sent = send()
    await turn()
    await turn()
    socket.holdWrites = true
    const halfway = send()
    const queued = send()
    socket.destroy(new Error('connection reset'))
    const failures = await Promise.all([sent, halfway, queued].map((request) => request.failure()))
    assert.deepEqual(failures, [
      { code: 'connection-lost', maybeSent: true },
      { code: 'connection-lost', maybeSent: true },
      { code: 'connection-lost', maybeSent: false },
    ])
    assert.deepEqual(await closed, { code: 'connection-lost', withoutResponse: 3 })
  })

  test('keeps a response that came before the write callback, also when the socket closes then', async () => {
    const { socket, send } = await connected()
    socket.holdWrites = true
    const request = send()
    socket.push(response(0, 1))
    await until(() => request.response === 1, { what: 'the response' })
    socket.destroy()
    assert.equal(await request.failure(), null)
  })

  test('finishes a request that expects no response when it is written', async () => {
    const { socket, connection, send } = await connected()
    socket.holdWrites = true
    const request = send({ expectsResponse: false })
    await turn()
    assert.equal(request.isFinished, false)
    socket.letWrite()
    assert.equal(await request.failure(), null)
    await connection.close(stop)
  })

  test('finishes a request that is sent after its end at once, as not sent', async () => {
    const { connection, send } = await connected()
    await connection.close(stop)
    assert.deepEqual(await send().failure(), { code: 'connection-lost', maybeSent: false })
  })

  test('runs no timer while nothing is pending', async () => {
    const { socket, connection, send } = await connected()
    assert.equal(timers(), 0)
    const requests = [send()]
    assert.equal(timers(), 1)
    requests.push(send())
    assert.equal(timers(), 1)
    await until(() => socket.writes.length === 2, { what: 'two writes', every: 1 })
    socket.push(Buffer.concat([response(0, 1), response(1, 1)]))
    await Promise.all(requests.map((request) => request.finished.promise))
    assert.equal(timers(), 0)
    await connection.close(stop)
  })

  test('ends when the oldest request is overdue, and reports the silence before', async () => {
    let silences = 0
    const { socket, send, closed, connection } = await connected({
      requestTimeoutMs: 100,
      silenceMs: 20,
      onSilence: () => silences++,
    })
    const request = send()
    await until(() => connection.silent, { what: 'the silence', every: 1 })
    assert.deepEqual(await request.failure(), { code: 'request-timeout', maybeSent: true })
    assert.deepEqual(await closed, { code: 'request-timeout', withoutResponse: 1 })
    assert.equal(silences, 1)
    assert.ok(socket.destroyed)
    assert.equal(timers(), 0)
  })

  test('counts the time in the queue as part of the request', async () => {
    const { socket, send } = await connected({ requestTimeoutMs: 50 })
    socket.holdWrites = true
    const [stuck, queued] = [send(), send()]
    assert.deepEqual(await stuck.failure(), { code: 'request-timeout', maybeSent: true })
    assert.deepEqual(await queued.failure(), { code: 'request-timeout', maybeSent: false })
  })

  const bad: readonly (readonly [string, Buffer])[] = [
    ['a response to another request', response(5, 1)],
    ['a response out of turn', Buffer.concat([response(1, 1), response(0, 1)])],
    ['garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a length of 2 GB', Buffer.from([0x7f, 255, 255, 255])],
    ['a negative length', Buffer.from([255, 255, 255, 255])],
    ['a response that is too short', Buffer.from([0, 0, 0, 5, 0, 0, 0, 0, 1])],
    ['a response that is too long', Buffer.from([0, 0, 0, 7, 0, 0, 0, 0, 1, 1, 1])],
  ]
  for (const [what, bytes] of bad) {
    test(`ends at ${what}`, async () => {
      const { socket, send, closed } = await connected()
      const requests = [send(), send()]
      await until(() => socket.writes.length === 2, { what: 'two writes' })
      socket.push(bytes)
      for (const request of requests) {
        assert.deepEqual(await request.failure(), { code: 'protocol-violation', maybeSent: true })
      }
      assert.deepEqual(await closed, { code: 'protocol-violation', withoutResponse: 2 })
    })
  }

  test('ends at a response given twice, and keeps the first', async () => {
    const { socket, send, closed } = await connected()
    const request = send()
    await turn()
    await turn()
    socket.push(Buffer.concat([response(0, 1), response(0, 1)]))
    assert.equal(await request.failure(), null)
    assert.deepEqual(await closed, { code: 'protocol-violation', withoutResponse: 0 })
  })

  test('closed while idle has no request without a response', async () => {
    const { socket, closed } = await connected()
    socket.push(null)
    assert.deepEqual(await closed, { code: 'connection-lost', withoutResponse: 0 })
  })
})
