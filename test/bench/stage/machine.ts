/** The machine and the versions that figures were measured with. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { javaRuntime } from '../../support/java.ts'
import { RSYSLOGD } from '../contestants/rsyslog.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly kernel: string
  /** Versions by the name of the program. */
  readonly versions: Readonly<Record<string, string>>
  /** The commit of the tree, with a + if there were changes; empty without git. */
  readonly commit: string
}

const ROOT = join(import.meta.dirname, '../../..')

export async function describeMachine(): Promise<Machine> {
  const { version: kafka, java } = await javaRuntime()
  const [osName = ''] = /(?<=^PRETTY_NAME=").*(?=")/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? []
  const processors = cpus()
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: osName,
    kernel: release().replace(/-.*/, ''),
    versions: {
      logagent: packageVersion('package.json'),
      Node: process.versions.node,
      'Apache Kafka': kafka,
      Java: firstMatch(/version "([^"]+)"/, output(java, ['-version'])),
      rsyslog: firstMatch(/rsyslogd\s+(\S+)/, output(RSYSLOGD, ['-v'])),
      librdkafka: firstMatch(/librdkafka ([\d.]+)/, output('kcat', ['-V'])),
      kafkajs: packageVersion('node_modules/kafkajs/package.json'),
      tail: packageVersion('node_modules/tail/package.json'),
    },
    commit: commit(),
  }
}

function commit(): string {
  const head = output('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD']).trim()
  const changes = output('git', ['-C', ROOT, 'status', '--porcelain', '--', 'src', 'package-lock.json']).trim()
  return /^[0-9a-f]+$/.test(head) ? `${head}${changes === '' ? '' : '+'}` : ''
}

function packageVersion(path: string): string {
  const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, path), 'utf8'))
  return version
}

function firstMatch(pattern: RegExp, text: string): string {
  return pattern.exec(text)?.[1] ?? 'unknown'
}

/** The output of a program on both streams: `java -version` writes to the second one. */
function output(program: string, args: readonly string[]): string {
  try {
    return execFileSync('/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args], { encoding: 'utf8' })
  } catch {
    return ''
  }
}
