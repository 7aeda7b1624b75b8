/** Which file is known again where several may be: inodes are used again at once, and contents are alike. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FileWorld, type FileWorldSettings } from '../../../support/file-world.ts'
import { InodeWorld } from '../../../support/inode-world.ts'
import { freshDirectory, type Ending } from '../../../support/temp.ts'
import { systemError } from '../../../support/system-error.ts'
import { until } from '../../../support/wait.ts'

const DONE = 'done\n'
/** A whole fingerprint, and more. */
const LONG = 'a line of many\n'.repeat(100)

/** Agents that run one after another over the same files, whose inodes are used again. */
class Lives {
  readonly files: InodeWorld
  readonly #t: Ending
  #world: FileWorld | null = null

  constructor(t: Ending, { hasBirthTimes = true } = {}) {
    this.#t = t
    this.files = new InodeWorld(freshDirectory(t), { hasBirthTimes, mtimeGrainMs: hasBirthTimes ? 1 : 1000 })
    for (const name of ['a', 'b']) mkdirSync(join(this.files.root, name))
  }

  get world(): FileWorld {
    if (this.#world === null) throw new Error('no agent was started')
    return this.#world
  }

  path(name: string): string {
    return join(this.files.root, name)
  }

  write(name: string, content: string): void {
    this.files.write(this.path(name), content)
  }

  remove(name: string): void {
    this.files.remove(this.path(name))
  }

  move(from: string, to: string): void {
    this.files.rename(this.path(from), this.path(to))
  }

  /** The next agent; nothing is looked at yet. */
  async start(settings: FileWorldSettings = {}): Promise<void> {
    const { root, volume } = this.files
    if (this.#world === null) this.#world = await FileWorld.open(this.#t, { root, volume, ...settings })
    else this.#world = await this.#world.restart(this.#t, settings)
    for (const name of ['a', 'b']) this.#world.below(name)
  }

  /** One look at each of the directories. */
  async look(...names: readonly string[]): Promise<void> {
    this.world.clock.advance(10)
    for (const name of names) await this.world.look(this.world.below(name))
    await this.world.turns()
  }

  async confirmMissing(): Promise<void> {
    await this.world.confirmMissing()
    await this.world.turns()
  }

  /** The first agent reads everything and is stopped; then something happens, and another one is started. */
  async between(happens: () => void): Promise<void> {
    await this.start()
    await this.look('', 'a', 'b')
    this.shipped()
    await this.world.stop()
    happens()
    await this.start()
    await this.look('')
  }

  shipped(): string[] {
    return this.world.shipped().sort()
  }

  lost(): readonly unknown[] {
    return this.world.recorder.reported('lost')
  }
}

const ORDERS = [
  ['a', 'b'],
  ['b', 'a'],
] as const

/** Once for either order in which the directories can be looked at. */
function inEitherOrder(what: string, run: (lives: Lives, order: readonly string[]) => Promise<void>): void {
  for (const order of ORDERS) void test(`${what} (${order.join(' before ')})`, (t) => run(new Lives(t), order))
}

// -- with its inode ---------------------------------------------------------------------------------------------------

inEitherOrder('ships what another directory has, also with the inode and the content of what was there', async (lives, order) => {
  lives.write('a/status.log', DONE)
  const [made] = lives.files.all
  await lives.between(() => {
    lives.remove('a/status.log')
    lives.write('b/status.log', DONE)
  })
  assert.equal(lives.files.all[1]?.inode, made?.inode)
  await lives.look(...order)
  assert.deepEqual(lives.shipped(), ['b/status.log@0: done\n'])
  lives.write('b/status.log', 'and more\n')
  await lives.look(...order)
  lives.world.awake.add(lives.world.file('status.log', lives.world.below('b')))
  await lives.world.turns()
  assert.deepEqual(lives.shipped(), ['b/status.log@5: and more\n'])
}) // prettier-ignore

inEitherOrder('knows a file that was moved to another directory, however short', async (lives, order) => {
  lives.write('a/status.log', DONE)
  await lives.between(() => {
    lives.move('a/status.log', 'b/other.log')
    lives.write('b/other.log', 'more\n')
  })
  await lives.look(...order)
  assert.deepEqual(lives.shipped(), ['a/status.log@5: more\n'])
})

inEitherOrder('does not take a new file at its path for one that was moved, which is found last', async (lives, order) => {
  lives.write('a/status.log', DONE)
  await lives.between(() => {
    lives.move('a/status.log', 'b/status.log')
    lives.write('a/status.log', DONE)
  })
  await lives.look(...order)
  await lives.confirmMissing()
  assert.deepEqual(lives.shipped(), ['a/status.log@0: done\n'])
  assert.equal(lives.world.generations.missing.isEmpty, true)
}) // prettier-ignore

void test('does not take a new file at its path for one that has a name that no glob matches', async (t) => {
  const lives = new Lives(t)
  lives.write('a/status.log', DONE)
  await lives.between(() => {
    lives.move('a/status.log', 'a/status.old')
    lives.write('a/status.log', DONE)
    lives.write('a/status.old', 'more\n')
  })
  await lives.look('a', 'b')
  assert.deepEqual(lives.shipped(), [], 'which of them it is shows only when everything was looked at')
  await lives.confirmMissing()
  assert.deepEqual(lives.shipped(), ['a/status.log@0: done\n', 'a/status.log@5: more\n'])
})

/** A log was rotated, and its old piece cannot be opened; a new one begins as it does. */
async function withDeniedPiece(t: Ending): Promise<{ lives: Lives; allow: () => void }> {
  const lives = new Lives(t)
  lives.write('a/status.log', DONE)
  let isDenied = true
  const open = lives.files.volume.open.bind(lives.files.volume)
  lives.files.volume.open = (path) => {
    if (isDenied && path.endsWith('.1')) throw systemError('EACCES', 'open')
    return open(path)
  }
  await lives.between(() => {
    lives.move('a/status.log', 'a/status.log.1')
    lives.write('a/status.log', DONE)
  })
  for (let times = 0; times < 3; times++) {
    await lives.look('a', 'b')
    await lives.confirmMissing()
  }
  assert.deepEqual(lives.shipped(), [])
  return { lives, allow: () => void (isDenied = false) }
}

void test('takes no other file for one that cannot be opened yet', async (t) => {
  const { lives, allow } = await withDeniedPiece(t)
  allow()
  await lives.look('a', 'b')
  await lives.confirmMissing()
  assert.deepEqual(lives.shipped(), ['a/status.log@0: done\n'])
  assert.equal(lives.world.file('status.log.1', lives.world.below('a')).path, lives.path('a/status.log'))
})

void test('ships a file that waits for one that cannot be opened when that is given up', async (t) => {
  const { lives } = await withDeniedPiece(t)
  lives.world.clock.advance(31_000)
  await lives.world.tick()
  await until(() => lives.world.generations.missing.isEmpty, { what: 'it is given up' })
  await lives.look('a', 'b')
  assert.deepEqual(lives.shipped(), ['a/status.log@0: done\n'])
})

void test('without birth times knows an inode again in its directory only', async (t) => {
  const lives = new Lives(t, { hasBirthTimes: false })
  lives.write('a/one.log', DONE)
  lives.write('a/two.log', DONE)
  await lives.between(() => {
    lives.move('a/one.log', 'a/first.log')
    lives.move('a/two.log', 'b/second.log')
    for (const name of ['a/first.log', 'b/second.log']) lives.write(name, 'more\n')
  })
  await lives.look('a', 'b')
  await lives.confirmMissing()
  assert.deepEqual(lives.shipped(), ['a/one.log@5: more\n', 'b/second.log@0: done\n', 'b/second.log@5: more\n'])
})

void test('knows a file in its directory of which an older state has no birth time', async (t) => {
  const lives = new Lives(t)
  lives.write('a/one.log', DONE)
  lives.write('a/two.log', DONE)
  await lives.start()
  await lives.look('', 'a', 'b')
  lives.shipped()
  for (const entry of lives.world.checkpoint.entries.values()) lives.world.checkpoint.put({ ...entry, bornMs: 0 })
  await lives.world.stop()
  lives.move('a/one.log', 'a/first.log')
  lives.move('a/two.log', 'b/second.log')
  await lives.start()
  await lives.look('', 'a', 'b')
  await lives.confirmMissing()
  assert.deepEqual(lives.shipped(), ['b/second.log@0: done\n'])
  const { bornMs } = lives.world.file('first.log', lives.world.below('a')).toStored()
  assert.equal(bornMs, lives.files.at(lives.path('a/first.log'))?.bornMs)
})

// -- at its path ------------------------------------------------------------------------------------------------------

void test('knows files at their paths after devices got other numbers, once everything was looked at', async (t) => {
  const lives = new Lives(t)
  for (const name of ['a/one.log', 'a/two.log', 'b/one.log']) lives.write(name, DONE)
  await lives.between(() => {
    lives.files.reboot()
    for (const name of ['a/one.log', 'a/two.log', 'b/one.log']) lives.write(name, 'more\n')
  })
  await lives.look('a')
  await lives.confirmMissing()
  assert.deepEqual(lives.shipped(), [], 'b was not looked at')
  await lives.look('b')
  await lives.confirmMissing()
  assert.deepEqual(lives.shipped(), ['a/one.log@5: more\n', 'a/two.log@5: more\n', 'b/one.log@5: more\n'])
})

void test('ships a file again that was moved while devices got other numbers', async (t) => {
  const lives = new Lives(t)
  lives.write('a/one.log', DONE)
  await lives.between(() => {
    lives.files.reboot()
    lives.move('a/one.log', 'b/one.log')
  })
  await lives.look('a', 'b')
  assert.deepEqual(lives.shipped(), ['b/one.log@0: done\n'])
})

void test('leaves no file behind at a stop that waits to be known', async (t) => {
  const lives = new Lives(t)
  for (const name of ['a/one.log', 'a/two.log']) lives.write(name, DONE)
  await lives.between(() => {
    lives.move('a/one.log', 'a/one.old')
    lives.remove('a/two.log')
    // not the inode of the one before
    lives.write('b/other.log', 'other\n')
    for (const name of ['a/one.log', 'a/two.log']) lives.write(name, `${DONE}more\n`)
  })
  await lives.look('a')
  assert.deepEqual(lives.shipped(), [])
  // no file is found elsewhere any more, so the file at its path is the one that it seems to be
  await lives.look('b')
  await lives.world.last()
  await lives.world.turns()
  assert.deepEqual(lives.shipped(), [
    'a/one.log@0: done\n',
    'a/one.log@5: more\n',
    'a/two.log@5: more\n',
    'b/other.log@0: other\n',
  ])
  // nor does any wait that comes to be missing now
  lives.world.generations.missing.add([...lives.world.checkpoint.entries.values()][0]!)
  assert.equal(lives.world.generations.missing.awaited().size, 0)
})

// -- in its directory -------------------------------------------------------------------------------------------------

void test('goes on in a rotated copy of a file that was cut, and in no other one', async (t) => {
  const lives = new Lives(t)
  for (const name of ['a/long.log', 'a/one.log', 'b/long.log']) lives.write(name, LONG)
  lives.write('a/short.log', DONE)
  await lives.between(() => {
    for (const name of ['a/long.log', 'a/short.log', 'a/one.log', 'b/long.log']) lives.remove(name)
    lives.write('a/long.log.1', `${LONG}rest\n`)
    lives.write('a/short.log.1', `${DONE}rest\n`)
    lives.write('a/two.log', LONG)
    lives.write('a/one', LONG)
  })
  await lives.look('a', 'b')
  await lives.confirmMissing()
  const shipped = lives.shipped().filter((line) => !line.startsWith('a/two.log'))
  assert.deepEqual(shipped, [`a/long.log@${LONG.length}: rest\n`, 'a/short.log.1@0: done\n', 'a/short.log.1@5: rest\n'])
  assert.equal(lives.world.file('two.log', lives.world.below('a')).path, lives.path('a/two.log'))
})

void test('takes the file at the path before a copy of it', async (t) => {
  const lives = new Lives(t)
  lives.write('a/long.log', LONG)
  await lives.between(() => {
    lives.files.reboot()
    lives.write('a/long.log.1', LONG)
    // the copy is the older one, so that it would come first
    lives.write('a/long.log', 'more\n')
  })
  await lives.look('a', 'b')
  await lives.confirmMissing()
  assert.deepEqual(lives.shipped(), [`a/long.log@${LONG.length}: more\n`])
  assert.equal(lives.world.file('long.log', lives.world.below('a')).watermark.offset, LONG.length + 5)
})

void test('takes the file at the path before a copy of it that has the name of another one', async (t) => {
  const lives = new Lives(t)
  lives.write('a/long.log', LONG)
  lives.write('a/long.log.1', 'another one\n')
  await lives.between(() => {
    lives.files.reboot()
    lives.remove('a/long.log.1')
    lives.write('a/long.log.1', LONG)
    lives.write('a/long.log', 'more\n')
  })
  await lives.look('a', 'b')
  await lives.confirmMissing()
  const shipped = lives.shipped()
  assert.ok(shipped.includes(`a/long.log@${LONG.length}: more\n`), shipped.join(''))
  assert.ok(!shipped.some((line) => line.startsWith('a/long.log@0:')), 'it is not another one')
})

// -- while the agent runs ---------------------------------------------------------------------------------------------

for (const hasBirthTimes of [true, false]) {
  const where = hasBirthTimes ? 'with birth times' : 'without birth times'
  for (const order of ORDERS) {
    void test(`ships what has the inode of a closed file in another directory, ${where} (${order.join(' before ')})`, async (t) => {
      const lives = new Lives(t, { hasBirthTimes })
      lives.write('a/status.log', DONE)
      await lives.start()
      await lives.look('', 'a', 'b')
      lives.world.generations.descriptors.close(lives.world.file('status.log', lives.world.below('a')))
      assert.deepEqual(lives.shipped(), ['a/status.log@0: done\n'])
      lives.remove('a/status.log')
      lives.write('b/status.log', DONE)
      assert.deepEqual(new Set(lives.files.all.map(({ inode }) => inode)).size, 1)
      await lives.look(...order)
      await lives.confirmMissing()
      assert.deepEqual(lives.shipped(), ['b/status.log@0: done\n'])
      assert.deepEqual(lives.lost(), [])
    }) // prettier-ignore
  }
}

void test('ships a file that has the inode, the size and the times of a closed file under another name', async (t) => {
  const lives = new Lives(t, { hasBirthTimes: false })
  lives.write('a/one.log', DONE)
  await lives.start()
  await lives.look('', 'a', 'b')
  lives.world.generations.descriptors.close(lives.world.file('one.log', lives.world.below('a')))
  lives.shipped()
  lives.remove('a/one.log')
  lives.write('a/two.log', 'more\n')
  const [one, two] = lives.files.all
  assert.deepEqual([two?.inode, two?.mtimeMs], [one?.inode, one?.mtimeMs])
  await lives.look('a', 'b')
  assert.deepEqual(lives.shipped(), ['a/two.log@0: more\n'])
})

void test('knows a closed file that was moved, and one at its path with its content', async (t) => {
  const lives = new Lives(t)
  for (const name of ['a/one.log', 'a/two.log']) lives.write(name, DONE)
  await lives.start()
  await lives.look('', 'a', 'b')
  for (const name of ['one.log', 'two.log'])
    lives.world.generations.descriptors.close(lives.world.file(name, lives.world.below('a')))
  lives.shipped()
  lives.move('a/one.log', 'b/one.log')
  lives.remove('a/two.log')
  lives.write('a/two.log', DONE)
  for (const name of ['b/one.log', 'a/two.log']) lives.write(name, 'more\n')
  await lives.look('a', 'b')
  assert.deepEqual(lives.shipped(), ['a/one.log@5: more\n', 'a/two.log@5: more\n'])
})

void test('is not confirmed missing before everything was looked at since', async (t) => {
  const lives = new Lives(t)
  lives.write('a/status.log', DONE)
  await lives.start()
  await lives.look('', 'a', 'b')
  lives.world.generations.descriptors.close(lives.world.file('status.log', lives.world.below('a')))
  lives.shipped()
  lives.move('a/status.log', 'b/status.log')
  // it is missing from now on; b was looked at before
  await lives.look('a')
  lives.write('a/status.log', DONE)
  await lives.look('a')
  await lives.confirmMissing()
  assert.deepEqual(lives.shipped(), [])
  await lives.look('b', 'a')
  assert.deepEqual(lives.shipped(), ['a/status.log@0: done\n'])
})
