/**
 * Collects what is wrong with a configuration, so that a user reads all of it at once and not only the first fault.
 * Knows how to show a user's value safely and how to guess what was meant; what is right is known elsewhere.
 */
import { AgentError } from '../errors.ts'
import type { Origin } from './origin.ts'

/** Complaints that are shown at most. */
const MOST_LINES = 50

export interface Complaint {
  /** The setting, or the name that is wrong where there is no such setting. */
  readonly setting: string
  /** The value, if there is one. It is not shown where its origin is secret. */
  readonly value?: unknown
  /** The layer that it came from, or its name alone (`file /etc/logagent.yaml`) where there is no value. */
  readonly origin?: Origin | string
  /** What would be right. */
  readonly advice: string
}

export class Complaints {
  readonly #lines: string[] = []
  readonly #settings = new Set<string>()
  readonly #concerns: (setting: string) => boolean

  /** Drops complaints of settings for which `concerns` is false. */
  constructor(concerns: (setting: string) => boolean = () => true) {
    this.#concerns = concerns
  }

  add(complaint: Complaint): void {
    if (!this.#concerns(complaint.setting)) return
    const { words, isSecret } =
      typeof complaint.origin === 'object' ? complaint.origin : { words: complaint.origin, isSecret: false }
    const value = 'value' in complaint && !isSecret ? ` = ${showValue(complaint.value)}` : ''
    const origin = words === undefined ? '' : ` (${words})`
    // one line, whatever a file's name or an error's text has in it
    this.#lines.push(harmless(`${showName(complaint.setting)}${value}${origin}: ${complaint.advice}`))
    this.#settings.add(complaint.setting)
  }

  /** Whether there is no complaint of these settings yet. If there is, a rule between them would only repeat it. */
  spares(...settings: readonly string[]): boolean {
    return settings.every((setting) => !this.#settings.has(setting))
  }

  /** Throws one AgentError `usage` with one complaint a line, if there are any. */
  throwIfAny(): void {
    if (this.#lines.length === 0) return
    const rest = this.#lines.length - MOST_LINES
    const lines = this.#lines.slice(0, MOST_LINES)
    throw new AgentError('usage', [...lines, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n'))
  }
}

/** Masks the password where somebody wrote `user:password@host` as an address. */
function withoutPassword(text: string): string {
  return text.replaceAll(/[^\s,"']+/g, (item) => {
    const scheme = item.indexOf('://')
    const colon = item.indexOf(':', scheme < 0 ? 0 : scheme + 3)
    const at = item.lastIndexOf('@')
    return colon < 0 || colon > at ? item : `${item.slice(0, colon)}:***${item.slice(at)}`
  })
}

/** A short text for any value, however deep or long it is. */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) {
    const isFlat = value.length <= 5 && value.every((item) => typeof item !== 'object' || item === null)
    return isFlat ? shorten(withoutPassword(JSON.stringify(value))) : `a list of ${value.length}`
  }
  if (typeof value === 'object' && value !== null) return 'a map'
  return shorten(typeof value === 'string' ? withoutPassword(JSON.stringify(value)) : String(value))
}

/** An ordinary name as it is, any other as a short JSON string. */
function showName(name: string): string {
  return /^[\w.[\] -]{1,200}$/.test(name) ? name : shorten(JSON.stringify(name))
}

/** The candidate that was probably meant: one that differs in case and punctuation, or in one or two letters. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  const plain = bare(word)
  const limit = plain.length > 4 ? 2 : 1
  let best: string | undefined
  let least = limit + 1
  for (const candidate of candidates) {
    const distance = editDistance(plain, bare(candidate), least)
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return best
}

/**
 * Without case and punctuation, and cut to the length of the longest setting's name, so that a long key costs little.
 */
function bare(word: string): string {
  return word
    .slice(0, 80)
    .toLowerCase()
    .replace(/[^a-z\d]/g, '')
}

/** Optimal string alignment distance (insert, delete, replace, swap neighbours), or `limit` if it is greater. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let cost = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      next.push(cost)
    }
    before = row
    row = next
  }
  return Math.min(limit, row[b.length] ?? limit)
}

/**
 * Escapes control characters, with the 8-bit ones that terminals obey and JSON leaves alone, and those that reverse
 * text.
 */
function harmless(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}
