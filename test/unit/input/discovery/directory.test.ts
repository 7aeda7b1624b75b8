import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Directory } from '../../../../src/input/discovery/directory.ts'
import { interestsIn } from '../../../../src/input/discovery/interest.ts'
import { pathOfText } from '../../../../src/paths.ts'
import type { InputRules } from '../../../../src/input/input-rules.ts'
import { type Volume, localVolume } from '../../../../src/input/volume/volume.ts'
import { globsOf, inputsFor } from '../../../support/discovery-world.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { countedVolume } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

function directoryWith(
  t: TestContext,
  names: readonly string[],
  settings: { volume?: Volume; rules?: Partial<InputRules>; globs?: string[] } = {},
) {
  const { volume = localVolume, rules = {}, globs = ['*.log'] } = settings
  const path = freshDirectory(t)
  for (const name of names) {
    if (name.endsWith('/')) mkdirSync(join(path, name), { recursive: true })
    else writeFileSync(Buffer.from(join(path, name), 'latin1'), '')
  }
  const ours = inputsFor(...globs.map((glob) => join(path, glob))).map((input) => ({
    ...input,
    ...rules,
    id: input.id,
  }))
  const directory = new Directory(path, volume, interestsIn(path, globsOf(ours)))
  /** `name kind input` of every sighting of a look. */
  const sighted = async (): Promise<string[] | undefined> =>
    (await directory.look())?.sightings.map(({ name, kind, interest }) => `${name} ${kind} ${interest.rules.id}`).sort()
  return { path, directory, sighted }
}

void test('distinguishes live files, rotated pieces and other files', async (t) => {
  const names = ['a.log', 'a.log.1', 'a.log-2', 'a.log.2.gz', 'a.log.tmp', '.a.log', 'b.txt', 'b.log']
  const { sighted } = directoryWith(t, names)
  assert.deepEqual(await sighted(), ['a.log live a', 'a.log-2 rotated a', 'a.log.1 rotated a', 'b.log live a'])
})

void test('sights only what the glob matches if rotated pieces are not wanted', async (t) => {
  const { sighted } = directoryWith(t, ['a.log', 'a.log.1'], { rules: { rotated: 'none' } })
  assert.deepEqual(await sighted(), ['a.log live a'])
})

void test('counts a rotated piece as a live file if the glob matches it', async (t) => {
  const { sighted } = directoryWith(t, ['a.log', 'a.log.1'], { globs: ['a*'] })
  assert.deepEqual(await sighted(), ['a.log live a', 'a.log.1 live a'])
})

void test('knows which names rotation may give a file that had another name', async (t) => {
  const siblings = async (names: string[], globs: string[], rules: Partial<InputRules> = {}): Promise<string[]> => {
    const { directory } = directoryWith(t, names, { globs, rules })
    const sightings = (await directory.look())?.sightings ?? []
    const pairs = sightings.flatMap((one) =>
      names.flatMap((former) =>
        former !== one.name && directory.isSibling(one, former) ? [`${former} > ${one.name}`] : [],
      ),
    )
    return pairs.sort()
  }
  const names = ['a.log', 'a.log.1', 'a.log.2', 'b.log', 'b.log.1', 'a-1.log', 'a-2.log', 'a-1.log.1', 'a-2.log.1', 'a']
  assert.deepEqual(await siblings(names, ['*.log']), [
    'a-1.log > a-1.log.1',
    'a-2.log > a-2.log.1',
    'a.log > a.log.1',
    'a.log > a.log.2',
    'a.log.1 > a.log.2',
    'a.log.2 > a.log.1',
    'b.log > b.log.1',
    ...['a > a-1.log', 'a > a-1.log.1', 'a > a-2.log', 'a > a-2.log.1', 'a > a.log', 'a > a.log.1', 'a > a.log.2'],
  ].sort()) // prettier-ignore
  assert.deepEqual(
    await siblings(['app.1', 'app.2', 'app.2.1'], ['app.*']),
    ['app.2 > app.2.1'],
    'app.1 and app.2 may be two logs',
  )
  assert.deepEqual(await siblings(['a.log.1', 'a.log.2'], ['*.log'], { exclude: ['a.log'] }), [])
})

void test('leaves out excluded files and their rotated pieces', async (t) => {
  const names = ['a.log', 'a.log.1', 'debug.log', 'debug.log.1', 'b.log', 'b.log.1', 'b.log.2']
  const { sighted } = directoryWith(t, names, { rules: { exclude: ['debug.log', '*.2'] } })
  assert.deepEqual(await sighted(), ['a.log live a', 'a.log.1 rotated a', 'b.log live a', 'b.log.1 rotated a'])
})

void test('gives a file to the first input that wants it, live or rotated', async (t) => {
  const { sighted } = directoryWith(t, ['a.log', 'a.log.1', 'b.log', 'b.log.1'], {
    globs: ['b.log', '*.log', 'a.log*'],
  })
  assert.deepEqual(await sighted(), ['a.log live b', 'a.log.1 rotated b', 'b.log live a', 'b.log.1 rotated a'])
})

