/**
 * Bundles src/main.ts to dist/, with the kernel beside it. The bundle is split so that a command loads only what it
 * needs; a single file would have to be parsed whole. dist/ runs without node_modules.
 */
import { chmodSync, copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

/** Names that CommonJS packages expect, which an ES module lacks. */
const BANNER = [
  "import{createRequire as __require}from'node:module';",
  'const require=__require(import.meta.url),__filename=import.meta.filename,__dirname=import.meta.dirname;',
].join('')

rmSync(dist, { recursive: true, force: true })
await build({
  entryPoints: [{ in: join(root, 'src/main.ts'), out: 'logagent' }],
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minify: true,
  mainFields: ['module', 'main'],
  outExtension: { '.js': '.mjs' },
  banner: { js: BANNER },
  logLevel: 'warning',
})
copyFileSync(join(root, 'build/kernel/kernel.wasm'), join(dist, 'kernel.wasm'))
chmodSync(join(dist, 'logagent.mjs'), 0o755)
