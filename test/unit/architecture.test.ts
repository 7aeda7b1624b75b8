/** The rules of ARCHITECTURE.md, and that what the hand-written pages name is there. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { basename, dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { transformSync } from 'esbuild'
import { EXIT_CODES, exitCodeOfSignal } from '../../src/errors.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const find = (pattern: string): string[] => globSync(pattern, { cwd: ROOT }).sort()

/** The kernel's AssemblyScript has rules of its own: it is no JavaScript module. */
const sources = find('src/**/*.ts').filter((file) => !file.startsWith('src/kernel/simd/'))
const modules = sources.filter((file) => !file.endsWith('.d.ts'))

const STAGES = ['input', 'frame', 'enrich', 'encode', 'output']

/**
 * The rooms of a stage, with what each may import of the others: a door, or a noun that passes through several rooms. Who
 * is in no room joins the stage's rooms and may import any of them.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'src/input/state/': [],
  'src/input/volume/': [],
  'src/input/discovery/': [
    'src/input/input-rules.ts',
    'src/input/volume/volume.ts',
    'src/input/files/generations.ts',
    'src/input/files/log-file.ts',
  ],
  'src/input/copies/': [
    'src/input/groups.ts',
    'src/input/discovery/directory.ts',
    'src/input/discovery/glob.ts',
    'src/input/volume/open.ts',
    'src/input/volume/volume.ts',
    'src/input/files/identity.ts',
    'src/input/files/log-file.ts',
    'src/input/files/seen-size.ts',
  ],
  'src/input/files/': [
    'src/input/groups.ts',
    'src/input/input-rules.ts',
    'src/input/copies/',
    'src/input/discovery/directory.ts',
    'src/input/state/',
    'src/input/volume/',
  ],
  'src/input/reading/': ['src/input/files/', 'src/input/state/checkpoint.ts', 'src/input/volume/volume.ts'],
  'src/output/kafka/': ['src/output/transport.ts', 'src/output/error-codes.ts', 'src/output/backoff.ts'],
  'src/output/producer/': ['src/output/transport.ts', 'src/output/error-codes.ts', 'src/output/backoff.ts'],
}
const FREE_TO_ALL = [
  'src/flow.ts',
  'src/broker-address.ts',
  'src/shipping-rules.ts',
  'src/guard.ts',
  'src/paths.ts',
  'src/ranges.ts',
  'src/glob-base.ts',
  'src/unless-aborted.ts',
  'src/version.ts',
  'src/errors.ts',
  'src/observe/events.ts',
  'src/kernel/',
]

/** What the files under a path may import, beside what lies under the same path. Who is not listed may import anything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/flow.ts': ['src/guard.ts'],
  'src/broker-address.ts': [],
  'src/shipping-rules.ts': [],
  'src/guard.ts': ['src/kernel/layout.ts'],
  'src/paths.ts': [],
  'src/ranges.ts': ['src/flow.ts', 'src/guard.ts'],
  'src/glob-base.ts': [],
  'src/unless-aborted.ts': [],
  'src/version.ts': ['package.json'],
  'src/errors.ts': [],
  'src/kernel/': ['src/flow.ts', 'src/guard.ts'],
  'src/observe/': ['src/flow.ts', 'src/paths.ts', 'src/errors.ts'],
  'src/config/': [
    'src/errors.ts',
    'src/glob-base.ts',
    'src/kernel/sizes.ts',
    'src/broker-address.ts',
    'src/shipping-rules.ts',
  ],
  ...Object.fromEntries(Object.entries(ROOMS).map(([room, others]) => [room, [...others, ...FREE_TO_ALL]])),
  ...Object.fromEntries(STAGES.map((stage) => [`src/${stage}/`, FREE_TO_ALL])),
  'src/chunk-records.ts': ['src/frame/', 'src/output/', ...FREE_TO_ALL],
  'src/prepared-files.ts': ['src/frame/', 'src/enrich/', 'src/encode/', 'src/output/', ...FREE_TO_ALL],
  'src/pipeline.ts': [
    'src/chunk-records.ts',
    'src/prepared-files.ts',
    ...STAGES.map((stage) => `src/${stage}/`),
    ...FREE_TO_ALL,
  ],
  'src/main.ts': ['src/commands/', 'src/config/', 'src/errors.ts', 'src/version.ts'],
}

/** Files that are to be split. None may be added, and one that was split is taken off the list. */
const TOO_LONG: readonly string[] = []

