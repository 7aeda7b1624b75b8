import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Directory } from '../../../../src/input/discovery/directory.ts'
import { Unwatched } from '../../../../src/input/discovery/unwatched.ts'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { localVolume } from '../../../../src/input/volume/volume.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { paperFile } from '../../../support/reading.ts'
import { RemoteMount } from '../../../support/volumes.ts'

const local = (path: string): Directory => new Directory(path, localVolume, [])

/** Directories of which some are watched, some can be, and some files are warm. */
function unwatchedOf(directories: readonly Directory[]) {
  const clock = new HandClock()
  const watched = new Set<Directory>()
  const canBeWatched = new Set(directories)
  const warm = new Set<LogFile>()
  const looks: string[] = []
  const unwatched = new Unwatched({
    discovery: {
      directories: () => directories,
      lookIfChanged: (directory) => Promise.resolve(void looks.push(directory.path)),
    },
    watches: {
      isWatched: (directory) => watched.has(directory),
      arm: (directory) => {
        if (canBeWatched.has(directory)) watched.add(directory)
        return watched.has(directory)
      },
    },
    isWarm: (file) => warm.has(file),
    clock: clock.read,
  })
  return { unwatched, clock, watched, canBeWatched, warm, looked: () => looks.splice(0) }
}

void test('looks every 250 ms at local directories without a watch that have changed', () => {
  const [first, second, third] = [local('/a'), local('/b'), new Directory('/far', new RemoteMount('7'), [])]
  const { unwatched, clock, watched, looked } = unwatchedOf([first, second, third])
  watched.add(second)
  unwatched.poll()
  assert.deepEqual(looked(), ['/a'])
  clock.advance(249)
  unwatched.poll()
  assert.deepEqual(looked(), [])
  clock.advance(1)
  unwatched.poll()
  assert.deepEqual(looked(), ['/a'])
})

void test('looks at many directories less often', () => {
  const { unwatched, clock, looked } = unwatchedOf(Array.from({ length: 1000 }, (_, n) => local(`/${n}`)))
  unwatched.poll()
  assert.equal(looked().length, 1000)
  clock.advance(999)
  unwatched.poll()
  assert.equal(looked().length, 0)
  clock.advance(1)
  unwatched.poll()
  assert.equal(looked().length, 1000)
})

void test('watches a directory again once its files are quiet, and has it looked at', () => {
  const [busy, quiet, never] = [local('/busy'), local('/quiet'), local('/never')]
  const { unwatched, watched, canBeWatched, warm } = unwatchedOf([busy, quiet, never])
  for (const directory of [busy, quiet, never]) directory.mtimeMs = 1
  const file = paperFile('a.log')
  busy.files.set('a.log', file)
  warm.add(file)
  canBeWatched.delete(never)
  unwatched.rewatch()
  assert.deepEqual([...watched], [quiet])
  assert.deepEqual([busy.mtimeMs, quiet.mtimeMs, never.mtimeMs], [1, -1, 1])
  warm.clear()
  unwatched.rewatch()
  assert.deepEqual([...watched], [quiet, busy])
})
