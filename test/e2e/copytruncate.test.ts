/** copytruncate of a log that is written without a pause: bytes that a cut takes before they are read are counted. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, renameSync, truncateSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sharedKafka } from '../support/kafka.ts'
import { numberedLine, rawLine } from '../support/numbered-log.ts'
import type { Agent } from '../support/process.ts'
import { type Scene, lastWords, openScene } from '../support/scene.ts'
import { until } from '../support/wait.ts'

const ROTATIONS = 20
/** Writes between two rotations; with the two numbers below, 5,000 lines a second. */
const BURSTS = 40
const LINES_A_BURST = 25
const BURST_MS = 5

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

/** How many bytes the first `lines` lines have, newlines included. */
function bytesOf(lines: number): number {
  let bytes = 0
  for (let n = 0; n < lines; n++) bytes += numberedLine('app', n).length + 1
  return bytes
}

/**
 * Writes, and at each rotation copies the log and cuts it at once: every line is in the log or in a copy, and the agent
 * has not read the end of each copy. Returns how many lines were written.
 */
async function writeAndRotate(scene: Scene, agent: Agent, copyName: (rotation: number) => string): Promise<number> {
  const writer = scene.writer('app.log')
  // the agent does not ship what was rotated before its first start
  await agent.logged(({ msg }) => msg === 'file found', { what: 'the log' })
  for (let rotation = 0; rotation < ROTATIONS; rotation++) {
    for (let burst = 0; burst < BURSTS; burst++) {
      writer.write(LINES_A_BURST)
      // the pace of the writer
      if (burst < BURSTS - 1) await delay(BURST_MS)
    }
    copyFileSync(writer.path, scene.path(copyName(rotation)))
    truncateSync(writer.path)
  }
  writer.close()
  return writer.next
}

function lostBytes(agent: Agent): number {
  return agent.log.filter(({ msg }) => msg === 'bytes lost').reduce((sum, { bytes }) => sum + Number(bytes), 0)
}

/** Waits until as many bytes are shipped or lost as were written, and returns how many are lost. */
async function accounted(scene: Scene, agent: Agent, lines: number): Promise<number> {
  const written = bytesOf(lines)
  const shipped = new Set<string>()
  let bytes = 0
  let from = 0
  const isThere = async (): Promise<boolean> => {
    await kafka.readEach(
      scene.topic,
      (record) => {
        from = record.offset + 1
        const line = rawLine(record)
        const number = line.toString('latin1').split(' ', 2)[1] ?? ''
        if (shipped.has(number)) return
        shipped.add(number)
        bytes += line.length + 1
      },
      { from: [from] },
    )
    return bytes + lostBytes(agent) >= written
  }
  const what = (): string => `${written} bytes: ${bytes} are shipped, ${lostBytes(agent)} are lost`
  await until(isThere, { within: 45_000, every: 100, what })
  await scene.stop(agent)
  const lost = lostBytes(agent)
  assert.equal(bytes + lost, written)
  assert.equal(lastWords(agent)['lostBytes'], lost)
  return lost
}

test('counts every byte that is only in numbered copies as lost', async (t) => {
  const scene = await openScene(t, kafka)
  const agent = scene.start()
  const path = (n: number): string => scene.path(`app.log.${n}`)
  const lines = await writeAndRotate(scene, agent, (rotation) => {
    for (let n = rotation; n > 0; n--) if (existsSync(path(n))) renameSync(path(n), path(n + 1))
    return 'app.log.1'
  })
  assert.ok((await accounted(scene, agent, lines)) > 0)
})

test('ships every byte of copies that are named by the date, and counts none as lost', async (t) => {
  const scene = await openScene(t, kafka)
  const agent = scene.start()
  const lines = await writeAndRotate(scene, agent, (rotation) => `app-202611${rotation + 10}.log`)
  assert.equal(await accounted(scene, agent, lines), 0)
})
