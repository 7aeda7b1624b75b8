/** The part of discovery that a search for missing files uses, for directories that the test looks at itself. */
import type { Directory } from '../../src/input/discovery/directory.ts'
import type { SearchOptions } from '../../src/input/discovery/search.ts'

export function lookedAt(
  directories: ReadonlyMap<string, Directory>,
  look: (directory: Directory) => Promise<unknown>,
): SearchOptions['discovery'] {
  return {
    directory: (path) => directories.get(path),
    look: async (directory) => void (await look(directory)),
    lookLast: async (_which, paths) => {
      for (const directory of directories.values()) if (paths?.has(directory.path) !== false) await look(directory)
    },
    askedAt: () => Math.min(...Array.from(directories.values(), ({ askedAt }) => askedAt)),
  }
}
