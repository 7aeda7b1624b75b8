/** Paths inside have one character a byte (latin1), so that names that are not UTF-8 keep their bytes. */

/** As people and records read it: UTF-8 where it is, replacement characters where it is not. */
export function textOfPath(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8')
}

export function pathOfText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
