/**
 * Compiles the SIMD kernel (AssemblyScript) to build/kernel/kernel.wasm, unless that is newer than its sources. The
 * kernel imports its memory, so that the memory's size is a setting.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const sources = join(root, 'src/kernel/simd')

/** Compiles the kernel. With `withNames` its functions keep their names, for profiles. */
export function compileKernel(target: string, withNames = false): void {
  mkdirSync(dirname(target), { recursive: true })
  const compiler = join(createRequire(import.meta.url).resolve('assemblyscript/package.json'), '../bin/asc.js')
  const options = ['--enable', 'simd', '--enable', 'bulk-memory', '-O3', '--noAssert', '--runtime', 'stub']
  options.push('--importMemory', '--use', 'abort=', '--outFile', target)
  if (withNames) options.push('--debug')
  execFileSync(process.execPath, [compiler, join(sources, 'kernel.ts'), ...options], { stdio: 'inherit' })
}

if (import.meta.main) {
  const target = join(root, 'build/kernel/kernel.wasm')
  const changed = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const newest = Math.max(
    changed(import.meta.filename),
    changed(join(root, 'package-lock.json')),
    ...readdirSync(sources).map((name) => changed(join(sources, name))),
  )
  if (changed(target) < newest) compileKernel(target)
}
