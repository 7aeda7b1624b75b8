/** More files than may be open, more files than one look handles, and busy files beside quiet ones. */
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sharedKafka } from '../support/kafka.ts'
import { account, numberedLine } from '../support/numbered-log.ts'
import { abutting, disorder } from '../support/ranges.ts'
import { openScene, type Scene } from '../support/scene.ts'
import { openFilesUnder } from '../support/process.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

/** Numbered logs that are appended to by path: the test itself keeps no descriptors open. */
class Logs {
  readonly #scene: Scene
  readonly written = new Map<string, number>()

  constructor(scene: Scene, count: number) {
    this.#scene = scene
    for (let n = 0; n < count; n++) this.written.set(`log-${n}`, 0)
  }

  get total(): number {
    return [...this.written.values()].reduce((sum, lines) => sum + lines, 0)
  }

  path(log: string): string {
    return this.#scene.path(`${log}.log`)
  }

  append(log: string, lines: number): void {
    const from = this.written.get(log) ?? 0
    const buffers = Array.from({ length: lines }, (_, i) =>
      Buffer.concat([numberedLine(log, from + i), Buffer.from('\n')]),
    )
    appendFileSync(this.path(log), Buffer.concat(buffers))
    this.written.set(log, from + lines)
  }

  appendAll(lines: number): void {
    for (const log of this.written.keys()) this.append(log, lines)
  }

  /** `inOrder: false`: a log's new file may overtake its old one, each in order by itself. */
  async delivered({ inOrder = true } = {}): Promise<void> {
    const records = await this.#scene.records()
    const sum = account(records, this.written)
    assert.deepEqual(sum, { ...sum, missing: [], changed: [], repeated: 0, ...(inOrder && { disordered: 0 }) })
    assert.deepEqual(abutting(records), [])
    assert.deepEqual(disorder(records), [])
  }
}

test('reads 300 files with 16 descriptors, round after round', async (t) => {
  const args = ['--file-max-open-files', '16', '--file-discover-ms', '100']
  const scene = await openScene(t, kafka, { partitions: 4, args })
  const logs = new Logs(scene, 300)
  logs.appendAll(5)
  const agent = scene.start()
  for (let round = 0; round < 6; round++) {
    await scene.arrived(logs.total)
    const open = openFilesUnder(agent.pid, scene.directory)
    // a few more are open while others are being opened
    assert.ok(open <= 20, `${open} files are open`)
    logs.appendAll(1 + round * 3)
  }
  await scene.arrived(logs.total)
  await scene.stop(agent)
  await logs.delivered()
})

test('ships, at a stop, the lines that were just appended to files that are not open', async (t) => {
  const scene = await openScene(t, kafka, { args: ['--file-max-open-files', '16'] })
  const logs = new Logs(scene, 60)
  logs.appendAll(5)
  const agent = scene.start()
  await scene.arrived(logs.total)
  logs.appendAll(3)
  await scene.stop(agent)
  await logs.delivered()
})

test('ships, at a stop, the lines of files that were created a moment before', async (t) => {
  const scene = await openScene(t, kafka)
  const logs = new Logs(scene, 20)
  logs.append('log-0', 1)
  const agent = scene.start()
  await scene.arrived(1)
  logs.appendAll(3)
  await scene.stop(agent)
  await logs.delivered()
})

test('rotates 40 files with 16 descriptors, and goes on after a restart', async (t) => {
  const quick = ['--file-last-line-quiet-ms', '100', '--file-discover-ms', '100']
  const scene = await openScene(t, kafka, { partitions: 4, args: ['--file-max-open-files', '16', ...quick] })
  const logs = new Logs(scene, 40)
  logs.appendAll(10)
  const first = scene.start()
  await scene.arrived(logs.total)
  for (let round = 0; round < 3; round++) {
    logs.appendAll(10)
    for (const log of logs.written.keys()) renameSync(logs.path(log), `${logs.path(log)}.1`)
    logs.appendAll(10)
    await scene.arrived(logs.total)
  }
  await scene.stop(first)
  logs.appendAll(10)
  const second = scene.start()
  await scene.arrived(logs.total)
  await scene.stop(second)
  // either of a log's two files may get a descriptor first
  await logs.delivered({ inOrder: false })
})

test('ships 10,000 files of one line, found at the start or later, and forgets the deleted ones', async (t) => {
  const scene = await openScene(t, kafka, { partitions: 6 })
  const half = 5000
  const write = (from: number): void => {
    for (let n = from; n < from + half; n++) writeFileSync(scene.path(`tiny-${n}.log`), `tiny ${n}\n`)
  }
  write(0)
  const agent = scene.start('--log-level', 'warn', '--file-max-open-files', '20000')
  await scene.arrived(half)
  write(half)
  await scene.arrived(2 * half)
  for (let n = 0; n < half; n++) rmSync(scene.path(`tiny-${n}.log`))
  appendFileSync(scene.path(`tiny-${half}.log`), 'and one more\n')
  await scene.arrived(2 * half + 1)
  await scene.stop(agent)
  const values = new Set((await scene.records()).map(({ value }) => value?.toString()))
  assert.equal(values.size, 2 * half + 1)
})

test('lets no file wait for the backlog of another', async (t) => {
  const scene = await openScene(t, kafka, { partitions: 1 })
  const busy = scene.writer('busy.log')
  const quiet = scene.writer('quiet.log')
  for (let n = 0; n < 20; n++) busy.write(10_000)
  quiet.write(1)
  const agent = scene.start()
  await scene.arrived()
  await scene.stop(agent)
  const records = await scene.delivered()
  const place = records.findIndex(({ value }) => value?.toString().startsWith('quiet'))
  // a file turn is 256 KiB of 40 MB; without turns the busy file would be read until Kafka has to be waited for
  assert.ok(place < records.length / 20, `the quiet file's line came as number ${place} of ${records.length}`)
})
