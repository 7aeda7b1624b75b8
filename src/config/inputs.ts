/**
 * Resolves inputs: every member gets its value, from the input itself or from the top level; globs get their allowed
 * roots; each input gets an identity that doesn't depend on its place in the list, so that a reload can apply a
 * difference. The files that the globs match are not looked at.
 */
import { crc32 } from 'node:zlib'
import { splitGlob } from '../glob-base.ts'
import { TEMPLATE_BYTES } from '../kernel/sizes.ts'
import type { Complaints } from './complaints.ts'
import { isPlainObject, type InputItem } from './formats.ts'
import { fromTree } from './layers.ts'
import { metadataSize } from './metadata-size.ts'
import { DEFAULT, madeWith, type Origin } from './origin.ts'
import { type ResolvedValues, resolveValues } from './resolve.ts'
import { INPUT_SCHEMA, type Settings } from './schema.ts'
import type { RecordKey } from '../shipping-rules.ts'
import type { Values } from './setting.ts'
import { type Fields, compileTemplate, placeholders } from './template.ts'

type Members = Values<typeof INPUT_SCHEMA>

export interface InputConfig extends Omit<Members, 'name' | 'path' | 'key'> {
  /** The input's name, or `input-` and 8 hexadecimal digits of a hash of its globs. */
  readonly id: string
  readonly globs: readonly string[]
  readonly key: RecordKey
}

/** What the inputs need from the rest of the configuration. */
export interface InputContext {
  readonly values: Settings
  readonly origins: ReadonlyMap<string, Origin>
  readonly agentId: string
  /** The topic of an input that has none, for an output that needs no topics; else ''. */
  readonly spareTopic: string
}

export interface ResolvedInputs {
  readonly inputs: readonly InputConfig[]
  /** Where each member's value came from, by `inputs.ID.MEMBER`. */
  readonly origins: ReadonlyMap<string, Origin>
}

/** One input as the user wrote it. */
interface RawInput {
  /** Its name in complaints: `inputs.web`, `inputs[0]`, `paths`. */
  readonly label: string
  readonly item: InputItem
  readonly origin: Origin
}

interface Inherited {
  readonly values: Members
  /** Where each member's value came from, by member. */
  readonly origins: ReadonlyMap<string, Origin>
}

type Complain = (member: keyof Members, advice: string, value?: unknown) => void

/** Members whose setting for all inputs has another name. */
const SHARED_NAMES: Readonly<Record<string, string>> = { topic: 'kafka.topic', partitioner: 'kafka.partitioner' }

/** Resolves `paths` and `inputs`; both apply if both are given. Faults go to `complaints`. */
export function resolveInputs(context: InputContext, complaints: Complaints): ResolvedInputs {
  const inputs = new Map<string, { input: InputConfig; label: string }>()
  const origins = new Map<string, Origin>()
  for (const raw of rawInputs(context, complaints)) {
    const { label, origin } = raw
    const inherited = inherit(raw, context, complaints)
    const complain: Complain = (member, advice, value) => {
      const setting =
        label === 'paths' ? (SHARED_NAMES[member] ?? (member === 'path' ? label : member)) : `${label}.${member}`
      const shown = value === undefined ? {} : { value, origin: inherited.origins.get(member) ?? origin }
      if (complaints.spares(setting, SHARED_NAMES[member] ?? member)) complaints.add({ setting, ...shown, advice })
    }
    const input = ready(inherited.values, context, complain)
    if (!input) continue
    const other = inputs.get(input.id)?.label
    if (other !== undefined) {
      const advice = `the input ${input.id} is given twice, here and in ${other}; give one of them another name`
      complaints.add({ setting: label, origin, advice })
    }
    inputs.set(input.id, { input, label })
    for (const [member, from] of inherited.origins) origins.set(`inputs.${input.id}.${member}`, from)
  }
  return { inputs: [...inputs.values()].map(({ input }) => input), origins }
}

/** The inputs as written, in their order, which is also the order of the complaints. */
function* rawInputs({ values, origins }: InputContext, complaints: Complaints): Generator<RawInput> {
  if (values.paths.length > 0) {
    yield { label: 'paths', item: { path: values.paths }, origin: origins.get('paths') ?? DEFAULT }
  }
  const origin = origins.get('inputs') ?? DEFAULT
  const isList = Array.isArray(values.inputs)
  for (const [key, item] of Object.entries<unknown>(values.inputs)) {
    const label = isList ? `inputs[${key}]` : `inputs.${key}`
    // YAML and INI sections give a map from name to input
    if (isPlainObject(item)) yield { label, item: isList ? item : { name: key, ...item }, origin }
    else complaints.add({ setting: label, value: item, origin, advice: 'give a map with path and more' })
  }
}

