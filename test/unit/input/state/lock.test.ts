import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { once } from 'node:events'
import * as path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { AgentError } from '../../../../src/errors.ts'
import { lockState } from '../../../../src/input/state/lock.ts'
import type { LockDisk, StateLock } from '../../../../src/input/state/lock.ts'
import { atEnd } from '../../../support/ending.ts'
import { systemError } from '../../../support/system-error.ts'
import { startAgent } from '../../../support/process.ts'
import type { Agent } from '../../../support/process.ts'
import { loopTurn } from '../../../support/loop-turn.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { until } from '../../../support/wait.ts'
import { withoutDescriptors } from '../../../support/without-descriptors.ts'

const HOLDER = path.join(import.meta.dirname, '../../../support/programs/lock-holder.ts')

function start(t: TestContext, directory: string): Agent {
  return startAgent(t, { from: HOLDER, args: [directory] })
}

/** A worker that removes the names of starters as soon as it sees them. It pauses, so that the next attempt can succeed. */
const REMOVER = `
  const { readdirSync, rmSync } = require('node:fs')
  const directory = require('node:worker_threads').workerData
  for (;;) {
    for (const name of readdirSync(directory)) {
      if (!name.startsWith('lock-')) continue
      rmSync(directory + '/' + name, { force: true })
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }`

/** What a holder wrote about its attempt. */
function said(holder: Agent): Promise<string> {
  return until(() => holder.output().toString() || false, { what: 'output of the holder' })
}

void test('keeps a second process out, and names the directory', async (t) => {
  const directory = freshDirectory(t)
  assert.equal(await said(start(t, directory)), 'held \n')
  const second = start(t, directory)
  assert.equal(await said(second), `state-locked another agent uses the state directory ${directory}\n`)
  assert.equal((await second.exited()).code, 0, 'a starter without the lock keeps nothing open')
  await assert.rejects(lockState(directory, Math.random), { code: 'state-locked' })
})

void test('is free again after kill -9 of the holder, and after an orderly end', async (t) => {
  const directory = freshDirectory(t)
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
    const holder = start(t, directory)
    assert.equal(await said(holder), 'held \n')
    holder.signal(signal)
    await holder.exited()
  }
  const lock = await lockState(directory, Math.random)
  assert.deepEqual(readdirSync(directory), ['lock.4'])
  await lock.release()
})

void test('keeps a second process out while the holder is stopped and accepts no connection', async (t) => {
  const directory = freshDirectory(t)
  const holder = start(t, directory)
  await said(holder)
  holder.pause()
  for (let attempt = 0; attempt < 20; attempt++)
    await assert.rejects(lockState(directory, Math.random), { code: 'state-locked' })
  holder.resume()
})

void test('lets exactly one of several processes in that start at once', async (t) => {
  const directory = freshDirectory(t)
  for (let round = 0; round < 4; round++) {
    const starters = Array.from({ length: 6 }, () => start(t, directory))
    const answers = await Promise.all(starters.map(said))
    assert.equal(answers.filter((answer) => answer.startsWith('held')).length, 1, answers.join(''))
    assert.equal(answers.filter((answer) => answer.startsWith('state-locked')).length, 5, answers.join(''))
    // the next round finds the lock stale
    await Promise.all(starters.map((starter) => starter.kill()))
  }
})

void test('never has two holders, in whatever order starts and ends happen', async (t) => {
  const directory = freshDirectory(t)
  let holders = 0
  let held = 0
  const contend = async (): Promise<void> => {
    while (held < 150) {
      const lock = await tryLock(directory)
      if (lock === undefined) {
        await loopTurn()
        continue
      }
      assert.equal(++holders, 1)
      held++
      for (let turn = held % 4; turn > 0; turn--) await loopTurn()
      holders--
      await lock.release()
    }
  }
  await Promise.all(Array.from({ length: 8 }, contend))
  const names = readdirSync(directory)
  assert.ok(names.filter((name) => name.startsWith('lock.')).length <= 3, names.join(' '))
})

void test('begins again when its own name is removed as a leftover while it is made', async (t) => {
  const directory = freshDirectory(t)
  const remover = new Worker(REMOVER, { eval: true, workerData: directory })
  atEnd(t, async () => void (await remover.terminate()))
  await once(remover, 'online')
  for (let round = 0; round < 1000; round++) await (await lockState(directory, Math.random)).release()
})

