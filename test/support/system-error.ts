/** An error like those of the file system's calls. */
export function systemError(code: string, syscall?: string): Error {
  const message = syscall === undefined ? `${code}: injected` : `${code}: injected, ${syscall}`
  return Object.assign(new Error(message), { code, ...(syscall !== undefined && { syscall }) })
}
