/** What a fake broker can do wrong with one request, by name. */

export type ApiName = 'Produce' | 'Metadata' | 'ApiVersions' | 'InitProducerId'

export type Fault =
  /** Answer with an error; of a Produce request only this partition if one is named, and nothing of it is stored. */
  | { readonly kind: 'error'; readonly code: number; readonly partition?: number; readonly message?: string }
  /** Close the connection instead of (or in the middle of) the answer. */
  | { readonly kind: 'close'; readonly when: 'before-append' | 'after-append' | 'mid-answer' }
  /** Serve it, and answer once `until` has resolved. */
  | { readonly kind: 'late'; readonly until: Promise<unknown> }
  | { readonly kind: 'twice' }
  /** Serve it, then send these bytes instead of the answer. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'correlation'; readonly add: number }
  | { readonly kind: 'throttle'; readonly milliseconds: number }

/** The faults by name. */
export const fault = {
  error: (code: number, partition?: number, message?: string): Fault => ({
    kind: 'error',
    code,
    ...(partition === undefined ? {} : { partition }),
    ...(message === undefined ? {} : { message }),
  }),
  requestLost: (): Fault => ({ kind: 'close', when: 'before-append' }),
  answerLost: (): Fault => ({ kind: 'close', when: 'after-append' }),
  closedMidAnswer: (): Fault => ({ kind: 'close', when: 'mid-answer' }),
  late: (until: Promise<unknown>): Fault => ({ kind: 'late', until }),
  never: (): Fault => ({ kind: 'late', until: new Promise(() => undefined) }),
  twice: (): Fault => ({ kind: 'twice' }),
  garbage: (): Fault => ({ kind: 'bytes', bytes: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') }),
  frameLength: (length: number): Fault => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(length)
    return { kind: 'bytes', bytes }
  },
  wrongCorrelation: (add = 1): Fault => ({ kind: 'correlation', add }),
  throttle: (milliseconds: number): Fault => ({ kind: 'throttle', milliseconds }),
}
