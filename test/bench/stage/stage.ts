/**
 * What all parts of the bench share: one Kafka, a directory in memory, input files, the bundle as it was at the start (a
 * build meanwhile must not change what is measured), and jobs, each with a topic and directories of its own.
 */
import type { ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freshTopic, type Kafka } from '../../support/kafka.ts'
import type { TopicSettings } from '../../support/topics.ts'
import { startWatchdog, type Watchdog } from '../../support/watchdog.ts'
import { freeMemoryBytes, MEMORY, startBenchKafka } from './bench-kafka.ts'
import { launch, type Child, type Command } from './child.ts'
import { makeInputFile, type InputFile } from './input-file.ts'

/** One agent's task: ship the files that match the glob to the topic. */
export interface Job {
  readonly directory: string
  readonly logs: string
  readonly glob: string
  /** The directory for the agent's state. */
  readonly state: string
  readonly topic: string
  readonly bootstrap: string
}

const ROOT = join(import.meta.dirname, '../../..')
const DELETED_MS = 15_000
/** How much memory other programs may take meanwhile; otherwise the data of the job is taken to be there still. */
const SLACK_BYTES = 256 * 2 ** 20

export class Stage {
  readonly directory: string
  readonly kafka: Kafka
  /** The path of logagent's program. */
  readonly bundle: string
  readonly #watchdog: Watchdog
  readonly #inputs = new Map<number, InputFile>()
  readonly #freeBefore = new Map<string, number>()
  readonly #made = new Map<string, string>()
  #launched = 0

  private constructor(directory: string, kafka: Kafka, watchdog: Watchdog) {
    this.directory = directory
    this.kafka = kafka
    this.#watchdog = watchdog
    cpSync(join(ROOT, 'dist'), join(directory, 'dist'), { recursive: true })
    this.bundle = join(directory, 'dist/logagent.mjs')
  }

  /** @param needsBytes of memory, at the most */
  static async open(needsBytes: number): Promise<Stage> {
    const free = freeMemoryBytes()
    if (free < needsBytes) {
      throw new Error(`${MEMORY} has ${Math.round(free / 1e9)} GB free: ${Math.round(needsBytes / 1e9)} GB are needed`)
    }
    const directory = mkdtempSync(join(MEMORY, 'logagent-bench-'))
    const watchdog = startWatchdog(directory)
    try {
      return new Stage(directory, await startBenchKafka(), watchdog)
    } catch (error) {
      await watchdog.close()
      throw error
    }
  }

  /** A file of at least this many bytes, which is made once and kept until {@link dropInputs}. */
  input(bytes: number): InputFile {
    const made = this.#inputs.get(bytes) ?? makeInputFile(join(this.directory, `input-${bytes}.log`), bytes)
    this.#inputs.set(bytes, made)
    return made
  }

  /** The result of `make`, which is called once for each name. */
  once(name: string, make: () => string): string {
    const made = this.#made.get(name) ?? make()
    this.#made.set(name, made)
    return made
  }

  /** Deletes the input files: the next part needs their memory. */
  dropInputs(): void {
    for (const { path } of this.#inputs.values()) rmSync(path)
    this.#inputs.clear()
  }

  async openJob(settings: TopicSettings = {}): Promise<Job> {
    const topic = freshTopic('bench')
    const directory = join(this.directory, topic)
    const [logs, state] = [join(directory, 'logs'), join(directory, 'state')]
    for (const each of [logs, state]) mkdirSync(each, { recursive: true })
    this.#freeBefore.set(topic, freeMemoryBytes())
    await this.kafka.createTopic(topic, {
      ...settings,
      configs: { 'file.delete.delay.ms': '500', ...settings.configs },
    })
    return { directory, logs, glob: join(logs, '*.log'), state, topic, bootstrap: this.kafka.bootstrap }
  }

  launch(command: Command, log?: string): Child {
    return launch(command, log ?? join(this.directory, `child-${++this.#launched}`), this.#watchdog)
  }

  /** Lets a process that was started in another way end with the bench, too. */
  adopt(child: ChildProcess): void {
    const { pid } = child
    if (pid === undefined) return
    this.#watchdog.watch(pid)
    child.once('exit', () => this.#watchdog.forget(pid))
  }

  /** Deletes topic and files, and waits until the memory is free again. */
  async closeJob({ topic, directory }: Job): Promise<void> {
    rmSync(directory, { recursive: true, force: true })
    await this.kafka.deleteTopic(topic)
    const wanted = (this.#freeBefore.get(topic) ?? 0) - SLACK_BYTES
    const deadline = performance.now() + DELETED_MS
    while (freeMemoryBytes() < wanted && performance.now() < deadline) await delay(100)
    await delay(500) // the broker's own work after a deletion must not be in the next figure
  }

  async close(): Promise<void> {
    await this.kafka.close()
    await this.#watchdog.close()
  }
}
