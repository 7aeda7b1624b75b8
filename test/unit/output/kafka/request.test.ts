import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { requestFromAny } from '../../../../src/output/kafka/request.ts'

const never = new Promise<string>(() => undefined)

async function send(responses: Readonly<Record<string, () => Promise<string>>>, patienceMs: number) {
  const tried: string[] = []
  const candidates = Object.keys(responses).map((name) => ({ name }))
  const attempt = ({ name }: { name: string }): Promise<string> => {
    tried.push(name)
    return responses[name]!()
  }
  const response = await requestFromAny(candidates, attempt, { patienceMs, none: () => new Error('no candidates') })
  return { response, tried }
}

const fail = (): Promise<string> => Promise.reject(new Error('failed'))

describe('a request to any of several', () => {
  test('goes to no other when the first one responds', async () => {
    const responses = { a: () => Promise.resolve('A'), b: () => Promise.resolve('B') }
    assert.deepEqual(await send(responses, 10_000), { response: 'A', tried: ['a'] })
  })

  test('goes on at once when one fails', async () => {
    const responses = { a: fail, b: fail, c: () => Promise.resolve('C') }
    assert.deepEqual(await send(responses, 10_000), { response: 'C', tried: ['a', 'b', 'c'] })
  })

  test('goes to the next one as well when one does not respond, and still takes a late response', async () => {
    const late = Promise.withResolvers<string>()
    const responses = {
      a: () => late.promise,
      b: () => {
        setImmediate(() => late.resolve('A'))
        return never
      },
      c: () => Promise.resolve('C'),
    }
    assert.deepEqual(await send(responses, 50), { response: 'A', tried: ['a', 'b'] })
  })

  test('fails with the last reason when all have failed, and when there are no candidates', async () => {
    await assert.rejects(send({ a: fail, b: fail }, 10_000), { message: 'failed' })
    await assert.rejects(send({}, 10_000), { message: 'no candidates' })
  })
})
