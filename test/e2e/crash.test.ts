/** An agent that is killed, and a state that is cut: no line is missing, and only records beyond its offsets repeat. */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { sharedKafka } from '../support/kafka.ts'
import { copyState, cut, stateFiles, storedOffsets } from '../support/kept-state.ts'
import type { KafkaRecord } from '../support/java-reader.ts'
import { startLoad } from '../support/load.ts'
import { account } from '../support/numbered-log.ts'
import { canBe, NOBODY } from '../support/privileges.ts'
import type { LogLine } from '../support/process.ts'
import { originOf, originsOf } from '../support/ranges.ts'
import { openScene } from '../support/scene.ts'
import { freshDirectory } from '../support/temp.ts'
import { until } from '../support/wait.ts'

const LONG = process.env['LOGAGENT_TEST_LONG'] !== undefined

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

/** One life of the agent: its log, when it was killed (ms since the epoch), and the offsets by file id in its state. */
interface Life {
  readonly log: readonly LogLine[]
  readonly killedAt: number
  readonly stored: ReadonlyMap<string, number>
}

test('repeats only records beyond its stored offsets after kill -9, ten times under load', async (t) => {
  // some kills come before a checkpoint: then there are records to repeat
  const args = ['--report', 'log', '--log-level', 'debug', '--checkpoint-interval-ms', '150']
  const scene = await openScene(t, kafka, { partitions: 3, args })
  const writers = ['a.log', 'b.log', 'c.log', 'd.log', 'e.log'].map((name) => scene.writer(name))
  const load = startLoad(t, writers)
  const lives: Life[] = []
  let repeated = 0
  let compared = 0
  for (let crash = 0; crash < 10; crash++) {
    const agent = scene.start()
    const enough = 10 + Math.floor(Math.random() * 60)
    const isBusy = (): boolean => agent.log.filter(({ msg }) => msg === 'batch stored').length >= enough
    await until(isBusy, { within: 60_000, what: `${enough} batches stored`, every: 1 })
    await agent.kill()
    lives.push({ log: agent.log, killedAt: Date.now(), stored: await storedOffsets(t, scene.state) })
  }
  await load.stop()
  const last = scene.start()
  await scene.caughtUp()
  await scene.stop(last)
  const records = await scene.delivered({ repeats: 'any' })
  const seen = new Set<string>()
  for (const { value } of records) {
    const line = value?.toString('latin1') ?? ''
    if (seen.has(line)) repeated++
    seen.add(line)
  }
  assert.equal(originsOf(records).size, writers.length, 'a repeat has the file id of the first record')
  lives.forEach((life, crash) => {
    const until = lives[crash + 1]?.killedAt ?? Infinity
    const next = records.filter(({ timestamp }) => timestamp >= life.killedAt && timestamp < until)
    for (const record of next) {
      const { id, offset, path } = originOf(record)!
      assert.ok(offset >= (life.stored.get(id) ?? 0), `${path} ${offset} was shipped again after crash ${crash}`)
    }
    for (const record of acknowledgedBeforeCheckpoint(life, records)) {
      compared++
      const { id, offset, bytes, path } = originOf(record)!
      assert.ok(offset + bytes <= (life.stored.get(id) ?? 0), `${path} ${offset} is not in the state of crash ${crash}`)
    }
  })
  t.diagnostic(`${repeated} records came again; ${compared} were stored before a checkpoint`)
  assert.ok(repeated > 0 && compared > 0, 'there were records to compare')
})

/** The records of batches that were logged as stored before the last checkpoint that was logged as written began. */
function acknowledgedBeforeCheckpoint({ log }: Life, records: readonly KafkaRecord[]): KafkaRecord[] {
  const timeOf = ({ time }: LogLine): number => Date.parse(String(time))
  const checkpoint = log.findLast(({ msg }) => msg === 'checkpoint written')
  if (checkpoint === undefined) return []
  // the log's clock has milliseconds, and the checkpoint's duration is rounded as well
  const begun = timeOf(checkpoint) - Number(checkpoint['milliseconds']) - 5
  const byPartition = Map.groupBy(records, ({ partition }) => partition)
  return log
    .filter((line) => line['msg'] === 'batch stored' && timeOf(line) < begun)
    .flatMap(({ report }) => {
      const { partition, baseOffset, records: count } = report as { [key: string]: number }
      return (byPartition.get(partition ?? -1) ?? []).slice(baseOffset, (baseOffset ?? 0) + (count ?? 0))
    })
}

