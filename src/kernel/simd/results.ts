// What a call reports beside its return value: a block of 64-bit floats that the caller reads after the call.
// The slots are in layout.ts.
import { RESULTS } from './layout'

// @ts-ignore: decorator
@inline export function result(slot: u32, value: f64): void {
  store<f64>(<usize>slot << 3, value, RESULTS)
}
