/** `logagent version`: prints version and platform in one line, for a bug report. */
import { VERSION } from '../version.ts'

export interface Platform {
  /** Node's version without the v. */
  readonly node: string
  readonly os: string
  readonly arch: string
}

export function version({ stdout, platform }: { stdout: NodeJS.WritableStream; platform: Platform }): void {
  stdout.write(`logagent ${VERSION} (node ${platform.node}, ${platform.os} ${platform.arch})\n`)
}
