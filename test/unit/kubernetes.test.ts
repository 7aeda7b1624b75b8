/** The plain manifest and the chart agree with each other, with the settings, and with the rules for a sidecar. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import { CHART, MANIFEST, findHelm, sidecarManifest } from '../../scripts/render-kubernetes.ts'
import { loadGiven } from '../support/configuration.ts'
import { atEnd } from '../support/ending.ts'
import { freshDirectory } from '../support/temp.ts'
import { until } from '../support/wait.ts'

const ROOT = join(import.meta.dirname, '../..')
const HELM = findHelm()
const text = readFileSync(join(ROOT, MANIFEST), 'utf8')

/** The parts of the manifest that are tested. */
interface Container {
  readonly name: string
  readonly image: string
  readonly command: readonly [string, ...string[]]
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

const find = (kind: string, manifest = text): Resource => {
  const resources = parseAllDocuments(manifest).map((document): Resource => document.toJS())
  const found = resources.find((resource) => resource?.kind === kind)
  assert.ok(found, kind)
  return found
}
const pod = find('Deployment').spec.template.spec
const [agent] = pod.initContainers
const [app] = pod.containers

test('the manifest is what the chart renders', () => {
  assert.equal(text, sidecarManifest(HELM), 'run node scripts/render-kubernetes.ts')
})

test('helm lint finds no fault in the chart', () => {
  const { status, stdout } = spawnSync(HELM, ['lint', '--strict', CHART], { cwd: ROOT, encoding: 'utf8' })
  assert.equal(status, 0, stdout)
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

test('it reads the logs that the application writes, and writes only its state', () => {
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
  // the kubelet does this before it starts the container
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

/** The manifest that the chart makes of values, or its error. */
function render(values: object): { manifest: string; complaint: string } {
  const args = ['template', 'web', CHART, '--kube-version', '1.33.0', '--values', '-']
  const { stdout, stderr } = spawnSync(HELM, args, { cwd: ROOT, encoding: 'utf8', input: JSON.stringify(values) })
  return { manifest: stdout, complaint: stderr }
}

test('the positions have their volume where the configuration says', () => {
  const mountPath = (state: object | null): string | undefined => {
    const [agent] = find('Deployment', render({ config: { state } }).manifest).spec.template.spec.initContainers
    return agent.volumeMounts.find(({ name }) => name === 'logagent-state')?.mountPath
  }
  assert.equal(mountPath({ dir: '/data/positions' }), '/data/positions')
  for (const state of [{}, { dir: null }, null]) assert.equal(mountPath(state), '/var/lib/logagent')
})

test('it reads the directory of the logs, unless the values name other paths', async (t) => {
  const globsOf = async (values: object): Promise<unknown> => {
    const [yaml = ''] = Object.values(find('ConfigMap', render(values).manifest).data)
    return (await loadGiven(t, { yaml })).inputs.map(({ globs }) => globs.join())
  }
  assert.deepEqual(await globsOf({}), ['/var/log/app/*.log'])
  assert.deepEqual(await globsOf({ logs: { mountPath: '/logs/' } }), ['/logs/*.log'])
  assert.deepEqual(await globsOf({ config: { paths: ['/a/*.log'] } }), ['/a/*.log'])
  // a file that both match would belong to `paths`
  assert.deepEqual(await globsOf({ config: { inputs: [{ path: '/b/*.log' }] } }), ['/b/*.log'])
  const both = { paths: ['/a/*.log'], inputs: [{ path: '/b/*.log' }] }
  assert.deepEqual(await globsOf({ config: both }), ['/a/*.log', '/b/*.log'])
})

test('the example application writes where the agent reads, and a last line at SIGTERM', async (t) => {
  const directory = freshDirectory(t)
  const rendered = render({ logs: { mountPath: directory } }).manifest
  const { command, env = [] } = find('Deployment', rendered).spec.template.spec.containers[0]
  const [program, ...args] = command
  const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]))
  const application = spawn(program, args, { env: { PATH: process.env['PATH'], ...variables }, stdio: 'inherit' })
  atEnd(t, () => void application.kill('SIGKILL'))
  const ended = once(application, 'close')
  const log = join(directory, 'app.log')
  await until(() => existsSync(log), { what: 'its log' })
  application.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  assert.match(readFileSync(log, 'utf8'), /^\S+ INFO request 1 done\n(.*\n)*\S+ the last words\n$/)
})

test('a stop that takes longer than the pod is given is refused', () => {
  for (const timeout of ['45s', 45_000, '45000', '0.75m', '1h', '45 S', 86_400_000]) {
    const { complaint } = render({ config: { shutdown: { timeout } } })
    assert.match(
      complaint,
      /config\.shutdown\.timeout = .*: give less than terminationGracePeriodSeconds \(45\)/,
      `${timeout}`,
    )
  }
  assert.match(render({ config: { shutdown: null }, terminationGracePeriodSeconds: 25 }).complaint, /timeout = 25s: /)
  // the agent itself complains of a value that is no duration
  for (const timeout of ['44s', 44_999, '44999ms', 0, '46', 'soon']) {
    assert.equal(find('Deployment', render({ config: { shutdown: { timeout } } }).manifest).kind, 'Deployment')
  }
})
