/** Files other than logs in a log directory, and files that may not be read: none stops or misleads the agent. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sharedKafka } from '../support/kafka.ts'
import { openScene } from '../support/scene.ts'
import { freshDirectory } from '../support/temp.ts'
import { until } from '../support/wait.ts'
import { canBe, NOBODY } from '../support/privileges.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

test('ships regular files only, and follows only links that stay in the allowed roots', async (t) => {
  const scene = await openScene(t, kafka, { args: ['--file-discover-ms', '50'] })
  const outside = freshDirectory(t)
  writeFileSync(join(outside, 'secret'), 'secret\n')
  mkdirSync(join(outside, 'deeper'))
  writeFileSync(join(outside, 'deeper', 'also.log'), 'secret\n')
  execFileSync('mkfifo', [scene.path('pipe.log')])
  execFileSync('mknod', [scene.path('device.log'), 'c', '1', '5'])
  mkdirSync(scene.path('directory.log'))
  symlinkSync('/proc/self/environ', scene.path('environ.log'))
  symlinkSync(join(outside, 'secret'), scene.path('outside.log'))
  symlinkSync('nowhere', scene.path('dangling.log'))
  symlinkSync('circle.log', scene.path('circle.log'))
  mkdirSync(scene.path('real'))
  scene.writer('real/target.txt').write(10)
  symlinkSync('real/target.txt', scene.path('inside.log'))
  symlinkSync(join(outside, 'deeper'), scene.path('linked-directory'))
  const writer = scene.writer('good.log')
  writer.write(10)
  const agent = scene.start('--paths', `${scene.path('*.log')},${scene.path('*/*.log')}`)
  await scene.arrived(20)
  const ignored = async (name: string): Promise<unknown> =>
    agent.logged((line) => line['msg'] === 'file ignored' && line['path'] === scene.path(name), { what: name })
  for (const name of ['pipe.log', 'device.log', 'environ.log', 'outside.log', 'linked-directory/also.log']) {
    await ignored(name)
  }
  // new lines and new files are still found
  writer.write(10)
  scene.writer('later.log').write(10)
  await scene.arrived(40)
  await scene.stop(agent)
  const records = await scene.records()
  assert.ok(!records.some(({ value }) => value?.includes('secret')))
  assert.equal(records.length, 40)
})

test('ships a file with two names once', async (t) => {
  const scene = await openScene(t, kafka)
  const writer = scene.writer('one.log')
  writer.write(100)
  linkSync(scene.path('one.log'), scene.path('two.log'))
  const agent = scene.start()
  await scene.arrived()
  writer.write(100)
  await scene.arrived()
  await scene.stop(agent)
  await scene.delivered()
})

test('ships the new target of a link that is changed, and drains the former target', async (t) => {
  const scene = await openScene(t, kafka)
  const first = scene.writer('first.txt')
  const second = scene.writer('second.txt')
  first.write(50)
  second.write(50)
  symlinkSync('first.txt', scene.path('current.log'))
  const agent = scene.start()
  await scene.arrived(50)
  first.write(50)
  symlinkSync('second.txt', scene.path('next'))
  execFileSync('mv', ['-T', scene.path('next'), scene.path('current.log')])
  await scene.arrived(150)
  second.write(50)
  await scene.arrived()
  await scene.stop(agent)
  await scene.delivered()
})

const unprivileged = canBe(NOBODY) ? {} : { skip: 'the tests may not change their user' }

test('ships a file, and the files of a directory, once it may read them', unprivileged, async (t) => {
  const scene = await openScene(t, kafka, { agent: { under: NOBODY.command }, args: ['--file-discover-ms', '100'] })
  for (const directory of [scene.directory, scene.state]) chmodSync(directory, 0o755)
  chownSync(scene.state, NOBODY.uid, NOBODY.gid)
  mkdirSync(scene.path('closed'), { mode: 0o700 })
  const inside = scene.writer('closed/inside.log')
  inside.write(100)
  const writer = scene.writer('app.log')
  writer.write(100)
  chmodSync(scene.path('app.log'), 0o600)
  scene.writer('open.log').write(1)
  const agent = scene.start('--paths', `${scene.path('*.log')},${scene.path('*/*.log')}`)
  const denied = async (path: string): Promise<unknown> =>
    agent.logged((line) => String(line['msg']).startsWith('cannot read') && line['path'] === path, { what: path })
  await Promise.all([denied(scene.path('app.log')), denied(scene.path('closed')), scene.arrived(1)])
  chmodSync(scene.path('app.log'), 0o644)
  await scene.arrived(101)
  chmodSync(scene.path('closed'), 0o755)
  await scene.arrived(201)
  writer.write(10)
  inside.write(10)
  await scene.arrived()
  await scene.stop(agent)
  await scene.delivered()
})

test('keeps its place in a file that it may not read for a while, also over a restart', unprivileged, async (t) => {
  const scene = await openScene(t, kafka, { agent: { under: NOBODY.command }, args: ['--file-discover-ms', '100'] })
  for (const directory of [scene.directory, scene.state]) chmodSync(directory, 0o755)
  chownSync(scene.state, NOBODY.uid, NOBODY.gid)
  const writer = scene.writer('app.log')
  writer.write(100)
  const first = scene.start()
  await scene.arrived()
  await scene.stop(first)
  chmodSync(scene.path('app.log'), 0o600)
  writer.write(100)
  const second = scene.start()
  await until(() => second.log.some((line) => String(line['msg']).startsWith('cannot read')), { what: 'the refusal' })
  chmodSync(scene.path('app.log'), 0o644)
  await scene.arrived()
  await scene.stop(second)
  await scene.delivered()
})
