/** Standard outputs that keep what is written to them. */
import { Writable } from 'node:stream'

export interface Capture {
  readonly stream: NodeJS.WritableStream
  readonly bytes: () => Buffer
  readonly text: () => string
}

/**
 * An output that finishes each write a little later, as a pipe does. A `highWaterMark` below the size of a write makes
 * the writer wait for it.
 */
export function captureOutput({ highWaterMark = 16_384 }: { highWaterMark?: number } = {}): Capture {
  return capture((done) => void setImmediate(done), highWaterMark)
}

/** An output that finishes each write at once, for writers that do not wait. */
export function collectOutput(): Capture {
  return capture((done) => done())
}

function capture(finish: (done: () => void) => void, highWaterMark?: number): Capture {
  const chunks: Buffer[] = []
  const stream = new Writable({
    ...(highWaterMark === undefined ? {} : { highWaterMark }),
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(Buffer.from(chunk))
      finish(done)
    },
  })
  const bytes = (): Buffer => Buffer.concat(chunks)
  return { stream, bytes, text: () => bytes().toString('utf8') }
}
