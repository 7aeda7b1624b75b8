/**
 * YAML text to plain values, strictly: one document, known tags, no key twice, aliases that stay small.
 */
import { isScalar, LineCounter, parseDocument, visit } from 'yaml'

/** Throws an Error that tells the first fault and its place. */
export function parseYaml(text: string): unknown {
  const lines = new LineCounter()
  // Keys are compared below instead: the library's own check takes time by their square. Errors come before toJS,
  // which on a tree cut short by the parser's stack can take minutes.
  const document = parseDocument(text, {
    lineCounter: lines,
    logLevel: 'error',
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
  })
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `line ${line}, column ${col}: `
  }
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem) throw new Error(`not YAML: ${at(problem.pos[0])}${problem.message.replace(/\s+/g, ' ')}`)
  visit(document, {
    Map(_, { items }) {
      const keys = new Set<string>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        const name = String(key.value)
        if (keys.has(name)) throw new Error(`${at(key.range?.[0] ?? 0)}${JSON.stringify(name)} is given twice`)
        keys.add(name)
      }
    },
  })
  return document.toJS({ maxAliasCount: 100 })
}
