/**
 * What a setting's value may look like: convict formats, each with a `coerce` from text (environment, flags, INI) and a
 * `validate` that throws an Error saying what would be right. A `coerce` never throws, because convict would then stop
 * at the first fault: it returns text that it can't read, and `validate` refuses it. There are no rules between
 * settings here.
 */
import { parseBroker } from './broker-address.ts'
import { splitList } from './comma-list.ts'
import { parseBytes, parseDuration, showBytes, showDuration } from './quantity.ts'
import { placeholders } from './template.ts'

/** The parts of a declaration that formats look at. */
interface Limits {
  readonly default?: unknown
  readonly min?: number
  readonly max?: number
  readonly options?: readonly string[]
  readonly later?: readonly string[]
}

export interface Format {
  readonly coerce?: (text: string) => unknown
  readonly validate: (value: unknown, limits: Limits) => void
  /** Validates one entry of a map, so that a complaint shows only that entry. */
  readonly validateEntry?: (name: string, value: unknown) => void
}

/**
 * One input as the user wrote it, with members that are not validated yet. In a map of inputs, the key is its `name`.
 */
export type InputItem = Readonly<Record<string, unknown>>

/** The longest path in bytes that Linux opens. picomatch throws at globs that are much longer. */
export const PATH_MAX = 4096
const TOO_LONG = `give no more than ${PATH_MAX} bytes: no path is longer`

const WITHIN_A_NAME =
  'close every {, [ and ( before the next slash, or write \\( for the character; /a/{b/c,d}/* has to be two globs, /a/b/c/* and /a/d/*'

export const FORMATS = {
  choice: {
    validate: (value, { options = [], later = [] }) => {
      must(!later.includes(String(value)), `not supported yet; give ${options.join(' or ')}`)
      must(isOneOf(value, options), `give ${options.join(' or ')}`)
    },
  },
  boolean: {
    coerce: (text) => (/^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : text),
    validate: (value) => must(typeof value === 'boolean', 'give true or false'),
  },
  bytes: {
    coerce: (text) => parseBytes(text) ?? text,
    validate: (value, { min = 0, max = Number.MAX_SAFE_INTEGER }) =>
      must(isWhole(value, min, max), `give bytes from ${showBytes(min)} to ${showBytes(max)}, as 4096, 512KiB or 8MiB`),
  },
  duration: {
    coerce: (text) => parseDuration(text) ?? text,
    validate: (value, { min = 0, max = Number.MAX_SAFE_INTEGER }) =>
      must(
        isWhole(value, min, max),
        `give a duration from ${showDuration(min)} to ${showDuration(max)}, as 250 (milliseconds), 500ms, 25s or 5m`,
      ),
  },
  count: {
    coerce: (text) => wholeNumber(text),
    validate: (value, { min = 1, max = Number.MAX_SAFE_INTEGER, default: fallback }) => {
      const absent = fallback === -1 ? ' or -1' : ''
      must(isWhole(value, min, max) || (absent !== '' && value === -1), `give a number from ${min} to ${max}${absent}`)
    },
  },
  name: {
    validate: (value) =>
      must(
        typeof value === 'string' && /^[a-z\d][a-z\d._-]{0,252}$/i.test(value),
        'give text of letters, digits, dot, dash and underscore that begins with a letter or digit' + quoted(value),
      ),
  },
  topic: {
    validate: (value) =>
      must(
        typeof value === 'string' && /^[a-z\d._-]{1,249}$/i.test(value) && value !== '.' && value !== '..',
        'give a topic name: 1 to 249 letters, digits, dots, dashes and underscores' + quoted(value),
      ),
  },
  acks: {
    coerce: (text) => wholeNumber(text),
    validate: (value) => must(value === 'all' || value === 1 || value === 0, 'give all, 1 or 0'),
  },
  partitioner: {
    coerce: (text) => wholeNumber(text),
    validate: (value) =>
      must(
        isOneOf(value, ['sticky', 'hash', 'round-robin', 'random']) || isWhole(value, 0, 2 ** 31 - 1),
        'give sticky, hash, round-robin, random or a partition number',
      ),
  },
  key: {
    validate: (value) => {
      must(typeof value === 'string' && value !== '', 'give none, file or text with placeholders' + quoted(value))
      placeholders(value)
    },
  },
  directory: {
    validate: (value) => {
      must(typeof value === 'string' && isCleanPath(value), 'give an absolute path without . and ..')
      must(isShort(value), TOO_LONG)
    },
  },
  directories: {
    coerce: splitList,
    validate: (value) => {
      eachText(value, isCleanPath, 'give absolute directories without . and ..')
      eachText(value, isShort, TOO_LONG)
    },
  },
  globs: {
    coerce: splitList,
    validate: (value) => {
      must(!Array.isArray(value) || value.length > 0, 'give at least one glob')
      eachText(value, isCleanPath, 'give absolute globs without . and .., as /var/log/app/*.log')
      eachText(value, isShort, TOO_LONG)
      eachText(value, isBalanced, 'close every { and [ of a glob, or write \\{ and \\[ for the characters')
      eachText(value, isClosedAtSlashes, WITHIN_A_NAME)
      eachText(value, (glob) => !glob.endsWith('/'), 'give globs of files; a directory is read as /var/log/app/*')
    },
  },
  exclude: {
    coerce: splitList,
    validate: (value) => {
      const isNamePattern = (glob: string): boolean => /^[^/\0]+$/.test(glob)
      const advice = 'give absolute globs, or globs of a name as *.gz'
      eachText(value, (glob) => isCleanPath(glob) || isNamePattern(glob), advice)
      eachText(value, isShort, TOO_LONG)
    },
  },
  brokers: {
    coerce: splitList,
    validate: (value) => {
      must(!Array.isArray(value) || value.length > 0, 'give at least one host:port')
      eachText(
        value,
        (text) => parseBroker(text) !== undefined,
        'give host:port (IPv6 as [::1]:9092), no scheme in front',
      )
    },
  },
  fields: {
    coerce: (text) => (text.startsWith('{') ? fromJson(text) : splitFields(text)),
    validate: (value) => must(isPlainObject(value), 'give names and values, in the environment as env=prod,team=shop'),
    validateEntry: (name, field) => {
      must(/^[^\p{Cc}]{1,128}$/u.test(name), 'give a name of 1 to 128 characters, none of them a control character')
      const isScalar = typeof field === 'string' || typeof field === 'boolean' || Number.isFinite(field)
      must(isScalar, 'give text, a number, true or false: fields are flat')
    },
  },
  inputs: {
    coerce: fromJson,
    validate: (value) =>
      must(Array.isArray(value) || isPlainObject(value), 'give a list of inputs, or a map from name to input'),
  },
} satisfies Record<string, Format>

