/**
 * The scene of most end-to-end tests: a directory with logs, a state directory, a topic of a real Kafka, agents that ship
 * the logs to the topic, and the account of the records at the end.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { KafkaRecord } from './java-reader.ts'
import { freshTopic } from './kafka.ts'
import { LogWriter, account, lossyLine, messageOf, rawLine } from './numbered-log.ts'
import { startAgent, type Agent, type AgentSettings } from './process.ts'
import { abutting, disorder } from './ranges.ts'
import { freshDirectory, type Ending } from './temp.ts'
import type { Topics, TopicSettings } from './topics.ts'
import { until } from './wait.ts'

export interface SceneSettings extends TopicSettings {
  readonly encoding?: 'raw' | 'json'
  /** Flags of all agents of the scene. */
  readonly args?: readonly string[]
  /** false: the topic is created later by the test, or never. */
  readonly createTopic?: boolean
  /** How agents are started, except for their arguments. */
  readonly agent?: Omit<AgentSettings, 'args'>
}

export interface Scene {
  readonly directory: string
  readonly state: string
  readonly topic: string
  path(name: string): string
  /** Opens a log of numbered lines in the directory, which {@link delivered} checks. */
  writer(name: string): LogWriter
  /** Starts an agent that reads `*.log` in the directory, unless the arguments name other inputs. */
  start(...args: readonly string[]): Agent
  /** Starts `logagent consume` on the scene's topic. */
  consume(...args: readonly string[]): Agent
  /** Sends SIGTERM, and checks that the agent ends with exit code 0. */
  stop(agent: Agent): Promise<void>
  /** How many records are in the topic. */
  count(): Promise<number>
  /** Waits until this many records are in the topic; the default is the number of lines of all writers. */
  arrived(records?: number): Promise<void>
  /** Waits until the newest line of every writer is in the topic, even if others are repeated, as after a crash. */
  caughtUp(): Promise<void>
  /**
   * Waits until everything has arrived after an outage, stops the agent, and checks that nothing is left, lost or
   * repeated: brokers recognize a batch that they have stored without a response.
   */
  recovered(agent: Agent): Promise<void>
  /** All records in the topic. */
  records(): Promise<KafkaRecord[]>
  /**
   * Closes the writers and checks the records: no line is missing or changed, each file is in order, its ranges abut, and
   * no line is repeated unless it may be. Returns the records.
   */
  delivered(what?: Expectation): Promise<KafkaRecord[]>
}

export interface Expectation {
  /** How many records may be repeats; the default is none. */
  readonly repeats?: 'any' | number
}

/** The numbers in the last log line of an agent that was stopped in order. */
export function lastWords(agent: Agent): Readonly<Record<string, number>> {
  const line = agent.log.find(({ msg }) => msg === 'logagent stopped')
  assert.ok(line, 'the agent was stopped in order')
  return Object.fromEntries(
    Object.entries(line).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  )
}

export async function openScene(t: Ending, kafka: Topics, settings: SceneSettings = {}): Promise<Scene> {
  const { encoding = 'raw', args: always = [], createTopic = true, agent: how = {}, ...topicSettings } = settings
  const directory = freshDirectory(t)
  const state = freshDirectory(t)
  const topic = freshTopic('scene')
  if (createTopic) await kafka.createTopic(topic, { partitions: 1, ...topicSettings })
  const writers: LogWriter[] = []
  const agents: Agent[] = []
  const path = (name: string): string => join(directory, name)
  const records = async (): Promise<KafkaRecord[]> => kafka.readAll(topic)
  const count = async (): Promise<number> => (await kafka.endOffsets(topic)).reduce((sum, end) => sum + end, 0)
  /** Waits for a condition that needs a running agent; fails at once if the agent that was started last has ended. */
  const shipping = async (condition: () => Promise<boolean>, what: () => string): Promise<void> => {
    const agent = agents.at(-1)
    const said = (): string => (agent?.log ?? []).slice(-12).map((line) => JSON.stringify(line)).join('\n') // prettier-ignore
    const unlessEnded = async (): Promise<boolean> => {
      const ended = agent?.end() !== undefined
      if (await condition()) return true
      if (ended) throw new Error(`${what()}: the agent ended, with\n${said()}`)
      return false
    }
    await until(unlessEnded, { within: 60_000, every: 50, what: () => `${what()}. The agent said\n${said()}` })
  }
  return {
    directory,
    state,
    topic,
    path,
    records,
    writer(name) {
      const writer = new LogWriter(name.replace(/\.log$/, ''), path(name))
      writers.push(writer)
      return writer
    },
    start(...args) {
      const own = args.some((arg) => ['--paths', '--inputs', '--config'].includes(arg))
        ? []
        : ['--paths', path('*.log')]
      const target = ['--kafka-brokers', kafka.bootstrap, '--kafka-topic', topic, '--state-dir', state]
      const flags = [...target, '--encoding', encoding, ...own, ...always, ...args]
      const agent = startAgent(t, { ...how, args: ['run', ...flags] })
      agents.push(agent)
      return agent
    },
    consume(...args) {
      return startAgent(t, { args: ['consume', '--brokers', kafka.bootstrap, '--topic', topic, ...args] })
    },
    async stop(agent) {
      agent.signal('SIGTERM')
      await agent.exitsWith(0)
    },
    count,
    async arrived(wanted = writers.reduce((sum, { next }) => sum + next, 0)) {
      let there = 0
      const enough = async (): Promise<boolean> => {
        there = await count()
        return there >= wanted
      }
      await shipping(enough, () => `${wanted} records in ${topic}: there are ${there}`)
    },
    async caughtUp() {
      const awaited = new Set(writers.filter(({ next }) => next > 0).map(({ log, next }) => `${log} ${next - 1}`))
      const from: number[] = []
      const see = (record: KafkaRecord): void => {
        from[record.partition] = record.offset + 1
        const line = encoding === 'raw' ? rawLine(record) : messageOf(record)
        awaited.delete(line.subarray(0, 200).toString('latin1').split(' ', 2).join(' '))
      }
      const isThere = async (): Promise<boolean> => {
        await kafka.readEach(topic, see, { from: Array.from(from, (offset) => offset ?? 0) })
        return awaited.size === 0
      }
      await shipping(isThere, () => `the newest lines in ${topic}, which are ${[...awaited].slice(0, 10).join(', ')}`)
    },
    async recovered(this: Scene, agent) {
      await this.caughtUp()
      await this.stop(agent)
      const { lagBytes, inFlightBytes, lostBytes, possibleRepeats } = lastWords(agent)
      const lost = agent.log.filter(({ msg }) => msg === 'bytes lost')
      const left = { lagBytes, inFlightBytes, lostBytes, possibleRepeats, lost }
      assert.deepEqual(left, { lagBytes: 0, inFlightBytes: 0, lostBytes: 0, possibleRepeats: 0, lost: [] })
      await this.delivered()
    },
    async delivered({ repeats = 0 } = {}) {
      for (const writer of writers) writer.close()
      const got = await records()
      const written = new Map(writers.map(({ log, next }) => [log, next]))
      const sum = encoding === 'raw' ? account(got, written, rawLine) : account(got, written, messageOf, lossyLine)
      assert.deepEqual(sum, { ...sum, missing: [], changed: [] })
      if (repeats !== 'any') assert.ok(sum.repeated <= repeats, `${sum.repeated} records came again, not ${repeats}`)
      assert.deepEqual(abutting(got), [])
      assert.deepEqual(disorder(got), [])
      return got
    },
  }
}
