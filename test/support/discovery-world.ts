/** Discovery in a fresh directory, on clocks that a test moves by hand. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Directory, Look } from '../../src/input/discovery/directory.ts'
import { Discovery } from '../../src/input/discovery/discover.ts'
import { excluder, parseGlob } from '../../src/input/discovery/glob.ts'
import type { Interest } from '../../src/input/discovery/interest.ts'
import type { InputRules } from '../../src/input/input-rules.ts'
import { type Volume, localVolume } from '../../src/input/volume/volume.ts'
import { HandClock } from './hand-clock.ts'
import { recordEvents } from './event-recorder.ts'
import { rulesFor } from './reading.ts'
import { freshDirectory } from './temp.ts'
import { until } from './wait.ts'

/** Inputs a, b, c … with a glob each. */
export function inputsFor(...globs: string[]): InputRules[] {
  return globs.map((glob, n) => rulesFor(glob, { id: String.fromCodePoint(97 + n) }))
}

/** The globs of inputs, as discovery parses them. */
export function globsOf(inputs: readonly InputRules[]): Interest[] {
  return inputs.flatMap((rules) => {
    const excludes = excluder(rules.exclude)
    return rules.globs.map((glob) => ({ rules, excludes, at: 0, ...parseGlob(glob) }))
  })
}

export interface DiscoverySetting {
  /** Globs below the fresh directory, one input each; or whole rules. */
  readonly inputs: readonly (string | ((root: string) => InputRules))[]
  readonly volumeOf?: (path: string, root: string) => Volume
  /** What `seen` returns for every look: whether the directory has to be looked at again soon. */
  readonly again?: () => boolean
  /** The time by which each look advances the clocks. */
  readonly lookMs?: () => number
}

/** Discovery in a fresh directory, with what its options were called with. */
export function discoveryWorld(t: TestContext, setting: DiscoverySetting) {
  const root = freshDirectory(t)
  const recorder = recordEvents()
  // the wall clock is ahead of the file times, so that no look is repeated because of their granularity
  const wall = new HandClock(Date.now() + 3_600_000)
  const clock = new HandClock()
  /** `entered path` and `left path`, in order. */
  const reports: string[] = []
  const short = (path: string): string => path.slice(root.length) || '/'
  const looks: { directory: Directory; look: Look }[] = []
  const firstLooks: string[] = []
  const discovery = new Discovery({
    inputs: setting.inputs.map((input, n) =>
      typeof input === 'string' ? rulesFor(join(root, input), { id: `input${n}` }) : input(root),
    ),
    events: recorder.events,
    now: wall.read,
    clock: clock.read,
    sweepMs: 30_000,
    seen(directory, look) {
      looks.push({ directory, look })
      if (directory.wasThere) firstLooks.push(short(directory.path))
      const lookMs = setting.lookMs?.() ?? 0
      wall.advance(lookMs)
      clock.advance(lookMs)
      return Promise.resolve(setting.again?.() ?? false)
    },
    volumeOf: (path) => setting.volumeOf?.(path, root) ?? localVolume,
    entered: (directory) => void reports.push(`entered ${short(directory.path)}`),
    left: (directory) => void reports.push(`left ${short(directory.path)}`),
  })
  t.after(() => discovery.stop())
  const write = (name: string): void => {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), 'a line\n')
  }
  /** Ticks until the condition holds. More than one tick may be needed, since a tick does not wait for new directories. */
  const ticking = async (what: string, condition: () => boolean): Promise<void> => {
    await until(async () => (await discovery.tick(), condition()), { what, every: 1 })
  }
  return {
    root,
    discovery,
    recorder,
    wall,
    clock,
    reports,
    looks,
    /** Directories that existed when the agent started, in the order of their first looks. */
    firstLooks,
    write,
    ticking,
    path: (name: string) => join(root, name),
    /** Directories looked at since the last call. */
    looked: () => looks.splice(0).map(({ directory }) => short(directory.path)),
    /** `path input` of every sighting since the last call, in the last look at each directory. */
    sighted: () => {
      const last = new Map(looks.splice(0).map(({ directory, look }) => [directory.path, { directory, look }]))
      return [...last.values()]
        .flatMap(({ directory, look }) =>
          look.sightings.map(
            ({ name, kind, interest }) =>
              `${short(directory.pathOf(name))} ${interest.rules.id}${kind === 'live' ? '' : ` ${kind}`}`,
          ),
        )
        .sort()
    },
  }
}

/** A world in which a directory with one file was looked at. */
export async function worldLookedAt(t: TestContext, setting: Omit<DiscoverySetting, 'inputs'> = {}) {
  const one = discoveryWorld(t, { inputs: ['*.log'], ...setting })
  one.write('a.log')
  await one.discovery.lookAround()
  const [directory] = one.discovery.directories()
  assert.ok(directory)
  return { ...one, directory }
}
