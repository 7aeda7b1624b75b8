/** Builds the bundle of another commit in a worktree of its own, so that two versions can be measured side by side. */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../..')

/** Builds a commit, and returns the path of its program. Throws if the clone does not have the commit. */
export function buildEarlier(commit: string, directory: string): string {
  const tree = join(directory, `tree-${commit}`)
  const run = (program: string, args: readonly string[], cwd = tree): void =>
    void execFileSync(program, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
  try {
    run('git', ['worktree', 'add', '--quiet', '--detach', tree, commit], ROOT)
  } catch (error) {
    throw new Error(`commit ${commit} is not in this clone: fetch it, or name another by --earlier`, { cause: error })
  }
  try {
    const lock = (root: string): string => readFileSync(join(root, 'package-lock.json'), 'utf8')
    if (lock(tree) === lock(ROOT)) symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'))
    else run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
    run(process.execPath, ['scripts/build-kernel.ts'])
    run(process.execPath, ['scripts/build.ts'])
    const built = join(directory, `dist-${commit}`)
    cpSync(join(tree, 'dist'), built, { recursive: true })
    return join(built, 'logagent.mjs')
  } finally {
    rmSync(tree, { recursive: true, force: true })
    run('git', ['worktree', 'prune'], ROOT)
  }
}
