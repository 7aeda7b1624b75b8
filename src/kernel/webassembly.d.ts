/**
 * The part of WebAssembly's JavaScript interface that the kernel uses; TypeScript has it only among the DOM's types.
 */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum: number })
    readonly buffer: ArrayBuffer
  }
  // oxlint-disable-next-line typescript/no-extraneous-class -- it has nothing else
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>)
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>)
    readonly exports: Record<string, unknown>
  }
}
