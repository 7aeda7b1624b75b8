import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { complaintsOf, ENOUGH, loadGiven } from '../../support/configuration.ts'
import { freshDirectory } from '../../support/temp.ts'

suite('values from files', () => {
  test('NAME_FILE names a file with the value, whose last newline is dropped', async (t) => {
    const path = join(freshDirectory(t), 'topic')
    writeFileSync(path, 'secret-topic\n')
    const { KAFKA_TOPIC: _, ...rest } = ENOUGH
    const config = await loadGiven(t, { environment: { ...rest, KAFKA_TOPIC_FILE: path } })
    assert.equal(config.kafka.topic, 'secret-topic')
    assert.equal(config.origins['kafka.topic']?.words, `environment KAFKA_TOPIC_FILE=${path}`)
  })

  test('NAME and NAME_FILE together are a complaint', async (t) => {
    const complaints = await complaintsOf(t, { environment: { ...ENOUGH, KAFKA_TOPIC_FILE: '/nowhere' } })
    assert.deepEqual(complaints, [
      'kafka.topic (environment KAFKA_TOPIC_FILE and KAFKA_TOPIC): both are set; give one of them',
    ])
  })

  test('a missing file is reported, and the missing value is not reported too', async (t) => {
    const { KAFKA_BROKERS: _, ...rest } = ENOUGH
    const complaints = await complaintsOf(t, { environment: { ...rest, KAFKA_BROKERS_FILE: '/nowhere/at-all' } })
    assert.equal(complaints.length, 1)
    assert.match(
      complaints[0] ?? '',
      /^kafka\.brokers \(environment KAFKA_BROKERS_FILE\): give a file that can be read: ENOENT/,
    )
  })
})
