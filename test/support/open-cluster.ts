/** A real Cluster at a fake Kafka, with the events that it reports; both are closed after each test. */
import { Cluster, type ClusterOptions, type ClusterSettings } from '../../src/output/kafka/cluster.ts'
import type { ItemResponse } from '../../src/output/transport.ts'
import { FakeKafka } from './fake-broker.ts'
import { recordEvents } from './event-recorder.ts'
import { until } from './wait.ts'

type FakeSettings = Parameters<typeof FakeKafka.start>[0]

const toClose: (() => Promise<void>)[] = []

/** Closes what {@link startFake} and {@link open} have opened; for `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of toClose.splice(0).reverse()) await close()
}

export async function startFake(settings: FakeSettings = { topics: { logs: 2 } }): Promise<FakeKafka> {
  const kafka = await FakeKafka.start(settings)
  toClose.push(() => kafka.close())
  return kafka
}

/** Settings of a cluster, and how it creates topics. */
type Changes = Partial<ClusterSettings> & Pick<ClusterOptions, 'createTopic'>

/** Opens a cluster at this Kafka, which records the events that it reports. */
export function open(kafka: FakeKafka, { createTopic, ...settings }: Changes = {}) {
  const recorder = recordEvents()
  const changed: string[] = []
  const becameReady: number[] = []
  const cluster = new Cluster({
    bootstrap: kafka.bootstrap,
    settings: {
      clientId: 'test',
      acks: -1,
      requestTimeoutMs: 5_000,
      connectTimeoutMs: 5_000,
      metadataMaxAgeMs: 300_000,
      retry: { minMs: 5, maxMs: 40 },
      ...settings,
    },
    events: recorder.events,
    random: Math.random,
    now: () => performance.now(),
    createTopic,
  })
  toClose.push(() => cluster.close())
  cluster.onChange = (topic) => void changed.push(topic)
  cluster.onReady = (node) => void becameReady.push(node)
  return {
    cluster,
    reported: recorder.reported(),
    changed,
    becameReady,
    events: (name: string) => recorder.reported().filter(([event]) => event === name),
    /** Waits until the topic's leaders are known. */
    known: (topic: string) => until(() => cluster.view(topic)?.leaders, { what: `leaders of ${topic}`, every: 2 }),
    ready: (node: number) => until(() => cluster.ready(node), { what: `node ${node}`, every: 2 }),
  }
}

/** Opens a cluster at this Kafka, and waits until it knows the topic `logs` and node 1 is ready. */
export async function opened(kafka: FakeKafka, changes: Changes = {}) {
  const opened = open(kafka, changes)
  opened.cluster.want('logs')
  await opened.known('logs')
  await opened.ready(1)
  return opened
}

/** The response for a batch stored at this offset. */
export const stored = (baseOffset: number): ItemResponse => ({ kind: 'response', code: 0, message: null, baseOffset })
