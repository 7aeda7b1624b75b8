/** The support of the other tests on a real Kafka: what it reports of that is true. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { CompressionTypes, Kafka as KafkaJs, logLevel, type Message } from 'kafkajs'
import { freshTopic, sharedKafka, startKafka } from '../support/kafka.ts'
import { readWithKcat } from '../support/kcat.ts'
import { until } from '../support/wait.ts'

async function produce(bootstrap: string, topic: string, messages: Message[]): Promise<void> {
  const client = new KafkaJs({ brokers: bootstrap.split(','), logLevel: logLevel.NOTHING })
  const producer = client.producer()
  await producer.connect()
  try {
    await producer.send({ topic, messages, compression: CompressionTypes.None })
  } finally {
    await producer.disconnect()
  }
}

void describe('a shared Kafka', () => {
  const opening = sharedKafka()
  after(async () => (await opening).close())

  void test('returns what another client wrote, byte for byte, with both readers', async () => {
    const kafka = await opening
    const topic = freshTopic('round-trip')
    await kafka.createTopic(topic, { partitions: 3 })
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const messages = [
      { partition: 0, key: everyByte, value: everyByte, timestamp: '1795348800000', headers: { a: 'ü', b: 'x y' } },
      { partition: 0, key: null, value: Buffer.alloc(0), timestamp: '1795348800001', headers: {} },
      { partition: 2, key: '', value: null, timestamp: '1795348800002', headers: {} },
      { partition: 2, key: 'k\n', value: 'line\nline\n', timestamp: '1795348800003', headers: {} },
    ]
    await produce(kafka.bootstrap, topic, messages)
    assert.deepEqual(await kafka.endOffsets(topic), [2, 0, 2])
    const expected = messages.map(({ partition, key, value, timestamp, headers }, index) => ({
      partition,
      offset: index % 2,
      timestamp: Number(timestamp),
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) })),
    }))
    for (const records of [await kafka.readAll(topic), await readWithKcat(kafka.bootstrap, topic)]) {
      records.sort((one, other) => one.partition - other.partition || one.offset - other.offset)
      assert.deepEqual(records, expected)
    }
  })

  void test('reads from given offsets to the end', async () => {
    const kafka = await opening
    const topic = freshTopic('from')
    await kafka.createTopic(topic)
    await produce(
      kafka.bootstrap,
      topic,
      Array.from({ length: 5000 }, (_, number) => ({ value: `${number}` })),
    )
    const values = (await kafka.readAll(topic, { from: [4998] })).map(({ value }) => value?.toString())
    assert.deepEqual(values, ['4998', '4999'])
    assert.equal(await kafka.readEach(topic, () => {}), 5000)
  })

  void test('shows topics that are created, changed and deleted', async () => {
    const kafka = await opening
    const topic = freshTopic('changes')
    const { partitions, id } = await kafka.createTopic(topic, { configs: { 'max.message.bytes': '1000' } })
    assert.equal(partitions.length, 1)
    await assert.rejects(produce(kafka.bootstrap, topic, [{ value: Buffer.alloc(2000) }]), /larger than/)
    await kafka.configureTopic(topic, { 'max.message.bytes': '10000' })
    await produce(kafka.bootstrap, topic, [{ value: Buffer.alloc(2000) }])
    assert.equal((await kafka.addPartitions(topic, 4)).partitions.length, 4)
    await kafka.deleteTopic(topic)
    await assert.rejects(kafka.describeTopic(topic), /UnknownTopicOrPartition/)
    assert.notEqual((await kafka.createTopic(topic)).id, id)
  })
})

void describe('a cluster of one’s own', () => {
  void test('keeps its port and records over stop, kill and freeze', async () => {
    const kafka = await startKafka()
    try {
      await kafka.createTopic('kept')
      await produce(kafka.bootstrap, 'kept', [{ value: 'one' }])
      await kafka.stop()
      await kafka.restart()
      await produce(kafka.bootstrap, 'kept', [{ value: 'two' }])
      await kafka.kill()
      await kafka.restart()
      kafka.pause()
      const writing = produce(kafka.bootstrap, 'kept', [{ value: 'three' }])
      kafka.resume()
      await writing
      const values = (await kafka.readAll('kept')).map(({ value }) => value?.toString())
      assert.deepEqual(values, ['one', 'two', 'three'])
    } finally {
      await kafka.close()
    }
  })

  void test('moves leaders between three brokers, and takes a killed broker back', async () => {
    const kafka = await startKafka({ brokers: 3 })
    try {
      const { partitions } = await kafka.createTopic('moved', { partitions: 1, replicationFactor: 2 })
      const outside = [1, 2, 3].find((node) => !partitions[0]?.replicas.includes(node)) ?? 0
      await kafka.moveLeader('moved', 0, outside)
      assert.equal((await kafka.describeTopic('moved')).partitions[0]?.leader, outside)
      await produce(kafka.bootstrap, 'moved', [{ value: 'one' }])
      await kafka.kill(outside)
      const leader = async (): Promise<number> => (await kafka.describeTopic('moved')).partitions[0]?.leader ?? -1
      await until(async () => ![outside, -1].includes(await leader()), { what: 'another node leads' })
      await kafka.restart(outside)
      await kafka.moveLeader('moved', 0, outside)
      const records = await kafka.readAll('moved')
      assert.deepEqual(
        records.map(({ value }) => value?.toString()),
        ['one'],
      )
    } finally {
      await kafka.close()
    }
  })

  void test('reports why it cannot start', async () => {
    await assert.rejects(startKafka({ properties: { 'num.io.threads': 'no number' } }), /no number/)
  })
})
