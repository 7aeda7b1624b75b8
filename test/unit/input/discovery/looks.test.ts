import assert from 'node:assert/strict'
import { test } from 'node:test'
import { discoveryWorld, worldLookedAt } from '../../../support/discovery-world.ts'
import { loopTurn } from '../../../support/loop-turn.ts'

void test('looks once more when a look is requested during another one, and only once', async (t) => {
  const { discovery, looked, directory } = await worldLookedAt(t)
  await Promise.all(Array.from({ length: 10 }, () => discovery.look(directory)))
  assert.deepEqual(looked(), ['/', '/', '/'])
})

void test('rests after long looks in proportion to their length, and then looks without waiting for a tick', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { discovery, looked, clock, directory } = await worldLookedAt(t, { lookMs: () => 200 })
  await discovery.look(directory)
  looked()
  const rest = directory.notBefore - clock.read()
  assert.ok(rest >= 1000 && rest <= 2000, `${rest}`)
  for (let i = 0; i < 5; i++) await discovery.look(directory)
  clock.advance(rest)
  t.mock.timers.tick(rest - 1)
  await loopTurn()
  assert.deepEqual(looked(), [])
  t.mock.timers.tick(1)
  await loopTurn()
  assert.deepEqual(looked(), ['/'])
  clock.advance(10_000)
  t.mock.timers.tick(10_000)
  await loopTurn()
  assert.deepEqual(looked(), [], 'once')
})

void test('does not rest after a look that was long because the process was stopped', async (t) => {
  // the first look too, and later ones
  const looksMs = [45_000, 5, 45_000, 5, 45_000, 5]
  const { discovery, looked, directory } = await worldLookedAt(t, { lookMs: () => looksMs.shift() ?? 5 })
  for (let look = 2; look <= 6; look++) {
    await discovery.look(directory)
    assert.equal(looked().length, look === 2 ? 2 : 1, `look ${look}`)
  }
})

void test('never rests for more than 10 s', async (t) => {
  const { discovery, clock, directory } = await worldLookedAt(t, { lookMs: () => 5000 })
  await discovery.look(directory)
  assert.equal(Math.round(directory.notBefore - clock.read()), 10_000)
})

void test('does not rest after a short look', async (t) => {
  const { discovery, looked, directory } = await worldLookedAt(t, { lookMs: () => 2 })
  for (let i = 0; i < 5; i++) await discovery.look(directory)
  assert.equal(looked().length, 6)
})

void test('begins no more looks once it is stopped', async (t) => {
  const { discovery, write, looked, looks } = discoveryWorld(t, { inputs: ['*/*.log'] })
  write('one/a.log')
  await discovery.lookAround()
  looked()
  discovery.stop()
  write('two/a.log')
  write('one/b.log')
  await discovery.tick()
  for (const directory of discovery.directories()) await discovery.look(directory)
  await loopTurn()
  assert.equal(looks.length, 0)
})
