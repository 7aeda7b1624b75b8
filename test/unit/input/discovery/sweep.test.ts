import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { Sweep } from '../../../../src/input/discovery/sweep.ts'
import { paperFile } from '../../../support/reading.ts'
import { RemoteMount } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

type Found = 'same' | 'grown' | 'unsure'

function sweepOf(
  files: LogFile[],
  share: number,
  answer: (file: LogFile) => Promise<Found> = () => Promise.resolve('same'),
) {
  const told: string[] = []
  const sweep = new Sweep({
    generations: { all: () => files, count: files.length },
    inspection: {
      check(file) {
        told.push(file.name)
        return answer(file)
      },
    },
    known: { doubt: (file) => void told.push(`doubted ${file.name}`) },
    share,
    wake: (file) => void told.push(`woken ${file.name}`),
  })
  return { sweep, told: () => told.splice(0) }
}

const paper = (count: number): LogFile[] => Array.from({ length: count }, (_, n) => paperFile(String(n)))

void test('checks every file once in a round, a few at a time', async () => {
  const { sweep, told } = sweepOf(paper(100), 1 / 30)
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
  assert.deepEqual(told().slice(0, 2), ['0', '1'], 'it begins again with the first')
})

void test('checks a single file at least at every second call', async () => {
  const { sweep, told } = sweepOf(paper(1), 1 / 30)
  for (let tick = 0; tick < 4; tick++) await sweep.some()
  assert.deepEqual(told(), ['0', '0'])
})

void test('checks nothing if there are no files', async () => {
  const { sweep, told } = sweepOf([], 1)
  await sweep.some()
  assert.deepEqual(told(), [])
})

void test('wakes a file that has grown, and doubts one that is gone or cannot be checked', async () => {
  const answers: Record<string, Promise<Found>> = {
    '0': Promise.resolve('grown'),
    '1': Promise.resolve('unsure'),
    '2': Promise.reject(systemError('EIO', 'read')),
  }
  const { sweep, told } = sweepOf(paper(4), 1, ({ name }) => answers[name] ?? Promise.resolve('same'))
  await sweep.some()
  assert.deepEqual(told(), ['0', 'woken 0', '1', 'doubted 1', '2', 'doubted 2', '3'])
})

void test('does not check a generation whose bytes are gone', async () => {
  const [cut] = paper(1)
  assert.ok(cut)
  cut.life.detach()
  const { sweep, told } = sweepOf([cut], 1)
  await sweep.some()
  assert.deepEqual(told(), [])
})

void test('neither waits for a mount that hangs, nor calls it twice', async () => {
  const hung = paperFile('hung', { volume: new RemoteMount('7') })
  const { sweep, told } = sweepOf([hung, ...paper(1)], 1, (file) =>
    file === hung ? new Promise(() => undefined) : Promise.resolve('same'),
  )
  for (let tick = 0; tick < 4; tick++) await sweep.some()
  assert.deepEqual(told(), ['hung', '0', '0'])
})
