/**
 * A scene of most end-to-end tests: a directory with logs, a state, a topic, agents that ship from here to there, and the
 * accounting at the end.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { KafkaRecord } from './java-reader.ts'
import { freshTopic } from './kafka.ts'
import { LogWriter, account, lossyLine, messageOf, rawLine } from './numbered-log.ts'
import { startAgent, type Agent, type AgentSettings } from './process.ts'
import { abutting } from './ranges.ts'
import { freshDirectory, type Ending } from './temp.ts'
import type { Topics, TopicSettings } from './topics.ts'
import { until } from './wait.ts'

export interface SceneSettings extends TopicSettings {
  readonly encoding?: 'raw' | 'json'
  /** Flags of every agent of the scene. */
  readonly args?: readonly string[]
  /** false: the topic comes later, or never. */
  readonly createTopic?: boolean
  /** How agents are started, but for their arguments. */
  readonly agent?: Omit<AgentSettings, 'args'>
}

export interface Scene {
  readonly directory: string
  readonly state: string
  readonly topic: string
  path(name: string): string
  /** A log of numbered lines in the directory; it counts in {@link delivered}. */
  writer(name: string): LogWriter
  /** An agent that reads `*.log` in the directory unless `--paths` or `--config` say otherwise. */
  start(...args: readonly string[]): Agent
  /** SIGTERM, and exit code 0. */
  stop(agent: Agent): Promise<void>
  /** Waits until so many records are in the topic; all lines of the scene's writers, if not told. */
  arrived(records?: number): Promise<void>
  records(): Promise<KafkaRecord[]>
  /** Nothing missing, nothing changed, ranges that abut, and (unless allowed) nothing repeated. */
  delivered(what?: { readonly repeats?: 'allowed'; readonly records?: readonly KafkaRecord[] }): Promise<KafkaRecord[]>
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
      const own = args.some((arg) => arg === '--paths' || arg === '--config') ? [] : ['--paths', path('*.log')]
      const target = ['--kafka-brokers', kafka.bootstrap, '--kafka-topic', topic, '--state-dir', state]
      const flags = [...target, '--encoding', encoding, ...own, ...always, ...args]
      const agent = startAgent(t, { ...how, args: ['run', ...flags] })
      agents.push(agent)
      return agent
    },
    async stop(agent) {
      agent.signal('SIGTERM')
      await agent.exitsWith(0)
    },
    async arrived(wanted) {
      let there = 0
      const count = wanted ?? writers.reduce((sum, { next }) => sum + next, 0)
      const agent = agents.at(-1)
      const lastWords = (): string => (agent?.log ?? []).map((line) => JSON.stringify(line)).slice(-12).join('\n') // prettier-ignore
      const enough = async (): Promise<boolean> => {
        there = (await kafka.endOffsets(topic)).reduce((sum, end) => sum + end, 0)
        if (there < count && agent?.end() !== undefined) throw new Error(`the agent ended, with\n${lastWords()}`)
        return there >= count
      }
      const what = (): string => `${count} records in ${topic}: there are ${there}. The agent said\n${lastWords()}`
      await until(enough, { within: 60_000, every: 50, what })
    },
    async delivered({ repeats, records: given } = {}) {
      for (const writer of writers) writer.close()
      const got = given ?? (await records())
      const written = new Map(writers.map(({ log, next }) => [log, next]))
      const sum = encoding === 'raw' ? account(got, written, rawLine) : account(got, written, messageOf, lossyLine)
      const expected = { missing: [], changed: [], disordered: 0, ...(repeats === undefined ? { repeated: 0 } : {}) }
      assert.deepEqual(sum, { ...sum, ...expected })
      assert.deepEqual(abutting(got), [])
      return [...got]
    },
  }
}
