/** Agents with less power than the tests, which usually run as root: other users, other namespaces. */
import { spawnSync } from 'node:child_process'

/** A user who may do nothing special. `command` runs another command as that user. */
export const NOBODY = {
  uid: 65_534,
  gid: 65_534,
  command: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'],
} as const

/** Whether this machine lets us run commands that way. */
export function canBe({ command }: { readonly command: readonly string[] }): boolean {
  const [program = 'true', ...args] = command
  return spawnSync(program, [...args, process.execPath, '--version']).status === 0
}
