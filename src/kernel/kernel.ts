/**
 * The SIMD kernel's functions as TypeScript sees them, and how the kernel is instantiated on a memory. Each function is
 * documented at its AssemblyScript source in simd/; test/support/twin has the same functions in plain TypeScript, as
 * the oracle of the tests. Pointers, lengths and counts are integers; file offsets and timestamps in milliseconds are
 * floats.
 */
import { readFileSync } from 'node:fs'

/** Parameters of `appendRaw` and `appendJson`, in order: see simd/append.ts. */
export type Append = (
  first: number,
  end: number,
  route: number,
  out: number,
  limit: number,
  bufferEnd: number,
  index: number,
  baseTimestamp: number,
  maxRecord: number,
  /** 1: a larger record is dropped; 0: it is cut. */
  drop: number,
  skipped: number,
) => number

export interface Kernel {
  findNewline(from: number, end: number): number
  frameLines(
    start: number,
    length: number,
    searched: number,
    offset: number,
    maxLine: number,
    rules: number,
    timestamp: bigint,
  ): number
  cutLength(text: number, max: number): number
  readonly appendRaw: Append
  readonly appendJson: Append
  copyRecords(from: number, count: number, to: number): number
  skipRecords(from: number, count: number): number
  /** CRC-32C of bytes; `previous` is the checksum of the bytes before them, 0 where there are none. */
  crc32c(pointer: number, length: number, previous: number): number
  /** The guard (src/guard.ts) of the `length` bytes, at most 64, that end at a pointer. */
  guardBefore(end: number, length: number): number
}

interface Exports extends Kernel {
  init(): void
}

/**
 * The compiled kernel: beside this file in the bundle (scripts/build.ts puts it there), in build/ when run from source.
 */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const here = import.meta.url
  return readFileSync(new URL(here.includes('/src/kernel/') ? '../../build/kernel/kernel.wasm' : './kernel.wasm', here))
}

/**
 * Instantiates the kernel on a memory. Throws where the module is missing: run `npm run build:kernel`.
 * `bytes` is another build of the module, to be measured against this one.
 */
export function instantiate(memory: WebAssembly.Memory, bytes = moduleBytes()): Kernel {
  const module = new WebAssembly.Module(bytes)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what simd/kernel.ts exports
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports
  exports.init()
  return exports
}
