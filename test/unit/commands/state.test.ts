import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { lockState } from '../../../src/input/state/lock.ts'
import { ENOUGH } from '../../support/configuration.ts'
import { startAgent } from '../../support/process.ts'
import { at, openState, stateFile } from '../../support/state.ts'
import { freshDirectory, type Ending } from '../../support/temp.ts'

async function stateDirectory(t: Ending): Promise<string> {
  const directory = freshDirectory(t)
  const { state } = await openState({ directory })
  state.put(at('a', 1))
  await state.close()
  return directory
}

async function setAside(t: Ending, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const agent = startAgent(t, { args: ['state', 'set-aside', ...args], env })
  const { code } = await agent.exited()
  return { code, out: agent.output().toString(), err: agent.log.map(({ text }) => String(text)).join('\n') }
}

const stateFiles = (directory: string): string[] => readdirSync(directory).filter((name) => name.startsWith('state.'))

suite('logagent state set-aside', () => {
  test('renames the state, prints the new names, and needs neither brokers nor paths', async (t) => {
    const directory = await stateDirectory(t)
    const { code, out, err } = await setAside(t, ['--state-dir', directory])
    assert.deepEqual([code, err], [0, ''])
    const moved =
      /^(.*\/state\.1\.json) -> \1\.set-aside-\d+\n(.*\/state\.1\.journal) -> \2\.set-aside-\d+\nthe next start/
    assert.match(out, moved)
    assert.ok(stateFiles(directory).every((name) => name.includes('.set-aside-')))
    const { state } = await openState({ directory })
    assert.deepEqual([state.fresh, state.damaged, state.entries.size], [false, true, 0])
    await state.close()
  })

  test('finds the directory where the agent does, also in a configuration that is wrong elsewhere', async (t) => {
    const directory = await stateDirectory(t)
    const config = join(freshDirectory(t), 'logagent.yaml')
    writeFileSync(config, `state:\n  dir: ${directory}\nsettingOfTomorrow: 1\nkafka:\n  acks: maybe\n`)
    const { code, out } = await setAside(t, ['--config', config], { LOGAGENT_NEWS: 'x' })
    assert.equal(code, 0)
    assert.ok(out.startsWith(`${directory}/state.1.json -> `))
    const second = await stateDirectory(t)
    const byVariable = await setAside(t, [], { LOGAGENT_CONFIG: config, LOGAGENT_STATE_DIR: second })
    assert.ok(byVariable.out.startsWith(`${second}/state.1.json -> `))
  })

  test('helps an agent that has ended because it cannot read its state', async (t) => {
    const directory = freshDirectory(t)
    const path = join(directory, 'state.1.json')
    const header = { logagent: 'state', version: 9, readableFrom: 9, agent: 'node-1', since: 1 }
    const written = stateFile(header, { end: 0 })
    writeFileSync(path, written)
    const env = { ...ENOUGH, KAFKA_BROKERS: '127.0.0.1:1', LOGAGENT_STATE_DIR: directory }
    const refused = startAgent(t, { args: ['run'], env })
    await refused.exitsWith(3)
    const [said] = refused.log.map(({ text }) => String(text)).filter((text) => text.startsWith('logagent: '))
    assert.match(said ?? '', /version 9.*Run the newer logagent again, or .* "logagent state set-aside"/)
    assert.deepEqual([stateFiles(directory), readFileSync(path)], [['state.1.json'], written])
    assert.equal((await setAside(t, ['--state-dir', directory])).code, 0)
    const agent = startAgent(t, { args: ['run'], env })
    await agent.logged(({ msg }) => msg === 'logagent starts', { what: 'it starts' })
  })

  test('reports that there is no state, and creates no directory', async (t) => {
    const parent = freshDirectory(t)
    for (const directory of [join(parent, 'missing'), parent]) {
      assert.deepEqual(await setAside(t, ['--state-dir', directory]), {
        code: 0,
        out: `nothing to set aside: there is no state in ${directory}\n`,
        err: '',
      })
    }
    assert.deepEqual(readdirSync(parent), [])
  })

  test('leaves alone the state of an agent that runs', async (t) => {
    const directory = await stateDirectory(t)
    const files = stateFiles(directory)
    const lock = await lockState(directory, Math.random)
    const { code, err } = await setAside(t, ['--state-dir', directory])
    await lock.release()
    assert.deepEqual([code, err], [3, `logagent: another agent uses the state directory ${directory}`])
    assert.deepEqual(stateFiles(directory), files)
  })

  test('does not guess a directory', async (t) => {
    for (const [args, env, complaint] of [
      [[], { LOGAGENT_STATE_DIR_FILE: '/nowhere' }, /^logagent: state\.dir .*ENOENT/],
      [[], { LOGAGENT_CONFIG: '/nowhere.yaml' }, /^logagent: configuration .*ENOENT/],
      [['--state-dir', ''], {}, /^logagent: state\.dir/],
    ] as const) {
      const { code, out, err } = await setAside(t, args, env)
      assert.deepEqual([code, out], [2, ''])
      assert.match(err, complaint)
    }
    const file = join(freshDirectory(t), 'file')
    writeFileSync(file, '')
    assert.equal((await setAside(t, ['--state-dir', file])).code, 3)
  })

  test('is one of a group of commands', async (t) => {
    const agent = startAgent(t, { args: ['state'] })
    await agent.exitsWith(2)
    assert.match(agent.log.map(({ text }) => String(text)).join('\n'), / set-aside [^]*\nlogagent: give a command$/)
  })
})