void test('gives up a number that it took late, after an old look', async (t) => {
  const directory = freshDirectory(t)
  await (await lockState(directory, Math.random)).release()
  let holder: StateLock | undefined
  let late = 0
  const slow: LockDisk = {
    ...fs,
    link: async (existing, name) => {
      if (late++ === 0) {
        // since it saw `lock.1`, one starter has taken `lock.2` and ended, and another `lock.3`, and removed `lock.2`
        await (await lockState(directory, Math.random)).release()
        holder = await lockState(directory, Math.random)
        assert.deepEqual(
          readdirSync(directory).filter((found) => found.startsWith('lock.')),
          ['lock.3'],
        )
      }
      await fs.link(existing, name)
    },
  }
  await assert.rejects(lockState(directory, Math.random, slow), { code: 'state-locked' })
  assert.equal(late, 1)
  assert.deepEqual(readdirSync(directory), ['lock.3'])
  await holder?.release()
})

void test('listens under a name made from the random number that it was given', async (t) => {
  const directory = freshDirectory(t)
  const linked: string[] = []
  const watched: LockDisk = {
    ...fs,
    link: async (existing, name) => {
      linked.push(path.basename(String(existing)))
      await fs.link(existing, name)
    },
  }
  const lock = await lockState(directory, () => 0.5, watched)
  assert.deepEqual(linked, ['lock-800000000000'])
  await lock.release()
})

void test('begins again when its own name was removed as a leftover', async (t) => {
  const directory = freshDirectory(t)
  let links = 0
  const robbed: LockDisk = {
    ...fs,
    link: async (existing, name) => {
      if (links++ === 0) await fs.unlink(existing)
      await fs.link(existing, name)
    },
  }
  const lock = await lockState(directory, Math.random, robbed)
  assert.deepEqual([lock.unenforced, links, readdirSync(directory)], ['', 2, ['lock.1']])
  await lock.release()
})

void test('runs without a lock if the file system has no hard links, and gives the reason', async (t) => {
  const directory = freshDirectory(t)
  const flat: LockDisk = { ...fs, link: () => Promise.reject(systemError('EPERM')) }
  const lock = await lockState(directory, Math.random, flat)
  assert.match(lock.unenforced, /EPERM/)
  assert.deepEqual(readdirSync(directory), [])
  await lock.release()
})

void test('holds if the path is too long for a socket address', async (t) => {
  const directory = path.join(freshDirectory(t), 'd'.repeat(120), 'ü'.repeat(60))
  const lock = await lockState(directory, Math.random)
  assert.equal(lock.unenforced, '')
  await assert.rejects(lockState(directory, Math.random), { code: 'state-locked' })
  await lock.release()
  await (await lockState(directory, Math.random)).release()
})

void test('holds across network and process namespaces', async (t) => {
  const unshare = ['--net', '--pid', '--ipc', '--uts', '--fork', process.execPath, HOLDER]
  const directory = freshDirectory(t)
  if (spawnSync('unshare', ['--net', '--pid', '--fork', 'true']).status !== 0) {
    t.skip('no right to make namespaces')
    return
  }
  const lock = await lockState(directory, Math.random)
  const other = spawnSync('unshare', [...unshare, directory], { encoding: 'utf8' })
  assert.match(other.stdout, /^state-locked/)
  await lock.release()
})

void test('treats files that are no sockets, and names that killed starters left, as stale', async (t) => {
  const directory = freshDirectory(t)
  writeFileSync(path.join(directory, 'lock.6'), '')
  writeFileSync(path.join(directory, 'lock-0123456789ab'), '')
  writeFileSync(path.join(directory, 'lock.txt'), 'not ours')
  mkdirSync(path.join(directory, 'lock.2'))
  const lock = await lockState(directory, Math.random)
  assert.deepEqual(readdirSync(directory).sort(), ['lock.2', 'lock.7', 'lock.txt'])
  await lock.release()
})

void test('refuses a directory that cannot be created or written', async (t) => {
  const file = path.join(freshDirectory(t), 'file')
  writeFileSync(file, '')
  for (const directory of [file, path.join(file, 'below'), '/proc/self']) {
    await assert.rejects(lockState(directory, Math.random), { code: 'state-unusable', message: new RegExp(directory) })
  }
})

void test('lets the agent run if the file system holds no sockets, and gives the reason', async (t) => {
  // sysfs lets nobody create files, and answers EPERM as FAT and some network file systems do
  const lock = await lockState('/sys/kernel', Math.random).catch((error: unknown) => String(error))
  if (typeof lock === 'string') return t.skip(lock)
  assert.match(lock.unenforced, /not permitted/)
  await lock.release()
})

async function tryLock(directory: string): Promise<StateLock | undefined> {
  try {
    return await lockState(directory, Math.random)
  } catch (error) {
    if (error instanceof AgentError && error.code === 'state-locked') return undefined
    throw error
  }
}

void test('does not go without a lock because no descriptor is left', (t) => {
  const directory = freshDirectory(t)
  const message = /^the state directory .* cannot be used: .*EMFILE/
  assert.match(withoutDescriptors('lock', directory), message)
  // a lock: it cannot connect to find out whether there is a holder
  writeFileSync(path.join(directory, 'lock.1'), '')
  assert.match(withoutDescriptors('lock', directory), message)
})
