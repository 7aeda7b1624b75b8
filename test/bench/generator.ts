/** Whole numbers from 0 to below a limit (xorshift, seeded by a constant): the same inputs in every run. */
export function generator(): (below: number) => number {
  let x = 2463534242
  return (below) => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % below
  }
}
