/** Fewer descriptors than files: the limit of the process, and not only the setting, bounds how many files are open. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { renameSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { sharedKafka } from '../support/kafka.ts'
import { type LogLine, openFilesUnder } from '../support/process.ts'
import { lastWords, openScene } from '../support/scene.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

const FILES = 600
/** Node raises the soft limit to the hard one. */
const under = ['prlimit', '--nofile=256:256']

test('ships each line of 600 files once with a limit of 256 descriptors, over appends and rotations', async (t) => {
  const args = ['--file-last-line-quiet-ms', '200', '--file-discover-ms', '200', '--log-summary-ms', '200']
  const scene = await openScene(t, kafka, { partitions: 4, args, agent: { under } })
  const writers = Array.from({ length: FILES }, (_, n) => scene.writer(`app-${n}.log`))
  for (const writer of writers) writer.write(2)
  const append = (): void => {
    for (const writer of writers) writer.write(2)
  }
  const agent = scene.start()
  const begin = performance.now()
  await scene.arrived()
  t.diagnostic(`${FILES} files took ${Math.round(performance.now() - begin)} ms`)
  const open = openFilesUnder(agent.pid, scene.directory)
  assert.ok(open <= 200, `${open} files are open`)
  append()
  await scene.arrived()
  for (const [n, writer] of writers.entries()) {
    if (n % 6 !== 0) continue
    writer.write(1)
    renameSync(writer.path, `${writer.path}.1`)
    writer.reopen()
    writer.write(1)
  }
  append()
  await scene.arrived()
  await scene.stop(agent)
  await scene.delivered()
  const said = agent.log.filter(({ level }) => level !== 'info').map(({ msg }) => msg)
  assert.deepEqual(said, ['file.maxOpenFiles is bounded by how many descriptors the process may have (ulimit -n)'])
  assert.equal(lastWords(agent)['files'] ?? 0, FILES + FILES / 6)
})

/** Changes the soft limit of a running process. */
function allow(pid: number, descriptors: number): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${descriptors}:`])
}

test('recovers from a time without free descriptors, and logs it without a line for each file', async (t) => {
  const args = ['--file-discover-ms', '100', '--log-summary-ms', '100', '--checkpoint-interval-ms', '100']
  const scene = await openScene(t, kafka, { partitions: 2, args, agent: { under } })
  const old = Array.from({ length: 50 }, (_, n) => scene.writer(`old-${n}.log`))
  for (const writer of old) writer.write(2)
  const agent = scene.start()
  await scene.arrived()
  const begin = performance.now()
  allow(agent.pid, 3)
  const fresh = Array.from({ length: 50 }, (_, n) => scene.writer(`fresh-${n}.log`))
  for (const writer of [...old, ...fresh]) writer.write(2)
  const isOut = ({ msg }: LogLine): boolean => msg === 'no descriptor is free to read with; trying again'
  await agent.logged(isOut, { what: 'that it is out of descriptors' })
  // the resident set is read from /proc
  await agent.logged(({ msg, rssMB }) => msg === 'summary' && rssMB === null, { what: 'a summary without a size' })
  for (let rounds = 0; rounds < 5; rounds++) {
    const { length } = agent.log
    await agent.logged((line) => line['msg'] === 'summary' && agent.log.indexOf(line) >= length, {
      what: 'another summary',
    })
  }
  // it is logged again every ten seconds
  const periods = 1 + Math.floor((performance.now() - begin) / 10_000)
  assert.ok(agent.log.filter(isOut).length <= periods)
  assert.equal(agent.log.filter(({ msg }) => /cannot report/.test(String(msg))).length, 1)
  allow(agent.pid, 256)
  await scene.arrived()
  await scene.stop(agent)
  await scene.delivered()
})

test('ends with an error that names the limit where there are too few descriptors to start', async (t) => {
  const scene = await openScene(t, kafka, { agent: { under: ['prlimit', '--nofile=70:70'] } })
  const agent = scene.start()
  await agent.exitsWith(2)
  assert.match(String(agent.log.at(-1)?.['text']), /may have 70 descriptors .* allow 256 or more/)
})
