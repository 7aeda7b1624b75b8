/**
 * Loaded into every test process by the runner: a file whose tests are over must end by itself. What keeps the event loop
 * alive after that is a leak the agent could have too, so it fails the file, and is named.
 */
import { after, beforeEach } from 'node:test'

// Covers the file's own `after` hooks (closing a cluster), which run after this file's: hooks run in order of definition.
const GRACE_MS = Number(process.env['LOGAGENT_TEST_GRACE_MS'] ?? 10_000)

let check: NodeJS.Timeout | undefined

// The tests of a file with a top-level await between them look over at that await.
beforeEach(() => clearTimeout(check))

after(() => {
  // unref: it fires only in a process that something else keeps alive
  check = setTimeout(() => {
    const open = process.getActiveResourcesInfo().filter((resource) => resource !== 'PipeWrap')
    process.stderr.write(`handles left open ${GRACE_MS / 1000} s after the last test: ${open.join(', ') || 'pipes'}\n`)
    process.exit(7)
  }, GRACE_MS).unref()
})
