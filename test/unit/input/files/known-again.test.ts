/** Which file is known again, where several may be: inodes are used again at once, contents are alike. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { World, type WorldSettings } from '../../../support/file-world.ts'
import { InodeWorld } from '../../../support/inode-world.ts'
import { freshDirectory, type Ending } from '../../../support/temp.ts'
import { systemError } from '../../../support/volumes.ts'
import { until } from '../../../support/wait.ts'

const DONE = 'done\n'
/** A whole fingerprint, and more. */
const LONG = 'a line of many\n'.repeat(100)

class Scene {
  readonly files: InodeWorld
  readonly #t: Ending
  #world: World | null = null

  constructor(t: Ending, { hasBirthTimes = true } = {}) {
    this.#t = t
    this.files = new InodeWorld(freshDirectory(t), { hasBirthTimes, mtimeGrainMs: hasBirthTimes ? 1 : 1000 })
    for (const name of ['a', 'b']) mkdirSync(join(this.files.root, name))
  }

  get world(): World {
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
  async start(settings: WorldSettings = {}): Promise<void> {
    const { root, volume } = this.files
    if (this.#world === null) this.#world = await World.open(this.#t, { root, volume, ...settings })
    else this.#world = await this.#world.restart(this.#t, settings)
    for (const name of ['a', 'b']) this.#world.below(name)
  }

  /** One look at each of the directories. */
  async look(...names: readonly string[]): Promise<void> {
    this.world.clock.advance(10)
    for (const name of names) await this.world.look(this.world.below(name))
    await this.world.turns()
  }

  async settle(): Promise<void> {
    await this.world.settle()
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
    return this.world.ear.heard('lost')
  }
}

const ORDERS = [
  ['a', 'b'],
  ['b', 'a'],
] as const

/** Once for either order in which the directories can be looked at. */
function inEitherOrder(what: string, run: (scene: Scene, order: readonly string[]) => Promise<void>): void {
  for (const order of ORDERS) void test(`${what} (${order.join(' before ')})`, (t) => run(new Scene(t), order))
}

// -- with its inode ---------------------------------------------------------------------------------------------------

inEitherOrder('ships what another directory has, also with the inode and the content of what was there', async (scene, order) => {
  scene.write('a/status.log', DONE)
  const [made] = scene.files.all
  await scene.between(() => {
    scene.remove('a/status.log')
    scene.write('b/status.log', DONE)
  })
  assert.equal(scene.files.all[1]?.inode, made?.inode)
  await scene.look(...order)
  assert.deepEqual(scene.shipped(), ['b/status.log@0: done\n'])
  scene.write('b/status.log', 'and more\n')
  await scene.look(...order)
  scene.world.awake.add(scene.world.file('status.log', scene.world.below('b')))
  await scene.world.turns()
  assert.deepEqual(scene.shipped(), ['b/status.log@5: and more\n'])
}) // prettier-ignore

inEitherOrder('knows a file that was moved to another directory, however short', async (scene, order) => {
  scene.write('a/status.log', DONE)
  await scene.between(() => {
    scene.move('a/status.log', 'b/other.log')
    scene.write('b/other.log', 'more\n')
  })
  await scene.look(...order)
  assert.deepEqual(scene.shipped(), ['a/status.log@5: more\n'])
})

inEitherOrder('does not take a new file at its path for one that was moved, which is found last', async (scene, order) => {
  scene.write('a/status.log', DONE)
  await scene.between(() => {
    scene.move('a/status.log', 'b/status.log')
    scene.write('a/status.log', DONE)
  })
  await scene.look(...order)
  await scene.settle()
  assert.deepEqual(scene.shipped(), ['a/status.log@0: done\n'])
  assert.equal(scene.world.generations.missing.isEmpty, true)
}) // prettier-ignore

void test('does not take a new file at its path for one that has a name that no glob matches', async (t) => {
  const scene = new Scene(t)
  scene.write('a/status.log', DONE)
  await scene.between(() => {
    scene.move('a/status.log', 'a/status.old')
    scene.write('a/status.log', DONE)
    scene.write('a/status.old', 'more\n')
  })
  await scene.look('a', 'b')
  assert.deepEqual(scene.shipped(), [], 'which of them it is shows only when everything was looked at')
  await scene.settle()
  assert.deepEqual(scene.shipped(), ['a/status.log@0: done\n', 'a/status.log@5: more\n'])
})

/** A log was rotated, and its old piece cannot be opened; a new one begins as it does. */
async function withDeniedPiece(t: Ending): Promise<{ scene: Scene; allow: () => void }> {
  const scene = new Scene(t)
  scene.write('a/status.log', DONE)
  let isDenied = true
  const open = scene.files.volume.open.bind(scene.files.volume)
  scene.files.volume.open = (path) => {
    if (isDenied && path.endsWith('.1')) throw systemError('EACCES', 'open')
    return open(path)
  }
  await scene.between(() => {
    scene.move('a/status.log', 'a/status.log.1')
    scene.write('a/status.log', DONE)
  })
  for (let times = 0; times < 3; times++) {
    await scene.look('a', 'b')
    await scene.settle()
  }
  assert.deepEqual(scene.shipped(), [])
  return { scene, allow: () => void (isDenied = false) }
}

void test('takes no other file for one that cannot be opened yet', async (t) => {
  const { scene, allow } = await withDeniedPiece(t)
  allow()
  await scene.look('a', 'b')
  await scene.settle()
  assert.deepEqual(scene.shipped(), ['a/status.log@0: done\n'])
  assert.equal(scene.world.file('status.log.1', scene.world.below('a')).path, scene.path('a/status.log'))
})

void test('ships what waits for one that cannot be opened when that is given up', async (t) => {
  const { scene } = await withDeniedPiece(t)
  scene.world.clock.advance(31_000)
  await scene.world.tick()
  await until(() => scene.world.generations.missing.isEmpty, { what: 'it is given up' })
  await scene.look('a', 'b')
  assert.deepEqual(scene.shipped(), ['a/status.log@0: done\n'])
})

void test('without birth times knows an inode again in its directory only', async (t) => {
  const scene = new Scene(t, { hasBirthTimes: false })
  scene.write('a/one.log', DONE)
  scene.write('a/two.log', DONE)
  await scene.between(() => {
    scene.move('a/one.log', 'a/first.log')
    scene.move('a/two.log', 'b/second.log')
    for (const name of ['a/first.log', 'b/second.log']) scene.write(name, 'more\n')
  })
  await scene.look('a', 'b')
  await scene.settle()
  assert.deepEqual(scene.shipped(), ['a/one.log@5: more\n', 'b/second.log@0: done\n', 'b/second.log@5: more\n'])
})

void test('knows in its directory what an older state has no birth time of', async (t) => {
  const scene = new Scene(t)
  scene.write('a/one.log', DONE)
  scene.write('a/two.log', DONE)
  await scene.start()
  await scene.look('', 'a', 'b')
  scene.shipped()
  for (const entry of scene.world.checkpoint.entries.values()) scene.world.checkpoint.put({ ...entry, bornMs: 0 })
  await scene.world.stop()
  scene.move('a/one.log', 'a/first.log')
  scene.move('a/two.log', 'b/second.log')
  await scene.start()
  await scene.look('', 'a', 'b')
  await scene.settle()
  assert.deepEqual(scene.shipped(), ['b/second.log@0: done\n'])
  const { bornMs } = scene.world.file('first.log', scene.world.below('a')).toStored()
  assert.equal(bornMs, scene.files.at(scene.path('a/first.log'))?.bornMs)
})

// -- at its path ------------------------------------------------------------------------------------------------------

void test('knows files at their paths after devices got other numbers, once everything was looked at', async (t) => {
  const scene = new Scene(t)
  for (const name of ['a/one.log', 'a/two.log', 'b/one.log']) scene.write(name, DONE)
  await scene.between(() => {
    scene.files.reboot()
    for (const name of ['a/one.log', 'a/two.log', 'b/one.log']) scene.write(name, 'more\n')
  })
  await scene.look('a')
  await scene.settle()
  assert.deepEqual(scene.shipped(), [], 'b was not looked at')
  await scene.look('b')
  await scene.settle()
  assert.deepEqual(scene.shipped(), ['a/one.log@5: more\n', 'a/two.log@5: more\n', 'b/one.log@5: more\n'])
})

void test('ships what was moved while devices got other numbers again', async (t) => {
  const scene = new Scene(t)
  scene.write('a/one.log', DONE)
  await scene.between(() => {
    scene.files.reboot()
    scene.move('a/one.log', 'b/one.log')
  })
  await scene.look('a', 'b')
  assert.deepEqual(scene.shipped(), ['b/one.log@0: done\n'])
})

void test('leaves no file behind at a stop that waits to be known', async (t) => {
  const scene = new Scene(t)
  for (const name of ['a/one.log', 'a/two.log']) scene.write(name, DONE)
  await scene.between(() => {
    scene.move('a/one.log', 'a/one.old')
    scene.remove('a/two.log')
    // not the inode of the one before
    scene.write('b/other.log', 'other\n')
    for (const name of ['a/one.log', 'a/two.log']) scene.write(name, `${DONE}more\n`)
  })
  await scene.look('a')
  assert.deepEqual(scene.shipped(), [])
  // what may be found elsewhere is not any more: what is at its path is the file that it seems to be
  await scene.look('b')
  await scene.world.last()
  await scene.world.turns()
  assert.deepEqual(scene.shipped(), [
    'a/one.log@0: done\n',
    'a/one.log@5: more\n',
    'a/two.log@5: more\n',
    'b/other.log@0: other\n',
  ])
  // nor does any wait that comes to be missing now
  scene.world.generations.missing.add([...scene.world.checkpoint.entries.values()][0]!)
  assert.equal(scene.world.generations.missing.awaited().size, 0)
})

// -- in its directory -------------------------------------------------------------------------------------------------

void test('goes on in a rotated copy of what was cut, and in no other one', async (t) => {
  const scene = new Scene(t)
  for (const name of ['a/long.log', 'a/one.log', 'b/long.log']) scene.write(name, LONG)
  scene.write('a/short.log', DONE)
  await scene.between(() => {
    for (const name of ['a/long.log', 'a/short.log', 'a/one.log', 'b/long.log']) scene.remove(name)
    scene.write('a/long.log.1', `${LONG}rest\n`)
    scene.write('a/short.log.1', `${DONE}rest\n`)
    scene.write('a/two.log', LONG)
    scene.write('a/one', LONG)
  })
  await scene.look('a', 'b')
  await scene.settle()
  const shipped = scene.shipped().filter((line) => !line.startsWith('a/two.log'))
  assert.deepEqual(shipped, [`a/long.log@${LONG.length}: rest\n`, 'a/short.log.1@0: done\n', 'a/short.log.1@5: rest\n'])
  assert.equal(scene.world.file('two.log', scene.world.below('a')).path, scene.path('a/two.log'))
})

void test('takes the file at the path before a copy of it', async (t) => {
  const scene = new Scene(t)
  scene.write('a/long.log', LONG)
  await scene.between(() => {
    scene.files.reboot()
    scene.write('a/long.log.1', LONG)
    // the copy is the older one, so that it would come first
    scene.write('a/long.log', 'more\n')
  })
  await scene.look('a', 'b')
  await scene.settle()
  assert.deepEqual(scene.shipped(), [`a/long.log@${LONG.length}: more\n`])
  assert.equal(scene.world.file('long.log', scene.world.below('a')).watermark.offset, LONG.length + 5)
})

void test('takes the file at the path before a copy of it that has the name of another one', async (t) => {
  const scene = new Scene(t)
  scene.write('a/long.log', LONG)
  scene.write('a/long.log.1', 'another one\n')
  await scene.between(() => {
    scene.files.reboot()
    scene.remove('a/long.log.1')
    scene.write('a/long.log.1', LONG)
    scene.write('a/long.log', 'more\n')
  })
  await scene.look('a', 'b')
  await scene.settle()
  const shipped = scene.shipped()
  assert.ok(shipped.includes(`a/long.log@${LONG.length}: more\n`), shipped.join(''))
  assert.ok(!shipped.some((line) => line.startsWith('a/long.log@0:')), 'it is not another one')
})

// -- while the agent runs ---------------------------------------------------------------------------------------------

for (const hasBirthTimes of [true, false]) {
  const where = hasBirthTimes ? 'with birth times' : 'without birth times'
  for (const order of ORDERS) {
    void test(`ships what has the inode of a closed file in another directory, ${where} (${order.join(' before ')})`, async (t) => {
      const scene = new Scene(t, { hasBirthTimes })
      scene.write('a/status.log', DONE)
      await scene.start()
      await scene.look('', 'a', 'b')
      scene.world.generations.drop(scene.world.file('status.log', scene.world.below('a')))
      assert.deepEqual(scene.shipped(), ['a/status.log@0: done\n'])
      scene.remove('a/status.log')
      scene.write('b/status.log', DONE)
      assert.deepEqual(new Set(scene.files.all.map(({ inode }) => inode)).size, 1)
      await scene.look(...order)
      await scene.settle()
      assert.deepEqual(scene.shipped(), ['b/status.log@0: done\n'])
      assert.deepEqual(scene.lost(), [])
    }) // prettier-ignore
  }
}

void test('ships what has the inode, the size and the times of a closed file under another name', async (t) => {
  const scene = new Scene(t, { hasBirthTimes: false })
  scene.write('a/one.log', DONE)
  await scene.start()
  await scene.look('', 'a', 'b')
  scene.world.generations.drop(scene.world.file('one.log', scene.world.below('a')))
  scene.shipped()
  scene.remove('a/one.log')
  scene.write('a/two.log', 'more\n')
  const [one, two] = scene.files.all
  assert.deepEqual([two?.inode, two?.mtimeMs], [one?.inode, one?.mtimeMs])
  await scene.look('a', 'b')
  assert.deepEqual(scene.shipped(), ['a/two.log@0: more\n'])
})

void test('knows a closed file that was moved, and one at its path with its content', async (t) => {
  const scene = new Scene(t)
  for (const name of ['a/one.log', 'a/two.log']) scene.write(name, DONE)
  await scene.start()
  await scene.look('', 'a', 'b')
  for (const name of ['one.log', 'two.log'])
    scene.world.generations.drop(scene.world.file(name, scene.world.below('a')))
  scene.shipped()
  scene.move('a/one.log', 'b/one.log')
  scene.remove('a/two.log')
  scene.write('a/two.log', DONE)
  for (const name of ['b/one.log', 'a/two.log']) scene.write(name, 'more\n')
  await scene.look('a', 'b')
  assert.deepEqual(scene.shipped(), ['a/one.log@5: more\n', 'a/two.log@5: more\n'])
})

void test('is not settled before it was looked at everywhere since', async (t) => {
  const scene = new Scene(t)
  scene.write('a/status.log', DONE)
  await scene.start()
  await scene.look('', 'a', 'b')
  scene.world.generations.drop(scene.world.file('status.log', scene.world.below('a')))
  scene.shipped()
  scene.move('a/status.log', 'b/status.log')
  // it is missing from now on; b was looked at before
  await scene.look('a')
  scene.write('a/status.log', DONE)
  await scene.look('a')
  await scene.settle()
  assert.deepEqual(scene.shipped(), [])
  await scene.look('b', 'a')
  assert.deepEqual(scene.shipped(), ['a/status.log@0: done\n'])
})
