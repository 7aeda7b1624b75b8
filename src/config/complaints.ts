/**
 * Collects what is wrong with a configuration, so that a user reads all of it at once and not the first fault of many.
 * Knows how to show a user's value safely and how to guess what was meant; not what is right.
 */
import { AgentError } from '../errors.ts'
import type { Origin } from './origin.ts'

/** More lines than this help no one. */
const MOST_LINES = 50

export interface Complaint {
  /** The setting, or what is wrong where it is none. */
  readonly setting: string
  /** The value, if there is one; not shown where its origin is secret. */
  readonly value?: unknown
  /** Which layer it came from; words alone (`file /etc/logagent.yaml`) where there is no value. */
  readonly origin?: Origin | string
  /** What would be right. */
  readonly advice: string
}

export class Complaints {
  readonly #lines: string[] = []
  readonly #settings = new Set<string>()
  readonly #concerns: (setting: string) => boolean

  /** `concerns`: complaints of other settings are dropped. */
  constructor(concerns: (setting: string) => boolean = () => true) {
    this.#concerns = concerns
  }

  add(complaint: Complaint): void {
    if (!this.#concerns(complaint.setting)) return
    const { words, isSecret } =
      typeof complaint.origin === 'object' ? complaint.origin : { words: complaint.origin, isSecret: false }
    const value = 'value' in complaint && !isSecret ? ` = ${showValue(complaint.value)}` : ''
    const origin = words === undefined ? '' : ` (${words})`
    // One line, whatever is in a file's name or an error's text.
    this.#lines.push(harmless(`${showName(complaint.setting)}${value}${origin}: ${complaint.advice}`))
    this.#settings.add(complaint.setting)
  }

  /** Whether nothing was said of these settings yet: a rule that needs them would only repeat what is known. */
  spares(...settings: readonly string[]): boolean {
    return settings.every((setting) => !this.#settings.has(setting))
  }

  /** Throws one AgentError `usage` with a complaint a line, if there are any. */
  throwIfAny(): void {
    if (this.#lines.length === 0) return
    const rest = this.#lines.length - MOST_LINES
    const lines = this.#lines.slice(0, MOST_LINES)
    throw new AgentError('usage', [...lines, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n'))
  }
}

/** The password of somebody who writes `user:password@host` where an address is asked for. */
function withoutPassword(text: string): string {
  return text.replaceAll(/[^\s,"']+/g, (item) => {
    const scheme = item.indexOf('://')
    const colon = item.indexOf(':', scheme < 0 ? 0 : scheme + 3)
    const at = item.lastIndexOf('@')
    return colon < 0 || colon > at ? item : `${item.slice(0, colon)}:***${item.slice(at)}`
  })
}

/** A value in short, however deep or long it is. */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) {
    const isFlat = value.length <= 5 && value.every((item) => typeof item !== 'object' || item === null)
    return isFlat ? shorten(withoutPassword(JSON.stringify(value))) : `a list of ${value.length}`
  }
  if (typeof value === 'object' && value !== null) return 'a map'
  return shorten(typeof value === 'string' ? withoutPassword(JSON.stringify(value)) : String(value))
}

/** A name as it is, if it is an ordinary one. */
function showName(name: string): string {
  return /^[\w.[\] -]{1,200}$/.test(name) ? name : shorten(JSON.stringify(name))
}

/** The candidate that was probably meant: the same but for case and punctuation, or a few letters away. */
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

/** Without case and punctuation, and no longer than any setting's name could be, so that a long key costs nothing. */
function bare(word: string): string {
  return word
    .slice(0, 80)
    .toLowerCase()
    .replace(/[^a-z\d]/g, '')
}

/** Optimal string alignment distance (insert, delete, replace, swap neighbours); `limit` or more is told as `limit`. */
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

/** Control characters escaped, also the 8-bit ones that terminals obey and JSON leaves alone, and those that turn text around. */
function harmless(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`
}
