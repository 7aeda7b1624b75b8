/** Where a broker listens: parsed by config/, connected to by output/. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** The address as `host:port`, an IPv6 address in brackets: for messages, and as the settings have it. */
export function hostAndPort({ host, port }: BrokerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
