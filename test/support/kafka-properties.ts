/** The broker properties of a test's Kafka: real behaviour, without long waits and large buffers. */

export interface NodePorts {
  readonly broker: number
  readonly controller: number
}

/** All properties of a node except node.id and log.dirs. */
export function kafkaProperties(nodes: readonly NodePorts[], own: NodePorts): Record<string, string> {
  const { broker, controller } = own
  const voters = nodes.map((node, at) => `${at + 1}@127.0.0.1:${node.controller}`).join(',')
  const replicas = String(nodes.length)
  return {
    'process.roles': 'broker,controller',
    'controller.quorum.voters': voters,
    listeners: `PLAINTEXT://127.0.0.1:${broker},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${broker}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    // tests create topics, or the agent does where that is tested
    'auto.create.topics.enable': 'false',
    'delete.topic.enable': 'true',
    // leaders stay where a test has put them
    'auto.leader.rebalance.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'log.retention.ms': '-1',
    'log.retention.bytes': '-1',
    'log.segment.bytes': '67108864',
    'log.index.size.max.bytes': '1048576',
    'log.cleaner.dedupe.buffer.size': '2097152',
    'num.network.threads': '2',
    'num.io.threads': '4',
    'background.threads': '2',
    'num.recovery.threads.per.data.dir': '1',
    'message.max.bytes': '1048588',
    // A dead node is noticed, and may come back, within 3 s; that is still long enough for a live one on a busy machine.
    'broker.heartbeat.interval.ms': '500',
    'broker.session.timeout.ms': '3000',
    ...(nodes.length > 1 ? QUORUM : {}),
  }
}

const QUORUM: Record<string, string> = {
  'controller.quorum.election.timeout.ms': '500',
  'controller.quorum.election.backoff.max.ms': '300',
  'controller.quorum.fetch.timeout.ms': '1500',
  'replica.lag.time.max.ms': '5000',
  'replica.fetch.wait.max.ms': '100',
}
