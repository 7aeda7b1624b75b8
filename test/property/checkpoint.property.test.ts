import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Checkpoint } from '../../src/input/state/checkpoint.ts'
import { FakeDisk } from '../support/fake-disk.ts'
import { loopTurn } from '../support/loop-turn.ts'
import { seeded } from '../support/seed.ts'
import { at, offsets, openState, stateFile, stateLines } from '../support/state.ts'

/** Ids of entries, and uids of pods. */
const FILES = ['a', 'b', 'c', 'd']
const PODS = ['p', 'q']
const IDS = [...FILES, ...PODS]

/** Members and lines of a newer program in the state, which must never be changed or lost. */
const UNKNOWN = { lease: { until: 7 }, parts: ['x', null] }
const FOREIGN = [
  { kind: 'volume', key: 'v', serial: 'größe' },
  { kind: 'pod', key: 'ours', facts: {}, revision: 4 },
]
const HEADER = { ...{ logagent: 'state', version: 3, readableFrom: 2, agent: 'node-1', since: 9 }, zone: 'b' }

function newerState(): FakeDisk {
  const disk = new FakeDisk()
  disk.place('/state/state.1.json', stateFile(HEADER, ...FOREIGN, { end: FOREIGN.length }))
  disk.place('/state/state.1.journal', stateFile())
  return disk
}

/** Puts the entry or the pod with this id; an entry with the newer program's members. */
function put(state: Checkpoint, id: string, value: number): void {
  if (PODS.includes(id)) state.putPod(id, { value })
  else state.put({ ...at(id, value), unknown: UNKNOWN })
}

function remove(state: Checkpoint, id: string): void {
  if (PODS.includes(id)) state.removePod(id)
  else state.remove(id)
}

/** Offsets of entries and values of pods, by id. */
function values(state: Checkpoint): Record<string, number> {
  const pods = [...state.pods].filter(([uid]) => uid !== 'ours').map(([uid, { value }]) => [uid, Number(value)])
  return { ...offsets(state), ...Object.fromEntries(pods) }
}

/** The lines of the newest snapshot that this program does not know, behind its header. */
function foreignLines(disk: FakeDisk): unknown[] {
  const names = disk.files().filter((name) => name.endsWith('.json'))
  const newest = Math.max(...names.map((name) => Number(/\d+/.exec(name))))
  const [header, ...lines] = stateLines(disk.content(`/state/state.${newest}.json`))
  return [header, ...lines.filter(({ kind, key }) => kind === 'volume' || key === 'ours')]
}

type Step =
  | { readonly do: 'put'; readonly id: string }
  | { readonly do: 'remove'; readonly id: string }
  | { readonly do: 'flush' | 'written' | 'flush unwatched' | 'sync fails' | 'disk full' | 'disk empty' }
  | { readonly do: 'crash'; readonly how: 'kill' | 'power'; readonly after: number; readonly luck: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('put' as const), id: fc.constantFrom(...IDS) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), id: fc.constantFrom(...IDS) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'written' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush unwatched' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('sync fails' as const, 'disk full' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('disk empty' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      how: fc.constantFrom('kill' as const, 'power' as const),
      // bytes and operations until the disk dies: from none, over the middle of a line, to the next snapshot
      after: fc.oneof(fc.nat(800), fc.nat(6000)),
      luck: fc.nat(2 ** 30),
    }),
  },
)

/** All values that each entry had since it was last known to be safe. `undefined`: there was no entry. */
class History {
  readonly #values = new Map<string, (number | undefined)[]>()
  readonly #written = new Map<string, number>()
  readonly #durable = new Map<string, number>()

  add(id: string, value: number | undefined): void {
    this.of(id).push(value)
  }

  of(id: string): (number | undefined)[] {
    const values = this.#values.get(id) ?? [undefined]
    this.#values.set(id, values)
    return values
  }

  mark(): Map<string, number> {
    return new Map(IDS.map((id) => [id, this.of(id).length - 1]))
  }

  written(mark: ReadonlyMap<string, number>): void {
    for (const [id, index] of mark) this.#written.set(id, Math.max(index, this.#written.get(id) ?? 0))
  }

