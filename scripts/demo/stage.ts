/**
 * The demo's Kafka, topic, temporary directory and processes. close() removes them all, and a watchdog does so if this
 * process ends in any other way, even by kill -9.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { PeerSession } from '../../test/support/java-peer.ts'
import { freshTopic, startKafka } from '../../test/support/kafka.ts'
import { topicsOf, type Topics } from '../../test/support/topics.ts'
import { startWatchdog } from '../../test/support/watchdog.ts'

export interface Child {
  readonly process: ChildProcessByStdio<null, Readable, Readable>
  /** The exit code, or the signal that ended the process. */
  readonly ended: Promise<number | string>
}

/** Adds a clean-up. They run in the reverse order of these calls. */
export type AtEnd = (cleanUp: () => void | Promise<void>) => void

export interface Stage {
  readonly directory: string
  readonly atEnd: AtEnd
  /**
   * Starts a Node program in a process group of its own, so that a Ctrl-C reaches only the demo, which stops the
   * others.
   */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Child
  close(): Promise<void>
}

export function openStage(): Stage {
  const directory = mkdtempSync(join(tmpdir(), 'logagent-demo-'))
  for (const name of ['logs', 'state']) mkdirSync(join(directory, name))
  const watchdog = startWatchdog(directory)
  const cleanUps: (() => void | Promise<void>)[] = [() => watchdog.close()]
  return {
    directory,
    atEnd: (cleanUp) => void cleanUps.push(cleanUp),
    run(args, env = {}) {
      const child = spawn(process.execPath, args, {
        cwd: join(import.meta.dirname, '../..'),
        // no variable of the outside may configure the agent
        env: { PATH: process.env['PATH'], ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      })
      const { pid } = child
      if (pid !== undefined) watchdog.watch(pid)
      const ended = once(child, 'close').then(() => {
        if (pid !== undefined) watchdog.forget(pid)
        return child.exitCode ?? child.signalCode ?? 'not started'
      })
      cleanUps.push(async () => {
        child.kill('SIGKILL')
        await ended
      })
      return { process: child, ended }
    },
    async close() {
      for (let cleanUp = cleanUps.pop(); cleanUp; cleanUp = cleanUps.pop()) await cleanUp()
    },
  }
}

export interface DemoKafka {
  readonly topics: Topics
  readonly topic: string
  readonly isOurs: boolean
}

/** Opens the Kafka at `brokers`, or starts one, and creates a new topic of two partitions. */
export async function openKafka(brokers: string | undefined, atEnd: AtEnd): Promise<DemoKafka> {
  const topic = freshTopic('logagent-demo')
  if (brokers === undefined) {
    const kafka = await startKafka()
    atEnd(() => kafka.close())
    await kafka.createTopic(topic, { partitions: 2 })
    return { topics: kafka, topic, isOurs: true }
  }
  const peer = await PeerSession.open()
  atEnd(() => peer.close())
  const topics = topicsOf(peer, brokers)
  await topics.createTopic(topic, { partitions: 2 })
  atEnd(() => topics.deleteTopic(topic))
  return { topics, topic, isOurs: false }
}
