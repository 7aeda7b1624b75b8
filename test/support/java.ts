/** Where the Java runtime of the tests is, and how one of its programs (./java) is started. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface JavaRuntime {
  /** The version of Kafka, of both broker and client. */
  readonly version: string
  readonly java: string
  /** The options and class path to put before the name of a main class. */
  options(heapMb: number): string[]
}

const REPOSITORY = join(import.meta.dirname, '../..')

/**
 * The runtime that scripts/setup-kafka.sh has set up, or sets up now: this takes 0.1 s when everything is there, and a
 * minute or two on a new machine.
 *
 * @param version of Kafka; the one pinned in scripts/kafka/pom.xml when undefined
 */
export async function javaRuntime(version?: string): Promise<JavaRuntime> {
  const env = version === undefined ? process.env : { ...process.env, KAFKA_VERSION: version }
  const script = join(REPOSITORY, 'scripts/setup-kafka.sh')
  const { stdout } = await promisify(execFile)('bash', [script], { env }).catch((error: { stderr?: string }) => {
    throw new Error(`scripts/setup-kafka.sh failed:\n${error.stderr}`)
  })
  const said = new Map(stdout.split('\n').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]))
  const word = (name: string): string => said.get(name) ?? ''
  return {
    version: word('version'),
    java: word('java'),
    options: (heapMb) => [
      `-Xmx${heapMb}m`,
      // For a JVM that lives for seconds: no second compiler, one collecting thread, classes from the archive.
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-Xshare:auto',
      `-XX:SharedArchiveFile=${word('archive')}`,
      '-Dorg.slf4j.simpleLogger.showDateTime=true',
      '-cp',
      word('classpath'),
    ],
  }
}