/** The files of the project that a source imports, types too. */
function importsOf(file: string): string[] {
  const found = read(file).matchAll(/(?:^(?:import|export|\})[^'\n]* from |^import |\bimport\()'(\.[^']+)'/gm)
  return Array.from(found, ([, path = '']) => normalize(join(dirname(file), path)))
}

/** Without comments and types, and with strings as they are. */
function codeOf(file: string): string {
  return transformSync(read(file), { loader: 'ts', legalComments: 'none' }).code
}

/** Files without which it cannot be loaded. */
function neededBy(file: string): string[] {
  const found = codeOf(file).matchAll(/^(?:import|export|\})[^"\n]*"(\.[^"]+)";$/gm)
  return Array.from(found, ([, path = '']) => normalize(join(dirname(file), path)))
}

test('no stage imports another, and nobody more than it may', () => {
  const wrong: string[] = []
  for (const file of sources) {
    const [place, allowed] = Object.entries(MAY_IMPORT).find(([path]) => file.startsWith(path)) ?? []
    if (place === undefined || allowed === undefined) continue
    const own = place.endsWith('/') ? [place] : []
    const isAllowed = (target: string): boolean => [...own, ...allowed].some((path) => target.startsWith(path))
    wrong.push(
      ...importsOf(file)
        .filter((target) => !isAllowed(target))
        .map((target) => `${file} imports ${target}`),
    )
  }
  assert.deepEqual(wrong, [])
})

test('every folder of a stage is a room that says whom it may know', () => {
  const folders = new Set(sources.flatMap((file) => /^src\/(?:input|output)\/[^/]+\//.exec(file) ?? []))
  assert.deepEqual([...folders].sort(), Object.keys(ROOMS).sort())
})

test('the import rule sees static, type and dynamic imports', () => {
  const all = modules.flatMap(importsOf)
  for (const target of ['src/input/input.ts', 'src/flow.ts', 'src/commands/run.ts'])
    assert.ok(all.includes(target), target)
  for (const target of all) assert.ok(existsSync(join(ROOT, target)), target)
})

test('no module needs another that needs it', () => {
  const onTheWay: string[] = []
  const done = new Set<string>()
  const walk = (file: string): string | null => {
    if (onTheWay.includes(file)) return [...onTheWay.slice(onTheWay.indexOf(file)), file].join(' > ')
    if (done.has(file)) return null
    onTheWay.push(file)
    for (const next of neededBy(file)) {
      const cycle = walk(next)
      if (cycle !== null) return cycle
    }
    onTheWay.pop()
    done.add(file)
    return null
  }
  assert.ok(neededBy('src/pipeline.ts').includes('src/input/input.ts'))
  for (const file of sources) assert.equal(walk(file), null)
})

/**
 * What of a generation (src/input/files/log-file.ts) and its parts can be assigned, and the one file that does it beside
 * the one that declares it. What is not listed is read-only or private, so that only its class changes it.
 */
const OWNERS: Readonly<Record<string, string>> = {
  'LogFile.descriptor': 'src/input/files/descriptors.ts',
  'LogFile.comparedSince': 'src/input/copies/originals.ts',
  'LogFile.partition': 'src/pipeline.ts',
  'LogFile.skipped': 'src/pipeline.ts',
  'LogFile.openPieces': 'src/input/files/log-file.ts',
  'location.directory': 'src/input/files/sightings.ts',
  'location.name': 'src/input/files/sightings.ts',
  'location.within': 'src/input/files/sightings.ts',
  'location.isLinked': 'src/input/files/sightings.ts',
  'cursor.next': 'src/input/reading/read.ts',
  'cursor.guard': 'src/input/reading/read.ts',
  'cursor.halfLineEnd': 'src/input/reading/read.ts',
  'cursor.scan': 'src/input/reading/read.ts',
  'turn.queued': 'src/input/reading/schedule.ts',
  'turn.parked': 'src/input/reading/parking.ts',
  'turn.reading': 'src/input/reading/file-turn.ts',
}
/** Where each is declared. */
const PARTS: Readonly<Record<string, string>> = {
  LogFile: 'src/input/files/log-file.ts',
  location: 'src/input/files/location.ts',
  cursor: 'src/input/files/read-cursor.ts',
  turn: 'src/input/files/turn-state.ts',
  life: 'src/input/files/life.ts',
  seenSize: 'src/input/files/seen-size.ts',
  watermark: 'src/input/files/watermark.ts',
}

test('each part of a generation that can be assigned is listed with its owner', () => {
  const assignable = Object.entries(PARTS).flatMap(([part, file]) => {
    const [, body = ''] = /^export class \w+.*?\{\n(.*?)^\}/ms.exec(read(file)) ?? []
    return Array.from(body.matchAll(/^ {2}(\w+)(?::| =)/gm), ([, field = '']) => `${part}.${field}`)
  })
  assert.deepEqual(assignable.sort(), Object.keys(OWNERS).sort())
})

test('each part of a generation is written by its owner alone', () => {
  const own = Object.keys(OWNERS).flatMap((key) => (key.startsWith('LogFile.') ? [key.slice('LogFile.'.length)] : []))
  const writes = new RegExp(
    String.raw`\b(?:(cursor|turn|location)\.(\w+)|(?!this\b)\w+!?\.(${own.join('|')}))\s*(?:=(?![=>])|[-+*/%&|?^]+=|\+\+|--)`,
    'g',
  )
  const found = new Map<string, Set<string>>()
  const known = modules.filter((file) => file.startsWith('src/input/') || importsOf(file).includes(PARTS['LogFile']!))
  for (const file of known) {
    const code = codeOf(file)
    for (const [, part = 'LogFile', ofPart, ofFile] of code.matchAll(writes)) {
      const key = `${part}.${ofPart ?? ofFile}`
      found.set(key, (found.get(key) ?? new Set()).add(file))
    }
    // under another name an assignment would not be found
    assert.doesNotMatch(
      code,
      /\b(?:const|let) (?!(?:cursor|turn|location) )\w+ = [\w.#]+\.(cursor|turn|location)[;,)]/,
      file,
    )
  }
  const wrong = Array.from(found).filter(([key, files]) => [...files].some((file) => file !== OWNERS[key]))
  assert.deepEqual(wrong, [])
  for (const key of ['LogFile.descriptor', 'cursor.next', 'turn.queued', 'location.name'])
    assert.ok(found.has(key), key)
})

test('only main.ts knows the process', () => {
  const users = modules.filter((file) =>
    /\bprocess\b(?=\s*[.[?])|=\s*process\b|\(process\b|node:process/.test(codeOf(file)),
  )
  assert.deepEqual(users, ['src/main.ts'])
})

test('no file is longer than 300 lines', () => {
  const long = sources.filter((file) => read(file).split('\n').length - 1 > 300)
  assert.deepEqual(long, TOO_LONG)
})

test('a module of more than 50 lines has a test of its name, or ARCHITECTURE says where it is tested', () => {
  const [, table = ''] = /## Tests of a module\n(.*?)\n## /s.exec(read('ARCHITECTURE.md')) ?? []
  const listed = new Set(
    Array.from(table.matchAll(/^\| (.*?) \|/gm), ([, cell = '']) => cell.match(/src\/[\w/.-]+\.ts/g) ?? []).flat(),
  )
  const without = modules.filter((file) => {
    const isLong = read(file).split('\n').length - 1 > 50
    return isLong && !existsSync(join(ROOT, file.replace('src/', 'test/unit/').replace(/\.ts$/, '.test.ts')))
  })
  assert.deepEqual(without, [...listed].sort())
})

test('file names say what is in them', () => {
  const vague = find('{src,test,scripts}/**/*.ts').filter((file) => {
    return /(^|[/.-])(utils?|helpers?|common|types|misc|index)\.ts$/.test(file)
  })
  assert.deepEqual(vague, [])
})

test('nothing is exported by default, and no module has state of its own', () => {
  const wrong = modules.filter((file) => {
    const code = codeOf(file)
    return /^export default|^(export )?(let|var) |^(export )?const \w+ = (?:\/\* @__PURE__ \*\/ )?new (Weak)?(Map|Set)\(\)/m.test(
      code,
    )
  })
  assert.deepEqual(wrong, [])
})

test('the table of exit codes has each one there is, and no other', () => {
  const table = read('docs/operations.md').split('## Exit codes')[1]?.split('\n## ')[0] ?? ''
  const told = Array.from(table.matchAll(/^\| ([\d, ]+) \|/gm), ([, codes = '']) => codes.split(', ').map(Number))
  const { SIGINT, SIGTERM, SIGKILL } = constants.signals
  const ended = [0, ...[SIGINT, SIGTERM, SIGKILL].map(exitCodeOfSignal)]
  const codes = new Set([...ended, ...Object.values(EXIT_CODES)])
  assert.deepEqual(
    told.flat().sort((a, b) => a - b),
    [...codes].sort((a, b) => a - b),
  )
})

const pages = find('{*.md,docs/**/*.md}')

test('every file that a page names is there', () => {
  const missing: string[] = []
  for (const page of pages) {
    // without the fenced blocks, which show trees and output
    const text = read(page).replaceAll(/```.*?```/gs, '')
    const named = text.matchAll(/`((?:src|test|scripts|docs|k8s|helm)\/[\w./-]+)`|`(Dockerfile|Makefile)`/g)
    for (const [, path, top] of named) {
      const file = path ?? top ?? ''
      if (!existsSync(join(ROOT, file))) missing.push(`${page}: ${file}`)
    }
    for (const [, link = ''] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (!/^[a-z]+:/.test(link) && !existsSync(join(ROOT, dirname(page), link))) missing.push(`${page}: ${link}`)
    }
  }
  assert.deepEqual(missing, [])
})

test('the way of a line has nine steps, each with its files', () => {
  const [, way = ''] = /## The way of a line\n(.*?)\n## /s.exec(read('ARCHITECTURE.md')) ?? []
  const steps = way.split(/^\d\. /m).slice(1)
  assert.equal(steps.length, 9)
  for (const step of steps) assert.match(step, /`src\//)
})

test('each rule that has bitten names its test', () => {
  const [, rules = ''] = /## Rules that have bitten\n(.*?)\n## /s.exec(read('ARCHITECTURE.md')) ?? []
  const each = rules.split(/^- /m).slice(1)
  assert.ok(each.length >= 10)
  for (const rule of each) assert.match(rule, /`test\/[\w/.-]+\.test\.ts`/, rule)
})

test('decisions are numbered without a gap, dated, and in one form', () => {
  const decisions = find('docs/decisions/[0-9]*.md')
  const index = read('docs/decisions/README.md')
  assert.deepEqual(
    decisions.map((file) => file.split('/').at(-1)?.slice(0, 4)),
    decisions.map((_, index) => String(index + 1).padStart(4, '0')),
  )
  for (const file of decisions) {
    const text = read(file)
    assert.match(text, /^# \d{4}: .+\n\n20\d\d-\d\d-\d\d, accepted\n/, file)
    const headings = Array.from(text.matchAll(/^## (.+)$/gm), ([, heading]) => heading)
    assert.deepEqual(headings, ['Context', 'Decision', 'Consequences', 'Alternatives'], file)
    assert.ok(index.includes(`](${basename(file)})`), `${file} is not in the index`)
  }
})
