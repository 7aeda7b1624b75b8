/** Puts ever higher offsets into a state as fast as it can, and says each that is written, until it is killed. */
import { at, openState } from '../state.ts'

const { state } = await openState({ directory: process.argv[2] ?? '', journalMinBytes: 20_000 })
let offset = Math.max(0, ...[...state.entries.values()].map(({ position }) => position.offset))
for (;;) {
  offset++
  for (let file = 0; file < 20; file++) state.put(at(`f${file}`, offset))
  if (await state.written()) process.stdout.write(`${offset}\n`)
  if (offset % 10 === 0) void state.flush()
}
