/** Bytes of a record as JSON shows them: text where they are UTF-8, else `{"base64": "…"}`; none are null. */
export function textOrBase64(bytes: Uint8Array | string | null | undefined): unknown {
  if (bytes === null || bytes === undefined) return null
  if (typeof bytes === 'string') return bytes
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = buffer.toString('utf8')
  // U+FFFD is also what a replacement looks like, so compare with the bytes; only then is this costly.
  const isUtf8 = !text.includes('\ufffd') || Buffer.from(text, 'utf8').equals(buffer)
  return isUtf8 ? text : { base64: buffer.toString('base64') }
}
