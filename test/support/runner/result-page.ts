/** Writes docs/test-….md: the results, file by file, of a run that is not part of every CI run. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, relative } from 'node:path'
import type { Outcome } from './test-file.ts'

export interface Tested extends Outcome {
  /** Absolute path. */
  readonly file: string
}

export interface ResultPage {
  /** The name of the file in docs. */
  readonly name: string
  readonly title: string
  /** Says what was run, and how it differs from `make test`. */
  readonly text: string
}

export const LONG_PAGE: ResultPage = {
  name: 'test-long.md',
  title: 'Tests at real length',
  text: `Written by \`make test-long\`: all tests, with the agent's own time-outs where \`make test\` gives it shorter ones, and with
longer outages, more restarts and more moves of leaders. The table has those that need a Kafka.`,
}

export function oldestPage(version: string): ResultPage {
  return {
    name: 'test-oldest.md',
    title: 'Tests with the oldest Kafka',
    text: `Written by \`make test-oldest\`: what speaks with Kafka, against Apache Kafka ${version}, the oldest that is supported.`,
  }
}

const ROOT = join(import.meta.dirname, '../../..')

export function writeResultPage({ name, title, text }: ResultPage, tested: readonly Tested[], total: string): void {
  const rows = tested
    .filter(({ file }) => /\/(integration|e2e)\//.test(file))
    .toSorted((a, b) => a.file.localeCompare(b.file))
    .map(({ file, tally, seconds }) => `| \`${relative(ROOT, file)}\` | ${tally.passed} | ${tally.failed} | ${Math.round(seconds)} s |`) // prettier-ignore
  const minutes = tested.reduce((sum, { seconds }) => sum + seconds, 0) / 60
  const page = `# ${title}

${text}

**${total}**, in ${Math.round(minutes)} minutes of tests, on ${new Date().toISOString().slice(0, 10)}, at commit ${commit()}, with ${cpus().length} cores and
Node ${process.versions.node}.

| file | passed | failed | time |
|---|---|---|---|
${rows.join('\n')}
`
  writeFileSync(join(ROOT, 'docs', name), page)
}

function commit(): string {
  try {
    return execFileSync('git', ['-C', ROOT, 'describe', '--always', '--dirty', '--exclude', '*'], {
      encoding: 'utf8',
    }).trim()
  } catch {
    return 'unknown'
  }
}
