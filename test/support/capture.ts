/** A standard output that keeps what is written to it. */
import { Writable } from 'node:stream'

export interface Capture {
  readonly stream: NodeJS.WritableStream
  readonly bytes: () => Buffer
  readonly text: () => string
}

/** `highWaterMark` below what is written makes the writer wait for each chunk. */
export function captureOutput({ highWaterMark = 16_384 }: { highWaterMark?: number } = {}): Capture {
  const chunks: Buffer[] = []
  const stream = new Writable({
    highWaterMark,
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(Buffer.from(chunk))
      setImmediate(done)
    },
  })
  const bytes = (): Buffer => Buffer.concat(chunks)
  return { stream, bytes, text: () => bytes().toString('utf8') }
}
