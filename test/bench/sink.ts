/** The other end of floor.ts: reads all bytes and throws them away; prints its port. */
import { createServer } from 'node:net'

const server = createServer((socket) => {
  socket.resume()
  socket.on('error', () => socket.destroy())
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`)
})
