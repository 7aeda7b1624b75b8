/**
 * Writes to standard output with back-pressure, for commands that print more than a pipe holds.
 */
import { once } from 'node:events'

/** Writes, and waits while the reader is behind. Rejects with an AbortError if `signal` aborts first. */
export async function write(
  stdout: NodeJS.WritableStream,
  chunk: string | Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  if (!stdout.write(chunk)) await once(stdout, 'drain', { signal })
}
