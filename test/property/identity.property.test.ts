/**
 * The identity of files against a model: files with the same content come, go and move between two directories, while
 * the agent runs and while it is stopped, and inodes are used again at once. Every file is shipped, and none under the
 * name of another one.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { IdentityStory } from '../support/identity-story.ts'
import { InodeWorld } from '../support/inode-world.ts'
import { seeded } from '../support/seed.ts'

const DIRECTORIES = ['a', 'b']
/** Live names, rotated names, and (last) one that no glob matches. */
const NAMES = ['x.log', 'y.log', 'x.log.1', 'x.log.2', 'x.old']

/** Beginnings of one text: each file may be mistaken for most others. */
const CONTENTS = [1, 5, 10, 700, 1020, 1025, 2045].map((length) => (length === 1 ? '\n' : 'done\n'.repeat(length / 5)))

const place = fc.record({ directory: fc.constantFrom(...DIRECTORIES), name: fc.constantFrom(...NAMES.slice(0, 4)) })
const anyPlace = fc.record({ directory: fc.constantFrom(...DIRECTORIES), name: fc.constantFrom(...NAMES) })
const content = fc.constantFrom(...CONTENTS, 'more\n')

const change = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write'), at: place, content }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove'), at: anyPlace }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove and write'), at: anyPlace, to: place, content }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('move'), at: anyPlace, to: anyPlace }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('move and write'), at: anyPlace, to: anyPlace, content }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reboot') }) },
)

type Place = { readonly directory: string; readonly name: string }
type Change = { readonly do: string; readonly at?: Place; readonly to?: Place; readonly content?: string }

/** Changes while no agent runs, and then, a few at a time, while one does. */
const life = fc.record({
  before: fc.array(change, { maxLength: 6 }),
  during: fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
  order: fc.constantFrom('up' as const, 'down' as const),
  maxOpenFiles: fc.constantFrom(5, 100),
  /** The agent is stopped before it had time to look at the last changes. */
  isHasty: fc.boolean(),
})

type Life = typeof life extends fc.Arbitrary<infer T> ? T : never

function happen(files: InodeWorld, story: IdentityStory, { do: what, at, to, content: text = '' }: Change): void {
  const pathOf = ({ directory, name }: Place = { directory: '', name: '' }): string => join(files.root, directory, name)
  if (what === 'reboot') {
    if (!story.isRunning) story.reboot()
    return
  }
  if (what.startsWith('remove')) files.remove(pathOf(at))
  if (what.startsWith('move')) files.rename(pathOf(at), pathOf(to))
  if (what === 'write' || what === 'move and write') files.write(pathOf(at), text)
  if (what === 'remove and write') files.write(pathOf(to), text)
}

async function happens(lives: readonly Life[], hasBirthTimes: boolean): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'logagent-test-'))
  for (const directory of DIRECTORIES) mkdirSync(join(root, directory))
  const files = new InodeWorld(root, { hasBirthTimes, mtimeGrainMs: hasBirthTimes ? 1 : 1000 })
  const story = new IdentityStory(files)
  try {
    for (const [n, { before, during, order, maxOpenFiles, isHasty }] of lives.entries()) {
      for (const one of before) happen(files, story, one)
      files.order = order
      await story.start(maxOpenFiles)
      for (const changes of during) {
        for (const one of changes) happen(files, story, one)
        if (!isHasty || changes !== during.at(-1)) await story.untilQuiet()
      }
      await (n === lives.length - 1 ? story.finish() : story.stop())
    }
  } finally {
    await story.close()
    rmSync(root, { recursive: true })
  }
}

for (const hasBirthTimes of [true, false]) {
  const where = hasBirthTimes ? 'with birth times' : 'without birth times'
  void test(`ships every file whole, once, under its own id and name, ${where}`, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 2, maxLength: 4 }), (lives) => happens(lives, hasBirthTimes)),
      seeded(t, 150),
    )
  })
}
