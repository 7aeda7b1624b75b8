/** The faults of a fake broker with one request, by name. */

export type ApiName = 'Produce' | 'Metadata' | 'ApiVersions' | 'InitProducerId'

export type Fault =
  /** Respond with an error, of a Produce request for this partition only if one is named; nothing of that is stored. */
  | { readonly kind: 'error'; readonly code: number; readonly partition?: number; readonly message?: string }
  /** Close the connection instead of (or in the middle of) the response. */
  | { readonly kind: 'close'; readonly when: 'before-append' | 'after-append' | 'mid-response' }
  /** Serve it, and respond once `until` has resolved. */
  | { readonly kind: 'late'; readonly until: Promise<unknown> }
  | { readonly kind: 'twice' }
  /** Serve it, then send these bytes instead of the response. */
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'correlation'; readonly add: number }
  | { readonly kind: 'throttle'; readonly milliseconds: number }

/** Makes each fault by its name. */
export const fault = {
  error: (code: number, partition?: number, message?: string): Fault => ({
    kind: 'error',
    code,
    ...(partition === undefined ? {} : { partition }),
    ...(message === undefined ? {} : { message }),
  }),
  requestLost: (): Fault => ({ kind: 'close', when: 'before-append' }),
  responseLost: (): Fault => ({ kind: 'close', when: 'after-append' }),
  closedMidResponse: (): Fault => ({ kind: 'close', when: 'mid-response' }),
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
