/** An agent that may have fewer descriptors than there are files: they take turns, and nothing ends it. */
import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { sharedKafka } from '../support/kafka.ts'
import { openScene } from '../support/scene.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

const FILES = 600
const LIMIT = 256

test(`${FILES} files are shipped by a process that may have ${LIMIT} open`, async (t) => {
  const under = ['prlimit', `--nofile=${LIMIT}:${LIMIT}`]
  const args = ['--file-last-line-quiet-ms', '200', '--file-discover-ms', '200', '--log-summary-ms', '100']
  const scene = await openScene(t, kafka, { partitions: 3, args, agent: { under } })
  const writers = Array.from({ length: FILES }, (_, n) => scene.writer(`${n}.log`))
  for (const writer of writers) writer.write(1)
  const agent = scene.start()
  const bounded = await agent.logged(({ msg }) => msg === 'fewer logs are open at a time than file.maxOpenFiles says', {
    what: 'what bounds it',
  })
  assert.deepEqual([bounded['logs'], bounded['limit']], [192, LIMIT])
  await scene.arrived()
  // all of them have something again, and some of them another name
  for (const writer of writers) writer.write(1)
  for (const writer of writers.slice(0, 50)) {
    renameSync(writer.path, `${writer.path}.1`)
    writer.reopen()
    writer.write(1)
  }
  await scene.arrived()
  await scene.stop(agent)
  await scene.delivered()
  const denied = agent.log.filter(({ msg }) => msg === 'cannot read; trying again')
  assert.deepEqual(denied, [])
})
