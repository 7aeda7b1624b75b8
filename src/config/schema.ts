/**
 * Every setting, declared once: description, format, unit, limits, default. Environment name and flag follow from the
 * place in the tree (setting.ts); docs/configuration.md and the JSON schema are generated from this file. What the
 * formats accept is in formats.ts, and rules between settings are in rules.ts.
 */
import { NOT_LOG_ENDINGS } from '../glob-base.ts'
import type { Partitioner } from '../shipping-rules.ts'
import type { InputItem } from './formats.ts'
import { bytes, choice, duration, setting, type Setting, type Values } from './setting.ts'
import type { Fields } from './template.ts'

const KiB = 1024
const MiB = 1024 * KiB

/** Settings that an input can have of its own. The top level has them for all inputs that don't. */
const SHARED = {
  exclude: setting<readonly string[]>('exclude', [], {
    doc: 'Globs of files that are not read. One without a slash is matched against the name of the file.',
  }),
  roots: setting<readonly string[]>('directories', [], {
    doc: 'Directories that a file must be in after links are followed; other files are refused.',
    defaultText: 'the part of each glob before its first pattern',
  }),
  encoding: choice(['json', 'raw'], 'json', {
    doc: 'json: one JSON object for each line, with names of the Elastic Common Schema. raw: the bytes of the line, unchanged.',
  }),
  headers: choice(['otel', 'none'], 'otel', {
    doc: "Record headers of raw lines: with OpenTelemetry's names, or none (lines without headers can't be audited).",
  }),
  start: choice(['beginning', 'end'], 'beginning', {
    doc: 'Where reading begins in files that exist at the first start, when there is no state. Files that appear later are always read from the beginning.',
  }),
  key: setting('key', 'none', {
    doc: 'Record key: none, file (the path that the file was found by), or text with ${log.file.path}, ${log.file.name}, ${fields.NAME}, ${agent.id}. It chooses the partition only with partitioner hash.',
  }),
  fields: setting<Fields>(
    'fields',
    {},
    {
      doc: 'Names and values that are added to each record. Those of an input are added to those of the top level. As text: env=prod,team=shop.',
    },
  ),
  emptyLines: choice(['keep', 'drop'], 'keep', { doc: 'Whether empty lines are shipped or dropped.' }),
  maxLineBytes: bytes(256 * KiB, { doc: 'Longest line, without its newline.', min: KiB, max: 16 * MiB }),
  longLines: choice(['cut', 'drop'], 'cut', { doc: 'Whether longer lines are cut or dropped; both are counted.' }),
  rotated: choice(['follow', 'all', 'none'], 'follow', {
    doc: `Which rotated files are read, each to its end. A rotated file has the name of a file that is read, then a dot, dash or underscore and more (app.log.1), and none of the endings of compressed files and of files that are no logs (${NOT_LOG_ENDINGS.join(' ')}). follow: files written since the first start, also if they were never seen before. all: older files too. none: only files that were already being read.`,
  }),
}

const TOPIC = setting('topic', '', { doc: 'Topic that records are sent to.', defaultText: 'none' })
const PARTITIONER = setting<Partitioner>('partitioner', 'sticky', {
  doc: "Partition of a record: sticky (a file stays on one), hash (murmur2 of the key, as Java's client), round-robin or random (another partition with every read of a file, not with every line), or a partition number.",
})

/** The members of one input. All but `path` can be left out. */
export const INPUT_SCHEMA = {
  name: setting('name', '', {
    doc: 'Permanent name of the input: positions and logs use it.',
    defaultText: 'from its globs',
  }),
  path: setting<readonly string[]>('globs', [], { doc: 'One absolute glob or a list of them.' }),
  topic: { ...TOPIC, defaultText: '`kafka.topic`' },
  partitioner: { ...PARTITIONER, defaultText: '`kafka.partitioner`' },
  ...SHARED,
} satisfies Record<string, Setting<unknown>>

