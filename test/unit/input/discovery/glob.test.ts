import assert from 'node:assert/strict'
import { test } from 'node:test'
import { excluder, isRotatedName, liveNames, matchesSegment, parseGlob } from '../../../../src/input/discovery/glob.ts'
import { pathOfText } from '../../../../src/paths.ts'

/** The base of a glob, and the name or kind of each segment. */
function shape(pattern: string): unknown {
  const { base, segments } = parseGlob(pattern)
  return [base, ...segments.map((segment) => (segment.kind === 'name' ? segment.name : segment.kind))]
}

/** The names that the last segment matches. */
function matching(pattern: string, ...names: string[]): string[] {
  const segment = parseGlob(pattern).segments.at(-1)
  assert.ok(segment)
  return names.filter((name) => matchesSegment(segment, pathOfText(name)))
}

void test('splits a glob into the directory where it begins and the segments below', () => {
  assert.deepEqual(shape('/var/log/app/*.log'), ['/var/log/app', 'pattern'])
  assert.deepEqual(shape('/var/log/pods/*/*/*.log'), ['/var/log/pods', 'pattern', 'pattern', 'pattern'])
  assert.deepEqual(shape('/var/*/app/today.log'), ['/var', 'pattern', 'app', 'today.log'])
  assert.deepEqual(shape('/var/log/**/*.log'), ['/var/log', 'any-depth', 'pattern'])
  assert.deepEqual(shape('/*.log'), ['/', 'pattern'])
})

void test('treats a path without a pattern as the name of one file', () => {
  assert.deepEqual(shape('/var/log/app.log'), ['/var/log', 'app.log'])
  assert.deepEqual(shape('/app.log'), ['/', 'app.log'])
  assert.deepEqual(shape('//var/./log//app.log'), ['/var/log', 'app.log'])
})

void test('keeps names in UTF-8 as the bytes that they are on disk', () => {
  assert.deepEqual(shape('/größe/日.log'), [pathOfText('/größe'), pathOfText('日.log')])
  assert.deepEqual(matching('/a/größe*.log', 'größe-1.log', 'große-1.log'), ['größe-1.log'])
  assert.deepEqual(matching('/a/?.log', 'ö.log', '日.log', 'ab.log'), ['ö.log', '日.log'])
})

void test('matches names whose bytes are not UTF-8', () => {
  const segment = parseGlob('/a/*.log').segments[0]
  assert.ok(segment)
  assert.ok(matchesSegment(segment, '\xff\xfe\x80.log'))
  assert.ok(!matchesSegment(segment, '\xff\xfe\x80.txt'))
})

void test('supports wildcards, classes, braces and extended patterns', () => {
  assert.deepEqual(matching('/a/*.log', 'a.log', '.log', '.a.log', 'a.log.1', 'b.txt'), ['a.log'])
  assert.deepEqual(matching('/a/app[0-9].log', 'app1.log', 'appx.log'), ['app1.log'])
  assert.deepEqual(matching('/a/{web,api}*.log', 'web-1.log', 'api.log', 'db.log'), ['web-1.log', 'api.log'])
  assert.deepEqual(matching('/a/!(debug).log', 'debug.log', 'web.log'), ['web.log'])
  assert.deepEqual(matching('/a/+([0-9]).log', '12.log', 'a.log'), ['12.log'])
})

/** Patterns, each with names that it matches and names that it does not. */
const BRACKETS: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['[!x].log', ['y.log', '!.log'], ['x.log']],
  ['[^x].log', ['y.log', '^.log'], ['x.log']],
  ['[a-c].log', ['a.log', 'b.log', 'c.log'], ['d.log', '-.log']],
  ['app[!0-9].log', ['appx.log', 'app!.log'], ['app1.log']],
  ['app[^0-9].log', ['appx.log'], ['app1.log']],
  ['[[:digit:]].log', ['1.log'], ['a.log', ':.log']],
  ['[![:digit:]].log', ['a.log'], ['1.log']],
  ['[!]a].log', ['b.log'], ['].log', 'a.log']],
  ['[x!].log', ['x.log', '!.log'], ['y.log']],
  ['[!a-c]pp[0-9].log', ['dpp1.log'], ['app1.log', 'dppx.log']],
]

void test('matches brackets and negated brackets as a shell does', () => {
  for (const [pattern, matched, others] of BRACKETS)
    assert.deepEqual(matching(`/a/${pattern}`, ...matched, ...others), matched, pattern)
})

