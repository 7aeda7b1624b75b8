/**
 * Logs as an application does: lines into files in turn, each with one write(), at a rate over all files.
 * `node live-writer.ts DIRECTORY FILES BYTES_PER_SECOND SECONDS` prints `begin` when it begins, then the number of lines.
 */
import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { BLOCK_LINES, LineBlock } from './stage/lines.ts'

const [directory = '', files = '0', rate = '0', seconds = '0'] = process.argv.slice(2)
const descriptors = Array.from({ length: Number(files) }, (_, i) => openSync(join(directory, `${i}.log`), 'a'))
const block = new LineBlock()

process.stdout.write('begin\n')
const begin = performance.now()
let written = 0
let lines = 0
for (let now = 0; now < Number(seconds) * 1000; now = performance.now() - begin) {
  const due = (now / 1000) * Number(rate)
  for (; written < due; lines++) {
    block.number(lines % BLOCK_LINES, lines)
    written += writeSync(descriptors[lines % descriptors.length] ?? -1, block.line(lines % BLOCK_LINES))
  }
  // the pace of the application
  await delay(1)
}
process.stdout.write(`${lines}\n`)
