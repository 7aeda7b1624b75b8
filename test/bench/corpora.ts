/** Texts of log lines of several kinds, as they occur, for the benchmark of the kernel; the same in every run. */
import { generator } from './generator.ts'

const words = 'the order was taken from the queue and sent to the next stage without an error by worker'.split(' ')
const greek = 'ἡ παραγγελία ελήφθη από την ουρά και στάλθηκε στο επόμενο στάδιο χωρίς σφάλμα από τον εργάτη'.split(' ')
const japanese = [
  '注文は待ち行列から取り出され',
  '次の段階へ',
  'エラーなしで',
  '作業者によって送られました',
  '在庫を確認',
]

type Line = (n: number, next: (below: number) => number) => string

const sentence = (from: readonly string[], count: number, next: (below: number) => number): string =>
  Array.from({ length: count }, () => from[next(from.length)]).join(' ')

const LINES: Readonly<Record<string, Line>> = {
  plain: (n, next) => `2026-11-22T10:00:00.${next(1000)}Z INFO n=${n} ${sentence(words, 40, next)}`.slice(0, 179),
  nginx: (n, next) =>
    `10.${next(256)}.${next(256)}.7 - - [22/Nov/2026:10:00:00 +0000] "GET /api/orders/${n}?page=${next(50)} HTTP/1.1" 200 ` +
    `${next(9999)} "https://shop.example.com/cart" "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0" "-"`,
  escapes: (n, next) =>
    `{"level":"info","n":${n},"msg":"order \\"${next(1e6)}\\" taken","path":"C:\\\\orders","who":"${words[next(17)]}"}\t`.repeat(
      2,
    ),
  '2-byte': (n, next) => `${n} ${sentence(greek, 14, next)}`,
  '3-byte': (n, next) => `${n} ${sentence(japanese, 7, next)}`,
  mixed: (n, next) => `${n} café "${sentence(words, 8, next)}" – naïve ${sentence(words, 8, next)}… 🦊 ${next(100)}`,
  'not UTF-8': (n, next) => `${n} ${sentence(words, 10, next)} \u00e9\u00e8 ${sentence(words, 10, next)}`,
  short: (n, next) => `level=info n=${n % 1000}${next(10)} ok`,
}

/** Makes a text of each kind, of whole lines and at most this many bytes. */
export function corpora(bytes: number): Map<string, Buffer> {
  const all = new Map<string, Buffer>()
  for (const [name, line] of Object.entries(LINES)) {
    const next = generator()
    const parts: Buffer[] = []
    let size = 0
    for (let n = 0; size < bytes && n < 4096; n++) {
      const part = Buffer.from(`${line(n, next)}\n`, name === 'not UTF-8' ? 'latin1' : 'utf8')
      if (size + part.length > bytes) break
      parts.push(part)
      size += part.length
    }
    all.set(name, Buffer.concat(parts))
  }
  return all
}
