/** Parses the address of a broker as a user writes it: `host:port`; without a port it is 9092. */
import type { BrokerAddress } from '../broker-address.ts'
import { AgentError } from '../errors.ts'
import { splitList } from './comma-list.ts'

/** Parses 'host', 'host:9093' or '[::1]:9092', without a port as 9092; undefined if the text is no address. */
export function parseBroker(text: string): BrokerAddress | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([a-z\d]([a-z\d._-]{0,252})))(?::(\d{1,5}))?$/i.exec(text)
  if (!match) return undefined
  const port = Number(match[4] ?? 9092)
  const host = match[1] ?? match[2] ?? ''
  if (port < 1 || port > 65_535 || (match[1] !== undefined && !URL.canParse(`http://[${host}]`))) return undefined
  return { host, port }
}

/** Parses a comma separated list of brokers. Throws AgentError `usage` if the list is empty or an address is wrong. */
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
