/**
 * When an inode was made: what tells it from one that had its number before. Not every file system keeps that, and 0
 * stands for a time that is not known.
 */
import fs from 'node:fs'

type Times = Pick<fs.BigIntStats, 'birthtimeNs' | 'ctimeNs'>

/**
 * Reads birth times out of what Node says of files. Where statx cannot be called (a seccomp filter, a kernel before 4.11)
 * libuv fills in the time of the last change, which is another one after each write: that is no birth time. `inProc`:
 * what it says of a file in /proc, which keeps no birth times; undefined where there is no /proc.
 */
export function birthTimes(inProc: Times | undefined): (stats: Times) => number {
  const isMadeUp = inProc !== undefined && inProc.birthtimeNs !== 0n && inProc.birthtimeNs === inProc.ctimeNs
  return ({ birthtimeNs }) => (isMadeUp || birthtimeNs <= 0n ? 0 : Number(birthtimeNs) / 1e6)
}

/** Milliseconds since the epoch, with the fraction that the file system tells; 0 where it is not known. */
export const bornMsOf = birthTimes(fs.statSync('/proc/self/stat', { bigint: true, throwIfNoEntry: false }))

/** Whether one inode number stood for one file at both times; null where one of the birth times is not known. */
export function isSameBirth(one: number, other: number): boolean | null {
  return one > 0 && other > 0 ? one === other : null
}
