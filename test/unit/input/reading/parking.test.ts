import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Obstacle } from '../../../../src/flow.ts'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { Parking } from '../../../../src/input/reading/parking.ts'
import { ROOM, TOPIC } from '../../../support/obstacles.ts'
import { paperFile } from '../../../support/reading.ts'

const OTHER_ROOM: Obstacle = { kind: 'room', topic: 'others' }

/** Parked files, and the names of those that were woken since the last call. A file with a name like "a@mount" is on that mount. */
function withParked(...names: string[]) {
  const woken: string[] = []
  const refused = new Set<LogFile>()
  /** Mounts that have not answered. */
  const awaited = new Set<string>()
  /** Turns that are over as soon as a file is woken. */
  const turns = new Map<LogFile, () => void>()
  const mountOf = ({ name }: LogFile): string => name.split('@')[1] ?? ''
  const parking = new Parking({
    wake(file) {
      woken.push(file.name)
      const turn = turns.get(file)
      if (turn !== undefined) turn()
      else if (mountOf(file) !== '') awaited.add(mountOf(file))
      return !refused.has(file)
    },
    mountAwaitedBy: (file) => (awaited.has(mountOf(file)) ? mountOf(file) : null),
  })
  const files = names.map((name) => paperFile(name))
  for (const file of files) parking.park(file, ROOM)
  return { parking, files, refused, awaited, turns, woken: () => woken.splice(0).join(' ') }
}

/** A file is parked again after a turn that read it up to `next`. */
function again(parking: Parking, file: LogFile, next: number): void {
  file.cursor.next = next
  parking.park(file, ROOM)
}

void test('wakes one for room, and the next one when that has found some', () => {
  const { parking, files, woken } = withParked('a', 'b', 'c')
  const [a, b, c] = files
  assert.ok(a && b && c)
  parking.wakeFirst(ROOM)
  parking.wakeFirst(ROOM)
  assert.equal(woken(), 'a', 'however often there is room before it had its turn')
  assert.deepEqual([a.parked, b.parked], [false, true])
  parking.went(a)
  assert.equal(woken(), 'b')
  parking.went(b)
  assert.equal(woken(), 'c')
  assert.equal(parking.count, 1)
  parking.went(c)
  assert.equal(parking.count, 0)
  assert.deepEqual([...parking.obstacles()], [])
})

void test('a file that found no room keeps its place, and one that found some goes to the end', () => {
  const { parking, files, woken } = withParked('a', 'b')
  const [a, b] = files
  assert.ok(a && b)
  parking.wakeFirst(ROOM)
  again(parking, a, 0)
  assert.equal(woken(), 'a')
  parking.wakeFirst(ROOM)
  assert.equal(woken(), 'a', 'it comes first once more')
  again(parking, a, 10)
  parking.wakeFirst(ROOM)
  assert.equal(woken(), 'b')
})

void test('wakes for each obstacle by itself, and lists the longest awaited first', () => {
  const { parking, files, woken } = withParked('a', 'b')
  const other = paperFile('other')
  parking.park(other, OTHER_ROOM)
  assert.deepEqual([...parking.obstacles()], [ROOM, OTHER_ROOM])
  parking.wakeFirst(OTHER_ROOM)
  assert.equal(woken(), 'other')
  parking.went(other)
  assert.equal(woken(), '', 'no other file waits for that')
  assert.equal(parking.count, files.length)
})

void test('wakes every file that waits for something of a topic, and no other', () => {
  const { parking, files, woken } = withParked('a', 'b')
  const [topic, other] = [paperFile('topic'), paperFile('other')]
  parking.park(topic, TOPIC)
  parking.park(other, OTHER_ROOM)
  parking.wakeAll('logs')
  assert.equal(woken(), 'a b topic')
  assert.ok(files.every(({ parked }) => !parked))
  assert.ok(other.parked)
})

void test('the turn of one that is let go is the next one’s', () => {
  const { parking, files, woken } = withParked('a', 'b')
  const [a] = files
  assert.ok(a)
  parking.wakeFirst(ROOM)
  parking.leave(a)
  assert.equal(woken(), 'a b')
})

void test('passes over a file that can have no turn', () => {
  const { parking, files, refused, woken } = withParked('a', 'b')
  const [a] = files
  assert.ok(a)
  refused.add(a)
  parking.wakeFirst(ROOM)
  assert.equal(woken(), 'a b')
  assert.equal(parking.count, 1)
})

void test('passes over the files of a mount that has not answered, and comes back to them when it has', () => {
  const { parking, files, awaited, woken } = withParked('a@nfs', 'b@nfs', 'c', 'd@smb', 'e')
  const [a, , c] = files
  assert.ok(a && c)
  parking.wakeFirst(ROOM)
  assert.equal(woken(), 'a@nfs c')
  parking.went(c)
  assert.equal(woken(), 'd@smb e')
  assert.ok(parking.hasPassedOver('nfs'))
  awaited.delete('nfs')
  again(parking, a, 0)
  parking.answered('nfs')
  assert.equal(woken(), 'a@nfs', 'it has kept its place')
  awaited.delete('nfs')
  parking.went(a)
  assert.equal(woken(), 'b@nfs')
})

void test('wakes no file after one on a mount that answered at once, and found no room', () => {
  const { parking, files, turns, woken } = withParked('a@nfs', 'b')
  const [a] = files
  assert.ok(a)
  turns.set(a, () => again(parking, a, 0))
  parking.wakeFirst(ROOM)
  assert.equal(woken(), 'a@nfs')
})

void test('a file that is too far ahead waits for its own receipt alone', () => {
  const { parking, files, woken } = withParked('a')
  const [a] = files
  assert.ok(a)
  const ahead = paperFile('ahead')
  parking.park(ahead, 'unacknowledged')
  assert.deepEqual([parking.isTooFarAhead(ahead), parking.isTooFarAhead(a)], [true, false])
  parking.wakeFirst(ROOM)
  parking.wakeAll('logs')
  assert.equal(woken(), 'a a')
  parking.leave(ahead)
  assert.ok(!parking.isTooFarAhead(ahead))
})

void test('ten thousand files that wait for room are not all woken for one buffer', () => {
  const { parking, files, woken } = withParked(...Array.from({ length: 10_000 }, (_, n) => String(n)))
  for (let buffer = 0; buffer < 3; buffer++) {
    parking.wakeFirst(ROOM)
    const file = files[buffer]
    assert.ok(file)
    again(parking, file, 100)
  }
  assert.equal(woken(), '0 1 2')
})

void test('wakes those that wait in the order in which they came, one after another', () => {
  const { parking, files, woken } = withParked('a', 'b', 'c')
  const [a, b] = files
  assert.ok(a && b)
  parking.wakeFirst(ROOM)
  parking.wakeFirst(ROOM)
  assert.equal(woken(), 'a', 'it has not had its turn yet')
  parking.went(a)
  assert.equal(woken(), 'b', 'there may be more than one')
  again(parking, b, 0)
  assert.equal(woken(), '', 'there was none')
  parking.wakeFirst(ROOM)
  assert.equal(woken(), 'b', 'it has kept its place')
})

void test('wakes the next file when the first has passed its obstacle and waits for another one', () => {
  const { parking, files, woken } = withParked('a', 'b', 'c')
  const [a, b, c] = files
  assert.ok(a && b && c)
  parking.wakeFirst(ROOM)
  parking.park(a, OTHER_ROOM)
  assert.equal(woken(), 'a b')
  parking.park(b, 'unacknowledged')
  assert.equal(woken(), 'c')
  parking.went(c)
  assert.deepEqual([woken(), parking.count], ['', 2])
})
