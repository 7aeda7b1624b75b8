/**
 * Parses YAML text to plain values, strictly: one document, known tags, no key twice, aliases that stay small.
 */
import { isScalar, LineCounter, parseDocument, visit } from 'yaml'

/** Throws an Error that names the first fault and its place. */
export function parseYaml(text: string): unknown {
  const lines = new LineCounter()
  // Repeated keys are found below, because the library's own check takes time by the square of their number. Errors are
  // checked before toJS, which can take minutes on a tree that the parser's stack has cut short.
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
