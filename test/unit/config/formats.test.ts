import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { FORMATS, type Format, type FormatName } from '../../../src/config/formats.ts'

suite('text from the environment', () => {
  const coerced = (format: 'acks' | 'boolean' | 'fields' | 'partitioner', text: string): unknown =>
    FORMATS[format].coerce(text)

  test('becomes a value, or stays as it is and is refused by the format', () => {
    assert.equal(coerced('acks', '1'), 1)
    assert.equal(coerced('acks', 'all'), 'all')
    assert.equal(coerced('partitioner', '12'), 12)
    assert.equal(coerced('boolean', 'TRUE'), true)
    assert.equal(coerced('boolean', '__proto__'), '__proto__')
    assert.deepEqual(coerced('fields', 'a=1, b.c = x=y'), { a: '1', 'b.c': 'x=y' })
    assert.deepEqual(coerced('fields', '{"n": 1}'), { n: 1 })
    assert.equal(coerced('fields', 'nonsense'), 'nonsense')
  })

  test('never throws while it is being read', () => {
    for (const [name, format] of Object.entries(FORMATS)) {
      if (!('coerce' in format)) continue
      for (const text of ['', '{', '[', '\0', ','.repeat(1000), '{'.repeat(100_000), '=']) {
        assert.doesNotThrow(() => format.coerce(text), `${name} ${text.slice(0, 10)}`)
      }
    }
  })
})

suite('what is refused', () => {
  const refuses = (format: FormatName, ...values: unknown[]): void => {
    for (const value of values)
      assert.throws(() => FORMATS[format].validate(value, {}), Error, `${format} ${String(value)}`)
  }

  test('values of the wrong kind or out of range', () => {
    refuses('topic', '', '.', '..', 'a b', 'é', 'a'.repeat(250), 7, null)
    refuses('partitioner', -1, 1.5, 2 ** 31, 'Sticky', null)
    refuses('acks', -1, 2, 'ALL', true)
    refuses('name', '', '-a', 'a/b', '__proto__', 'x'.repeat(254), 5)
    refuses('globs', [], ['a'], ['/a/../b'], ['/a/./b'], ['/a\0'], [7], 'x', {})
    refuses('exclude', ['../x'], ['a/b'], [''])
    refuses('directory', 'relative', '/a/..', '', null)
    refuses('fields', [], 'x', null)
    refuses('globs', ['/a/{b,c'], ['/a/[b'], ['/a/'])
    refuses('key', '', '${nope}', '${agent.id', '${fields.}', 5)
    refuses('inputs', 'x', 5, null)
    refuses('brokers', [], ['a:0'], 'a')
  })

  test('globs and directories longer than any path, in bytes', () => {
    const longest = `/${'ö'.repeat(2047)}x`
    for (const format of ['globs', 'exclude', 'directories'] as const) {
      FORMATS[format].validate([longest])
      refuses(format, [`${longest}x`], ['/a', `${longest}x`])
    }
    FORMATS.directory.validate(longest)
    refuses('directory', `${longest}x`)
    FORMATS.exclude.validate(['x'.repeat(4096)])
    refuses('exclude', ['x'.repeat(4097)], ['*'.repeat(65_537)])
  })

  test('groups that are open at a slash, since names are matched one by one', () => {
    refuses('globs', ['/a/{b/c,d}/*.log'], ['/a/{b,c}/{d{e}/f,g}'], ['/a/[b/c].log'], ['/a/{b,[/]}'])
    refuses('globs', ['/a/@(b/c|d)/*'], ['/a/!(b/c)'], ['/a/+(b|c/d)/e'], ['/a/(b/c)'], ['/a/{b/c,d\\}}'])
    const accepted = ['/a/{b,c}/{d,e}.log', '/a/@(b|c)/!(d)', '/a/\\{b/c\\}', '/a/b(1/c.log', '/a/b\\(/c\\)']
    for (const glob of accepted) assert.doesNotThrow(() => FORMATS.globs.validate([glob]), glob)
  })

  test('entries of a map one by one', () => {
    const { validateEntry }: Format = FORMATS.fields
    validateEntry?.('a', 1)
    for (const [name, value] of Object.entries({ a: [], b: null, c: Number.NaN, d: {}, '': 1, 'a\n': 1 })) {
      assert.throws(() => validateEntry?.(name, value), Error, name)
    }
  })
})
