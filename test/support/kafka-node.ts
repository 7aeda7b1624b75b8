/** One Kafka process (java/KafkaNode.java) that can be stopped, killed, frozen and started again on its port and data. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JavaRuntime } from './java.ts'
import { until } from './wait.ts'
import type { Watchdog } from './watchdog.ts'

export interface NodeSettings {
  readonly id: number
  readonly port: number
  readonly clusterId: string
  readonly directory: string
  readonly properties: Readonly<Record<string, string>>
  readonly heapMb: number
  readonly jvm: readonly string[]
  readonly runtime: JavaRuntime
  readonly watchdog: Watchdog
}

export class KafkaNode {
  readonly #settings: NodeSettings
  readonly #files: { readonly properties: string; readonly log: string }
  #process: ChildProcess | undefined
  #ended: Promise<void> = Promise.resolve()

  constructor(settings: NodeSettings) {
    this.#settings = settings
    const { directory, id, properties } = settings
    this.#files = {
      properties: join(directory, `node-${id}.properties`),
      log: join(directory, `node-${id}.txt`),
    }
    const lines = Object.entries({ ...properties, 'node.id': id, 'log.dirs': join(directory, `data-${id}`) })
    writeFileSync(this.#files.properties, lines.map(([name, value]) => `${name}=${value}\n`).join(''))
  }

  get id(): number {
    return this.#settings.id
  }

  get address(): string {
    return `127.0.0.1:${this.#settings.port}`
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Resolves when the process that was started last has ended. */
  get ended(): Promise<void> {
    return this.#ended
  }

  /** Starts the process, and does not wait until it serves. */
  start(): void {
    const { runtime, heapMb, jvm, clusterId, watchdog } = this.#settings
    if (this.#process) throw new Error(`Kafka node ${this.id} runs already`)
    const log = openSync(this.#files.log, 'a')
    const level = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
    const child = spawn(
      runtime.java,
      [level, ...runtime.options(heapMb), ...jvm, 'KafkaNode', this.#files.properties, clusterId],
      { detached: true, stdio: ['ignore', log, log] },
    )
    closeSync(log)
    this.#process = child
    if (child.pid !== undefined) watchdog.watch(child.pid)
    this.#ended = this.#untilEnded(child)
  }

  /** Sends SIGTERM and waits for the end: in this ordered shutdown a broker first hands its leaderships on. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Sends SIGKILL and waits for the end. The page cache stays, so this is the crash of a process, not of a machine. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  /** The end of its log, for the message of a failure. */
  log(lines = 20): string {
    return readFileSync(this.#files.log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  }

  async #untilEnded(child: ChildProcess): Promise<void> {
    await once(child, 'exit')
    if (child.pid !== undefined) this.#settings.watchdog.forget(child.pid)
    this.#process = undefined
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (!child) return
    child.kill(signal)
    child.kill('SIGCONT') // a frozen process would not handle SIGTERM
    const what = `Kafka node ${this.id} ends after ${signal}`
    await until(() => this.#process !== child, { within: 60_000, what })
  }
}
