/**
 * The handshake on every new connection: ask for the versions that the broker supports, and refuse a broker that lacks
 * one that is needed, with an error that says which.
 */
import { AgentError } from '../../errors.ts'
import { request } from './request.ts'
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

/** Throws AgentError `unsupported-broker` when the broker does not support a version that is needed. */
export async function handshake(connection: Connection, us: { address: string; clientId: string }): Promise<void> {
  const { address, clientId } = us
  const { code, ranges } = await request(connection, {
    encode: (correlationId) => encodeApiVersions({ correlationId, clientId }, SOFTWARE),
    decode: decodeApiVersions,
  })
  const missing = code === 0 ? missingApis(ranges, NEEDED) : [`${API_VERSIONS.name}: ${describeError(code)}`]
  if (missing.length === 0) return
  throw new AgentError('unsupported-broker', `${address} is too old or too new: ${missing.join(', ')}`)
}
