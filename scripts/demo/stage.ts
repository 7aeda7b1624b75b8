/**
 * What the demo runs on: a Kafka, its topic, a temporary directory, processes. All of it is taken down by close(), and
 * by a watchdog when this process ends in any other way, kill -9 included.
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
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** A clean-up, to be run in the reverse order of these calls. */
export type AtEnd = (wish: () => void | Promise<void>) => void

export interface Stage {
  readonly directory: string
  readonly atEnd: AtEnd
  /** A Node program, in a process group of its own: a Ctrl-C is for the demo, which ends the others in order. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Child
  close(): Promise<void>
}

export function openStage(): Stage {
  const directory = mkdtempSync(join(tmpdir(), 'logagent-demo-'))
  for (const name of ['logs', 'state']) mkdirSync(join(directory, name))
  const watchdog = startWatchdog(directory)
  const wishes: (() => void | Promise<void>)[] = [() => watchdog.close()]
  return {
    directory,
    atEnd: (wish) => void wishes.push(wish),
    run(args, env = {}) {
      const child = spawn(process.execPath, args, {
        cwd: join(import.meta.dirname, '../..'),
        // nothing that configures the agent leaks in from the outside
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
      wishes.push(async () => {
        child.kill('SIGKILL')
        await ended
      })
      return { process: child, ended }
    },
    async close() {
      for (let wish = wishes.pop(); wish; wish = wishes.pop()) await wish()
    },
  }
}

export interface DemoKafka {
  readonly topics: Topics
  readonly topic: string
  readonly isOurs: boolean
}

/** The Kafka at `brokers`, or one of our own, with a fresh topic of two partitions. */
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
