/** A socket without a network: it keeps what is written, and its writes finish when the test says so. */
import { Duplex } from 'node:stream'

type Done = (error?: Error | null) => void

export class FakeSocket extends Duplex {
  /** The bytes of each write or writev. */
  readonly writes: Buffer[] = []
  #writing: Done | null = null
  #destroying: Done | null = null
  /** true: a write is done only on {@link letWrite}. false: soon after the call. */
  holdWrites = false
  /** true: destroy is done, and 'close' is emitted, only on {@link letClose}. */
  holdClose = false

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.writes.push(Buffer.from(chunk))
    this.#done(done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)))
    this.#done(done)
  }

  override _destroy(error: Error | null, done: Done): void {
    if (this.holdClose) this.#destroying = () => done(error)
    else done(error)
  }

  /** Finishes the write under way. */
  letWrite(): void {
    const done = this.#writing
    this.#writing = null
    done?.()
  }

  letClose(): void {
    this.#destroying?.()
    this.#destroying = null
  }

  #done(done: Done): void {
    if (this.holdWrites) this.#writing = done
    else setImmediate(done)
  }
}
