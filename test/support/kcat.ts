/** Reads a topic with kcat, that is with librdkafka: a second reader of our record batches beside the Java client. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { KafkaRecord } from './java-reader.ts'

/**
 * Reads all records up to the current end offsets, each partition in its order. Keys and values are exact. Header values
 * must be text without commas and line ends, since kcat prints headers as `a=b,c=d` only.
 */
export async function readWithKcat(bootstrap: string, topic: string): Promise<KafkaRecord[]> {
  const mark = randomBytes(12).toString('hex')
  // lengths first, so that any byte may follow; the mark ends the headers, whose length kcat does not print
  const format = `%p %o %T %K %S\n%k%s%h${mark}`
  const kcat = spawn('kcat', ['-C', '-q', '-b', bootstrap, '-t', topic, '-o', 'beginning', '-e', '-f', format], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: Buffer[] = []
  const complaints: Buffer[] = []
  kcat.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  kcat.stderr.on('data', (chunk: Buffer) => complaints.push(chunk))
  await once(kcat, 'close')
  if (kcat.exitCode !== 0) throw new Error(`kcat: exit ${kcat.exitCode}: ${Buffer.concat(complaints).toString()}`)
  return [...records(Buffer.concat(output), mark)]
}

function* records(output: Buffer, mark: string): Generator<KafkaRecord> {
  let at = 0
  while (at < output.length) {
    const lineEnd = output.indexOf(0x0a, at)
    const [partition = 0, offset = 0, timestamp = 0, keyLength = 0, valueLength = 0] = output
      .toString('latin1', at, lineEnd)
      .split(' ')
      .map(Number)
    at = lineEnd + 1
    // a length of -1 is null
    const key = keyLength < 0 ? null : output.subarray(at, (at += keyLength))
    const value = valueLength < 0 ? null : output.subarray(at, (at += valueLength))
    const headersEnd = output.indexOf(mark, at)
    const headers = headersOf(output.toString('utf8', at, headersEnd))
    at = headersEnd + mark.length
    yield { partition, offset, timestamp, key, value, headers }
  }
}

function headersOf(text: string): KafkaRecord['headers'] {
  if (text === '') return []
  return text.split(',').map((header) => {
    const equals = header.indexOf('=')
    const value = header.slice(equals + 1)
    return { name: header.slice(0, equals), value: value === 'NULL' ? null : Buffer.from(value) }
  })
}
