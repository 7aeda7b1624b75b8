/** All stages together, with a Kafka in memory: behaviour that only the whole pipeline has. */
import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pipelineOptions } from '../../src/commands/compose.ts'
import { openCheckpoint } from '../../src/input/state/checkpoint.ts'
import { setStateAside } from '../../src/input/state/set-aside.ts'
import { guardOf } from '../../src/guard.ts'
import type { StoredGeneration } from '../../src/input/state/stored-generation.ts'
import { VERDICT } from '../../src/kernel/layout.ts'
import { Pipeline, type Processor } from '../../src/pipeline.ts'
import { ENOUGH, loadGiven } from '../support/configuration.ts'
import { atEnd } from '../support/ending.ts'
import { FakeDisk } from '../support/fake-disk.ts'
import { type EventRecorder, recordEvents } from '../support/event-recorder.ts'
import { MemoryTransport } from '../support/memory-transport.ts'
import { offsets, openState } from '../support/state.ts'
import { freshDirectory } from '../support/temp.ts'
import { systemError } from '../support/system-error.ts'
import { until } from '../support/wait.ts'

async function scene(
  t: TestContext,
  settings: {
    readonly processors?: readonly Processor[]
    readonly flags?: Readonly<Record<string, string>>
    readonly disk?: FakeDisk
    readonly directory?: string
  } = {},
) {
  const { processors = [], flags = {}, disk = new FakeDisk(), directory = freshDirectory(t) } = settings
  const path = join(directory, 'app.log')
  const environment = { ...ENOUGH, LOGAGENT_PATHS: join(directory, '*.log'), LOGAGENT_ENCODING: 'raw' }
  const config = await loadGiven(t, { environment, flags })
  const recorder = recordEvents()
  const { events } = recorder
  const transport = new MemoryTransport({ logs: [1] })
  const checkpoint = await openCheckpoint({ directory: '/state', agentId: 'a', events, now: Date.now, disk })
  checkpoint.start(20)
  const parts = {
    transport,
    checkpoint,
    events,
    destination: { kind: 'kafka' },
    threads: 24,
    maxOpenFiles: 100,
  } as const
  const pipeline = new Pipeline({ ...pipelineOptions(config, parts), processors })
  const stop = async (): Promise<void> => {
    await pipeline.stop(AbortSignal.timeout(1000))
    await checkpoint.close()
  }
  atEnd(t, stop)
  const values = (): readonly string[] => transport.values('logs', 0)
  return {
    directory,
    path,
    transport,
    pipeline,
    recorder,
    stop,
    values,
    arrived: (count: number) => until(() => values().length >= count, { what: `${count} records`, every: 2 }),
  }
}

function stateOf({ position, guard }: StoredGeneration): string {
  return `${position.offset} ${guard}`
}

/** How many bytes were read and are not stored, settled or in flight. */
function unaccounted({ counters }: EventRecorder, inFlight = 0): number {
  return counters.bytesRead - counters.finishedBytes.stored - counters.finishedBytes.settled - inFlight
}

void test('counts bytes that only a copy has as lost at a stop where files go with the agent, else leaves them to the next start', async (t) => {
  for (const { drain, lost } of [
    { drain: 'end', lost: 4 },
    { drain: 'inflight', lost: 0 },
  ]) {
    const flags = { 'shutdown.drain': drain }
    const { path, pipeline, arrived, recorder, stop } = await scene(t, { flags })
    writeFileSync(path, 'one\n')
    await pipeline.start()
    await arrived(1)
    appendFileSync(path, 'two\n')
    copyFileSync(path, `${path}.1`)
    truncateSync(path)
    await stop()
    assert.deepEqual(recorder.counters.lostBytes, { truncated: lost, gone: 0 }, drain)
  }
})

void test('calls its processors for every entry, and makes no record of those that they settle', async (t) => {
  const chunks: string[] = []
  const everySecond: Processor = (entries, { file }) => {
    chunks.push(file.path)
    for (let i = 1; i < entries.count; i += 2) entries.setVerdict(i, VERDICT.settleTooLong)
  }
  const { path, pipeline, values, arrived, recorder } = await scene(t, { processors: [everySecond] })
  writeFileSync(path, 'one\ntwo\nthree\nfour\nfive\n')
  await pipeline.start()
  await arrived(3)
  assert.deepEqual(values(), ['one', 'three', 'five'])
  assert.deepEqual(chunks, [path])
  await until(() => unaccounted(recorder) === 0, { what: () => `${unaccounted(recorder)} bytes` })
  const { settledLines, settledBytes } = recorder.counters
  assert.deepEqual([settledLines['too-long'], settledBytes['too-long']], [2, 9])
})

