/**
 * Text with placeholders, as a record key may be: `${fields.env}-${log.file.name}`. Parses and fills in what is known
 * when the configuration is loaded; what differs from file to file is left for whoever renders it, once per file.
 */
import type { TemplatePart } from '../shipping-rules.ts'

/** Names and values that a user adds to records. */
export type Fields = Readonly<Record<string, string | number | boolean>>

export interface TemplateValues {
  readonly agentId: string
  readonly fields: Fields
}

const PLACEHOLDER = /\$\{([^}]*)\}/g
const KNOWN = '${log.file.path}, ${log.file.name}, ${agent.id} and ${fields.NAME}'

/** The names between `${` and `}`, in order. Throws an Error that says what is wrong: unclosed or unknown ones. */
export function placeholders(text: string): string[] {
  const names = [...text.matchAll(PLACEHOLDER)].map(([, name]) => name ?? '')
  if (text.replace(PLACEHOLDER, '').includes('${')) throw new Error('a placeholder is not closed with }')
  for (const name of names) {
    if (!/^(log\.file\.(path|name)|agent\.id|fields\..+)$/s.test(name)) {
      throw new Error(`there are no other placeholders than ${KNOWN}`)
    }
  }
  return names
}

/** Parts of a template that {@link placeholders} accepts, neighbouring literals joined. A field that is not there is an Error. */
export function compileTemplate(text: string, values: TemplateValues): TemplatePart[] {
  const parts: TemplatePart[] = []
  const literal = (more: string): void => {
    const last = parts.at(-1)
    if (typeof last === 'string') parts[parts.length - 1] = last + more
    else if (more !== '') parts.push(more)
  }
  let end = 0
  for (const match of text.matchAll(PLACEHOLDER)) {
    literal(text.slice(end, match.index))
    end = match.index + match[0].length
    const name = match[1] ?? ''
    if (name === 'log.file.path' || name === 'log.file.name') parts.push({ of: name })
    else if (name === 'agent.id') literal(values.agentId)
    else literal(fieldOf(values.fields, name.slice('fields.'.length)))
  }
  literal(text.slice(end))
  return parts
}

function fieldOf(fields: Fields, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (value === undefined) throw new Error(`there is no field of the name ${JSON.stringify(name)}`)
  return String(value)
}
