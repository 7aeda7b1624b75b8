/**
 * A naive agent as one writes it in an afternoon, for comparison: the package `tail` and the producer of kafkajs. It keeps
 * no positions and reads one file: `node naive.ts FILE TOPIC BROKERS`. Lines wait for the next tick of 10 ms and are sent
 * in groups of 5,000, which stay below the broker's limit for a batch.
 */
import { Kafka, logLevel, type Message } from 'kafkajs'
import { Tail } from 'tail'

const FLUSH_MS = 10
const SEND_LINES = 5000

const [file = '', topic = '', brokers = ''] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'naive', brokers: brokers.split(','), logLevel: logLevel.ERROR })
const producer = kafka.producer({ allowAutoTopicCreation: false })

/** Groups of messages to send; the last one is still being filled. */
const sends: Message[][] = [[]]
let isSending = false

function take(line: string): void {
  const last = sends.at(-1)
  if (last !== undefined && last.length < SEND_LINES) last.push({ value: line })
  else sends.push([{ value: line }])
}

async function flush(): Promise<void> {
  if (isSending) return
  isSending = true
  for (let messages = sends[0]; messages !== undefined && messages.length > 0; messages = sends[0]) {
    sends.shift()
    if (sends.length === 0) sends.push([])
    await send(messages)
  }
  isSending = false
}

/** Sends until Kafka has the messages: even a naive agent does that much. */
async function send(messages: Message[]): Promise<void> {
  for (;;) {
    try {
      await producer.send({ topic, acks: -1, messages })
      return
    } catch (error) {
      process.stderr.write(`${String(error)}\n`)
    }
  }
}

await producer.connect()
const tail = new Tail(file, { fromBeginning: true, follow: true })
tail.on('line', take)
tail.on('error', (error: unknown) => process.stderr.write(`${String(error)}\n`))
setInterval(() => void flush(), FLUSH_MS)
