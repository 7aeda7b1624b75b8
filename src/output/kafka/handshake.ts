/**
 * What is said first on every connection: we ask which versions the broker speaks, and turn away from one that lacks
 * what we need, with words that help whoever reads them.
 */
import { AgentError } from '../../errors.ts'
import { ask } from './request.ts'
import type { Connection } from './connection.ts'
import { API_VERSIONS, decodeApiVersions, encodeApiVersions, missingApis } from './wire/api-versions.ts'
import { describeError } from '../error-codes.ts'
import { VERSION } from '../../version.ts'
import { INIT_PRODUCER_ID } from './wire/init-producer-id.ts'
import { METADATA } from './wire/metadata.ts'
import { PRODUCE } from './wire/produce.ts'

const NEEDED = [PRODUCE, METADATA, INIT_PRODUCER_ID]
/** Shown in the broker's metrics of its clients. */
const SOFTWARE = { name: 'logagent', version: VERSION }

/** Throws `unsupported-broker` when the broker doesn't speak what we need. */
export async function greet(connection: Connection, us: { address: string; clientId: string }): Promise<void> {
  const { address, clientId } = us
  const { code, ranges } = await ask(connection, {
    encode: (correlationId) => encodeApiVersions({ correlationId, clientId }, SOFTWARE),
    decode: decodeApiVersions,
  })
  const missing = code === 0 ? missingApis(ranges, NEEDED) : [`${API_VERSIONS.name}: ${describeError(code)}`]
  if (missing.length === 0) return
  throw new AgentError('unsupported-broker', `${address} is too old or too new: ${missing.join(', ')}`)
}
