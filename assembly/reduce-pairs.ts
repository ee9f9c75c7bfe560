// Reductions of windows that lie side by side and are two elements wide, as most pooling has them: four windows at a time, whose elements
// are taken in order, straight from where they lie. Of equal extremes the first stays.
import { Op } from './map-ops'
import { AddF } from './map-ops-float'

@inline
function evens(p: usize): v128 {
  return v128.shuffle<f32>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6)
}
@inline
function odds(p: usize): v128 {
  return v128.shuffle<f32>(v128.load(p), v128.load(p, 16), 1, 3, 5, 7)
}

/** `a` where `mask` is set, else `b`. */
@inline
function choose(a: v128, b: v128, mask: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i32x4.relaxed_laneselect(a, b, mask) : v128.bitselect(a, b, mask)
}

// Whether x is beyond `best`, or NaN where `best` is none.
class Above {
  @inline beats(x: v128, best: v128): v128 { return v128.andnot(f32x4.eq(best, best), f32x4.le(x, best)) }
  @inline of(best: v128, x: v128): v128 { return choose(x, best, this.beats(x, best)) }
}
class Below {
  @inline beats(x: v128, best: v128): v128 { return v128.andnot(f32x4.eq(best, best), f32x4.ge(x, best)) }
  @inline of(best: v128, x: v128): v128 { return choose(x, best, this.beats(x, best)) }
}

/** `n` windows of `rows` pairs, at least four; the last four may overlap those before. */
function fold<T>(from: usize, stride: i32, rows: i32, to: usize, n: i32): void {
  const op = changetype<T>(0)
  for (let i = 0; i < n; i += 4) {
    const first = <usize>min(i, n - 4) << 2
    let p = from + 2 * first
    let sum = op.of(evens(p), odds(p))
    for (let r = 1; r < rows; r++) {
      p += stride
      sum = op.of(op.of(sum, evens(p)), odds(p))
    }
    v128.store(to + first, sum)
  }
}

/** The same for positions of extremes. */
function find<T>(from: usize, stride: i32, rows: i32, to: usize, n: i32): void {
  const op = changetype<T>(0)
  for (let i = 0; i < n; i += 4) {
    const first = <usize>min(i, n - 4) << 2
    let p = from + 2 * first
    let best = evens(p)
    let x = odds(p)
    let places = v128.and(op.beats(x, best), i32x4.splat(1))
    best = op.of(best, x)
    for (let k = 2; k < 2 * rows; k += 2) {
      p += stride
      x = evens(p)
      places = choose(i32x4.splat(k), places, op.beats(x, best))
      best = op.of(best, x)
      x = odds(p)
      places = choose(i32x4.splat(k + 1), places, op.beats(x, best))
      best = op.of(best, x)
    }
    v128.store(to + first, places)
  }
}

export function foldPairs(op: i32, from: usize, stride: i32, rows: i32, to: usize, n: i32): void {
  if (op == Op.addF) fold<AddF>(from, stride, rows, to, n)
  else if (op == Op.maxF) fold<Above>(from, stride, rows, to, n)
  else fold<Below>(from, stride, rows, to, n)
}

export function findInPairs(op: i32, from: usize, stride: i32, rows: i32, to: usize, n: i32): void {
  if (op == Op.maxF) find<Above>(from, stride, rows, to, n)
  else find<Below>(from, stride, rows, to, n)
}
