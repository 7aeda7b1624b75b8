/**
 * Paths as text. Inside the agent a path has one character for each byte (latin1), so that names that are not UTF-8
 * keep their bytes.
 */

/**
 * A path as it is shown to people and in records: decoded as UTF-8, with replacement characters where it is not UTF-8.
 */
export function textOfPath(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}

/** The path inside the agent for a path as text. */
export function pathOfText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
