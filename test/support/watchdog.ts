/**
 * Ends the processes that a test process has started, however that process ends. A shell reads their pids from a pipe, and
 * kills them when the pipe closes, which the system does even after `kill -9`. The children cannot watch their parent by
 * themselves: a child that is stopped by SIGSTOP, or is another program, watches nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

// SIGKILL also ends a stopped process. The signals of a Ctrl-C are ignored, or the shell would end before its work.
const SCRIPT = `
trap '' INT TERM HUP QUIT
pids=' '
while read -r verb pid; do
  case $verb in
    watch) pids="$pids$pid " ;;
    forget) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
[ -n "$1" ] && rm -rf "$1"
exit 0`

export interface Watchdog {
  watch(pid: number): void
  /** Forgets a process that has ended: its pid may soon belong to another one. */
  forget(pid: number): void
  /** Kills the processes that are still watched and removes the directory. */
  close(): Promise<void>
}

/** @param directory removed at the end, if given */
export function startWatchdog(directory = ''): Watchdog {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'watchdog', directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const ended = once(shell, 'exit')
  const say = (line: string): void => void shell.stdin.write(`${line}\n`)
  return {
    watch: (pid) => say(`watch ${pid}`),
    forget: (pid) => say(`forget ${pid}`),
    close: async () => {
      shell.stdin.end()
      await ended
    },
  }
}
