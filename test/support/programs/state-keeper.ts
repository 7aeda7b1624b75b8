/** Puts ever higher offsets into a state as fast as it can, and says each that is written, until it is killed. */
import { at, openState } from '../state.ts'

const { state } = await openState({ directory: process.argv[2] ?? '', journalMinBytes: 20_000 })
let offset = Math.max(0, ...[...state.entries.values()].map(({ position }) => position.offset))
for (;;) {
  offset++
  for (let file = 0; file < 20; file++) state.put(at(`f${file}`, offset))
  // who does not read for a while must not make it say things later than it does them
  if (await state.written()) await new Promise((done) => process.stdout.write(`${offset}\n`, done))
  if (offset % 10 === 0) void state.flush()
}
