import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { complaintsOf, ENOUGH, loadGiven } from '../../support/configuration.ts'

const environment = ENOUGH

suite('JSON', () => {
  test('keys that are given twice are reported with their line', async (t) => {
    const json = '{"kafka": {"topic": "a",\n "top\\u0069c": "b"}, "agent": {"id": "{\\"id\\": 1, \\"id\\": 2}"}}'
    assert.deepEqual(await complaintsOf(t, { json, environment }), [
      'configuration (FILE): given twice: "topic" in line 2',
    ])
  })

  test('the same key in different objects is fine', async (t) => {
    const json = '{"inputs": [{"path": "/a/*"}, {"path": "/b/*"}]}'
    assert.equal((await loadGiven(t, { json, environment })).inputs.length, 3)
  })
})

suite('INI', () => {
  test('lines that its parser would skip or overwrite are reported', async (t) => {
    const ini = '[kafka]\ntopic=a\nnonsense\n=x\n[kafka\ntopic=b\n[__proto__]\nx=1\n[a.b]\n__proto__=1\n'
    assert.deepEqual(await complaintsOf(t, { ini, environment }), [
      'configuration (FILE): line 3: neither [section] nor name = value; ' +
        'line 4: neither [section] nor name = value; ' +
        'line 5: neither [section] nor name = value; ' +
        'line 6: topic is given in line 2 already; ' +
        "line 7: __proto__ can't be a name; " +
        "line 10: __proto__ can't be a name",
    ])
  })

  test('text that its parser would take for a comment is reported', async (t) => {
    const text = (value: string): string => `[inputs.a]\npath=/a/*\ntopic=${value}\n`
    for (const value of ['a;b', 'a#b']) {
      assert.deepEqual(await complaintsOf(t, { ini: text(value), environment }), [
        'configuration (FILE): line 3: ; and # begin a comment; put the value in quotes',
      ])
    }
    for (const value of ['logs ; a comment', 'logs ; see PR#12', 'logs ;; note', '"logs"']) {
      const { inputs } = await loadGiven(t, { ini: text(value), environment })
      assert.equal(inputs[0]?.topic, 'logs')
    }
  })

  test('a section that undoes a setting is reported', async (t) => {
    const complaints = await complaintsOf(t, { ini: 'kafka=1\n[kafka.retry]\nminMs=5', environment })
    assert.deepEqual(complaints, ['configuration (FILE): line 2: [kafka.retry] undoes line 1'])
  })

  test('a section that its parser would drop for a later one is reported', async (t) => {
    const complaints = await complaintsOf(t, { ini: '[inputs.a.fields]\nx=1\n[inputs.a]\npath=/a/*', environment })
    assert.deepEqual(complaints, ['configuration (FILE): line 1: [inputs.a.fields] must come after [inputs.a]'])
  })
})
