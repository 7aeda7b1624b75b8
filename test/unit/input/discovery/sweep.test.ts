import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { Sweep } from '../../../../src/input/discovery/sweep.ts'
import { paperFile } from '../../../support/reading.ts'
import { RemoteMount } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

type Found = 'same' | 'grown' | 'unsure'

function scene(
  files: LogFile[],
  share: number,
  answer: (file: LogFile) => Promise<Found> = () => Promise.resolve('same'),
) {
  const told: string[] = []
  const generations = {
    all: () => files,
    count: files.length,
    check: (file: LogFile) => {
      told.push(file.name)
      return answer(file)
    },
    doubt: (file: LogFile) => void told.push(`doubted ${file.name}`),
  }
  const sweep = new Sweep({ generations, share, wake: (file) => void told.push(`woken ${file.name}`) })
  return { sweep, told: () => told.splice(0) }
}

const paper = (count: number): LogFile[] => Array.from({ length: count }, (_, n) => paperFile(String(n)))

void test('asks every file once in a round, a few at a time', async () => {
  const { sweep, told } = scene(paper(100), 1 / 30)
  const seen: string[] = []
  for (let tick = 0; tick < 25; tick++) {
    await sweep.some()
    const asked = told()
    assert.equal(asked.length, 4)
    seen.push(...asked)
  }
  assert.equal(new Set(seen).size, 100)
  await sweep.some()
  await sweep.some()
  assert.deepEqual(told().slice(0, 2), ['0', '1'], 'and again from the first')
})

void test('asks a single file at every second call at least', async () => {
  const { sweep, told } = scene(paper(1), 1 / 30)
  for (let tick = 0; tick < 4; tick++) await sweep.some()
  assert.deepEqual(told(), ['0', '0'])
})

void test('asks nobody where there is nobody', async () => {
  const { sweep, told } = scene([], 1)
  await sweep.some()
  assert.deepEqual(told(), [])
})

void test('wakes who has grown, and tells who is gone or cannot be asked', async () => {
  const answers: Record<string, Promise<Found>> = {
    '0': Promise.resolve('grown'),
    '1': Promise.resolve('unsure'),
    '2': Promise.reject(systemError('EIO', 'read')),
  }
  const { sweep, told } = scene(paper(4), 1, ({ name }) => answers[name] ?? Promise.resolve('same'))
  await sweep.some()
  assert.deepEqual(told(), ['0', 'woken 0', '1', 'doubted 1', '2', 'doubted 2', '3'])
})

void test('asks nothing of a generation whose bytes are gone', async () => {
  const [cut] = paper(1)
  assert.ok(cut)
  cut.standing = 'detached'
  const { sweep, told } = scene([cut], 1)
  await sweep.some()
  assert.deepEqual(told(), [])
})

void test('does not wait for a mount that hangs, nor ask it twice', async () => {
  const hung = paperFile('hung', { volume: new RemoteMount('7') })
  const { sweep, told } = scene([hung, ...paper(1)], 1, (file) =>
    file === hung ? new Promise(() => undefined) : Promise.resolve('same'),
  )
  for (let tick = 0; tick < 4; tick++) await sweep.some()
  assert.deepEqual(told(), ['hung', '0', '0'])
})
