/**
 * The test runner: `node test/run.ts [--long | --oldest] [unit|property|integration|e2e|directory|file]…`. It runs all
 * tests by default; with --oldest, those that use Kafka, on the oldest supported version.
 *
 * Each file runs in a process of its own; integration and e2e files share one real Kafka (KAFKA_TEST_BROKERS), started
 * here unless KAFKA_BROKERS names one. The last line is `N passed, N failed`, over the leaves of all files; a run in which
 * no test is executed fails. A whole run with one of the two options is written to a page in docs.
 */
import { relative } from 'node:path'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { startPeer } from './support/java-peer.ts'
import { startKafka } from './support/kafka.ts'
import { LONG_FACTOR, select, type Selected } from './support/runner/groups.ts'
import { LONG_PAGE, type Tested, oldestPage, writeResultPage } from './support/runner/result-page.ts'
import { runFile } from './support/runner/test-file.ts'

/** The oldest supported version of Kafka. */
const OLDEST_KAFKA = '3.5.2'
const SPEAKS_KAFKA = [
  'integration',
  ...['outage', 'shipping', 'three-brokers', 'too-large'].map((name) => `test/e2e/${name}.test.ts`),
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { long: { type: 'boolean' }, oldest: { type: 'boolean' } },
})
const isWhole = positionals.length === 0
/** The page for the results of a whole run. */
const page = values.long ? LONG_PAGE : values.oldest ? oldestPage(OLDEST_KAFKA) : undefined
if (values.oldest) {
  if (values.long || process.env['KAFKA_BROKERS'])
    throw new Error('--oldest starts a Kafka of its own, and goes without --long')
  process.env['KAFKA_VERSION'] = OLDEST_KAFKA
}
if (values.long) process.env['LOGAGENT_TEST_LONG'] = '1'
const limitFactor = values.long ? LONG_FACTOR : 1

const reporter = new spec()
reporter.pipe(process.stdout)
const outcomes: Tested[] = []

try {
  const groups = select(import.meta.dirname, isWhole && values.oldest ? SPEAKS_KAFKA : positionals)
  // Kafka starts while the groups that do not need it run.
  const starting = groups.some(({ kafka }) => kafka) ? provideKafka() : undefined
  starting?.catch(() => {}) // a failure is reported where this is awaited
  try {
    for (const group of groups) {
      if (group.kafka) await starting
      await runGroup(group)
    }
  } finally {
    const close = await starting?.catch(() => undefined)
    await close?.()
  }
} catch (error) {
  process.exitCode = 1
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
}
reporter.end()
reporter.on('end', () => summarize())

async function runGroup({ files, concurrency, limitSeconds }: Selected): Promise<void> {
  const waiting = [...files]
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const outcome = await runFile(file, limitSeconds * limitFactor)
      outcomes.push({ ...outcome, file })
      // all events of a file together: the lines of two files are not mixed
      process.stdout.write(`\n${relative(process.cwd(), file)} (${outcome.seconds.toFixed(1)} s)\n`)
      for (const event of outcome.events) reporter.write(event)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

/** Starts the peer and Kafka, and names them in the environment of test files. Resolves to a function that ends both. */
async function provideKafka(): Promise<() => Promise<void>> {
  const peer = await startPeer()
  process.env['KAFKA_TEST_PEER'] = String(peer.port)
  const outside = process.env['KAFKA_BROKERS']
  const kafka = outside === undefined ? await startKafka({ heapMb: 512 }) : undefined
  process.env['KAFKA_TEST_BROKERS'] = kafka?.bootstrap ?? outside
  return async () => {
    await kafka?.close()
    await peer.close()
  }
}

function summarize(): void {
  const sum = (part: 'passed' | 'failed' | 'skipped'): number =>
    outcomes.reduce((all, { tally }) => all + tally[part], 0)
  const executed = sum('passed') + sum('failed')
  if (executed === 0) process.stdout.write('no test was executed\n')
  const skipped = sum('skipped') > 0 ? `${sum('skipped')} skipped` : ''
  if (skipped !== '') process.stdout.write(`${skipped}\n`)
  const failed = sum('failed') + (executed === 0 || process.exitCode === 1 ? 1 : 0)
  if (failed > 0) process.exitCode = 1
  const total = `${sum('passed')} passed, ${failed} failed`
  if (isWhole && page) writeResultPage(page, outcomes, skipped === '' ? total : `${total}, ${skipped}`)
  process.stdout.write(`${total}\n`)
}