void test('excludes by brackets and negated brackets as a shell does', () => {
  for (const [pattern, matched, others] of BRACKETS) {
    for (const excludes of [excluder([pattern]), excluder([`/a/${pattern}`])]) {
      const excluded = [...matched, ...others].filter((name) => excludes(`/a/${name}`))
      assert.deepEqual(excluded, matched, pattern)
    }
  }
})

void test('treats a ! in front of a name as an ordinary character', () => {
  assert.deepEqual(matching('/a/!x*.log', '!x1.log', 'x1.log', 'y.log'), ['!x1.log'])
  assert.deepEqual(matching('/a/!x.log', '!x.log', 'x.log', 'y.log'), ['!x.log'])
})

void test('matches hidden names only if the pattern begins with a dot', () => {
  assert.deepEqual(matching('/a/*', 'a', '.a'), ['a'])
  assert.deepEqual(matching('/a/.*.log', '.a.log', 'a.log'), ['.a.log'])
  for (const bracket of ['[!x]', '[^x]', '[[:punct:]a]', '[.a]', '[!x]pp'])
    assert.deepEqual(matching(`/a/${bracket}*`, 'app', '.app'), ['app'], bracket)
  assert.deepEqual(matching('/a/.[!x]*', '.app', '.xpp', 'app'), ['.app'])
})

void test('treats characters that could be part of a pattern as ordinary ones where they are none', () => {
  assert.deepEqual(matching('/a/app+1@host.log', 'app+1@host.log', 'app1host.log'), ['app+1@host.log'])
  assert.deepEqual(matching('/a/app\\[1\\].log', 'app[1].log', 'app1.log'), ['app[1].log'])
})

void test('excludes by the file name if the pattern has no slash', () => {
  const excludes = excluder(['*.debug.log', 'audit*'])
  assert.ok(excludes('/var/log/a.debug.log'))
  assert.ok(excludes('/var/log/deep/er/audit.log'))
  assert.ok(excludes('/var/log/.hidden.debug.log'))
  assert.ok(!excludes('/var/log/audit/a.log'), 'the pattern matches its directory, not the file')
  assert.ok(!excludes('/var/log/a.log'))
})

void test('excludes by the whole path if the pattern has a slash', () => {
  const excludes = excluder(['/var/log/pods/kube-system_*/**', '/tmp/*.log'])
  assert.ok(excludes('/var/log/pods/kube-system_coredns_1/coredns/0.log'))
  assert.ok(excludes('/tmp/a.log'))
  assert.ok(!excludes('/tmp/deep/a.log'))
  assert.ok(!excludes('/var/log/pods/shop_web_1/web/0.log'))
})

void test('excludes names that are not ASCII, and names that are not UTF-8', () => {
  const excludes = excluder(['größe*', '*.tmp.log'])
  assert.ok(excludes(pathOfText('/a/größe.log')))
  assert.ok(excludes('/a/\xff.tmp.log'))
  assert.ok(!excludes('/a/\xff.log'))
})

void test('excludes nothing without a pattern', () => {
  assert.ok(!excluder([])('/a/b.log'))
})

void test('recognizes the names of rotated pieces of a live file', () => {
  const isLive = (name: string): boolean => name === 'app.log' || name === '0.log'
  for (const name of ['app.log.1', 'app.log-20261122', 'app.log_old', '0.log.20261122-100000', 'app.log.1.2'])
    assert.ok(isRotatedName(name, isLive), name)
  for (const name of ['app.log', 'app.log1', 'app.log.', 'xapp.log.1', 'app-1.log', '.app.log.1', ''])
    assert.ok(!isRotatedName(name, isLive), name)
})

void test('does not count compressed or temporary files as rotated pieces', () => {
  const isLive = (name: string): boolean => name === 'app.log'
  for (const ending of ['gz', 'zst', 'bz2', 'xz', 'lz4', 'lzma', 'zip', 'br', 'Z', 'tmp', 'swp', 'bak', 'offset'])
    for (const name of [`app.log.${ending}`, `app.log.1.${ending}`]) assert.ok(!isRotatedName(name, isLive), name)
  assert.ok(!isRotatedName('app.log.1~', isLive))
})

void test('returns every live name that a piece may belong to', () => {
  assert.deepEqual(liveNames('app.log-2026_1'), ['app', 'app.log', 'app.log-2026'])
  assert.deepEqual(liveNames('app.log.gz'), [])
})
