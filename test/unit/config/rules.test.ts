import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { complaintsOf, ENOUGH, loadGiven } from '../../support/configuration.ts'

suite('rules between settings', () => {
  test('something to read, brokers and a topic must be given', async (t) => {
    assert.deepEqual(await complaintsOf(t, {}), [
      'inputs: nothing to read; set LOGAGENT_PATHS (globs), paths or inputs in a file, or --paths',
      'kafka.brokers: missing; set KAFKA_BROKERS, kafka.brokers in a file or --kafka-brokers to host:port',
    ])
    const noTopic = await complaintsOf(t, { environment: { LOGAGENT_PATHS: '/a/*', KAFKA_BROKERS: 'k' } })
    assert.match(noTopic.join('\n'), /^kafka\.topic: missing; set KAFKA_TOPIC[^\n]*$/)
  })

  test('standard output needs neither brokers nor topic', async (t) => {
    const config = await loadGiven(t, { environment: { LOGAGENT_PATHS: '/a/*' }, output: 'stdout' })
    assert.deepEqual(config.kafka.brokers, [])
    assert.equal(config.inputs[0]?.topic, 'stdout')
  })

  test('at-most-once means acks 0, and nothing else', async (t) => {
    const environment = { ...ENOUGH, LOGAGENT_DELIVERY: 'at-most-once' }
    assert.equal((await loadGiven(t, { environment })).kafka.acks, 0)
    assert.equal((await loadGiven(t, { environment: { ...environment, KAFKA_ACKS: '0' } })).kafka.acks, 0)
    for (const acks of ['1', 'all']) {
      const complaints = await complaintsOf(t, { environment: { ...environment, KAFKA_ACKS: acks } })
      assert.match(
        complaints.join('\n'),
        /^kafka\.acks = (1|"all") \(environment KAFKA_ACKS\): at-most-once waits for no response/,
      )
    }
  })

  test('at-least-once can have acks all and 1, not 0', async (t) => {
    assert.equal((await loadGiven(t, { environment: { ...ENOUGH, KAFKA_ACKS: '1' } })).kafka.acks, 1)
    const complaints = await complaintsOf(t, { environment: { ...ENOUGH, KAFKA_ACKS: '0' } })
    assert.match(complaints.join('\n'), /^kafka\.acks = 0 .*at-least-once is impossible/)
  })

  test('the buffer must hold eight batches, and the complaint says how much that is', async (t) => {
    const environment = { ...ENOUGH, LOGAGENT_BATCH_MAX_BYTES: '4MiB' }
    const complaints = await complaintsOf(t, { environment })
    assert.match(complaints.join('\n'), /^buffer\.maxBytes = 16777216 \(default\): .*give 32MiB \(33554432\) or more$/)
    await loadGiven(t, { environment: { ...environment, LOGAGENT_BUFFER_MAX_BYTES: '33554432' } })
  })

  test('a line must fit into the bytes that may be read ahead', async (t) => {
    const complaints = await complaintsOf(t, { environment: { ...ENOUGH, LOGAGENT_MAX_LINE_BYTES: '9MiB' } })
    assert.match(
      complaints.join('\n'),
      /^buffer\.maxBytes = 16777216 \(default\): too little for lines .*give 29229056 or more$/m,
    )
    assert.match(complaints.join('\n'), /^file\.maxUnacked = 8388608 \(default\): .*give 9MiB or more$/m)
  })

  test('reports need a log that shows them', async (t) => {
    const environment = { ...ENOUGH, LOGAGENT_REPORT: 'log', LOGAGENT_LOG_LEVEL: 'warn' }
    assert.deepEqual(await complaintsOf(t, { environment }), [
      'report = "log" (environment LOGAGENT_REPORT): batches are reported at info, which log.level = warn (environment LOGAGENT_LOG_LEVEL) leaves out; give log.level info, debug or trace, or report none',
    ])
    await loadGiven(t, { environment: { ...environment, LOGAGENT_REPORT: 'none' } })
    for (const level of ['trace', 'debug', 'info'])
      await loadGiven(t, { environment: { ...environment, LOGAGENT_LOG_LEVEL: level } })
  })

  test('the first retry may not wait longer than the longest', async (t) => {
    const complaints = await complaintsOf(t, { environment: { ...ENOUGH, KAFKA_RETRY_MIN_MS: '2s' } })
    assert.match(complaints.join('\n'), /^kafka\.retry\.minMs = 2000 .*give no more than kafka\.retry\.maxMs \(1000\)$/)
  })
})