test('starts with a state that is cut at any length, and loses no line', async (t) => {
  const scene = await openScene(t, kafka)
  const writers = ['a.log', 'b.log'].map((name) => scene.writer(name))
  const first = scene.start()
  for (const writer of writers) writer.write(20)
  await scene.arrived()
  await scene.stop(first)
  const kept = freshDirectory(t)
  copyState(scene.state, kept)
  const count = async (): Promise<ReturnType<typeof account>> =>
    account(await scene.records(), new Map(writers.map(({ log, next }) => [log, next])))
  // with the whole state no record comes again
  const second = scene.start()
  for (const writer of writers) writer.write(1)
  await scene.arrived()
  await scene.stop(second)
  assert.equal((await count()).repeated, 0)
  for (const name of stateFiles(kept)) {
    for (const length of lengthsOf(readFileSync(join(kept, name)))) {
      copyState(kept, scene.state)
      cut(join(scene.state, name), length)
      for (const writer of writers) writer.write(1)
      const agent = scene.start()
      await scene.caughtUp()
      await scene.stop(agent)
    }
  }
  // a file that is read from the beginning again may have another id: only the lines show what is missing
  const sum = await count()
  assert.deepEqual(sum, { ...sum, missing: [], changed: [], disordered: 0 })
})

/**
 * Lengths around the ends of lines, where an entry begins or ends, and some others: a few, in a long run hundreds.
 * test/unit/input/state/load.test.ts tries every length.
 */
function lengthsOf(content: Buffer): number[] {
  const all = Array.from({ length: content.length }, (_, length) => length)
  const ends = all.filter((at) => content[at] === 10).flatMap((at) => [at, at + 1])
  const between = LONG ? all.filter((at) => at % 8 === 5) : [Math.floor(content.length / 3)]
  const some = [0, 1, ...(LONG ? ends : ends.slice(-6)), ...between, content.length - 2]
  return [...new Set(some)].filter((length) => length >= 0 && length < content.length)
}

describe('the state directory', () => {
  test('keeps a second agent out while the first one lives', async (t) => {
    const scene = await openScene(t, kafka)
    scene.writer('app.log').write(10)
    const first = scene.start()
    await scene.arrived()
    const second = scene.start()
    await second.exitsWith(3)
    assert.match(JSON.stringify(second.log), /another agent/)
    await first.kill()
    const third = scene.start()
    await third.logged((line) => line['msg'] === 'file found' || line['msg'] === 'topic found', { what: 'its start' })
    await scene.stop(third)
    await scene.delivered({ repeats: 'any' })
  })

  const unprivileged = canBe(NOBODY) ? {} : { skip: 'the tests may not change their user' }
  test('that cannot be written ends the agent at its start, with an error that names it', unprivileged, async (t) => {
    const scene = await openScene(t, kafka, { agent: { under: NOBODY.command } })
    chmodSync(scene.directory, 0o755)
    chmodSync(scene.state, 0o555)
    const agent = scene.start()
    await agent.exitsWith(3)
    assert.match(JSON.stringify(agent.log), new RegExp(`${scene.state}`))
  })

  const mount = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs -o ro none "$1" && shift && exec "$@"', 'sh']
  const mounting = canBe({ command: [...mount, '/mnt'] }) ? {} : { skip: 'the tests may not mount' }
  test('on a read-only file system ends the agent at its start, with an error that names it', mounting, async (t) => {
    const readOnly = freshDirectory(t)
    const scene = await openScene(t, kafka, { agent: { under: [...mount, readOnly] } })
    const agent = scene.start('--state-dir', join(readOnly, 'state'))
    await agent.exitsWith(3)
    assert.match(JSON.stringify(agent.log), new RegExp(`${readOnly}`))
  })
})
