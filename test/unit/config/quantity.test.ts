import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseBytes, parseDuration, showBytes, showDuration } from '../../../src/config/quantity.ts'

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

  test('are shown exactly, and in a form that can be parsed again', () => {
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
