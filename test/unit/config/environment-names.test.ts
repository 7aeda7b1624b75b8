import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { complaintsOf, ENOUGH, loadGiven } from '../../support/configuration.ts'

suite('environment names that are no settings', () => {
  test('are reported if they begin with LOGAGENT_, with the nearest setting', async (t) => {
    const environment = {
      ...ENOUGH,
      LOGAGENT_ENCODNG: 'raw',
      LOGAGENT_FIELD_FILE: '/x',
      LOGAGENT_TOPIC: 'x',
      LOGAGENT_SHUTDOWN_DEADLINE: '60s',
      LOGAGENT_CONFIG_FILE: 'x',
      LOGAGENT_COLOUR: 'blue',
    }
    assert.deepEqual(await complaintsOf(t, { environment }), [
      'LOGAGENT_ENCODNG (environment): unknown setting; did you mean LOGAGENT_ENCODING?',
      'LOGAGENT_FIELD_FILE (environment): unknown setting; did you mean LOGAGENT_FIELDS_FILE?',
      'LOGAGENT_TOPIC (environment): unknown setting; did you mean KAFKA_TOPIC?',
      'LOGAGENT_SHUTDOWN_DEADLINE (environment): unknown setting; did you mean LOGAGENT_SHUTDOWN_TIMEOUT or LOGAGENT_SHUTDOWN_DRAIN?',
      'LOGAGENT_CONFIG_FILE (environment): unknown setting; did you mean LOGAGENT_CONFIG?',
      'LOGAGENT_COLOUR (environment): unknown setting',
    ])
  })

  test('are reported if they are a few letters away from a setting that begins with KAFKA_', async (t) => {
    const environment = { ...ENOUGH, KAFKA_PARTITIONR: 'random', KAFKA_COMPRESION: 'zstd', KAFKA_LINGERMS: '5' }
    assert.deepEqual(await complaintsOf(t, { environment }), [
      'KAFKA_PARTITIONR (environment): unknown setting; did you mean KAFKA_PARTITIONER?',
      'KAFKA_COMPRESION (environment): unknown setting; did you mean KAFKA_COMPRESSION?',
      'KAFKA_LINGERMS (environment): unknown setting; did you mean KAFKA_LINGER_MS?',
    ])
  })

  test("can be the application's if they begin with KAFKA_", async (t) => {
    const environment = { KAFKA_TOPICS: 'a,b', KAFKA_BROKER: 'k', KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_OPTS: '-Xmx1g' }
    await loadGiven(t, { environment: { ...ENOUGH, ...environment } })
    const yaml = 'paths: /a/b\nkafka: {brokers: k, topic: t}'
    await loadGiven(t, { yaml, environment })
    assert.deepEqual(await complaintsOf(t, { yaml, environment: { ...environment, KAFKA_COMPRESION: 'zstd' } }), [
      'KAFKA_COMPRESION (environment): unknown setting; did you mean KAFKA_COMPRESSION?',
    ])
  })

  test('are accepted if Kubernetes sets them for a Service, or if they are empty', async (t) => {
    const links = ['logagent', 'kafka', 'kafka-topic', 'kafka-broker'].flatMap((service) => {
      const name = service.toUpperCase().replace('-', '_')
      return [
        [`${name}_SERVICE_HOST`, '10.0.0.1'],
        [`${name}_SERVICE_PORT`, '9092'],
        [`${name}_SERVICE_PORT_HTTP`, '80'],
        [`${name}_PORT`, 'tcp://10.0.0.1:9092'],
        [`${name}_PORT_9092_TCP`, 'tcp://10.0.0.1:9092'],
        [`${name}_PORT_9092_TCP_PROTO`, 'tcp'],
        [`${name}_PORT_9092_TCP_PORT`, '9092'],
        [`${name}_PORT_9092_TCP_ADDR`, '10.0.0.1'],
      ]
    })
    await loadGiven(t, { environment: { ...ENOUGH, ...Object.fromEntries(links), LOGAGENT_COLOUR: '' } })
  })
})
