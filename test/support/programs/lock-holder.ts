/** Takes the lock of a state directory, writes the outcome to standard output, and holds the lock until it is ended. */
import { AgentError } from '../../../src/errors.ts'
import { lockState } from '../../../src/input/state/lock.ts'

const directory = process.argv[2] ?? ''
try {
  const lock = await lockState(directory, Math.random)
  process.on('SIGTERM', () => void lock.release().then(() => process.exit(0)))
  setInterval(() => {}, 2 ** 30)
  process.stdout.write(`held ${lock.unenforced}\n`)
} catch (error) {
  process.stdout.write(error instanceof AgentError ? `${error.code} ${error.message}\n` : String(error))
}
