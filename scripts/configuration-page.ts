/**
 * docs/configuration.md out of the declared settings: the simple case first, an example of each kind of file, then a
 * table for each group. The examples are loaded by a test. Words about a single setting belong in config/schema.ts.
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

Every setting has a name in a file, an environment variable and a flag of \`logagent run\` and \`logagent check\`. Where
several give it, **flag wins over environment wins over file wins over default**. \`logagent check\` shows what is in effect
and where it came from.

- **Needed** are \`paths\` or \`inputs\`, \`kafka.brokers\`, and a topic for every input: its own, or \`kafka.topic\`. With
  \`logagent run --output stdout\`, which is a flag alone, not even the last two.
- **File**: YAML (\`.yaml\`, \`.yml\`), JSON (\`.json\`) or INI (\`.ini\`, \`.conf\`), up to 256 KiB, named by \`--config\` or
  \`LOGAGENT_CONFIG\`; a ConfigMap mount will do. A key without a value counts as left out. Editors know the names by
  [configuration.schema.json](configuration.schema.json).
- **Environment**: for every \`NAME\` also \`NAME_FILE\`, a file that holds the value (a Secret mount); its last newline is
  dropped. An empty variable counts as not set. Lists are comma separated.
- **What came from \`NAME_FILE\` is not shown**: \`check\` prints \`(hidden)\` and where it came from, also for brokers, topics and
  what such a value went into (fields and key of an input); complaints and the log's first line leave it out. The names that
  the agent works with are told all the same: topics, brokers, inputs and files in its log, brokers and topics by
  \`check --connect\`. Sizes may show in the advice of a complaint that compares them.
- **Variables that are no settings**: any other name that begins with \`LOGAGENT_\` is a complaint. A name that begins with
  \`KAFKA_\` may be another program's: it is taken for a slip only if it is a few letters away from one of those below, and that is given
  nowhere. What Kubernetes sets for a Service called \`logagent\` or \`kafka\` (\`KAFKA_PORT\`, \`KAFKA_SERVICE_HOST\`,
  \`KAFKA_PORT_9092_TCP_ADDR\` …) is passed over.
- **Globs** are a shell's: \`*\`, \`?\`, \`[a-z]\`, \`[!a]\`, \`{a,b}\` within a name, and \`**\` for any number of directories, which does
  not follow links. Names that begin with a dot have to be asked for by one.
- **Sizes** are bytes, or text as \`512KiB\`, \`16MiB\`. **Durations** are milliseconds, or text as \`500ms\`, \`25s\`, \`5m\`.
- Whatever is wrong is told at once, a line for each setting or name at fault, and the exit code is 2. Only of a file that
  can't be parsed it is the first fault, and a flag that does not exist is told alone.

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

From the environment only, a little more of it:

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
    'An input without a name goes by a hash of its globs. Names must differ, and so must the globs of inputs without one.',
    'With `LOGAGENT_PATHS` and `inputs` both given, both apply. A file that several inputs want belongs to the first of them:\n`paths` before `inputs`, and those in their order.\n',
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
