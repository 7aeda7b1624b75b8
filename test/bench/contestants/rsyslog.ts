/**
 * rsyslog with imfile (inotify) and omkafka, as an rsyslogd of its own beside whatever the machine runs. `tuned` is for
 * throughput, as its documentation advises: a queue for the action, large batches from it, time for librdkafka to fill a
 * batch, positions written every 5,000 lines. `default` has none of that, which makes it quick with single lines.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Job } from '../stage/stage.ts'
import type { Contestant } from './contestant.ts'

export const RSYSLOGD = '/usr/sbin/rsyslogd'

export type Profile = 'tuned' | 'default'
export type Format = 'raw' | 'json'

export function rsyslog(format: Format, profile: Profile = 'tuned'): Contestant {
  return {
    name: `rsyslog ${format}`,
    start(stage, job) {
      const path = join(job.directory, 'rsyslog.conf')
      writeFileSync(path, configuration(job, format, profile))
      return stage.launch({ program: RSYSLOGD, args: ['-n', '-f', path, '-i', join(job.state, 'rsyslogd.pid')] })
    },
  }
}

/** raw: the line alone. json: with path and offset, as close to logagent's record as rsyslog's metadata allows. */
const TEMPLATES: Readonly<Record<Format, string>> = {
  raw: 'template(name="line" type="string" string="%msg%")',
  json: `template(name="line" type="list" option.jsonf="on") {
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="file" name="$!metadata!filename" format="jsonf")
  property(outname="offset" name="$!metadata!fileoffset" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}`,
}

const QUEUE: Readonly<Record<Profile, string>> = {
  tuned: ' queue.type="LinkedList" queue.size="100000" queue.dequeueBatchSize="4096" queue.workerThreads="1"',
  default: '',
}

const LIBRDKAFKA: Readonly<Record<Profile, readonly string[]>> = {
  tuned: ['linger.ms=50', 'queue.buffering.max.messages=500000', 'batch.num.messages=10000'],
  default: [],
}

const READING: Readonly<Record<Profile, string>> = {
  tuned: ' PersistStateInterval="5000" MaxLinesAtOnce="10000"',
  default: '',
}

function configuration(job: Job, format: Format, profile: Profile): string {
  const settings = ['compression.codec=none', ...LIBRDKAFKA[profile]].map((setting) => `"${setting}"`).join(',')
  const metadata = format === 'json' ? 'on' : 'off'
  return `global(workDirectory="${job.state}" maxMessageSize="128k" parser.escapeControlCharactersOnReceive="off")
module(load="imfile" mode="inotify")
module(load="omkafka")
${TEMPLATES[format]}
ruleset(name="ship"${QUEUE[profile]}) {
  action(type="omkafka" broker=["${job.bootstrap}"] topic="${job.topic}" template="line" partitions.auto="on"
         resubmitOnFailure="on" keepFailedMessages="on" failedMsgFile="${join(job.state, 'failed')}"
         action.resumeRetryCount="-1" action.resumeInterval="2"
         confParam=[${settings}] topicConfParam=["request.required.acks=-1"])
}
input(type="imfile" File="${job.glob}" Tag="bench" ruleset="ship" freshStartTail="off" reopenOnTruncate="on"
      addMetadata="${metadata}"${READING[profile]})
`
}
