// What each float opcode does to four elements, or to one, in float64, where an exact remainder is needed. The classes are
// names only: the loops of map-loops.ts are generic in them, and calls on a null reference are inlined.
import * as math from './math'
import * as circular from './math-circular'
import * as hyperbolic from './math-hyperbolic'

@inline
function one(mask: v128): v128 {
  return v128.and(mask, i32x4.splat(1))
}

export class NegF { @inline of(a: v128): v128 { return f32x4.neg(a) } }
export class AbsF { @inline of(a: v128): v128 { return f32x4.abs(a) } }
export class SignF {
  /** ±1 where |a| > 0, else +0, also for NaN. */
  @inline of(a: v128): v128 {
    const unit = v128.or(v128.and(a, i32x4.splat(0x80000000)), f32x4.splat(1))
    return v128.and(unit, f32x4.gt(f32x4.abs(a), f32x4.splat(0)))
  }
}
export class Floor { @inline of(a: v128): v128 { return f32x4.floor(a) } }
export class Ceil { @inline of(a: v128): v128 { return f32x4.ceil(a) } }
export class Trunc { @inline of(a: v128): v128 { return f32x4.trunc(a) } }
export class Round { @inline of(a: v128): v128 { return f32x4.nearest(a) } }
export class Sqrt { @inline of(a: v128): v128 { return f32x4.sqrt(a) } }
export class Exp { @inline of(a: v128): v128 { return math.exp(a) } }
export class Expm1 { @inline of(a: v128): v128 { return math.expm1(a) } }
export class Log { @inline of(a: v128): v128 { return math.log(a) } }
export class Log1p { @inline of(a: v128): v128 { return math.log1p(a) } }
export class Log2 { @inline of(a: v128): v128 { return math.log2(a) } }
export class Sin { @inline of(a: v128): v128 { return circular.sin(a) } }
export class Cos { @inline of(a: v128): v128 { return circular.cos(a) } }
export class Tan { @inline of(a: v128): v128 { return circular.tan(a) } }
export class Asin { @inline of(a: v128): v128 { return circular.asin(a) } }
export class Acos { @inline of(a: v128): v128 { return circular.acos(a) } }
export class Atan { @inline of(a: v128): v128 { return circular.atan(a) } }
export class Sinh { @inline of(a: v128): v128 { return hyperbolic.sinh(a) } }
export class Cosh { @inline of(a: v128): v128 { return hyperbolic.cosh(a) } }
export class Tanh { @inline of(a: v128): v128 { return hyperbolic.tanh(a) } }
export class Asinh { @inline of(a: v128): v128 { return hyperbolic.asinh(a) } }
export class Acosh { @inline of(a: v128): v128 { return hyperbolic.acosh(a) } }
export class Atanh { @inline of(a: v128): v128 { return hyperbolic.atanh(a) } }
export class Sigmoid { @inline of(a: v128): v128 { return math.sigmoid(a) } }
export class Erf { @inline of(a: v128): v128 { return math.erf(a) } }
export class FloatToInt { @inline of(a: v128): v128 { return i32x4.trunc_sat_f32x4_s(a) } }
export class IntToFloat { @inline of(a: v128): v128 { return f32x4.convert_i32x4_s(a) } }
export class FloatToBool { @inline of(a: v128): v128 { return one(f32x4.ne(a, f32x4.splat(0))) } }

export class AddF { @inline of(a: v128, b: v128): v128 { return f32x4.add(a, b) } }
export class SubF { @inline of(a: v128, b: v128): v128 { return f32x4.sub(a, b) } }
export class MulF { @inline of(a: v128, b: v128): v128 { return f32x4.mul(a, b) } }
export class Div { @inline of(a: v128, b: v128): v128 { return f32x4.div(a, b) } }
export class MinF { @inline of(a: v128, b: v128): v128 { return f32x4.min(a, b) } }
export class MaxF { @inline of(a: v128, b: v128): v128 { return f32x4.max(a, b) } }
export class Atan2 { @inline of(a: v128, b: v128): v128 { return circular.atan2(a, b) } }
export class Pow { @inline of(a: v128, b: v128): v128 { return math.pow(a, b) } }

export class RemF { @inline of(a: f64, b: f64): f64 { return a % b } }
export class ModF {
  /** The remainder with the sign of the divisor. */
  @inline of(a: f64, b: f64): f64 {
    const r = a % b
    return r != 0 && r < 0 != b < 0 ? r + b : r
  }
}
export class FloorDivF {
  /** By the exact remainder, so that a quotient that was rounded up never crosses a whole number. */
  @inline of(a: f64, b: f64): f64 {
    if (b == 0) return a / b
    const r = a % b
    const q = (a - r) / b - (r != 0 && r < 0 != b < 0 ? 1 : 0)
    return q == 0 ? a / b * 0 : nearest(q)
  }
}

export class EqF { @inline of(a: v128, b: v128): v128 { return one(f32x4.eq(a, b)) } }
export class NeF { @inline of(a: v128, b: v128): v128 { return one(f32x4.ne(a, b)) } }
export class LtF { @inline of(a: v128, b: v128): v128 { return one(f32x4.lt(a, b)) } }
export class LeF { @inline of(a: v128, b: v128): v128 { return one(f32x4.le(a, b)) } }
export class GtF { @inline of(a: v128, b: v128): v128 { return one(f32x4.gt(a, b)) } }
export class GeF { @inline of(a: v128, b: v128): v128 { return one(f32x4.ge(a, b)) } }

export class MulAdd { @inline of(a: v128, b: v128, c: v128): v128 { return f32x4.add(f32x4.mul(a, b), c) } }
export class MulSub { @inline of(a: v128, b: v128, c: v128): v128 { return f32x4.sub(f32x4.mul(a, b), c) } }
export class SubMul { @inline of(a: v128, b: v128, c: v128): v128 { return f32x4.sub(c, f32x4.mul(a, b)) } }
export class MulMul { @inline of(a: v128, b: v128, c: v128): v128 { return f32x4.mul(f32x4.mul(a, b), c) } }
export class AddMul { @inline of(a: v128, b: v128, c: v128): v128 { return f32x4.mul(f32x4.add(a, b), c) } }
export class AddAdd { @inline of(a: v128, b: v128, c: v128): v128 { return f32x4.add(f32x4.add(a, b), c) } }
export class DiffMul { @inline of(a: v128, b: v128, c: v128): v128 { return f32x4.mul(f32x4.sub(a, b), c) } }
