/** `logagent state set-aside`: gives up the positions, and keeps their files under other names. */
import { AgentError, messageOf } from '../errors.ts'
import { lockState } from '../input/state/lock.ts'
import { hasState, setStateAside, type RenamedFile } from '../input/state/set-aside.ts'
import { nodeDisk } from '../input/state/disk.ts'

export interface SetAsideOptions {
  readonly directory: string
  readonly stdout: NodeJS.WritableStream
  readonly complain: (message: string) => void
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Numbers in [0, 1). */
  readonly random: () => number
}

/** Throws AgentError `state-locked` while an agent uses the directory, and `state-unusable` if it can't be changed. */
export async function setAside(options: SetAsideOptions): Promise<void> {
  const { directory, stdout } = options
  const moved = await inWords(directory, async () => ((await hasState(nodeDisk, directory)) ? move(options) : []))
  if (moved.length === 0) {
    stdout.write(`nothing to set aside: there is no state in ${directory}\n`)
    return
  }
  for (const { from, to } of moved) stdout.write(`${from} -> ${to}\n`)
  stdout.write('the next start reads every file from its beginning, whatever "start" says\n')
}

async function move({ directory, complain, now, random }: SetAsideOptions): Promise<RenamedFile[]> {
  const lock = await lockState(directory, random)
  try {
    if (lock.unenforced !== '') {
      complain(`${directory} cannot be locked (${lock.unenforced}): make sure that no agent uses it`)
    }
    return await setStateAside(nodeDisk, directory, now())
  } finally {
    await lock.release()
  }
}

async function inWords<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof AgentError) throw error
    const message = `the state directory ${directory} cannot be used: ${messageOf(error)}`
    throw new AgentError('state-unusable', message, { cause: error })
  }
}
