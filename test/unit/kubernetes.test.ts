/** The plain manifest and the chart: in step with each other, with the settings, and with what a sidecar has to be. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import { MANIFEST, withHead } from '../../scripts/render-kubernetes.ts'
import { loadGiven } from '../support/configuration.ts'

const ROOT = join(import.meta.dirname, '../..')
const text = readFileSync(join(ROOT, MANIFEST), 'utf8')

/** The parts of the manifest that are looked at. */
interface Container {
  readonly name: string
  readonly image: string
  readonly restartPolicy?: string
  readonly env?: readonly { name: string; value?: string }[]
  readonly resources: { requests: { memory: string }; limits: { memory: string } }
  readonly securityContext: unknown
  readonly volumeMounts: readonly { name: string; mountPath: string; readOnly?: boolean }[]
}
interface PodSpec {
  readonly terminationGracePeriodSeconds: number
  readonly automountServiceAccountToken: boolean
  readonly securityContext: { runAsNonRoot: boolean; runAsUser: number; seccompProfile: { type: string } }
  readonly initContainers: readonly [Container]
  readonly containers: readonly [Container]
  readonly volumes: readonly { name: string; emptyDir?: { sizeLimit: string }; configMap?: { name: string } }[]
}
interface Resource {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data: Readonly<Record<string, string>>
  readonly spec: { readonly template: { readonly spec: PodSpec } }
}

const resources = parseAllDocuments(text).map((document): Resource => document.toJS())
const find = (kind: string): Resource => {
  const found = resources.find((resource) => resource?.kind === kind)
  assert.ok(found, kind)
  return found
}
const pod = find('Deployment').spec.template.spec
const [agent] = pod.initContainers
const [app] = pod.containers

test('the manifest is what the chart renders', () => {
  const body = text.split('\n').slice(2).join('\n')
  assert.equal(text, withHead(body), 'chart or manifest has changed: run node scripts/render-kubernetes.ts')
})

test('the agent is a native sidecar of the version of this tree', () => {
  assert.equal(agent.restartPolicy, 'Always')
  assert.equal(agent.image, `logagent:${manifest.version}`)
  const chart: { version: string; appVersion: string } = parse(
    readFileSync(join(ROOT, 'helm/logagent/Chart.yaml'), 'utf8'),
  )
  assert.deepEqual([chart.version, chart.appVersion], [manifest.version, manifest.version])
})

test('it has no more rights than it needs', () => {
  assert.equal(pod.securityContext.runAsNonRoot, true)
  assert.equal(pod.securityContext.runAsUser, 10001)
  assert.equal(pod.securityContext.seccompProfile.type, 'RuntimeDefault')
  assert.equal(pod.automountServiceAccountToken, false)
  for (const { securityContext } of [agent, app]) {
    assert.deepEqual(securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
  }
})

test('it reads the logs the application writes, and writes only its state', () => {
  const mounts = new Map(agent.volumeMounts.map((mount) => [mount.name, mount]))
  assert.equal(mounts.get('logs')?.mountPath, app.volumeMounts.find(({ name }) => name === 'logs')?.mountPath)
  const writable = agent.volumeMounts.filter(({ readOnly }) => readOnly !== true).map(({ name }) => name)
  assert.deepEqual(writable, ['logagent-state'])
  const volumes = new Map(pod.volumes.map((volume) => [volume.name, volume]))
  for (const name of ['logs', 'logagent-state']) assert.ok(volumes.get(name)?.emptyDir?.sizeLimit, name)
  assert.equal(volumes.get('logagent-config')?.configMap?.name, find('ConfigMap').metadata.name)
})

test('its configuration loads, and leaves the pod time to end', async (t) => {
  const [[name, yaml] = []] = Object.entries(find('ConfigMap').data)
  assert.ok(yaml)
  const variable = (wanted: string): string => agent.env?.find((one) => one.name === wanted)?.value ?? ''
  assert.equal(variable('LOGAGENT_CONFIG'), `/etc/logagent/${name}`)
  // what the kubelet does before it starts the container
  const fields = variable('LOGAGENT_FIELDS').replaceAll(/\$\((\w+)\)/g, 'some-$1')
  const config = await loadGiven(t, { yaml, environment: { LOGAGENT_FIELDS: fields } })
  assert.equal(config.inputs[0]?.fields['k8s.pod.name'], 'some-POD_NAME')
  assert.ok(config.inputs[0]?.globs[0]?.startsWith(`${agent.volumeMounts[0]?.mountPath}/`))
  assert.equal(config.state.dir, agent.volumeMounts.find(({ name }) => name === 'logagent-state')?.mountPath)
  assert.ok(config.shutdown.timeout + 10_000 <= pod.terminationGracePeriodSeconds * 1000)
})

test('its memory is limited, and the reserved part fits well below the limit', async (t) => {
  const { requests, limits } = agent.resources
  assert.deepEqual([requests.memory, limits.memory], ['64Mi', '128Mi'])
  const [yaml = ''] = Object.values(find('ConfigMap').data)
  const { buffer } = await loadGiven(t, { yaml })
  assert.ok(buffer.maxBytes <= (128 * 2 ** 20) / 4)
})