export const SCHEMA = {
  paths: setting<readonly string[]>('globs', [], {
    doc: 'Absolute globs of the files to read, comma separated or a list. Short for one input.',
  }),
  inputs: setting<readonly InputItem[]>('inputs', [], {
    doc: 'Inputs, for several topics: a list, or a map from name to input. In the environment and as a flag: JSON.',
  }),
  delivery: choice(['at-least-once', 'at-most-once'], 'at-least-once', {
    doc: 'at-least-once: a position moves only after Kafka has stored the bytes. at-most-once: lines are sent, and no broker confirms them.',
    later: ['exactly-once'],
  }),
  report: choice(['none', 'log'], 'none', {
    doc: 'log: topic, partition, base offset, count, bytes and latency of each stored batch are logged at info; log.level must not be above info.',
  }),
  ...SHARED,
  kafka: {
    brokers: setting<readonly string[]>('brokers', [], {
      doc: 'Addresses of some brokers of the cluster: host:port, comma separated or a list. The port is 9092 if it is left out; IPv6 in brackets.',
      defaultText: 'none',
    }),
    topic: TOPIC,
    acks: setting<'all' | 1 | 0>('acks', 'all', {
      doc: 'Who must have stored a batch before it counts as stored: all in-sync replicas (idempotent), the leader, or no one.',
      defaultText: 'all; 0 with delivery at-most-once',
    }),
    compression: choice(['none', 'zstd'], 'none', { doc: 'How record batches are compressed.' }),
    partitioner: PARTITIONER,
    clientId: setting('name', 'logagent', { doc: "Name of this client in the brokers' logs, metrics and quotas." }),
    lingerMs: duration(5, { doc: 'How long a batch waits for more lines.', min: 0, max: 60_000 }),
    requestTimeoutMs: duration(30_000, {
      doc: 'How long a response may take before the connection is closed.',
      min: 100,
      max: 3_600_000,
    }),
    connectTimeoutMs: duration(8000, { doc: 'How long connecting to a broker may take.', min: 100, max: 600_000 }),
    metadataMaxAgeMs: duration(300_000, {
      doc: 'How old the metadata of topics and leaders may get before it is fetched again.',
      min: 100,
      max: 86_400_000,
    }),
    retry: {
      minMs: duration(100, {
        doc: 'First wait before a retry; it doubles with each retry, with jitter.',
        min: 1,
        max: 60_000,
      }),
      maxMs: duration(1000, { doc: 'Longest wait before a retry.', min: 1, max: 600_000 }),
    },
  },
  topic: {
    create: setting('boolean', false, { doc: 'Create missing topics instead of waiting for them.' }),
    partitions: setting('count', -1, { doc: "Partitions of a created topic; -1: the broker's default.", max: 100_000 }),
    replicationFactor: setting('count', -1, {
      doc: "Replicas of a created topic; -1: the broker's default.",
      max: 32_767,
    }),
  },
  batch: {
    maxBytes: bytes(1_000_000, {
      doc: "Largest record batch; it must not be above the topic's max.message.bytes.",
      min: KiB,
      max: 8 * MiB,
    }),
  },
  record: {
    tooLarge: choice(['cut', 'drop'], 'cut', {
      doc: 'Whether a record that is too large for a batch of its own is cut or dropped.',
    }),
  },
  buffer: {
    maxBytes: bytes(16 * MiB, {
      doc: 'Memory for line bytes. It is reserved at the start and never grows.',
      min: 512 * KiB,
      max: 1024 * MiB,
    }),
  },
  file: {
    maxUnacked: bytes(8 * MiB, {
      doc: 'How many bytes of a file may be read ahead of those that Kafka has stored.',
      min: 64 * KiB,
      max: 1024 * MiB,
    }),
    maxOpenFiles: setting('count', 4096, {
      doc: "Most files that are open at the same time; if there are more, they are read in turns. The process's limit of descriptors (ulimit -n), less a quarter of it and at least 64, can make the number lower.",
      min: 16,
      max: 1_000_000,
    }),
    pollMs: duration(100, {
      doc: 'How often files that are being written are checked; lines that came in between are read and sent together. Files that get only a few lines are checked less often if there are more than 12 of them. With 5ms, lines are sent within milliseconds, for several times the CPU.',
      min: 1,
      max: 60_000,
    }),
    discoverMs: duration(1000, { doc: 'How long a new file may stay unnoticed.', min: 10, max: 3_600_000 }),
    sweepMs: duration(30_000, {
      doc: 'How often every file is checked, whatever inotify has reported.',
      min: 10,
      max: 3_600_000,
    }),
    lastLineQuietMs: duration(5000, {
      doc: 'How long a rotated or deleted file must not change before a last line without a newline is shipped.',
      min: 0,
      max: 3_600_000,
    }),
  },
  checkpoint: {
    intervalMs: duration(1000, { doc: 'How often positions are written to disk.', min: 10, max: 3_600_000 }),
  },
  state: {
    dir: setting('directory', '/var/lib/logagent', {
      doc: 'Directory of the positions; it must outlive the container.',
    }),
  },
  shutdown: {
    timeout: duration(25_000, {
      doc: 'How long a stop may take; it must be below terminationGracePeriodSeconds.',
      min: 0,
      max: 86_400_000,
    }),
    drain: choice(['end', 'inflight'], 'end', {
      doc: 'What a stop ships. end: all files are read to their end. inflight: only lines that were already read.',
    }),
  },
  agent: {
    id: setting('name', '', {
      doc: 'Name of this agent: agent.id in each json record, and in the first line of the log.',
      defaultText: 'the host name',
    }),
  },
  log: {
    level: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], 'info', {
      doc: "Lowest level of the agent's own log.",
    }),
    format: choice(['auto', 'json', 'pretty'], 'auto', { doc: 'auto: pretty on a terminal, else json.' }),
    summaryMs: duration(60_000, { doc: 'How often to log a summary; 0: never.', min: 0, max: 86_400_000 }),
  },
}

/** Titles of the groups in `--help` and docs/configuration.md; settings of the top level are in `''`. */
export const GROUPS: Readonly<Record<string, string>> = {
  '': 'What is read and how it is shipped',
  kafka: 'Kafka',
  topic: 'Topics',
  batch: 'Batches and memory',
  record: 'Batches and memory',
  buffer: 'Batches and memory',
  file: 'Files',
  checkpoint: 'State',
  state: 'State',
  shutdown: 'Stopping',
  agent: 'The agent itself',
  log: 'The agent itself',
}

/** Values of all settings, as loaded and before inputs are resolved. */
export type Settings = Values<typeof SCHEMA>
