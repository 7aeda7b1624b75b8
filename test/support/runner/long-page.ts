/** docs/test-long.md: what a run at real length came to, file by file. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, relative } from 'node:path'
import type { Outcome } from './test-file.ts'

export interface Tested extends Outcome {
  /** Absolute path. */
  readonly file: string
}

const ROOT = join(import.meta.dirname, '../../..')

export function writeLongPage(tested: readonly Tested[], total: string): void {
  const rows = tested
    .filter(({ file }) => /\/(integration|e2e)\//.test(file))
    .toSorted((a, b) => a.file.localeCompare(b.file))
    .map(({ file, tally, seconds }) => `| \`${relative(ROOT, file)}\` | ${tally.passed} | ${tally.failed} | ${Math.round(seconds)} s |`) // prettier-ignore
  const minutes = tested.reduce((sum, { seconds }) => sum + seconds, 0) / 60
  const page = `# Tests at real length

Written by \`make test-long\`: all tests, with the agent's own time-outs where \`make test\` gives it shorter ones, and with
longer outages, more restarts and more moves of leaders.

**${total}**, in ${Math.round(minutes)} minutes of tests, on ${new Date().toISOString().slice(0, 10)}, at commit ${commit()}, with ${cpus().length} cores and
Node ${process.versions.node}.

| file | passed | failed | time |
|---|---|---|---|
${rows.join('\n')}
`
  writeFileSync(join(ROOT, 'docs/test-long.md'), page)
}

function commit(): string {
  try {
    return execFileSync('git', ['-C', ROOT, 'rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}
