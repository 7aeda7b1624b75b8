/** Copies, cuts and reads the state directory of an agent that has ended, as the next agent reads it. */
import { copyFileSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freshDirectory, type Ending } from './temp.ts'
import { openState } from './state.ts'

/** The names of the state files, without the lock. */
export function stateFiles(directory: string): string[] {
  return readdirSync(directory).filter((name) => statSync(join(directory, name)).isFile())
}

export function copyState(from: string, to: string): void {
  for (const name of stateFiles(to)) rmSync(join(to, name))
  for (const name of stateFiles(from)) copyFileSync(join(from, name), join(to, name))
}

/** Cuts a file to its first `length` bytes. */
export function cut(file: string, length: number): void {
  writeFileSync(file, readFileSync(file).subarray(0, length))
}

/** The offsets by `log.file.id`, as the next agent would find them. The directory stays as it is. */
export async function storedOffsets(t: Ending, directory: string): Promise<Map<string, number>> {
  const copy = freshDirectory(t)
  copyState(directory, copy)
  const { state } = await openState({ directory: copy, agentId: 'test' })
  const offsets = new Map([...state.entries].map(([id, { position }]) => [id, position.offset]))
  await state.close()
  return offsets
}
