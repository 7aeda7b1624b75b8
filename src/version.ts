import manifest from '../package.json' with { type: 'json' }

/** This program's. */
export const VERSION: string = manifest.version
