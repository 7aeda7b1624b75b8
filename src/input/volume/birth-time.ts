/**
 * Birth times of inodes. They distinguish an inode from an earlier one with the same number. Not every file system keeps
 * them; an unknown birth time is 0.
 */
import fs from 'node:fs'

type Times = Pick<fs.BigIntStats, 'birthtimeNs' | 'ctimeNs'>

/**
 * Returns a function that reads the birth time from Node's stats. Where statx cannot be called (a seccomp filter, a kernel
 * before 4.11) libuv fills in the time of the last change instead, which differs after each write and must not be used.
 * `inProc`: the stats of a file in /proc, which keeps no birth times, so a time there shows that libuv fills it in;
 * undefined where there is no /proc.
 */
export function birthTimes(inProc: Times | undefined): (stats: Times) => number {
  const isMadeUp = inProc !== undefined && inProc.birthtimeNs !== 0n && inProc.birthtimeNs === inProc.ctimeNs
  return ({ birthtimeNs }) => (isMadeUp || birthtimeNs <= 0n ? 0 : Number(birthtimeNs) / 1e6)
}

/** The birth time in milliseconds since the epoch, with the file system's fraction; 0 where it is not known. */
export const bornMsOf = birthTimes(fs.statSync('/proc/self/stat', { bigint: true, throwIfNoEntry: false }))

/** Whether two birth times of one inode number are those of one file; null where one of them is not known. */
export function isSameBirth(one: number, other: number): boolean | null {
  return one > 0 && other > 0 ? one === other : null
}
