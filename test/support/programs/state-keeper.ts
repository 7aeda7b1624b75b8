/** Puts ever higher offsets into a state as fast as it can, and prints each one that is written, until it is killed. */
import { at, openState } from '../state.ts'

const { state } = await openState({ directory: process.argv[2] ?? '', journalMinBytes: 20_000 })
let offset = Math.max(0, ...[...state.entries.values()].map(({ position }) => position.offset))
for (;;) {
  offset++
  for (let file = 0; file < 20; file++) state.put(at(`f${file}`, offset))
  // waits for the output: a slow reader must not get an offset long after it was written
  if (await state.written()) await new Promise((done) => process.stdout.write(`${offset}\n`, done))
  if (offset % 10 === 0) void state.flush()
}
