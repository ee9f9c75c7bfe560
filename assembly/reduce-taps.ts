// Reductions of a few elements each (pooling windows, short rows): the elements' offsets are worked out once, and rows of outputs
// are walked without any further arithmetic on indices.
import { Op } from './map-ops'
import { offsetOf } from './strided'

@inline
function f(a: i32): f32 {
  return reinterpret<f32>(a)
}

/** One step of a fold; `op` is a constant wherever this is inlined. */
@inline
function fold(op: i32, a: i32, b: i32): i32 {
  if (op == Op.addF) return reinterpret<i32>(f(a) + f(b))
  if (op == Op.mulF) return reinterpret<i32>(f(a) * f(b))
  if (op == Op.maxF) return reinterpret<i32>(max(f(a), f(b)))
  if (op == Op.minF) return reinterpret<i32>(min(f(a), f(b)))
  if (op == Op.addI) return a + b
  if (op == Op.mulI) return a * b
  if (op == Op.maxI) return max(a, b)
  if (op == Op.minI) return min(a, b)
  if (op == Op.or) return a | b
  return a & b
}

/** Whether b comes before a as an extreme: strictly greater (or less), or the first NaN. */
@inline
function beats(op: i32, a: i32, b: i32): bool {
  if (op == Op.maxF) return f(b) > f(a) || (f(b) != f(b) && f(a) == f(a))
  if (op == Op.minF) return f(b) < f(a) || (f(b) != f(b) && f(a) == f(a))
  if (op == Op.maxI || op == Op.or) return b > a
  return b < a
}

/** Offsets in bytes of all elements that an output folds, in row-major order. */
export function tapOffsets(table: usize, shape: usize, strides: usize, rank: i32, count: i32): void {
  for (let i = 0; i < count; i++) store<i32>(table + (<usize>i << 2), offsetOf(shape, strides, rank, i))
}

@inline
function foldRow(op: i32, table: usize, count: i32, at: usize, inStride: i32, out: usize, outStride: i32, n: i32): void {
  const end = table + (<usize>count << 2)
  for (let i = 0; i < n; i++, at += inStride, out += outStride) {
    let v = load<i32>(at + load<i32>(table))
    for (let tap = table + 4; tap < end; tap += 4) v = fold(op, v, load<i32>(at + load<i32>(tap)))
    store<i32>(out, v)
  }
}

@inline
function positionRow(op: i32, table: usize, count: i32, at: usize, inStride: i32, out: usize, outStride: i32, n: i32): void {
  for (let i = 0; i < n; i++, at += inStride, out += outStride) {
    let best = load<i32>(at + load<i32>(table))
    let position = 0
    for (let k = 1; k < count; k++) {
      const v = load<i32>(at + load<i32>(table + (<usize>k << 2)))
      if (beats(op, best, v)) {
        best = v
        position = k
      }
    }
    store<i32>(out, position)
  }
}

/** One row of outputs: the fold of its taps. */
export function foldTaps(op: i32, table: usize, count: i32, at: usize, inStride: i32, out: usize, outStride: i32, n: i32): void {
  if (op == Op.addF) foldRow(Op.addF, table, count, at, inStride, out, outStride, n)
  else if (op == Op.mulF) foldRow(Op.mulF, table, count, at, inStride, out, outStride, n)
  else if (op == Op.maxF) foldRow(Op.maxF, table, count, at, inStride, out, outStride, n)
  else if (op == Op.minF) foldRow(Op.minF, table, count, at, inStride, out, outStride, n)
  else if (op == Op.addI) foldRow(Op.addI, table, count, at, inStride, out, outStride, n)
  else if (op == Op.mulI) foldRow(Op.mulI, table, count, at, inStride, out, outStride, n)
  else if (op == Op.maxI) foldRow(Op.maxI, table, count, at, inStride, out, outStride, n)
  else if (op == Op.minI) foldRow(Op.minI, table, count, at, inStride, out, outStride, n)
  else if (op == Op.or) foldRow(Op.or, table, count, at, inStride, out, outStride, n)
  else foldRow(Op.and, table, count, at, inStride, out, outStride, n)
}

/** One row of outputs: which tap is the extreme. */
export function positionTaps(op: i32, table: usize, count: i32, at: usize, inStride: i32, out: usize, outStride: i32, n: i32): void {
  if (op == Op.maxF) positionRow(Op.maxF, table, count, at, inStride, out, outStride, n)
  else if (op == Op.minF) positionRow(Op.minF, table, count, at, inStride, out, outStride, n)
  else if (op == Op.maxI || op == Op.or) positionRow(Op.maxI, table, count, at, inStride, out, outStride, n)
  else positionRow(Op.minI, table, count, at, inStride, out, outStride, n)
}
