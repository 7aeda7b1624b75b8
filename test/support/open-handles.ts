/**
 * Loaded into every test process by the runner: a test file must end by itself when its tests are over. A handle that
 * keeps the event loop alive is a leak that the agent could have too, so it fails the file and is named.
 */
import { after, beforeEach } from 'node:test'

// Long enough for the file's own `after` hooks (closing a cluster): they run after this one, in order of definition.
const GRACE_MS = Number(process.env['LOGAGENT_TEST_GRACE_MS'] ?? 10_000)

let check: NodeJS.Timeout | undefined

// Where a file has a top-level await between its tests, they seem to be over at that await.
beforeEach(() => clearTimeout(check))

after(() => {
  // unref: it fires only in a process that something else keeps alive
  check = setTimeout(() => {
    const open = process.getActiveResourcesInfo().filter((resource) => resource !== 'PipeWrap')
    process.stderr.write(`handles left open ${GRACE_MS / 1000} s after the last test: ${open.join(', ') || 'pipes'}\n`)
    process.exit(7)
  }, GRACE_MS).unref()
})
