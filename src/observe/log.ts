/**
 * The log: the events that a person should read. error: data is lost or someone must act. warn: the agent goes on, or
 * tries again. info: start, stop, files found. debug: the rest. There is nothing per line, and never a line's text.
 */
import type { Logger } from 'pino'
import type { Generation } from '../flow.ts'
import { textOfPath } from '../paths.ts'
import { type Events, nothing } from './events.ts'

/** The same problem is logged at most once in this time; the counters have every occurrence. */
const REPEAT_MS = 10_000

/** Errors of a process or a machine that may not have any more open files. */
const OUT_OF_DESCRIPTORS = /\b(EMFILE|ENFILE)\b/

export interface LogOptions {
  readonly logger: Logger
  /** Whether every stored batch is logged. */
  readonly report: boolean
  /** Monotonic ms. */
  readonly clock: () => number
}

export function loggingEvents({ logger, report, clock }: LogOptions): Events {
  const loggedAt = new Map<string, number>()
  /** Brokers that the log last reported as connected, with their address. */
  const connected = new Map<string, string>()
  const nameOf = (node: number, address: string): string => (node < 0 ? address : `${node}`)
  const isDue = (what: string): boolean => {
    const now = clock()
    // the oldest come first; they are removed, so that nothing is kept of files that are long gone
    for (const [logged, at] of loggedAt) {
      if (now - at < REPEAT_MS) break
      loggedAt.delete(logged)
    }
    if (loggedAt.has(what)) return false
    loggedAt.set(what, now)
    return true
  }
  return {
    fileFound: (file, { offset, reason }) => logger.info({ ...named(file), offset, reason }, 'file found'),
    fileRotated: (file) => logger.info(named(file), 'file rotated: draining it'),
    fileTruncated: (file, unreadBytes) =>
      unreadBytes > 0
        ? logger.warn({ ...named(file), unreadBytes }, 'file truncated before all of it was read')
        : logger.info(named(file), 'file truncated: a new generation begins'),
    fileLetGo: (file) => logger.info(named(file), 'file let go: all of it is stored'),
    fileDenied: (path, reason) => {
      const isOut = OUT_OF_DESCRIPTORS.test(reason)
      // a shortage of descriptors is logged once for all files
      if (!isDue(isOut ? 'no descriptor' : `denied ${path}`)) return
      const message = isOut ? 'no descriptor is free to read with; trying again' : 'cannot read; trying again'
      logger.warn({ path: textOfPath(path), reason }, message)
    },
    fileIgnored: (path, reason) => logger.info({ path: textOfPath(path), reason }, 'file ignored'),
    mountHangs: (point) => logger.warn({ mount: textOfPath(point) }, 'mount does not answer: its files wait'),
    mountWaits: (point) => logger.error({ mount: textOfPath(point) }, 'too many mounts hang: this one waits too'),
    mountAnswers: (point) => logger.info({ mount: textOfPath(point) }, 'mount answers again'),
    bytesRead: nothing,
    watchUnavailable: (directory, reason) =>
      logger.warn({ directory: textOfPath(directory), reason }, 'no inotify watch is available: files are polled'),
    settled: (file, reason, what) => {
      if (reason === 'too-large') logger.error({ ...named(file), reason, ...what }, 'record dropped')
      else if (isDue(`settled ${file.id} ${reason}`)) logger.info({ ...named(file), reason, ...what }, 'lines dropped')
    },
    finished: nothing,
    undelivered: (file, bytes) => logger.warn({ ...named(file), bytes }, 'not delivered'),
    lost: (file, reason, bytes) => logger.error({ ...named(file), reason, bytes }, 'bytes lost'),
    encoded: nothing,
    recordsCut: (file, what) => {
      if (isDue(`cut ${file.id}`)) logger.error({ ...named(file), ...what }, 'record too large for a batch: cut')
    },
    batchStored: (batch) => {
      if (report) logger.info({ report: batch }, 'batch stored')
    },
    batchRetried: (topic, partition, reason) => {
      if (isDue(`retried ${topic} ${partition}`))
        logger.warn({ topic, partition, reason }, 'batch not stored: trying again')
    },
    batchRefused: (topic, partition, reason) => {
      if (isDue(`refused ${topic} ${partition}`))
        logger.error({ topic, partition, reason }, 'batch refused: trying again, slowly')
    },
    batchSplit: (topic, partition, records, bytes) =>
      logger.warn({ topic, partition, records, bytes }, 'batch too large for the broker: sending it in parts'),
    recordTooLarge: (what) => logger.error({ ...what, file: textOfPath(what.file) }, 'record too large for the broker'),
    recordTruncated: nothing,
    possibleRepeats: (topic, partition, records) =>
      logger.warn(
        { topic, partition, records },
        'records may be stored twice: Kafka did not confirm whether it has them',
      ),
    filesMoved: (topic, partition, files) =>
      logger.warn({ topic, partition, files }, 'partition has no leader: files move to another one'),
    brokerConnected: (node, address) => {
      const broker = nameOf(node, address)
      if (connected.get(broker) === address) return
      connected.set(broker, address)
      logger.info({ node, address }, 'connected to broker')
    },
    brokerUnreachable: (node, address, reason) => {
      // a reason that differs only in numbers is the same reason
      if (!isDue(`unreachable ${node} ${address} ${reason.replaceAll(/\d+/g, '#')}`)) return
      connected.delete(nameOf(node, address))
      logger.warn({ node, address, reason }, 'broker cannot be reached')
    },
    producerIdWaiting: (address, reason) => {
      if (isDue(`no producer id ${address}`)) logger.warn({ address, reason }, 'no producer id yet: waiting')
    },
    producerIdRefused: (address, reason) => {
      if (isDue(`refused producer id ${address}`))
        logger.error({ address, reason }, 'producer id refused: trying again')
    },
    topicWaiting: (topic, reason) => logger.warn({ topic, reason }, 'waiting for topic'),
    topicRefused: (topic, reason) => logger.error({ topic, reason }, 'topic refused: waiting'),
    topicReady: (topic, partitions) => logger.info({ topic, partitions }, 'topic found'),
    partitionWaiting: (topic, partition, reason) =>
      logger.warn({ topic, partition, reason }, 'partition cannot be written to: waiting'),
    checkpointWritten: (entries, bytes, milliseconds) =>
      logger.debug({ entries, bytes, milliseconds }, 'checkpoint written'),
    checkpointFailed: (reason) => logger.error({ reason }, 'checkpoint not written: a crash now would repeat lines'),
    stateTorn: (file, bytes) => logger.warn({ file, bytes }, 'end of the state journal was torn: cut off'),
    stateSetAside: (file, movedTo, reason) =>
      logger.error({ file, movedTo, reason }, 'state cannot be read: set aside'),
    stateUnlocked: (directory, reason) => logger.warn({ directory, reason }, 'state directory cannot be locked'),
  }
}

function named(file: Generation): { file: string; id: string; input: string } {
  return { file: textOfPath(file.path), id: file.id, input: file.inputId }
}
