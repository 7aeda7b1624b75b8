import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { askAnyOf } from '../../../../src/output/kafka/request.ts'

const never = new Promise<string>(() => undefined)

async function ask(answers: Readonly<Record<string, () => Promise<string>>>, patienceMs: number) {
  const asked: string[] = []
  const candidates = Object.keys(answers).map((name) => ({ name }))
  const attempt = ({ name }: { name: string }): Promise<string> => {
    asked.push(name)
    return answers[name]!()
  }
  const answer = await askAnyOf(candidates, attempt, { patienceMs, none: () => new Error('nobody there') })
  return { answer, asked }
}

const fail = (): Promise<string> => Promise.reject(new Error('failed'))

describe('asking any of several', () => {
  test('asks nobody further when the first one answers', async () => {
    const answers = { a: () => Promise.resolve('A'), b: () => Promise.resolve('B') }
    assert.deepEqual(await ask(answers, 10_000), { answer: 'A', asked: ['a'] })
  })

  test('goes on at once when one fails', async () => {
    const answers = { a: fail, b: fail, c: () => Promise.resolve('C') }
    assert.deepEqual(await ask(answers, 10_000), { answer: 'C', asked: ['a', 'b', 'c'] })
  })

  test('asks the next one as well when one says nothing, and still takes a late answer', async () => {
    const late = Promise.withResolvers<string>()
    const answers = {
      a: () => late.promise,
      b: () => {
        setImmediate(() => late.resolve('A'))
        return never
      },
      c: () => Promise.resolve('C'),
    }
    assert.deepEqual(await ask(answers, 50), { answer: 'A', asked: ['a', 'b'] })
  })

  test('fails with the last reason when all have failed, and when there is nobody', async () => {
    await assert.rejects(ask({ a: fail, b: fail }, 10_000), { message: 'failed' })
    await assert.rejects(ask({}, 10_000), { message: 'nobody there' })
  })
})
