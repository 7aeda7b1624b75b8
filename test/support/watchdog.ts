/**
 * Ends what a test process started, however that process ends: a shell that reads the pids from a pipe, and kills them
 * when the pipe closes, which the system does for us even on `kill -9`. Asking the children to watch their parent would
 * not do: a child stopped by SIGSTOP, or not ours at all, watches nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

// SIGKILL also ends a stopped process. The signals of a Ctrl-C are ignored, or the shell would die before its duty.
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
  /** To be said once the process has ended: its pid may be someone else's soon. */
  forget(pid: number): void
  /** Kills what is still watched and removes the directory. */
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
