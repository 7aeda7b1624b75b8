// scratch: node quick-live.ts BASE_DIST load[,load] rounds
import { join } from 'node:path'
import { logagentAt, logagent } from './contestants/contestant.ts'
import { shipLive } from './parts/live.ts'
import { Stage } from './stage/stage.ts'
const LOADS: Record<string, { files: number; partitions: number; mbPerSecond: number }> = {
  low: { files: 30, partitions: 6, mbPerSecond: 0.1 },
  mid: { files: 30, partitions: 6, mbPerSecond: 1 },
  high: { files: 30, partitions: 6, mbPerSecond: 10 },
  many: { files: 300, partitions: 24, mbPerSecond: 0.2 },
  thousand: { files: 1000, partitions: 24, mbPerSecond: 1.88 },
}
const [base = '', which = 'low', rounds = '1', flags = ''] = process.argv.slice(2)
const stage = await Stage.open(1e9)
try {
  for (const name of which.split(',')) {
    const load = { ...LOADS[name]!, warmUpMs: 4000, measuredMs: 10000 }
    const mine = logagentAt(stage.bundle, 'new', ['--encoding', 'json', ...flags.split(' ').filter(Boolean)])
    const other = logagentAt(join(base, 'logagent.mjs'), 'base', ['--encoding', 'json'])
    for (let i = 0; i < Number(rounds); i++) {
      const got: Record<string, number[]> = { new: [], base: [] }
      for (const c of base === '-' ? [mine] : [mine, other, other, mine]) {
        const r = await shipLive(stage, c, load)
        got[c.name]!.push(r.cpuPercent)
      }
      const m = (a: number[]) => a.reduce((x, y) => x + y, 0) / a.length
      console.log(name, 'new', got['new']!.map((x) => x.toFixed(2)).join('/'), 'base', got['base']!.map((x) => x.toFixed(2)).join('/'), 'ratio', (m(got['new']!) / m(got['base']!)).toFixed(3))
    }
  }
} finally { await stage.close() }
