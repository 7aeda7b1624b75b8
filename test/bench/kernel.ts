/**
 * The cost of the kernel: `node test/bench/kernel.ts [--against other.wasm]… [--rounds n] [word]…`; words choose cases.
 * With `--against`, other builds are measured in the same run in alternation (ABBA), so that a busy machine slows all of
 * them alike. The figures are lower quartiles: ns a line, GB/s of source bytes, and the ratio to the first column.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { crc32c } from '@node-rs/crc32'
import { jsonTemplate } from '../../src/encode/json.ts'
import { rawTemplate } from '../../src/encode/raw.ts'
import { TemplateSlot, type Template } from '../../src/encode/template.ts'
import type { RecordFacts } from '../../src/flow.ts'
import { LinearMemory } from '../../src/kernel/memory.ts'
import { corpora } from './corpora.ts'

const CHUNK = 256 * 1024
const OFFSET = 123_456_789
const NOW = 1_795_348_800_123n * 1_000_000n

const FACTS: RecordFacts = {
  file: { id: '5c1f00aa5c1f00aa5c1f00aa', path: '/var/log/pods/shop_web-7d9c5b6f7-abcde_0f1e2d3c/nginx/0.log' },
  agent: { name: 'logagent', id: 'node-1' },
  fields: { env: 'prod', team: 'shop' },
}

/** One case, prepared on a memory. */
interface Subject {
  run(): void
  /** Lines of one run. */
  readonly lines: number
  readonly bytes: number
}

type Make = (memory: LinearMemory) => Subject

function open(module?: Uint8Array<ArrayBuffer>): LinearMemory {
  return new LinearMemory({ total: 16 << 20, chunk: CHUNK + 65536, largest: 4 << 20 }, module)
}

function framing(text: Buffer): Make {
  return (memory) => {
    const { chunk, kernel } = memory
    const bytes = Math.min(text.copy(memory.bytes, chunk.pointer), CHUNK)
    const run = (): number => kernel.frameLines(chunk.pointer, bytes, 0, OFFSET, 262144, 0, NOW)
    return { run, lines: run(), bytes: memory.result(3) }
  }
}

function appending(text: Buffer, template: Template): Make {
  return (memory) => {
    const framed = framing(text)(memory)
    const append = new TemplateSlot(memory).install(template)
    const buffer = memory.pool.take('large')
    if (buffer === null) throw new Error('no buffer')
    const end = buffer.address + buffer.bytes
    const run = (): void => {
      append(0, framed.lines, 0, buffer.address + 61, end, end, 0, 1_795_348_800_123, 1_000_000, 0, 0)
    }
    run()
    if (memory.result(0) !== framed.lines) throw new Error('the buffer is too small')
    return { run, lines: framed.lines, bytes: framed.bytes }
  }
}

function checksum(bytes: number, native: boolean): Make {
  return (memory) => {
    const address = memory.chunk.pointer
    for (let i = 0; i < bytes; i++) memory.bytes[address + i] = (i * 2654435761) >>> 13
    const view = memory.view(address, bytes)
    const run = native ? () => void crc32c(view) : () => void memory.kernel.crc32c(address, bytes, 0)
    return { run, lines: 1, bytes }
  }
}

function cases(): Map<string, Make> {
  const all = new Map<string, Make>()
  for (const [name, text] of corpora(CHUNK)) {
    all.set(`frame ${name}`, framing(text))
    all.set(`raw ${name}`, appending(text, rawTemplate(FACTS, null, 'none')))
    all.set(`raw+headers ${name}`, appending(text, rawTemplate(FACTS, null, 'otel')))
    all.set(`json ${name}`, appending(text, jsonTemplate(FACTS, null)))
  }
  return all
}

/** The time of one run in ns, as the mean of some runs. */
function time(subject: Subject, runs: number): number {
  const start = process.hrtime.bigint()
  for (let i = 0; i < runs; i++) subject.run()
  return Number(process.hrtime.bigint() - start) / runs
}

/** The length of a sample: shorter than a time slice on a busy machine, so that most samples are not interrupted. */
const SAMPLE_NS = 4e5

/** Times of the runs of each subject in ns, in alternation (ABBA), so that a slow moment affects all of them. */
function measure(subjects: readonly Subject[], rounds: number): number[][] {
  for (const subject of subjects) for (let i = 0; i < 300; i++) subject.run()
  const runs = subjects.map((subject) => Math.max(1, Math.round(SAMPLE_NS / time(subject, 100))))
  const times = subjects.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    const order = [...subjects.keys()]
    if (round % 2 === 1) order.reverse()
    for (const i of order) times[i]?.push(time(subjects[i] as Subject, runs[i] ?? 1))
  }
  return times
}

const lowerQuartile = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 2] ?? NaN

/** The cells of a row, one for each subject. */
function figures(subjects: readonly Subject[], times: readonly (readonly number[])[]): string[] {
  const quartiles = times.map(lowerQuartile)
  return subjects.map(({ lines, bytes }, i) => {
    const ns = quartiles[i] ?? NaN
    const text = `${(ns / lines).toFixed(1)} ns ${(bytes / ns).toFixed(2)} GB/s`
    return i === 0 ? text : `${text} x${(ns / (quartiles[0] ?? NaN)).toFixed(2)}`
  })
}

function show(name: string, figures: readonly string[]): void {
  process.stdout.write(`${name.padEnd(24)}${figures.map((figure) => figure.padStart(32)).join('')}\n`)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { against: { type: 'string', multiple: true, default: [] }, rounds: { type: 'string', default: '300' } },
})
const rounds = Number(values.rounds)
const wanted = (name: string): boolean => positionals.length === 0 || positionals.some((word) => name.includes(word))
const builds = [...values.against.map((path) => readFileSync(path)), undefined]

show('', [...values.against, 'this build'])
for (const [name, make] of cases()) {
  if (!wanted(name)) continue
  const subjects = builds.map((module) => make(open(module)))
  show(name, figures(subjects, measure(subjects, rounds)))
}
show('', ['@node-rs/crc32', 'this build'])
for (const bytes of [1 << 20, 65536, 4096, 200]) {
  if (!wanted(`crc32c ${bytes}`)) continue
  const memory = new LinearMemory({ total: 16 << 20, chunk: 2 << 20, largest: 1 << 20 })
  const subjects = [checksum(bytes, true)(memory), checksum(bytes, false)(memory)]
  show(`crc32c ${bytes}`, figures(subjects, measure(subjects, rounds)))
}
