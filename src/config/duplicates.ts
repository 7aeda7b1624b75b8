/**
 * Finds what the parsers of JSON and INI accept in silence: keys that are given twice (the last one wins), INI lines
 * that are neither section nor setting (skipped), and names that would change an object's prototype (skipped). These
 * functions are no parsers: they scan the text by the parser's own rules and build nothing.
 */

/** Keys that are given twice in one object of a text that JSON.parse accepts, as `"key" in line 3`. */
export function duplicateJsonKeys(text: string): string[] {
  const found: string[] = []
  /** The keys so far of each object that is not closed yet; null for an array. */
  const open: (Set<string> | null)[] = []
  let line = 1
  // in valid JSON, brackets, newlines and strings followed by a colon are enough to find objects and keys
  for (const [token, literal, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]\n]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(null)
    else if (token === '}' || token === ']') open.pop()
    else if (literal !== undefined && colon !== undefined) {
      const key = String(JSON.parse(literal))
      const keys = open.at(-1)
      if (keys?.has(key)) found.push(`${JSON.stringify(key)} in line ${line}`)
      keys?.add(key)
    }
    line += token.split('\n').length - 1
  }
  return found
}

/**
 * Lines of an INI text that `ini` would skip or that would undo others, each as `line 3: …`. The grammar is that of ini
 * 7.
 */
export function faultyIniLines(text: string): string[] {
  const faults: string[] = []
  const settings = new Map<string, number>()
  const sections = new Map<string, number>()
  let section = ''
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const number = index + 1
    if (/^\s*([;#]|$)/.test(line)) continue
    const match = /^\[([^\]]*)\]\s*$|^([^=]+)=/.exec(line)
    const name = (match?.[1] ?? match?.[2] ?? '').trim()
    if (name === '') faults.push(`line ${number}: neither [section] nor name = value`)
    else if (name.includes('__proto__')) faults.push(`line ${number}: __proto__ can't be a name`)
    else if (match?.[1] !== undefined) {
      section = `${name}.`
      if (!sections.has(name)) sections.set(name, number)
    } else {
      const before = settings.get(section + name)
      if (before !== undefined && !name.endsWith('[]'))
        faults.push(`line ${number}: ${name} is given in line ${before} already`)
      settings.set(section + name, number)
      // a ; or # behind a space is meant as a comment; the parser takes any other for one too
      const [value = ''] = line
        .slice(line.indexOf('=') + 1)
        .trim()
        .split(/\s[;#]/, 1)
      if (!/^["']/.test(value) && /[^\s\\][;#]/.test(value))
        faults.push(`line ${number}: ; and # begin a comment; put the value in quotes`)
    }
  }
  for (const [name, number] of sections) {
    const above = name.split('.').map((_, end, parts) => parts.slice(0, end + 1).join('.'))
    // [a.b] after a = 1 replaces the 1, and [a.b] after [a.b.c] replaces the latter
    const undone = above.map((part) => settings.get(part)).find((line) => line !== undefined)
    if (undone !== undefined) faults.push(`line ${number}: [${name}] undoes line ${undone}`)
    const late = above.slice(1, -1).find((part) => (sections.get(part) ?? 0) > number)
    if (late !== undefined) faults.push(`line ${number}: [${name}] must come after [${late}]`)
  }
  return faults
}
