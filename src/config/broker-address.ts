/** Brokers' addresses as a user writes them: `host:port`, the port being 9092 if it is not told. */
import type { BrokerAddress } from '../broker-address.ts'
import { AgentError } from '../errors.ts'
import { splitList } from './comma-list.ts'

/** 'host', 'host:9093', '[::1]:9092' to an address, the port being 9092 if not told; undefined if it is none. */
export function parseBroker(text: string): BrokerAddress | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([a-z\d]([a-z\d._-]{0,252})))(?::(\d{1,5}))?$/i.exec(text)
  if (!match) return undefined
  const port = Number(match[4] ?? 9092)
  const host = match[1] ?? match[2] ?? ''
  if (port < 1 || port > 65_535 || (match[1] !== undefined && !URL.canParse(`http://[${host}]`))) return undefined
  return { host, port }
}

/** A comma separated list of brokers. Throws AgentError `usage` if there is none or one is wrong. */
export function readBrokers(text: string): BrokerAddress[] {
  const items = splitList(text)
  if (items.length === 0)
    throw new AgentError('usage', `brokers = ${JSON.stringify(text)}: give at least one host:port`)
  return items.map((item) => {
    const broker = parseBroker(item)
    if (!broker) throw new AgentError('usage', `brokers = ${JSON.stringify(text)}: give host:port`)
    return broker
  })
}
