/**
 * Makes docs/configuration.md from the declared settings: the simple case first, an example of each kind of file, then a
 * table for each group. A test loads the examples. The description of a single setting belongs in config/schema.ts.
 */
import { GROUPS, INPUT_SCHEMA, SCHEMA } from '../src/config/schema.ts'
import { showBytes, showDuration } from '../src/config/quantity.ts'
import { namedSettings, type NamedSetting } from '../src/config/setting.ts'
import { defaultText } from '../src/config/words.ts'

const TOP = `# Configuration

<!-- Generated from src/config/schema.ts by \`npm run generate\`. Don't edit. -->

The simple case needs no file:

\`\`\`sh
LOGAGENT_PATHS=/var/log/app/*.log
KAFKA_BROKERS=kafka-0.kafka:9092,kafka-1.kafka:9092
KAFKA_TOPIC=logs
\`\`\`

Every setting has a name in a configuration file, an environment variable and a flag of \`logagent run\` and
\`logagent check\`. If a setting is given more than once, **a flag wins over the environment, the environment over the file,
and the file over the default**. \`logagent check\` shows the values in effect and where each came from.

- **Required settings** are \`paths\` or \`inputs\`, \`kafka.brokers\`, and a topic for every input: its own, or
  \`kafka.topic\`. With \`logagent run --output stdout\`, which exists only as a flag, brokers and topics are not required.
- **File**: YAML (\`.yaml\`, \`.yml\`), JSON (\`.json\`) or INI (\`.ini\`, \`.conf\`), up to 256 KiB. \`--config\` or
  \`LOGAGENT_CONFIG\` names it; it can be a ConfigMap mount. A key without a value counts as left out. Editors can complete
  and check names with [configuration.schema.json](configuration.schema.json).
- **Environment**: for every \`NAME\` there is also \`NAME_FILE\`, which names a file with the value (a Secret mount); the last
  newline of that file is dropped. An empty variable counts as not set. Lists are comma separated.
- **Values from \`NAME_FILE\` are not shown**: \`check\` prints \`(hidden)\` and where the value came from. This is so for brokers
  and topics too, and for values that were made with such a value (fields and key of an input). Complaints and the first
  line of the log leave the value out. The names that the agent works with are shown: topics, brokers, inputs and files in
  its log, brokers and topics by \`check --connect\`. Sizes can appear in the advice of a complaint that compares them.
- **Variables that are no settings**: any other name that begins with \`LOGAGENT_\` is an error. A name that begins with
  \`KAFKA_\` can belong to another program. It is an error only if it is a few letters away from a name below that is not
  given at all. Variables that Kubernetes sets for a Service called \`logagent\` or \`kafka\` (\`KAFKA_PORT\`,
  \`KAFKA_SERVICE_HOST\`, \`KAFKA_PORT_9092_TCP_ADDR\` …) are ignored.
- **Globs** are those of a shell: \`*\`, \`?\`, \`[a-z]\`, \`[!a]\`, \`{a,b}\` within a name, and \`**\` for any number of
  directories. \`**\` does not follow links. A name that begins with a dot is matched only by a pattern that begins with one.
- **Sizes** are bytes, or text such as \`512KiB\` or \`16MiB\`. **Durations** are milliseconds, or text such as \`500ms\`,
  \`25s\` or \`5m\`.
- All errors are reported at once, with a line for each setting or name, and the exit code is 2. There are two exceptions:
  for a file that can't be parsed only the first error is reported, and an unknown flag is reported alone.

## Examples

Several files to several topics, in YAML:

\`\`\`yaml
kafka:
  brokers: [kafka-0.kafka:9092, kafka-1.kafka:9092]
  compression: zstd
inputs:
  access: # the name of the input
    path: /var/log/nginx/access*.log
    topic: access
    encoding: raw
    partitioner: round-robin
  app:
    path: [/var/log/app/*.log, /var/log/jobs/**/*.log]
    exclude: ['*.debug.log']
    topic: app
    maxLineBytes: 1MiB
    key: \${fields.team}/\${log.file.name}
    fields: { team: shop, service.name: checkout }
shutdown:
  timeout: 50s
\`\`\`

The same idea in INI, where a section is a group and \`[inputs.NAME]\` an input:

\`\`\`ini
start = end

[kafka]
brokers = kafka-0.kafka:9092, kafka-1.kafka:9092
acks = 1

[inputs.access]
path = /var/log/nginx/access.log, /var/log/nginx/error.log
topic = access

[inputs.app]
path = /var/log/app/*.log
topic = app
fields = team=shop,tier=web
\`\`\`

Only from the environment, with some more settings:

\`\`\`sh
LOGAGENT_PATHS=/var/log/app/*.log,/var/log/{cron,jobs}/*.log
LOGAGENT_ENCODING=raw
LOGAGENT_FIELDS=env=prod,team=shop
LOGAGENT_DELIVERY=at-most-once
LOGAGENT_STATE_DIR=/var/lib/logagent
KAFKA_BROKERS=[fd00::1]:9092
KAFKA_TOPIC=logs
KAFKA_PARTITIONER=3
\`\`\`
`

/** The whole page. */
export function configurationPage(): string {
  const groups = Map.groupBy(namedSettings(SCHEMA), ({ name }) => {
    return GROUPS[name.includes('.') ? name.slice(0, name.indexOf('.')) : ''] ?? ''
  })
  const sections = [...groups].map(([title, settings]) => `## ${title}\n\n${table(settings)}`)
  const [first = '', ...rest] = sections
  return [TOP, first, inputs(), ...rest].join('\n')
}

function table(settings: readonly NamedSetting[]): string {
  const rows = settings.map(({ name, env, flag, setting }) => {
    return row([`\`${name}\``, defaultText(setting), `\`${env}\``, `\`--${flag}\``, meaning(setting)])
  })
  return [
    row(['Setting', 'Default', 'Environment', 'Flag', 'Meaning']),
    row(Array<string>(5).fill('---')),
    ...rows,
    '',
  ].join('\n')
}

function inputs(): string {
  const rows = namedSettings(INPUT_SCHEMA).map(({ name, setting }) => {
    const isShared = namedSettings(SCHEMA).some((setting) => setting.name === name)
    const fallback =
      name === 'path' ? 'required' : isShared ? `\`${name}\` of the top level` : (setting.defaultText ?? '')
    return row([`\`${name}\``, fallback, meaning(setting)])
  })
  return [
    '## Members of an input\n',
    'An input without a name is identified by a hash of its globs. Names must differ, and so must the globs of inputs\nwithout a name. If `LOGAGENT_PATHS` and `inputs` are both given, both apply. A file that several inputs match belongs to\nthe first of them: `paths` comes before `inputs`, and those are in their order.\n',
    row(['Member', 'If left out', 'Meaning']),
    row(Array<string>(3).fill('---')),
    ...rows,
    '',
  ].join('\n')
}

function meaning(setting: NamedSetting['setting']): string {
  const { doc, unit, options, sensitive, min, max } = setting
  const values = options ? `${options.map((option) => `\`${option}\``).join(', ')}. ` : ''
  const shown = unit === 'ms' ? showDuration : unit === 'bytes' ? showBytes : String
  const [kind, from] = unit === 'ms' ? [' Duration', ', '] : unit === 'bytes' ? [' Size', ', '] : ['', ' From ']
  const limits = max === undefined ? '' : `${from}${shown(min ?? 1)} to ${shown(max)}`
  const counted = `${kind}${limits}`
  return `${values}${doc}${counted === '' ? '' : `${counted}.`}${sensitive ? ' Secret: masked everywhere.' : ''}`
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
