/**
 * Real Kafka for tests: a cluster of one's own ({@link startKafka}), for tests that stop or break it, or the one that
 * the runner shares among all test files ({@link sharedKafka}). Responses that no real broker sends come from
 * fake-broker.ts.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { javaRuntime } from './java.ts'
import { PeerSession } from './java-peer.ts'
import { KafkaNode } from './kafka-node.ts'
import { kafkaProperties, type NodePorts } from './kafka-properties.ts'
import { freePort } from './ports.ts'
import { topicsOf, type Topics } from './topics.ts'
import { startWatchdog } from './watchdog.ts'

export interface KafkaSettings {
  readonly brokers?: 1 | 3
  /** Broker properties that replace or extend those of kafka-properties.ts. */
  readonly properties?: Readonly<Record<string, string>>
  /** Kafka's version; the pinned one when left out. */
  readonly version?: string
  /** The heap of each node, in MiB. */
  readonly heapMb?: number
  /** Options of each node's JVM after those of java.ts, which are for a JVM that lives for seconds. */
  readonly jvm?: readonly string[]
}

/** A cluster of one's own. Nodes are numbered from 1. The default is node 1; for `stop` and `kill` it is all nodes. */
export interface Kafka extends Topics {
  readonly nodes: readonly { readonly id: number; readonly address: string; readonly pid: number | undefined }[]
  /** Sends SIGTERM and waits for the end. */
  stop(node?: number): Promise<void>
  /** Sends SIGKILL and waits for the end. */
  kill(node?: number): Promise<void>
  /** Starts a node that was stopped or killed, on its port and data, and waits until it serves. */
  restart(node?: number): Promise<void>
  /** Sends SIGSTOP: connections stay open, and no request gets a response. */
  pause(node?: number): void
  resume(node?: number): void
  /** The end of a node's log. */
  log(node?: number): string
  close(): Promise<void>
}

export async function startKafka(settings: KafkaSettings = {}): Promise<Kafka> {
  const { brokers = 1, properties = {}, version, heapMb = 320, jvm = [] } = settings
  const directory = mkdtempSync(join(dataRoot(), 'logagent-kafka-'))
  const watchdog = startWatchdog(directory)
  const opening = PeerSession.open() // its JVM starts while the brokers do
  try {
    const runtime = await javaRuntime(version)
    const taken = new Set<number>()
    const ports: NodePorts[] = []
    while (ports.length < brokers) ports.push({ broker: await freePort(taken), controller: await freePort(taken) })
    const clusterId = `T${randomBytes(16).toString('base64url').slice(1)}`
    const nodes = ports.map(
      (own, index) =>
        new KafkaNode({
          id: index + 1,
          port: own.broker,
          clusterId,
          directory,
          properties: { ...kafkaProperties(ports, own), ...properties },
          heapMb,
          jvm,
          runtime,
          watchdog,
        }),
    )
    for (const node of nodes) node.start()
    const peer = await opening
    await Promise.all(nodes.map(async (node) => untilServing(peer, node, brokers)))
    return cluster(nodes, peer, async () => {
      await peer.close()
      await Promise.all(nodes.map(async (node) => node.kill()))
      await watchdog.close()
    })
  } catch (error) {
    await watchdog.close() // before the peer, which may be what has failed
    await opening.then(
      async (peer) => peer.close(),
      () => {},
    )
    throw error
  }
}

/** The Kafka of the runner; outside the runner, one of the test file's own. It must be closed in either case. */
export async function sharedKafka(): Promise<Topics & { close(): Promise<void> }> {
  const bootstrap = process.env['KAFKA_TEST_BROKERS']
  if (bootstrap === undefined) return startKafka()
  const peer = await PeerSession.open()
  return { ...topicsOf(peer, bootstrap), close: async () => peer.close() }
}

/** A topic name that no other test on the shared Kafka uses. */
export function freshTopic(label: string): string {
  return `${label}-${randomBytes(4).toString('hex')}`
}

function cluster(nodes: readonly KafkaNode[], peer: PeerSession, close: () => Promise<void>): Kafka {
  const one = (id = 1): KafkaNode => {
    const node = nodes.find((candidate) => candidate.id === id)
    if (!node) throw new Error(`no Kafka node ${id}`)
    return node
  }
  const some = (id?: number): readonly KafkaNode[] => (id === undefined ? nodes : [one(id)])
  return {
    ...topicsOf(peer, nodes.map((node) => node.address).join(',')),
    nodes,
    close,
    stop: async (id) => void (await Promise.all(some(id).map(async (node) => node.stop()))),
    kill: async (id) => void (await Promise.all(some(id).map(async (node) => node.kill()))),
    restart: async (id) => {
      const node = one(id)
      node.start()
      await untilServing(peer, node, 1)
    },
    pause: (id) => one(id).pause(),
    resume: (id) => one(id).resume(),
    log: (id) => one(id).log(),
  }
}

async function untilServing(peer: PeerSession, node: KafkaNode, brokers: number): Promise<void> {
  const { ended } = node
  const serving = peer.request({ op: 'ready', bootstrap: node.address, node: node.id, brokers, withinMs: 60_000 })
  // if the node ends at once, nobody waits for this request any more
  serving.catch(() => {})
  try {
    await Promise.race([
      serving,
      ended.then(() => {
        throw new Error('its process ended')
      }),
    ])
  } catch (error) {
    throw new Error(`Kafka node ${node.id} does not serve; the end of its log:\n${node.log()}`, { cause: error })
  }
}

/** The parent of data directories: in memory if there is plenty (a container may have 64 MiB), to keep the disk out. */
function dataRoot(): string {
  const shm = '/dev/shm'
  try {
    const { bavail, bsize } = statfsSync(shm)
    return bavail * bsize > 4 * 2 ** 30 ? shm : tmpdir()
  } catch {
    return tmpdir()
  }
}
