/** An output that has what is written to it at once, for who writes without waiting. */
import { Writable } from 'node:stream'

export function collectOutput(): { readonly stream: NodeJS.WritableStream; readonly text: () => string } {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}
