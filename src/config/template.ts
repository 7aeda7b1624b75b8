/**
 * Text with placeholders, which a record key may be: `${fields.env}-${log.file.name}`. Parses it and fills in what is
 * known when the configuration is loaded. Parts that differ from file to file are left to encode/, which renders them
 * once per file.
 */
import type { TemplatePart } from '../shipping-rules.ts'

/** Names with values that a user adds to records. */
export type Fields = Readonly<Record<string, string | number | boolean>>

export interface TemplateValues {
  readonly agentId: string
  readonly fields: Fields
}

const PLACEHOLDER = /\$\{([^}]*)\}/g
const KNOWN = '${log.file.path}, ${log.file.name}, ${agent.id} and ${fields.NAME}'

/** The names between `${` and `}`, in order. Throws an Error with what is wrong if one is not closed or unknown. */
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

/**
 * The parts of a template that {@link placeholders} accepts, with neighbouring literals joined. Throws an Error for an
 * unknown field.
 */
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