  durable(mark: ReadonlyMap<string, number>): void {
    for (const [id, index] of mark) this.#durable.set(id, Math.max(index, this.#durable.get(id) ?? 0))
    this.written(mark)
  }

  allowed(id: string, how: 'kill' | 'power'): (number | undefined)[] {
    return this.of(id).slice((how === 'kill' ? this.#written : this.#durable).get(id) ?? 0)
  }

  restart(found: Record<string, number>): void {
    for (const id of IDS) this.#values.set(id, [found[id]])
    this.#written.clear()
    this.#durable.clear()
  }
}

async function run(steps: readonly Step[]): Promise<void> {
  let disk = newerState()
  let state: Checkpoint = (await openState({ disk, journalMinBytes: 1500 })).state
  let clock = 0
  const history = new History()
  const watch = async (call: Promise<boolean>, safe: 'written' | 'durable'): Promise<void> => {
    const mark = history.mark()
    const at = disk
    const succeeded = await Promise.race([call, disk.died])
    if (succeeded === true && at === disk) history[safe](mark)
  }
  for (const one of steps) {
    switch (one.do) {
      case 'put':
        history.add(one.id, ++clock)
        put(state, one.id, clock)
        break
      case 'remove':
        history.add(one.id, undefined)
        remove(state, one.id)
        break
      case 'written':
        await watch(state.written(), 'written')
        break
      case 'flush':
        await watch(state.flush(), 'durable')
        break
      case 'flush unwatched':
        void watch(state.flush(), 'durable')
        break
      case 'sync fails':
        disk.failingSyncs = 1
        break
      case 'disk full':
        disk.capacity = 3000
        break
      case 'disk empty':
        disk.capacity = Infinity
        break
      case 'crash':
        disk.budget = one.after
        for (let round = 0; round < 40 && disk.budget >= 0; round++) {
          const id = IDS[round % IDS.length]!
          history.add(id, ++clock)
          put(state, id, clock)
          void watch(state.flush(), 'durable')
          if (round % 3 === 0) await loopTurn()
        }
        await Promise.race([disk.died, loopTurn()])
        disk.budget = -1
        disk = one.how === 'kill' ? disk.afterKill() : disk.afterPowerLoss(chanceFrom(one.luck))
        state = await reload(disk, one.how, history)
        break
    }
  }
  await state.flush()
  disk.capacity = Infinity
  disk.failingSyncs = 0
  const now = values(state)
  assert.equal(await state.close(), true)
  assert.deepEqual(values((await openState({ disk: disk.afterPowerLoss(() => 0) })).state), now)
  assert.deepEqual(foreignLines(disk), [HEADER, ...FOREIGN])
}

async function reload(disk: FakeDisk, how: 'kill' | 'power', history: History): Promise<Checkpoint> {
  const { state, reports } = await openState({ disk, journalMinBytes: 1500 })
  assert.deepEqual([state.fresh, state.damaged], [false, false])
  for (const [name] of reports) assert.notEqual(name, 'stateSetAside')
  const found = values(state)
  for (const id of IDS) {
    const allowed = history.allowed(id, how)
    assert.ok(allowed.includes(found[id]), `${id} is ${found[id]} after ${how}, allowed ${String(allowed)}`)
    const stored = state.entries.get(id)
    if (stored !== undefined) assert.deepEqual(stored, { ...at(id, stored.position.offset), unknown: UNKNOWN })
  }
  assert.ok(Object.keys(found).every((id) => IDS.includes(id)))
  assert.deepEqual(foreignLines(disk), [HEADER, ...FOREIGN])
  history.restart(found)
  return state
}

/** The chances in a loss of power, all derived from the one number that fast-check shrinks. */
function chanceFrom(luck: number): (max: number) => number {
  let seed = luck
  return (max) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return (seed >>> 8) % (max + 1)
  }
}

void test('after a crash at any byte no entry is older than the last completed flush, every entry is one that was put, and nothing of a newer program is lost', async (t) => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), run), seeded(t, 1500))
})