export type FormatName = keyof typeof FORMATS

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function splitFields(text: string): unknown {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '')
  if (!pairs.every((pair) => pair.indexOf('=') > 0)) return text
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')).trim(), pair.slice(pair.indexOf('=') + 1).trim()]),
  )
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function wholeNumber(text: string): unknown {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
}

function isOneOf(value: unknown, options: readonly string[]): boolean {
  return typeof value === 'string' && options.includes(value)
}

function isCleanPath(path: string): boolean {
  return /^\/[^\0]*$/s.test(path) && !/\/\.{1,2}(\/|$)/.test(path)
}

function isShort(path: string): boolean {
  return Buffer.byteLength(path) <= PATH_MAX
}

function isBalanced(glob: string): boolean {
  const plain = withoutEscapes(glob)
  return !/\[[^\]]*$/.test(plain) && hasAsMany(plain, '{', '}')
}

/** Whether no group is open at a slash: a glob is matched name by name, and such a group would span two names. */
function isClosedAtSlashes(glob: string): boolean {
  const plain = withoutEscapes(glob)
  const names = plain.split('/')
  // a parenthesis that is never closed is an ordinary character
  const hasGroups = hasAsMany(plain, '(', ')')
  return names.every((name) => isBalanced(name) && (!hasGroups || hasAsMany(name, '(', ')')))
}

function withoutEscapes(glob: string): string {
  return glob.replaceAll(/\\[^/]/gs, '')
}

function hasAsMany(text: string, open: string, close: string): boolean {
  return text.split(open).length === text.split(close).length
}

function eachText(value: unknown, accepts: (text: string) => boolean, advice: string): void {
  must(Array.isArray(value) && value.every((text) => typeof text === 'string' && accepts(text)), advice)
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? '' : ', in quotes if need be'
}

function must(condition: boolean, advice: string): asserts condition {
  if (!condition) throw new Error(advice)
}
