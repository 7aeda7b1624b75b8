/**
 * The facts about a file that its records carry: today the file, the agent, and the fields of the input; Kubernetes
 * metadata will be added here. They are gathered when a file is prepared (prepared-files.ts), and rendered by encode/.
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
