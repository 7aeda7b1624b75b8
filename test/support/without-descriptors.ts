/** Runs programs in processes with few descriptors, or with none left. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const PROGRAM = join(import.meta.dirname, 'programs/no-descriptors.ts')

/** The command under which a process may have this many descriptors; a hard limit, because Node raises the soft one. */
export function descriptorLimit(most: number): readonly string[] {
  return ['prlimit', `--nofile=${most}:${most}`]
}

/** Runs programs/no-descriptors.ts with these arguments, and returns its output. */
export function withoutDescriptors(...args: readonly string[]): string {
  const [command = '', ...under] = descriptorLimit(100)
  const { stdout, stderr } = spawnSync(command, [...under, process.execPath, PROGRAM, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  return stdout + stderr
}
