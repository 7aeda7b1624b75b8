/** The names of the functions that a WebAssembly module exports, by their index: a profile of it has only those. */

const HEADER_BYTES = 8
const EXPORT_SECTION = 7
const FUNCTION = 0

export function exportedFunctions(module: Uint8Array): Map<number, string> {
  let at = HEADER_BYTES
  /** LEB128, unsigned. */
  const integer = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = module[at++] ?? 0
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < module.length) {
    const section = module[at++]
    const size = integer()
    if (section !== EXPORT_SECTION) {
      at += size
      continue
    }
    const names = new Map<number, string>()
    for (let count = integer(); count > 0; count--) {
      const length = integer()
      const name = Buffer.from(module.subarray(at, at + length)).toString()
      at += length
      const kind = module[at++]
      const index = integer()
      if (kind === FUNCTION) names.set(index, name)
    }
    return names
  }
  return new Map()
}
