/** Where a file was last seen. Only sightings.ts writes it, when the file was seen elsewhere. */
import type { Directory } from '../discovery/directory.ts'
import type { Bounds } from '../input-rules.ts'

export class Location {
  directory: Directory
  name: string
  /** By the glob that the file was last found by, which may be another input's: a file stays its own input's. */
  within: Bounds
  /** The name is a symbolic link: a watch on the directory reports nothing of the file. */
  isLinked: boolean

  constructor({ directory, name, within, isLinked = false }: LocationStart) {
    this.directory = directory
    this.name = name
    this.within = within
    this.isLinked = isLinked
  }
}

export interface LocationStart {
  readonly directory: Directory
  readonly name: string
  readonly within: Bounds
  /** Default false. */
  readonly isLinked?: boolean
}