/** An input's own values, with those of the top level for members that it doesn't give. */
function inherit(
  { label, item, origin }: RawInput,
  { values: top, origins }: InputContext,
  complaints: Complaints,
): Inherited {
  const tree = fromTree({ tree: item, schema: INPUT_SCHEMA, origin, label: `${label}.` }, complaints)
  const given = new Map([...tree].map(([name, raw]) => [name, [{ raw, origin }]]))
  const own: ResolvedValues<typeof INPUT_SCHEMA> = resolveValues(INPUT_SCHEMA, given, {
    complaints,
    label: `${label}.`,
  })
  const shared: Members = { ...top, name: '', path: [], topic: top.kafka.topic, partitioner: top.kafka.partitioner }
  const from = new Map<string, Origin>()
  const pick = <K extends keyof Members>(member: K): Members[K] => {
    const setting = SHARED_NAMES[member] ?? member
    const above = origins.get(setting)
    const inherited = above === undefined ? DEFAULT : { ...above, words: `${above.words}, as ${setting}` }
    from.set(member, own.origins.get(member) ?? inherited)
    return own.origins.has(member) ? own.values[member] : shared[member]
  }
  const values: Members = {
    name: pick('name'),
    path: pick('path'),
    exclude: pick('exclude'),
    roots: pick('roots'),
    topic: pick('topic'),
    partitioner: pick('partitioner'),
    encoding: pick('encoding'),
    headers: pick('headers'),
    start: pick('start'),
    key: pick('key'),
    fields: { ...top.fields, ...pick('fields') },
    emptyLines: pick('emptyLines'),
    maxLineBytes: pick('maxLineBytes'),
    longLines: pick('longLines'),
    rotated: pick('rotated'),
  }
  // a value that was made with a secret is secret too
  const blend = (member: keyof Members, other: Origin = DEFAULT): void => {
    from.set(member, madeWith(from.get(member) ?? DEFAULT, other))
  }
  if (own.origins.has('fields')) blend('fields', origins.get('fields'))
  if (values.roots.length === 0) blend('roots', from.get('path'))
  const names = placeholders(values.key)
  if (names.includes('agent.id')) blend('key', origins.get('agent.id'))
  if (names.some((name) => name.startsWith('fields.'))) blend('key', from.get('fields'))
  return { values, origins: from }
}

function ready(values: Members, context: InputContext, complain: Complain): InputConfig | undefined {
  const { name, path, roots, key: keyText, ...rest } = values
  if (path.length === 0) {
    complain('path', 'missing; give a glob or a list of globs')
    return undefined
  }
  const topic = values.topic || context.spareTopic
  if (topic === '') {
    complain('topic', 'missing; set KAFKA_TOPIC, kafka.topic in a file, --kafka-topic or the topic of each input')
  }
  const key = recordKey(keyText, { agentId: context.agentId, fields: values.fields }, (placeholder) =>
    complain('key', 'there is no field of that name', placeholder),
  )
  if (values.partitioner === 'hash' && key.kind === 'none') {
    complain('partitioner', 'there is no key to hash; give a key or another partitioner', 'hash')
  }
  const size = metadataSize({ ...rest, key }, context.agentId)
  if (size.key + size.rest > TEMPLATE_BYTES) {
    const advice = `each record would carry up to ${size.key + size.rest} bytes beside its line, and there is room for ${TEMPLATE_BYTES}; give less`
    if (size.key > size.rest) complain('key', advice, keyText)
    else complain('fields', advice, values.fields)
  }
  return {
    ...rest,
    id: name || `input-${crc32(path.toSorted().join('\0')).toString(16).padStart(8, '0')}`,
    globs: path,
    roots: roots.length > 0 ? roots : defaultRoots(path, (glob, advice) => complain('path', advice, glob)),
    topic,
    key,
  }
}

function recordKey(
  text: string,
  values: { agentId: string; fields: Fields },
  complain: (placeholder: string) => void,
): RecordKey {
  if (text === 'none' || text === 'file') return { kind: text }
  const absent = placeholders(text).find((name) => {
    return name.startsWith('fields.') && !Object.hasOwn(values.fields, name.slice('fields.'.length))
  })
  if (absent === undefined) return { kind: 'template', parts: compileTemplate(text, values) }
  complain(`\${${absent}}`)
  return { kind: 'file' }
}

/** The base directory of each glob: `/var/log` for `/var/log/app*.log`. */
function defaultRoots(globs: readonly string[], complain: (glob: string, advice: string) => void): string[] {
  const roots = new Set<string>()
  for (const glob of globs) {
    const { base } = splitGlob(glob)
    // the whole machine, /proc included, must not be allowed by accident
    if (base === '/')
      complain(
        glob,
        'it begins at /, so a link could lead anywhere on this machine; give roots, the directories that files may be in',
      )
    roots.add(base)
  }
  return [...roots]
}
