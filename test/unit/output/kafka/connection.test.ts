import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, test } from 'node:test'
import { answer, connected, stop } from '../../../support/open-connection.ts'
import { until } from '../../../support/wait.ts'

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}

describe('a connection', () => {
  test('writes a request in one piece, and several one behind the other', async () => {
    const { socket, connection, ask } = await connected()
    const pieces = [Buffer.from('head '), Buffer.from('batch '), Buffer.from('tail')]
    const questions = [ask({ pieces }), ask({ pieces }), ask({ pieces })]
    await until(() => socket.writes.length === 3, { what: 'three writes' })
    assert.deepEqual(socket.writes.map(String), ['head batch tail', 'head batch tail', 'head batch tail'])
    assert.deepEqual(
      questions.map((question) => question.correlationId),
      [0, 1, 2],
    )
    await connection.close(stop)
  })

  test('gives each of several requests in flight its own answer', async () => {
    const { socket, connection, ask } = await connected()
    const questions = [ask(), ask(), ask()]
    await until(() => socket.writes.length === 3, { what: 'three writes' })
    socket.push(Buffer.concat([answer(0, 10), answer(1, 11)]))
    socket.push(answer(2, 12))
    for (const question of questions) assert.equal(await question.failure(), null)
    assert.deepEqual(
      questions.map((question) => question.answer),
      [10, 11, 12],
    )
    assert.equal(connection.pending, 0)
    await connection.close(stop)
  })

  test('does not settle an answered request before its bytes are written', async () => {
    const { socket, connection, ask } = await connected()
    socket.holdWrites = true
    const question = ask()
    socket.push(answer(0, 1))
    await until(() => question.answer === 1, { what: 'the answer' })
    await turn()
    assert.equal(question.isSettled, false)
    socket.letWrite()
    assert.equal(await question.failure(), null)
    await connection.close(stop)
  })

  test('does not settle an unanswered request before the socket is closed', async () => {
    const { socket, connection, ask } = await connected()
    socket.holdClose = true
    const [first, second] = [ask(), ask()]
    const closing = connection.close(stop)
    await turn()
    assert.equal(first.isSettled || second.isSettled, false)
    socket.letClose()
    await closing
    assert.equal(first.isSettled && second.isSettled, true)
  })

  test('tells what may have been sent from what has certainly not', async () => {
    const { socket, ask, closed } = await connected()
    const sent = ask()
    await turn()
    await turn()
    socket.holdWrites = true
    const halfway = ask()
    const inLine = ask()
    socket.destroy(new Error('connection reset'))
    const told = await Promise.all([sent, halfway, inLine].map((question) => question.failure()))
    assert.deepEqual(told, [
      { code: 'connection-lost', maybeSent: true },
      { code: 'connection-lost', maybeSent: true },
      { code: 'connection-lost', maybeSent: false },
    ])
    assert.deepEqual(await closed, { code: 'connection-lost', unanswered: 3 })
  })

  test('keeps an answer that came before the write was called done, also when the socket closes then', async () => {
    const { socket, ask } = await connected()
    socket.holdWrites = true
    const question = ask()
    socket.push(answer(0, 1))
    await until(() => question.answer === 1, { what: 'the answer' })
    socket.destroy()
    assert.equal(await question.failure(), null)
  })

  test('is done with a request that has no answer when it is written', async () => {
    const { socket, connection, ask } = await connected()
    socket.holdWrites = true
    const question = ask({ answered: false })
    await turn()
    assert.equal(question.isSettled, false)
    socket.letWrite()
    assert.equal(await question.failure(), null)
    await connection.close(stop)
  })

  test('settles at once, as not sent, what is sent after its end', async () => {
    const { connection, ask } = await connected()
    await connection.close(stop)
    assert.deepEqual(await ask().failure(), { code: 'connection-lost', maybeSent: false })
  })

  test('runs no timer while nothing is pending', async () => {
    const { socket, connection, ask } = await connected()
    assert.equal(timers(), 0)
    const questions = [ask()]
    assert.equal(timers(), 1)
    questions.push(ask())
    assert.equal(timers(), 1)
    await until(() => socket.writes.length === 2, { what: 'two writes', every: 1 })
    socket.push(Buffer.concat([answer(0, 1), answer(1, 1)]))
    await Promise.all(questions.map((question) => question.settled.promise))
    assert.equal(timers(), 0)
    await connection.close(stop)
  })

  test('ends when the oldest request is overdue, and tells the silence before', async () => {
    let silences = 0
    const { socket, ask, closed, connection } = await connected({
      requestTimeoutMs: 100,
      silenceMs: 20,
      onSilence: () => silences++,
    })
    const question = ask()
    await until(() => connection.silent, { what: 'the silence', every: 1 })
    assert.deepEqual(await question.failure(), { code: 'request-timeout', maybeSent: true })
    assert.deepEqual(await closed, { code: 'request-timeout', unanswered: 1 })
    assert.equal(silences, 1)
    assert.ok(socket.destroyed)
    assert.equal(timers(), 0)
  })

  test('counts the time in line as part of the request', async () => {
    const { socket, ask } = await connected({ requestTimeoutMs: 50 })
    socket.holdWrites = true
    const [stuck, inLine] = [ask(), ask()]
    assert.deepEqual(await stuck.failure(), { code: 'request-timeout', maybeSent: true })
    assert.deepEqual(await inLine.failure(), { code: 'request-timeout', maybeSent: false })
  })

  const bad: readonly (readonly [string, Buffer])[] = [
    ['an answer to another request', answer(5, 1)],
    ['an answer out of turn', Buffer.concat([answer(1, 1), answer(0, 1)])],
    ['garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a length of 2 GB', Buffer.from([0x7f, 255, 255, 255])],
    ['a negative length', Buffer.from([255, 255, 255, 255])],
    ['an answer that is too short', Buffer.from([0, 0, 0, 5, 0, 0, 0, 0, 1])],
    ['an answer that is too long', Buffer.from([0, 0, 0, 7, 0, 0, 0, 0, 1, 1, 1])],
  ]
  for (const [what, bytes] of bad) {
    test(`ends at ${what}`, async () => {
      const { socket, ask, closed } = await connected()
      const questions = [ask(), ask()]
      await until(() => socket.writes.length === 2, { what: 'two writes' })
      socket.push(bytes)
      for (const question of questions) {
        assert.deepEqual(await question.failure(), { code: 'protocol-violation', maybeSent: true })
      }
      assert.deepEqual(await closed, { code: 'protocol-violation', unanswered: 2 })
    })
  }

  test('ends at an answer given twice, and keeps the first', async () => {
    const { socket, ask, closed } = await connected()
    const question = ask()
    await turn()
    await turn()
    socket.push(Buffer.concat([answer(0, 1), answer(0, 1)]))
    assert.equal(await question.failure(), null)
    assert.deepEqual(await closed, { code: 'protocol-violation', unanswered: 0 })
  })

  test('closed while idle has nothing unanswered', async () => {
    const { socket, closed } = await connected()
    socket.push(null)
    assert.deepEqual(await closed, { code: 'connection-lost', unanswered: 0 })
  })
})
