import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as formats from '../../../src/config/formats.ts'

const { FORMATS, parseBroker, parseBytes, parseDuration, showBytes, showDuration, splitList } = formats

suite('quantities', () => {
  test('bytes are a number or have a binary unit', () => {
    assert.equal(parseBytes('4096'), 4096)
    assert.equal(parseBytes('256KiB'), 262_144)
    assert.equal(parseBytes('1.5 mib'), 1_572_864)
    for (const text of ['', '1MB', '1.5', 'KiB', '-1', '0x10', '1e6', '9'.repeat(16), '9999999GiB'.repeat(9)]) {
      assert.equal(parseBytes(text), undefined, text)
    }
  })

  test('durations are milliseconds or have a unit', () => {
    assert.equal(parseDuration('250'), 250)
    assert.equal(parseDuration('500ms'), 500)
    assert.equal(parseDuration('0.5s'), 500)
    assert.equal(parseDuration('5m'), 300_000)
    for (const text of ['soon', '5 minutes', '1d', '0.0001s', 'constructor'])
      assert.equal(parseDuration(text), undefined, text)
  })

  test('are shown exactly, and as they can be read again', () => {
    assert.equal(showBytes(1_048_576), '1MiB')
    assert.equal(showBytes(1_000_000), '1000000')
    assert.equal(showDuration(60_000), '1m')
    assert.equal(showDuration(1500), '1500ms')
    assert.equal(showDuration(0), '0')
    for (const value of [0, 1, 1023, 1024, 5000, 3_600_000]) {
      assert.equal(parseBytes(showBytes(value)), value)
      assert.equal(parseDuration(showDuration(value)), value)
    }
  })
})

suite('brokers', () => {
  test('have port 9092 if not told, and IPv6 in brackets', () => {
    assert.deepEqual(parseBroker('kafka-0.kafka_x:9093'), { host: 'kafka-0.kafka_x', port: 9093 })
    assert.deepEqual(parseBroker('kafka'), { host: 'kafka', port: 9092 })
    assert.deepEqual(parseBroker('[fd00::1]:1'), { host: 'fd00::1', port: 1 })
    assert.deepEqual(parseBroker('[::1]'), { host: '::1', port: 9092 })
  })

  test('are nothing else', () => {
    for (const text of [
      '',
      ':9092',
      'a:0',
      'a:65536',
      'a:b',
      '::1',
      '[::1',
      '[::zz]:1',
      '[1.2.3.4]:1',
      'a b',
      'ssl://a:1',
      'a/b',
      'a:1:2',
    ]) {
      assert.equal(parseBroker(text), undefined, text)
    }
  })
})

test('lists split at commas that are not in braces', () => {
  assert.deepEqual(splitList('/a/{b,c}.log, /d,,'), ['/a/{b,c}.log', '/d'])
  assert.deepEqual(splitList('/a/\\{x.log,/b/*.log'), ['/a/\\{x.log', '/b/*.log'])
  assert.deepEqual(splitList(' '), [])
  assert.deepEqual(splitList('}a,b{c,d'), ['}a', 'b{c,d'])
})

suite('text from the environment', () => {
  const coerced = (format: 'acks' | 'boolean' | 'fields' | 'partitioner', text: string): unknown =>
    FORMATS[format].coerce(text)

  test('becomes a value, or stays what it is for the format to refuse', () => {
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
  const refuses = (format: formats.FormatName, ...values: unknown[]): void => {
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
    refuses('fields', [], 'x', { a: [] }, { a: null }, { a: Number.NaN }, { '': 1 }, { 'a\n': 1 })
    refuses('key', '', '${nope}', '${agent.id', '${fields.}', 5)
    refuses('inputs', 'x', 5, [1], { a: 1 }, [[]])
    refuses('brokers', [], ['a:0'], 'a')
  })
})
