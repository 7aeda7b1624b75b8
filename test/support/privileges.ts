/** Runs agents with fewer privileges than the tests, which usually run as root: as other users, in other namespaces. */
import { spawnSync } from 'node:child_process'

/** A user without privileges. `command` runs another command as that user. */
export const NOBODY = {
  uid: 65_534,
  gid: 65_534,
  command: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'],
} as const

/** Whether this machine allows running commands in this way. */
export function canBe({ command }: { readonly command: readonly string[] }): boolean {
  const [program = 'true', ...args] = command
  return spawnSync(program, [...args, process.execPath, '--version']).status === 0
}
