/** The groups of test files: where they are, how many run at once, and how long one may take. */
import { globSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

export interface Group {
  readonly name: string
  /** How many files run at once. Real brokers and agents share two cores: tests that measure time run alone. */
  readonly concurrency: number
  /** The most seconds for one file, and so for any of its tests. */
  readonly limitSeconds: number
  /** Whether the group needs the shared Kafka. */
  readonly kafka: boolean
}

export const GROUPS: readonly Group[] = [
  { name: 'unit', concurrency: 2, limitSeconds: 60, kafka: false },
  { name: 'property', concurrency: 2, limitSeconds: 120, kafka: false },
  { name: 'integration', concurrency: 2, limitSeconds: 180, kafka: true },
  { name: 'e2e', concurrency: 1, limitSeconds: 300, kafka: true },
]

/** How many times longer a file may take in a run at real length, in which the agent has its default time-outs. */
export const LONG_FACTOR = 6

export interface Selected extends Group {
  /** Absolute paths. */
  readonly files: readonly string[]
}

/**
 * @param wanted names of groups, directories or files; everything when empty
 * @throws when one of them selects no test file
 */
export function select(root: string, wanted: readonly string[]): Selected[] {
  const all = GROUPS.map((group) => ({ ...group, files: filesOf(join(root, group.name)) }))
  if (wanted.length === 0) return all.filter(({ files }) => files.length > 0)
  const chosen = new Set(wanted.flatMap((word) => matching(root, word, all)))
  return all
    .map((group) => ({ ...group, files: group.files.filter((file) => chosen.has(file)) }))
    .filter(({ files }) => files.length > 0)
}

function matching(root: string, word: string, all: readonly Selected[]): readonly string[] {
  const group = all.find(({ name }) => name === word)
  const path = group ? join(root, group.name) : resolve(word)
  const found = all.flatMap(({ files }) => files).filter((file) => file === path || file.startsWith(`${path}/`))
  if (found.length === 0) throw new Error(`no test file is at ${relative(process.cwd(), path)}`)
  return found
}

function filesOf(directory: string): string[] {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return []
  return globSync('**/*.test.ts', { cwd: directory })
    .sort()
    .map((file) => join(directory, file))
}
