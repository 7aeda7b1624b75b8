/**
 * Reads one configuration file (YAML, JSON or INI by its ending) into a plain tree, or complains. Knows no settings.
 * The bytes may be anything: too many, binary, nested to exhaust the stack, full of aliases. Each of these ends in a
 * complaint, and in bounded time (256 KiB of hostile YAML take the parser a second or two).
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { messageOf } from '../errors.ts'
import type { Complaints } from './complaints.ts'
import { duplicateJsonKeys } from './duplicates.ts'
import { isPlainObject } from './formats.ts'

export type ConfigTree = Readonly<Record<string, unknown>>

/** A quarter of the 1 MiB that a ConfigMap holds at most. It is enough for over a thousand inputs. */
const MOST_BYTES = 256 * 1024
/** The deepest setting is 4 levels down. The bound keeps all later steps from exhausting the stack. */
const MOST_LEVELS = 10

type Parse = (text: string) => Promise<unknown>

const PARSERS: readonly (readonly [endings: RegExp, parse: Parse])[] = [
  // Each parser is loaded only for its own files. A module of ours imports it, because in a bundle that esbuild splits
  // a CommonJS package has no named exports when it is imported dynamically.
  [/\.ya?ml$/i, async (text) => (await import('./yaml.ts')).parseYaml(text)],
  [/\.(ini|conf)$/i, async (text) => (await import('./ini.ts')).parseIni(text)],
  [/\.json$/i, async (text) => parseJson(text)],
]

/**
 * The tree of a file, empty after a complaint. Never throws for what the file is or holds. `namedBy` says who named it.
 */
export async function readConfigFile(path: string, namedBy: string, complaints: Complaints): Promise<ConfigTree> {
  const complain = (advice: string): ConfigTree => {
    complaints.add({ setting: 'configuration', origin: `file ${path}`, advice })
    return {}
  }
  const parse = PARSERS.find(([endings]) => endings.test(path))?.[1]
  if (path === '') return complain(`${namedBy} names no file; give its path, or leave it out`)
  if (!parse) return complain('give a file that ends in .yaml, .yml, .json, .ini or .conf')
  try {
    const tree = (await parse(readText(path))) ?? {}
    if (!isPlainObject(tree)) return complain('give a map of settings at the top')
    checkDepth(tree)
    return tree
  } catch (error) {
    const isUnreadable = error instanceof Error && 'syscall' in error
    return complain(isUnreadable ? `${messageOf(error)}; ${namedBy} names it` : messageOf(error))
  }
}

/**
 * The text of a small regular file. Throws an Error with the reason in words. The file is opened without blocking and
 * checked through its descriptor, so that a FIFO or a device doesn't hang the start.
 */
export function readText(path: string): string {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!fstatSync(file).isFile()) throw new Error('not a regular file')
    const buffer = Buffer.allocUnsafe(MOST_BYTES + 1)
    let length = 0
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(file, buffer, length, buffer.length - length, null)
    }
    if (length > MOST_BYTES) throw new Error(`larger than ${MOST_BYTES / 1024} KiB`)
    const text = decodeText(buffer.subarray(0, length))
    if (text.includes('\0')) throw new Error('not text: it has NUL bytes')
    return text
  } finally {
    closeSync(file)
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error('not UTF-8 text')
  }
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return {}
  let tree: unknown
  try {
    tree = JSON.parse(text)
  } catch (error) {
    // V8 quotes the text around the fault, which may be a secret
    const message = messageOf(error).replace(/, (\.\.\.)?".*$/s, '')
    throw new Error(`not JSON: ${message}`, { cause: error })
  }
  const twice = duplicateJsonKeys(text)
  if (twice.length > 0) throw new Error(`given twice: ${twice.join(', ')}`)
  return tree
}

/**
 * Throws an Error if values are nested too deep. Walks without recursion, because a tree may contain itself through an
 * alias.
 */
function checkDepth(tree: object): void {
  const rest: { node: object; level: number }[] = [{ node: tree, level: 1 }]
  for (let next = rest.pop(); next; next = rest.pop()) {
    if (next.level > MOST_LEVELS) throw new Error(`nested more than ${MOST_LEVELS} levels deep`)
    for (const child of Object.values(next.node)) {
      if (typeof child === 'object' && child !== null) rest.push({ node: child, level: next.level + 1 })
    }
  }
}
