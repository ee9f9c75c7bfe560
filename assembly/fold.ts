// Adds overlapping windows up: the transpose of reading sliding windows. Taps are the outer loop, so each result is a sum in the
// order of its taps, whatever the threads.
import { payload, viewAddress } from './descriptor'
import { parallel, threads } from './pool'

/** The payload: three axes each, strides in bytes; then sizes, strides of the input and of the output of the outer axes. */
@unmanaged
class Fold {
  outer: i32
  rank: i32
  wide: i32
  t0: i32; t1: i32; t2: i32
  k0: i32; k1: i32; k2: i32
  s0: i32; s1: i32; s2: i32
  stride0: i32; stride1: i32; stride2: i32
  dilation0: i32; dilation1: i32; dilation2: i32
  xt0: i32; xt1: i32; xt2: i32
  xk0: i32; xk1: i32; xk2: i32
  o0: i32; o1: i32; o2: i32
}

export function runFold(desc: usize): i32 {
  const fold = changetype<Fold>(payload(desc))
  parallel(foldTask.index, desc, fold.wide ? threads() : 1)
  return 0
}

function foldTask(desc: usize, task: i32, tasks: i32): void {
  const fold = changetype<Fold>(payload(desc))
  const from = <i32>(<i64>fold.outer * task / tasks)
  const to = <i32>(<i64>fold.outer * (task + 1) / tasks)
  const sizes = changetype<usize>(fold) + offsetof<Fold>()
  const step = <usize>fold.rank << 2
  for (let item = from; item < to; item++) {
    let x = viewAddress(desc, 0)
    let out = viewAddress(desc, 1)
    let rest = item
    for (let axis = fold.rank - 1; axis >= 0; axis--) {
      const at = sizes + (<usize>axis << 2)
      const size = load<i32>(at)
      const i = rest % size
      rest /= size
      x += i * load<i32>(at + step)
      out += i * load<i32>(at + 2 * step)
    }
    foldOne(fold, x, out)
  }
}

/** Whether the windows lie side by side and fill the whole, so that every result is one element. */
@inline
function tiles(t: i32, k: i32, s: i32, stride: i32, dilation: i32): bool {
  return (t == 1 || stride == k) && (k == 1 || dilation == 1) && t * k == s
}

function foldOne(fold: Fold, x: usize, out: usize): void {
  const moves =
    tiles(fold.t0, fold.k0, fold.s0, fold.stride0, fold.dilation0) &&
    tiles(fold.t1, fold.k1, fold.s1, fold.stride1, fold.dilation1) &&
    tiles(fold.t2, fold.k2, fold.s2, fold.stride2, fold.dilation2)
  if (!moves)
    for (let i = 0; i < fold.s0; i++)
      for (let j = 0; j < fold.s1; j++) clearRow(out + i * fold.o0 + j * fold.o1, fold.o2, fold.s2)
  // The common windows of two that do not meet: both elements at once.
  const pairs = fold.k2 == 2 && fold.xk2 == 4 && fold.stride2 == 2 && fold.dilation2 == 1 && fold.o2 == 4
  for (let a = 0; a < fold.k0; a++)
    for (let b = 0; b < fold.k1; b++)
      for (let c = 0; c < fold.k2; c += pairs ? 2 : 1) {
        const from = x + a * fold.xk0 + b * fold.xk1 + c * fold.xk2
        const to = out + a * fold.dilation0 * fold.o0 + b * fold.dilation1 * fold.o1 + c * fold.dilation2 * fold.o2
        for (let i = 0; i < fold.t0; i++)
          for (let j = 0; j < fold.t1; j++) {
            const row = to + i * fold.stride0 * fold.o0 + j * fold.stride1 * fold.o1
            const taps = from + i * fold.xt0 + j * fold.xt1
            if (pairs) addPairs(taps, fold.xt2, row, fold.t2, moves)
            else addRow(taps, fold.xt2, row, fold.stride2 * fold.o2, fold.t2, moves)
          }
      }
}

@inline
function clearRow(to: usize, step: usize, n: i32): void {
  if (step == 4) memory.fill(to, 0, <usize>n << 2)
  else for (; n > 0; n--, to += step) store<f32>(to, 0)
}

// What is added to: the sum so far, or 0 where there is none.
@inline
function sum4(at: usize, none: bool): v128 {
  return none ? f32x4.splat(0) : v128.load(at)
}
@inline
function sum1(at: usize, none: bool): f32 {
  return none ? 0 : load<f32>(at)
}

function addPairs(from: usize, fromStep: usize, to: usize, n: i32, first: bool): void {
  for (; n >= 2; n -= 2, from += 2 * fromStep, to += 16)
    v128.store(to, f32x4.add(sum4(to, first), v128.load64_lane(from + fromStep, v128.load64_zero(from), 1)))
  if (n) v128.store64_lane(to, f32x4.add(first ? f32x4.splat(0) : v128.load64_zero(to), v128.load64_zero(from)), 0)
}

function addRow(from: usize, fromStep: usize, to: usize, toStep: usize, n: i32, first: bool): void {
  if (fromStep == 4 && toStep == 4)
    for (; n >= 4; n -= 4, from += 16, to += 16) v128.store(to, f32x4.add(sum4(to, first), v128.load(from)))
  for (; n > 0; n--, from += fromStep, to += toStep) store<f32>(to, sum1(to, first) + load<f32>(from))
}
