/** A socket without a network: what is written is kept, and is done when the test says so. */
import { Duplex } from 'node:stream'

type Done = (error?: Error | null) => void

export class FakeSocket extends Duplex {
  /** One entry a write or writev, with its bytes. */
  readonly writes: Buffer[] = []
  #writing: Done | null = null
  #destroying: Done | null = null
  /** false: writes are done at once. */
  holdWrites = false
  /** true: destroy is done, and 'close' comes, only on {@link letClose}. */
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

  /** The write under way is done. */
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
