// One loop per opcode over a block: destination `d`, operands with their byte step per vector, which is 16 for a run of
// elements and 0 for four copies of one element. `n` is a multiple of 8: two vectors a turn. The destination may be an operand.
import { Op } from './map-ops'
import * as F from './map-ops-float'
import * as H from './map-ops-half'
import * as I from './map-ops-int'

function each1<T>(d: usize, a: usize, sa: usize, n: i32): void {
  const op = changetype<T>(0)
  const end = d + (<usize>n << 2)
  while (d < end) {
    const v = op.of(v128.load(a))
    const w = op.of(v128.load(a + sa))
    v128.store(d, v)
    v128.store(d, w, 16)
    a += sa << 1
    d += 32
  }
}

function each2<T>(d: usize, a: usize, sa: usize, b: usize, sb: usize, n: i32): void {
  const op = changetype<T>(0)
  const end = d + (<usize>n << 2)
  while (d < end) {
    const v = op.of(v128.load(a), v128.load(b))
    const w = op.of(v128.load(a + sa), v128.load(b + sb))
    v128.store(d, v)
    v128.store(d, w, 16)
    a += sa << 1
    b += sb << 1
    d += 32
  }
}

function each3<T>(d: usize, a: usize, sa: usize, b: usize, sb: usize, c: usize, sc: usize, n: i32): void {
  const op = changetype<T>(0)
  const end = d + (<usize>n << 2)
  while (d < end) {
    const v = op.of(v128.load(a), v128.load(b), v128.load(c))
    const w = op.of(v128.load(a + sa), v128.load(b + sb), v128.load(c + sc))
    v128.store(d, v)
    v128.store(d, w, 16)
    a += sa << 1
    b += sb << 1
    c += sc << 1
    d += 32
  }
}

// Element by element.
function slow2<T>(d: usize, a: usize, sa: usize, b: usize, sb: usize, n: i32): void {
  const op = changetype<T>(0)
  const end = d + (<usize>n << 2)
  while (d < end) {
    store<f32>(d, <f32>op.of(load<f32>(a), load<f32>(b)))
    a += sa >> 2
    b += sb >> 2
    d += 4
  }
}

function slowInt<T>(d: usize, a: usize, sa: usize, b: usize, sb: usize, n: i32): void {
  const op = changetype<T>(0)
  const end = d + (<usize>n << 2)
  while (d < end) {
    store<i32>(d, op.of(load<i32>(a), load<i32>(b)))
    a += sa >> 2
    b += sb >> 2
    d += 4
  }
}

/** A square is one product: exact where float64 logarithms would round a tie the wrong way, and far faster. */
function power(d: usize, a: usize, sa: usize, b: usize, sb: usize, n: i32): void {
  if (sb == 0 && load<f32>(b) == 2) each2<F.MulF>(d, a, sa, a, sa, n)
  else each2<F.Pow>(d, a, sa, b, sb, n)
}

function positions(d: usize, first: i32, n: i32): void {
  const end = d + (<usize>n << 2)
  let v = i32x4.add(i32x4.splat(first), i32x4(0, 1, 2, 3))
  while (d < end) {
    v128.store(d, v)
    v = i32x4.add(v, i32x4.splat(4))
    d += 16
  }
}

