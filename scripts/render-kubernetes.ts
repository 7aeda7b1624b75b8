/** Renders k8s/sidecar.yaml from helm/logagent. Run `node scripts/render-kubernetes.ts` when the chart has changed. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
export const CHART = 'helm/logagent'
export const MANIFEST = 'k8s/sidecar.yaml'

/** The path of the pinned Helm, which is built if it is missing. Throws an Error if that fails. */
export function findHelm(): string {
  return execFileSync('bash', [join(ROOT, 'scripts/setup-helm.sh')], { encoding: 'utf8' }).trimEnd()
}

/** The manifest that the chart renders. `helm` is the path of Helm. */
export function sidecarManifest(helm: string): string {
  const args = ['template', 'web', CHART, '--namespace', 'default', '--kube-version', '1.33.0']
  const rendered = execFileSync(helm, args, { cwd: ROOT, encoding: 'utf8' })
  return [
    '# An application with logagent beside it as a native sidecar (Kubernetes 1.29 and newer): kubectl apply -f sidecar.yaml',
    `# Rendered from ${CHART} by scripts/render-kubernetes.ts. Don't edit.`,
    rendered.replaceAll(/^# Source: .*\n/gm, ''),
  ].join('\n')
}

if (import.meta.main) {
  writeFileSync(join(ROOT, MANIFEST), sidecarManifest(findHelm()))
  process.stdout.write(`${MANIFEST} written\n`)
}
