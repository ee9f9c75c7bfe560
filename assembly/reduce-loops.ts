// The inner loops of reductions, one for each of the ten foldings. `neutral` fills lanes that no element falls into.
import { Op } from './map-ops'
import { AddF, MaxF, MinF, MulF } from './map-ops-float'
import { AddI, And, MaxI, MinI, MulI, Or } from './map-ops-int'

/** One to three elements and neutral ones. */
@inline
function partial(p: usize, n: i32, neutral: v128): v128 {
  let v = v128.load32_lane(p, neutral, 0)
  if (n > 1) v = v128.load32_lane(p, v, 1, 4)
  return n > 2 ? v128.load32_lane(p, v, 2, 8) : v
}

@inline
function leafOf<T>(p: usize, n: i32, neutral: v128): v128 {
  const op = changetype<T>(0)
  let a = neutral
  if (n >= 16) {
    let b = a, c = a, d = a
    for (; n >= 16; n -= 16, p += 64) {
      a = op.of(a, v128.load(p))
      b = op.of(b, v128.load(p, 16))
      c = op.of(c, v128.load(p, 32))
      d = op.of(d, v128.load(p, 48))
    }
    a = op.of(op.of(a, b), op.of(c, d))
  }
  for (; n >= 4; n -= 4, p += 16) a = op.of(a, v128.load(p))
  return n ? op.of(a, partial(p, n, neutral)) : a
}

class Greater { @inline of(a: v128, x: v128): v128 { return f32x4.pmax(a, x) } }
class Less { @inline of(a: v128, x: v128): v128 { return f32x4.pmin(a, x) } }

/** The same of extremes by F, one instruction in place of eight, that passes over NaN and takes either zero: where it met these, T decides. */
@inline
function extremeOf<T, F>(p: usize, n: i32, neutral: v128): v128 {
  const fast = changetype<F>(0)
  const whole = n & ~15
  const end = p + (<usize>whole << 2)
  let a = neutral, b = a, c = a, d = a, sum = f32x4.splat(0)
  for (let at = p; at < end; at += 64) {
    const w = v128.load(at), x = v128.load(at, 16), y = v128.load(at, 32), z = v128.load(at, 48)
    a = fast.of(a, w)
    b = fast.of(b, x)
    c = fast.of(c, y)
    d = fast.of(d, z)
    // NaN where one was, or where infinities met.
    sum = f32x4.add(sum, f32x4.add(f32x4.add(w, x), f32x4.add(y, z)))
  }
  a = fast.of(fast.of(a, b), fast.of(c, d))
  const unclear = v128.any_true(v128.or(f32x4.ne(sum, sum), f32x4.eq(a, f32x4.splat(0))))
  return unclear ? leafOf<T>(p, n, neutral) : leafOf<T>(end, n - whole, a)
}

@inline
function rowsOf<T>(sums: usize, p: usize, stride: i32, rows: i32, width: i32, neutral: v128): void {
  const op = changetype<T>(0)
  const whole = <usize>(width & ~3) << 2
  const rest = width & 3
  for (; rows >= 4; rows -= 4) {
    const q = p + stride, r = q + stride, s = r + stride
    for (let i: usize = 0; i < whole; i += 16) {
      const v = op.of(op.of(v128.load(p + i), v128.load(q + i)), op.of(v128.load(r + i), v128.load(s + i)))
      v128.store(sums + i, op.of(v128.load(sums + i), v))
    }
    if (rest) {
      const low = op.of(partial(p + whole, rest, neutral), partial(q + whole, rest, neutral))
      const high = op.of(partial(r + whole, rest, neutral), partial(s + whole, rest, neutral))
      v128.store(sums + whole, op.of(v128.load(sums + whole), op.of(low, high)))
    }
    p = s + stride
  }
  for (; rows > 0; rows--, p += stride) {
    for (let i: usize = 0; i < whole; i += 16) v128.store(sums + i, op.of(v128.load(sums + i), v128.load(p + i)))
    if (rest) v128.store(sums + whole, op.of(v128.load(sums + whole), partial(p + whole, rest, neutral)))
  }
}

