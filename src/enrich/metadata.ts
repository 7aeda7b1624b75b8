/**
 * What the records of a file tell about it. Asked when a file is prepared (prepared-files.ts), and rendered to bytes by
 * encode/ then. Kubernetes metadata will come in here; today it is the file, the agent, and the fields of the input.
 */
import type { Generation, RecordFacts, Scalar } from '../flow.ts'

const AGENT_NAME = 'logagent'

export interface MetadataSource {
  readonly agentId: string
  /** By input id. */
  readonly fields: ReadonlyMap<string, Readonly<Record<string, Scalar>>>
}

export function factsOf(file: Generation, source: MetadataSource): RecordFacts {
  return {
    file: { id: file.id, path: file.path },
    agent: { name: AGENT_NAME, id: source.agentId },
    fields: source.fields.get(file.inputId) ?? {},
  }
}
