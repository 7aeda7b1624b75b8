/** The Kafka of the benchmarks: one real node with its data in memory, tuned as a broker that stays up and not for tests. */
import { statfsSync } from 'node:fs'
import { startKafka, type Kafka } from '../../support/kafka.ts'

/** Options for both compilers and for the collector that Kafka's own start script chooses. */
const JVM = ['-XX:TieredStopAtLevel=4', '-XX:-UseSerialGC', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20']

const PROPERTIES: Readonly<Record<string, string>> = {
  'num.network.threads': '3',
  'num.io.threads': '8',
  'log.segment.bytes': '268435456',
  // a broker without CPU for a while must not be taken for a dead one during a measurement
  'broker.heartbeat.interval.ms': '2000',
  'broker.session.timeout.ms': '18000',
  // the gigabytes of one run must be deleted before those of the next are written
  'log.segment.delete.delay.ms': '500',
}

export const MEMORY = '/dev/shm'

export async function startBenchKafka(): Promise<Kafka> {
  return startKafka({ heapMb: 1024, properties: PROPERTIES, jvm: JVM })
}

export function freeMemoryBytes(): number {
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize
}