void test('calls its processors one after the other', async (t) => {
  const order: string[] = []
  const [first, second] = ['first', 'second'].map(
    (name): Processor =>
      () =>
        void order.push(name),
  )
  const { path, pipeline, arrived } = await scene(t, { processors: [first!, second!] })
  writeFileSync(path, 'one\n')
  await pipeline.start()
  await arrived(1)
  assert.deepEqual(order, ['first', 'second'])
})

void test('counts every byte that it has read as stored, settled or in flight, and settled bytes by reason', async (t) => {
  const { path, transport, pipeline, arrived, recorder } = await scene(t, {
    flags: { emptyLines: 'drop', maxLineBytes: '1KiB', longLines: 'drop' },
  })
  writeFileSync(path, `one\n\n\n${'long '.repeat(400)}\nlast\n`)
  await pipeline.start()
  await arrived(2)
  await until(() => unaccounted(recorder) === 0, { what: () => `${unaccounted(recorder)} bytes` })
  const { counters } = recorder
  // the record behind settled bytes carries them
  assert.deepEqual(
    [counters.bytesRead, counters.finishedBytes, counters.recordsStored],
    [2012, { stored: 2012, settled: 0 }, 2],
  )
  assert.deepEqual(counters.settledBytes, { empty: 2, 'too-long': 2001, 'too-large': 0 })
  transport.automatic = false
  appendFileSync(path, 'waits\n')
  await until(() => transport.pending.length > 0, { what: 'a request' })
  const [file] = pipeline.files()
  assert.equal(unaccounted(recorder, file?.unacknowledged), 0)
  assert.equal(file?.unacknowledged, 6)
  transport.automatic = true
  transport.pending[0]?.respond()
  await until(() => unaccounted(recorder) === 0, { what: () => `${unaccounted(recorder)} bytes` })
  appendFileSync(path, '\n')
  await until(() => counters.finishedBytes.settled === 1, { what: 'an empty line by itself' })
  assert.deepEqual(counters.finishedBytes, { stored: 2018, settled: 1 })
  assert.equal(unaccounted(recorder), 0)
})

void test('counts lines that were settled before a record only once, also when the broker refuses the record', async (t) => {
  const { path, transport, pipeline, values, recorder } = await scene(t, {
    flags: { emptyLines: 'drop', maxLineBytes: '2KiB', longLines: 'drop', 'record.tooLarge': 'drop', headers: 'none' },
  })
  const long = 'long '.repeat(500)
  const large = 'x'.repeat(1500)
  writeFileSync(path, `one\n\n${long}\n\n${large}\n\nlast\n`)
  transport.log('logs', 0).maxBatchBytes = 1000
  await pipeline.start()
  await until(() => recorder.counters.bytesRead > 0 && unaccounted(recorder) === 0, {
    what: () => `${unaccounted(recorder)} bytes`,
  })
  assert.deepEqual(values(), ['one', 'last'])
  const { settledLines, settledBytes, finishedBytes } = recorder.counters
  assert.deepEqual(settledLines, { empty: 3, 'too-long': 1, 'too-large': 1 })
  assert.deepEqual(settledBytes, { empty: 3, 'too-long': long.length + 1, 'too-large': large.length + 1 })
  // the last record carries the empty line behind it
  const dropped = long.length + 1 + large.length + 1 + 2
  assert.deepEqual(finishedBytes, { stored: 4 + 1 + 5, settled: dropped })
  const offset = `one\n\n${long}\n\n`.length
  const [settled] = recorder.reported('settled').filter(([, reason]) => reason === 'too-large')
  assert.deepEqual(settled?.[2], { lines: 1, bytes: large.length + 1, offset })
  const [[refused]] = recorder.reported('recordTooLarge') as readonly [readonly [{ offset: number }]]
  assert.equal(refused.offset, offset)
})

void test('keeps no position that cannot be recognised by the bytes before it, also of a batch that is stored in parts', async (t) => {
  const { path, transport, pipeline, recorder } = await scene(t, { flags: { headers: 'none' } })
  const content = 'x'.repeat(99).concat('\n').repeat(16)
  writeFileSync(path, content)
  transport.log('logs', 0).maxBatchBytes = 1000
  transport.automatic = false
  await pipeline.start()
  const { counters } = recorder
  const positions = new Map<number, string>()
  const answered = (): boolean => {
    for (const file of pipeline.files()) positions.set(counters.finishedBytes.stored, stateOf(file.toStored()))
    transport.pending[0]?.respond()
    return unaccounted(recorder) === 0 && counters.bytesRead === content.length
  }
  await until(answered, { what: 'everything stored', every: 2 })
  const parts = [...positions.keys()]
  assert.ok(parts.length > 2, `in parts: ${parts.join()}`)
  for (const [stored, position] of positions) {
    const offset = stored < content.length ? 0 : stored
    assert.equal(position, `${offset} ${guardOf(Buffer.from(content.slice(0, offset)))}`, `${stored} bytes are stored`)
  }
  assert.ok(positions.has(content.length))
})

