/** A process that may open no more files than it has. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const PROGRAM = join(import.meta.dirname, 'programs/no-descriptors.ts')

/** A command under which a process may have so many descriptors. Hard, too: Node raises the soft limit to that. */
export function descriptorLimit(most: number): readonly string[] {
  return ['prlimit', `--nofile=${most}:${most}`]
}

/** What the program of that name says it came to. */
export function withoutDescriptors(...args: readonly string[]): string {
  const [command = '', ...under] = descriptorLimit(100)
  const { stdout, stderr } = spawnSync(command, [...under, process.execPath, PROGRAM, ...args], {
    encoding: 'utf8',
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  return stdout + stderr
}
