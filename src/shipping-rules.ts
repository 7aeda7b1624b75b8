/**
 * How the settings of an input say where its records go: config/ parses these, enrich/ and output/ follow them. Types
 * only.
 */

/** How the partition of a record is chosen; a number is that partition. */
export type Partitioner = 'sticky' | 'hash' | 'round-robin' | 'random' | number

/** A part of a key: literal text, or the place of a value that differs from file to file. */
export type TemplatePart = string | { readonly of: 'log.file.path' | 'log.file.name' }

/** The rule by which the key of a record is made. */
export type RecordKey =
  | { readonly kind: 'none' }
  /** The path: all generations of a log share it. */
  | { readonly kind: 'file' }
  /** A template. Values that are the same for all files (agent id, fields) are filled in already. */
  | { readonly kind: 'template'; readonly parts: readonly TemplatePart[] }