@inline
function acrossOf<T>(v: v128): i32 {
  const op = changetype<T>(0)
  v = op.of(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  v = op.of(v, i8x16.shuffle(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11))
  return i32x4.extract_lane(v, 0)
}

@inline
function pairOf<T>(a: v128, b: v128): v128 {
  return changetype<T>(0).of(a, b)
}

/** Folds `n` neighbours to four lanes. */
export function leaf(op: i32, p: usize, n: i32, neutral: v128): v128 {
  switch (op) {
    case Op.addF: return leafOf<AddF>(p, n, neutral)
    case Op.mulF: return leafOf<MulF>(p, n, neutral)
    case Op.maxF: return extremeOf<MaxF, Greater>(p, n, neutral)
    case Op.minF: return extremeOf<MinF, Less>(p, n, neutral)
    case Op.addI: return leafOf<AddI>(p, n, neutral)
    case Op.mulI: return leafOf<MulI>(p, n, neutral)
    case Op.maxI: return leafOf<MaxI>(p, n, neutral)
    case Op.minI: return leafOf<MinI>(p, n, neutral)
    case Op.or: return leafOf<Or>(p, n, neutral)
    case Op.and: return leafOf<And>(p, n, neutral)
    default: return unreachable()
  }
}

/** Folds `rows` rows of `width` elements into `sums`, four rows at a time. */
export function addRows(op: i32, sums: usize, p: usize, stride: i32, rows: i32, width: i32, neutral: v128): void {
  switch (op) {
    case Op.addF: return rowsOf<AddF>(sums, p, stride, rows, width, neutral)
    case Op.mulF: return rowsOf<MulF>(sums, p, stride, rows, width, neutral)
    case Op.maxF: return rowsOf<MaxF>(sums, p, stride, rows, width, neutral)
    case Op.minF: return rowsOf<MinF>(sums, p, stride, rows, width, neutral)
    case Op.addI: return rowsOf<AddI>(sums, p, stride, rows, width, neutral)
    case Op.mulI: return rowsOf<MulI>(sums, p, stride, rows, width, neutral)
    case Op.maxI: return rowsOf<MaxI>(sums, p, stride, rows, width, neutral)
    case Op.minI: return rowsOf<MinI>(sums, p, stride, rows, width, neutral)
    case Op.or: return rowsOf<Or>(sums, p, stride, rows, width, neutral)
    case Op.and: return rowsOf<And>(sums, p, stride, rows, width, neutral)
    default: unreachable()
  }
}

/** Folds two vectors. */
export function pair(op: i32, a: v128, b: v128): v128 {
  switch (op) {
    case Op.addF: return pairOf<AddF>(a, b)
    case Op.mulF: return pairOf<MulF>(a, b)
    case Op.maxF: return pairOf<MaxF>(a, b)
    case Op.minF: return pairOf<MinF>(a, b)
    case Op.addI: return pairOf<AddI>(a, b)
    case Op.mulI: return pairOf<MulI>(a, b)
    case Op.maxI: return pairOf<MaxI>(a, b)
    case Op.minI: return pairOf<MinI>(a, b)
    case Op.or: return pairOf<Or>(a, b)
    case Op.and: return pairOf<And>(a, b)
    default: return unreachable()
  }
}

/** Folds four lanes to one. */
export function across(op: i32, v: v128): i32 {
  switch (op) {
    case Op.addF: return acrossOf<AddF>(v)
    case Op.mulF: return acrossOf<MulF>(v)
    case Op.maxF: return acrossOf<MaxF>(v)
    case Op.minF: return acrossOf<MinF>(v)
    case Op.addI: return acrossOf<AddI>(v)
    case Op.mulI: return acrossOf<MulI>(v)
    case Op.maxI: return acrossOf<MaxI>(v)
    case Op.minI: return acrossOf<MinI>(v)
    case Op.or: return acrossOf<Or>(v)
    case Op.and: return acrossOf<And>(v)
    default: return unreachable()
  }
}
