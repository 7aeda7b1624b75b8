/**
 * Splits text at its commas, except those in braces, which belong to a glob. Drops surrounding spaces and empty items.
 */
export function splitList(text: string): string[] {
  const items: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i <= text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '{') depth++
    else if (text[i] === '}') depth = Math.max(0, depth - 1)
    else if (i === text.length || (text[i] === ',' && depth === 0)) {
      items.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  return items.filter((item) => item !== '')
}