/** Runs one instruction on a block whose first element has the row-major position `first`. */
export function step(op: i32, d: usize, a: usize, sa: usize, b: usize, sb: usize, c: usize, sc: usize, n: i32, first: i32): void {
  switch (op) {
    case Op.index: return positions(d, first, n)
    case Op.copy: return each1<I.Copy>(d, a, sa, n)
    case Op.negF: return each1<F.NegF>(d, a, sa, n)
    case Op.absF: return each1<F.AbsF>(d, a, sa, n)
    case Op.signF: return each1<F.SignF>(d, a, sa, n)
    case Op.floor: return each1<F.Floor>(d, a, sa, n)
    case Op.ceil: return each1<F.Ceil>(d, a, sa, n)
    case Op.trunc: return each1<F.Trunc>(d, a, sa, n)
    case Op.round: return each1<F.Round>(d, a, sa, n)
    case Op.sqrt: return each1<F.Sqrt>(d, a, sa, n)
    case Op.exp: return each1<F.Exp>(d, a, sa, n)
    case Op.expm1: return each1<F.Expm1>(d, a, sa, n)
    case Op.log: return each1<F.Log>(d, a, sa, n)
    case Op.log1p: return each1<F.Log1p>(d, a, sa, n)
    case Op.log2: return each1<F.Log2>(d, a, sa, n)
    case Op.sin: return each1<F.Sin>(d, a, sa, n)
    case Op.cos: return each1<F.Cos>(d, a, sa, n)
    case Op.tanh: return each1<F.Tanh>(d, a, sa, n)
    case Op.sigmoid: return each1<F.Sigmoid>(d, a, sa, n)
    case Op.erf: return each1<F.Erf>(d, a, sa, n)
    case Op.floatToInt: return each1<F.FloatToInt>(d, a, sa, n)
    case Op.intToFloat: return each1<F.IntToFloat>(d, a, sa, n)
    case Op.floatToBool: return each1<F.FloatToBool>(d, a, sa, n)
    case Op.halfToFloat: return each1<H.HalfToFloat>(d, a, sa, n)
    case Op.bfloatToFloat: return each1<H.BfloatToFloat>(d, a, sa, n)
    case Op.floatToHalf: return each1<H.FloatToHalf>(d, a, sa, n)
    case Op.floatToBfloat: return each1<H.FloatToBfloat>(d, a, sa, n)
    case Op.negI: return each1<I.NegI>(d, a, sa, n)
    case Op.absI: return each1<I.AbsI>(d, a, sa, n)
    case Op.signI: return each1<I.SignI>(d, a, sa, n)
    case Op.notI: return each1<I.NotI>(d, a, sa, n)
    case Op.notB: return each1<I.NotB>(d, a, sa, n)
    case Op.intToBool: return each1<I.IntToBool>(d, a, sa, n)
    case Op.tan: return each1<F.Tan>(d, a, sa, n)
    case Op.asin: return each1<F.Asin>(d, a, sa, n)
    case Op.acos: return each1<F.Acos>(d, a, sa, n)
    case Op.atan: return each1<F.Atan>(d, a, sa, n)
    case Op.sinh: return each1<F.Sinh>(d, a, sa, n)
    case Op.cosh: return each1<F.Cosh>(d, a, sa, n)
    case Op.asinh: return each1<F.Asinh>(d, a, sa, n)
    case Op.acosh: return each1<F.Acosh>(d, a, sa, n)
    case Op.atanh: return each1<F.Atanh>(d, a, sa, n)
    case Op.addF: return each2<F.AddF>(d, a, sa, b, sb, n)
    case Op.subF: return each2<F.SubF>(d, a, sa, b, sb, n)
    case Op.mulF: return each2<F.MulF>(d, a, sa, b, sb, n)
    case Op.div: return each2<F.Div>(d, a, sa, b, sb, n)
    case Op.minF: return each2<F.MinF>(d, a, sa, b, sb, n)
    case Op.maxF: return each2<F.MaxF>(d, a, sa, b, sb, n)
    case Op.eqF: return each2<F.EqF>(d, a, sa, b, sb, n)
    case Op.neF: return each2<F.NeF>(d, a, sa, b, sb, n)
    case Op.ltF: return each2<F.LtF>(d, a, sa, b, sb, n)
    case Op.leF: return each2<F.LeF>(d, a, sa, b, sb, n)
    case Op.gtF: return each2<F.GtF>(d, a, sa, b, sb, n)
    case Op.geF: return each2<F.GeF>(d, a, sa, b, sb, n)
    case Op.addI: return each2<I.AddI>(d, a, sa, b, sb, n)
    case Op.subI: return each2<I.SubI>(d, a, sa, b, sb, n)
    case Op.mulI: return each2<I.MulI>(d, a, sa, b, sb, n)
    case Op.minI: return each2<I.MinI>(d, a, sa, b, sb, n)
    case Op.maxI: return each2<I.MaxI>(d, a, sa, b, sb, n)
    case Op.and: return each2<I.And>(d, a, sa, b, sb, n)
    case Op.or: return each2<I.Or>(d, a, sa, b, sb, n)
    case Op.xor: return each2<I.Xor>(d, a, sa, b, sb, n)
    case Op.eqI: return each2<I.EqI>(d, a, sa, b, sb, n)
    case Op.neI: return each2<I.NeI>(d, a, sa, b, sb, n)
    case Op.ltI: return each2<I.LtI>(d, a, sa, b, sb, n)
    case Op.leI: return each2<I.LeI>(d, a, sa, b, sb, n)
    case Op.gtI: return each2<I.GtI>(d, a, sa, b, sb, n)
    case Op.geI: return each2<I.GeI>(d, a, sa, b, sb, n)
    case Op.pow: return power(d, a, sa, b, sb, n)
    case Op.atan2: return each2<F.Atan2>(d, a, sa, b, sb, n)
    case Op.remF: return slow2<F.RemF>(d, a, sa, b, sb, n)
    case Op.modF: return slow2<F.ModF>(d, a, sa, b, sb, n)
    case Op.floorDivF: return slow2<F.FloorDivF>(d, a, sa, b, sb, n)
    case Op.remI: return slowInt<I.RemI>(d, a, sa, b, sb, n)
    case Op.modI: return slowInt<I.ModI>(d, a, sa, b, sb, n)
    case Op.floorDivI: return slowInt<I.FloorDivI>(d, a, sa, b, sb, n)
    case Op.shl: return slowInt<I.Shl>(d, a, sa, b, sb, n)
    case Op.shr: return slowInt<I.Shr>(d, a, sa, b, sb, n)
    case Op.shru: return slowInt<I.Shru>(d, a, sa, b, sb, n)
    case Op.select: return each3<I.Select>(d, a, sa, b, sb, c, sc, n)
    case Op.randomBits: return each3<I.RandomBits>(d, a, sa, b, sb, c, sc, n)
    case Op.mulAdd: return each3<F.MulAdd>(d, a, sa, b, sb, c, sc, n)
    case Op.mulSub: return each3<F.MulSub>(d, a, sa, b, sb, c, sc, n)
    case Op.subMul: return each3<F.SubMul>(d, a, sa, b, sb, c, sc, n)
    case Op.mulMul: return each3<F.MulMul>(d, a, sa, b, sb, c, sc, n)
    case Op.addMul: return each3<F.AddMul>(d, a, sa, b, sb, c, sc, n)
    case Op.addAdd: return each3<F.AddAdd>(d, a, sa, b, sb, c, sc, n)
    case Op.diffMul: return each3<F.DiffMul>(d, a, sa, b, sb, c, sc, n)
    default: unreachable()
  }
}
