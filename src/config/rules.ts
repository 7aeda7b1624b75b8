/**
 * Rules between settings: combinations that are impossible although each value is right by itself (formats.ts).
 */
import { leastBufferBytes, wholeBuffer } from '../kernel/sizes.ts'
import type { Complaints } from './complaints.ts'
import { showBytes } from './quantity.ts'
import type { InputConfig } from './inputs.ts'
import { DEFAULT, shown, type Origin } from './origin.ts'
import type { Settings } from './schema.ts'

export interface RuleContext {
  readonly values: Settings
  readonly origins: ReadonlyMap<string, Origin>
  readonly inputs: readonly InputConfig[]
  /** Whether brokers and topics are needed at all. */
  readonly needsKafka: boolean
}

/** With fewer batches in memory, filling, compressing and waiting for responses can't overlap. */
const LEAST_BATCHES = 8

export function checkRules(context: RuleContext, complaints: Complaints): void {
  checkPresence(context, complaints)
  checkAcks(context, complaints)
  checkSizes(context, complaints)
  checkReport(context, complaints)
}

function checkPresence({ values, inputs, needsKafka }: RuleContext, complaints: Complaints): void {
  const isSpared = complaints.spares('configuration', 'paths', 'inputs')
  if (inputs.length === 0 && isSpared && values.paths.length === 0 && Object.keys(values.inputs).length === 0) {
    const advice = 'nothing to read; set LOGAGENT_PATHS (globs), paths or inputs in a file, or --paths'
    complaints.add({ setting: 'inputs', advice })
  }
  if (needsKafka && values.kafka.brokers.length === 0 && complaints.spares('configuration', 'kafka.brokers')) {
    const advice = 'missing; set KAFKA_BROKERS, kafka.brokers in a file or --kafka-brokers to host:port'
    complaints.add({ setting: 'kafka.brokers', advice })
  }
}

function checkAcks({ values, origins }: RuleContext, complaints: Complaints): void {
  const origin = origins.get('kafka.acks')
  if (origin === undefined || !complaints.spares('kafka.acks', 'delivery')) return
  const { acks } = values.kafka
  if (values.delivery === 'at-least-once' && acks === 0) {
    const advice =
      'no broker confirms what it stored, so at-least-once is impossible; give all or 1, or delivery at-most-once'
    complaints.add({ setting: 'kafka.acks', value: acks, origin, advice })
  }
  if (values.delivery === 'at-most-once' && acks !== 0) {
    const advice = 'at-most-once waits for no response; leave acks out, or give delivery at-least-once'
    complaints.add({ setting: 'kafka.acks', value: acks, origin, advice })
  }
}

function checkSizes({ values, origins, inputs }: RuleContext, complaints: Complaints): void {
  const { batch, buffer, file, kafka } = values
  const complain = (setting: string, value: number, advice: string): void =>
    complaints.add({ setting, value, origin: origins.get(setting) ?? DEFAULT, advice })

  const least = LEAST_BATCHES * wholeBuffer(batch.maxBytes)
  if (buffer.maxBytes < least && complaints.spares('buffer.maxBytes', 'batch.maxBytes')) {
    const advice = `too little for ${LEAST_BATCHES} batches of batch.maxBytes (${batch.maxBytes}); give ${showBytes(least)} (${least}) or more`
    complain('buffer.maxBytes', buffer.maxBytes, advice)
  }
  const longest = Math.max(0, ...inputs.map(({ maxLineBytes }) => maxLineBytes))
  const compressed = kafka.compression !== 'none'
  const leastForLines = leastBufferBytes({ maxLineBytes: longest, batchMaxBytes: batch.maxBytes, compressed })
  if (buffer.maxBytes < leastForLines && complaints.spares('buffer.maxBytes', 'batch.maxBytes')) {
    const half = compressed ? ', of which compression takes half,' : ''
    const advice = `too little${half} for lines of maxLineBytes (${longest}) and batches of batch.maxBytes (${batch.maxBytes}); give ${leastForLines} or more`
    complain('buffer.maxBytes', buffer.maxBytes, advice)
  }
  if (kafka.retry.minMs > kafka.retry.maxMs && complaints.spares('kafka.retry.minMs', 'kafka.retry.maxMs')) {
    complain('kafka.retry.minMs', kafka.retry.minMs, `give no more than kafka.retry.maxMs (${kafka.retry.maxMs})`)
  }
  if (longest > file.maxUnacked && complaints.spares('file.maxUnacked')) {
    const advice = `a line of maxLineBytes (${longest}) would never be complete; give ${showBytes(longest)} or more`
    complain('file.maxUnacked', file.maxUnacked, advice)
  }
}

/** Reports are lines of the log at info, which a higher log level would leave out. */
function checkReport({ values, origins }: RuleContext, complaints: Complaints): void {
  const { report, log } = values
  if (report === 'none' || ['trace', 'debug', 'info'].includes(log.level)) return
  if (!complaints.spares('report', 'log.level')) return
  const from = origins.get('log.level') ?? DEFAULT
  const advice = `batches are reported at info, which log.level = ${shown(log.level, from)} (${from.words}) leaves out; give log.level info, debug or trace, or report none`
  complaints.add({ setting: 'report', value: report, origin: origins.get('report') ?? DEFAULT, advice })
}
