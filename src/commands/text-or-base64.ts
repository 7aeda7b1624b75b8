/** Bytes of a record as a value for JSON: text if they are UTF-8, else `{"base64": "…"}`; null if there are none. */
export function textOrBase64(bytes: Uint8Array | string | null | undefined): unknown {
  if (bytes === null || bytes === undefined) return null
  if (typeof bytes === 'string') return bytes
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = buffer.toString('utf8')
  // U+FFFD may be in the bytes themselves or a replacement; only then the costly comparison is needed
  const isUtf8 = !text.includes('\ufffd') || Buffer.from(text, 'utf8').equals(buffer)
  return isUtf8 ? text : { base64: buffer.toString('base64') }
}