void test('leaves out hidden files at any depth, and sights all others', async (t) => {
  const { sighted, directory } = directoryWith(t, ['a', '.b', 'c.gz', 'd/', '.e/'], { globs: ['**'] })
  assert.deepEqual(await sighted(), ['a live a', 'c.gz live a'])
  assert.deepEqual([...((await directory.look())?.below.keys() ?? [])], ['d'])
})

void test('never sights a directory, and follows one only if a glob goes on below it', async (t) => {
  const { directory } = directoryWith(t, ['a.log/', 'b.log', 'c/'], { globs: ['*.log', 'c*/x.log'] })
  const look = await directory.look()
  assert.deepEqual(look?.sightings.map(({ name }) => name), ['b.log']) // prettier-ignore
  assert.deepEqual([...(look?.below.keys() ?? [])], ['c'])
})

void test('sights a file that is not regular: opening it is what refuses it', async (t) => {
  const { path, directory } = directoryWith(t, [])
  execFileSync('mkfifo', [join(path, 'pipe.log')])
  const look = await directory.look()
  assert.deepEqual(look?.sightings.map(({ facts }) => facts.kind), ['other']) // prettier-ignore
})

void test('knows which names are links, and where they lead', async (t) => {
  const { path, directory } = directoryWith(t, ['a.log', 'd/'], { globs: ['*.log', '*/x.log'] })
  symlinkSync('a.log', join(path, 'b.log'))
  symlinkSync('nowhere', join(path, 'c.log'))
  symlinkSync('d', join(path, 'e'))
  symlinkSync('a.log', join(path, 'not-ours'))
  const look = await directory.look()
  const key = async (name: string): Promise<string> => (await localVolume.facts(join(path, name)))?.key ?? ''
  assert.deepEqual(
    [...(look?.links ?? [])].sort(),
    [
      ['b.log', await key('a.log')],
      ['c.log', ''],
      ['e', await key('d')],
      ['not-ours', await key('a.log')],
    ].sort(),
  )
  assert.deepEqual(look?.sightings.map(({ name, isLink }) => [name, isLink]).sort(), [
    ['a.log', false],
    ['b.log', true],
  ])
})

void test('sights names that are not UTF-8', async (t) => {
  const { sighted, directory, path } = directoryWith(t, ['\xff\xfe.log', pathOfText('größe.log'), '\xff'], {
    globs: ['*.log'],
  })
  assert.deepEqual(await sighted(), [`${pathOfText('größe.log')} live a`, '\xff\xfe.log live a'])
  assert.equal(directory.pathOf('\xff'), `${path}/\xff`)
  assert.equal(new Directory('/', localVolume, []).pathOf('a'), '/a')
})

void test('returns names whose facts cannot be had, and continues with the others', async (t) => {
  const volume = countedVolume()
  const facts = volume.facts.bind(volume)
  volume.facts = (path) => {
    if (path.endsWith('/bad.log')) throw systemError('EACCES', 'stat')
    return facts(path)
  }
  const { directory, sighted } = directoryWith(t, ['a.log', 'bad.log', 'c.log'], { volume })
  assert.deepEqual(await sighted(), ['a.log live a', 'c.log live a'])
  const denied = (await directory.look())?.denied
  assert.deepEqual(denied, [{ name: 'bad.log', reason: 'EACCES: injected, stat' }])
})

void test('gets the facts of wanted names only', async (t) => {
  const volume = countedVolume()
  const names = Array.from({ length: 100 }, (_, n) => `${n}.txt`)
  const { directory } = directoryWith(t, [...names, 'a.log'], { volume })
  await directory.look()
  assert.equal(volume.asked.length, 1)
})

void test('returns null when the directory no longer exists', async () => {
  assert.equal(await new Directory('/nowhere/at/all', localVolume, []).look(), null)
})

void test('finds files under any name when searching, each for its own input', async (t) => {
  const { directory, path } = directoryWith(t, ['a.log', 'old.txt', 'other.txt', 'd/'], { globs: ['*.log', 'b*'] })
  symlinkSync('loop', join(path, 'loop'))
  const key = async (name: string): Promise<string> => (await localVolume.facts(join(path, name)))?.key ?? ''
  const inputIds = new Map([
    [await key('old.txt'), 'b'],
    [await key('other.txt'), 'an input that is gone'],
    [await key('d'), 'a'],
  ])
  const found = await directory.search((wanted) => inputIds.get(wanted) ?? null)
  assert.deepEqual(found.map(({ name, kind, interest }) => [name, kind, interest.rules.id]).sort(), [
    ['old.txt', 'sought', 'b'],
    ['other.txt', 'sought', 'a'],
  ])
})
