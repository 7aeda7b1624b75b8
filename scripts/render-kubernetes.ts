/**
 * Renders k8s/sidecar.yaml from helm/logagent: `node scripts/render-kubernetes.ts`, to be run when the chart has changed.
 * Needs `helm`, so it is not part of `npm run generate`; what CI can check without it is the digest in the file's head,
 * over the chart and the manifest (test/unit/kubernetes.test.ts).
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const CHART = 'helm/logagent'
export const MANIFEST = 'k8s/sidecar.yaml'

/** A manifest with its head: where it came from, and the digest of the chart and of what follows. */
export function withHead(body: string): string {
  const hash = createHash('sha256')
  for (const file of globSync('**/*', { cwd: join(ROOT, CHART), withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()) {
    hash.update(`${file.slice(ROOT.length)}\0`).update(readFileSync(file))
  }
  const digest = hash.update(body).digest('hex').slice(0, 16)
  return [
    '# An application with logagent beside it as a native sidecar (Kubernetes 1.29 and newer): kubectl apply -f sidecar.yaml',
    `# Rendered from ${CHART} by scripts/render-kubernetes.ts. Don't edit. digest ${digest}`,
    body,
  ].join('\n')
}

if (import.meta.main) {
  const args = ['template', 'web', CHART, '--namespace', 'default', '--kube-version', '1.33.0']
  const rendered = execFileSync('helm', args, { cwd: ROOT, encoding: 'utf8' })
  const body = rendered.replaceAll(/^# Source: .*\n/gm, '')
  writeFileSync(join(ROOT, MANIFEST), withHead(body))
  process.stdout.write(`${MANIFEST} written\n`)
}