void test('ships on while the disk of its state is slow, new files too', async (t) => {
  const disk = new FakeDisk()
  const { directory, path, pipeline, values, arrived } = await scene(t, { disk })
  writeFileSync(path, 'one\n')
  await pipeline.start()
  await arrived(1)
  const release = disk.holdSyncs()
  atEnd(t, () => release())
  const before = disk.seen.syncs
  appendFileSync(path, 'two\n')
  await arrived(2)
  await until(() => disk.seen.syncs > before, { what: 'a sync that hangs', every: 2 })
  writeFileSync(join(directory, 'other.log'), 'three\n')
  appendFileSync(path, 'four\n')
  await arrived(4)
  assert.deepEqual(values().toSorted(), ['four', 'one', 'three', 'two'])
  release()
})

void test('ships on while that disk is full, new files too, and keeps its place once it is not', async (t) => {
  const disk = new FakeDisk()
  const { directory, path, pipeline, arrived, recorder } = await scene(t, { disk })
  writeFileSync(path, 'one\n')
  await pipeline.start()
  await arrived(1)
  disk.refuse = () => systemError('ENOSPC', 'write')
  appendFileSync(path, 'two\n')
  writeFileSync(join(directory, 'other.log'), 'three\n')
  await arrived(3)
  await until(() => recorder.counters.checkpointFailures > 0, { what: 'a failure told', every: 2 })
  disk.refuse = () => undefined
  let stored: readonly number[] = []
  const isKept = async (): Promise<boolean> => {
    stored = Object.values(offsets((await openState({ disk: disk.afterKill() })).state)).toSorted()
    return stored.join() === '6,8'
  }
  await until(isKept, { what: () => `offsets 6 and 8: ${stored.join()}` })
})

void test('reads every file from its beginning after its state was set aside, whatever `start` is set to', async (t) => {
  const disk = new FakeDisk()
  await openState({ disk })
  await setStateAside(disk, '/state', 1)
  const { path, pipeline, values, arrived } = await scene(t, { disk, flags: { start: 'end' } })
  writeFileSync(path, 'one\n')
  await pipeline.start()
  await arrived(1)
  assert.deepEqual(values(), ['one'])
})

void test('keeps the fields and the format that a newer program has stored for a file', async (t) => {
  const disk = new FakeDisk()
  const directory = freshDirectory(t)
  const first = await scene(t, { disk, directory })
  writeFileSync(first.path, 'one\n')
  await first.pipeline.start()
  await first.arrived(1)
  await first.stop()
  const newer = await openState({ disk })
  for (const entry of newer.state.entries.values()) {
    newer.state.put({ ...entry, format: 'cri', unknown: { lease: 'x' } })
  }
  await newer.state.close()
  const second = await scene(t, { disk, directory })
  await second.pipeline.start()
  appendFileSync(second.path, 'two\n')
  await second.arrived(1)
  assert.deepEqual(second.values(), ['two'])
  await second.stop()
  const [found] = (await openState({ disk })).state.entries.values()
  assert.deepEqual([found?.position.offset, found?.format, found?.unknown], [8, 'cri', { lease: 'x' }])
})

void test('spreads a file over the partitions with every read, also where its lines come one by one', async (t) => {
  for (const partitioner of ['round-robin', 'random']) {
    const { path, transport, pipeline } = await scene(t, {
      flags: { 'kafka.partitioner': partitioner, 'file.pollMs': '5ms' },
    })
    transport.setLeaders('logs', [1, 1, 1, 1])
    const counts = (): number[] => [0, 1, 2, 3].map((partition) => transport.values('logs', partition).length)
    writeFileSync(path, '0\n')
    await pipeline.start()
    for (let lines = 1; lines < 64; lines++) {
      await until(() => counts().reduce((a, b) => a + b) === lines, {
        what: () => `${lines}: ${counts().join()}`,
        every: 2,
      })
      appendFileSync(path, `${lines}\n`)
    }
    assert.ok(
      counts().every((count) => count > 0),
      `${partitioner}: ${counts().join()}`,
    )
  }
})
