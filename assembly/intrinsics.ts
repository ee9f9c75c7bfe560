// The intrinsics as functions of vectors, by the names of their opcodes. src/backend/wasm/emit copies their compiled bodies into the
// loops that it makes, so those compute with the very instructions of the loops here.
import * as F from './map-ops-float'
import * as I from './map-ops-int'

export { farLanes } from './math-circular'
export { foldLine } from './reduce'

@inline
function one<T>(a: v128): v128 {
  return changetype<T>(0).of(a)
}
@inline
function two<T>(a: v128, b: v128): v128 {
  return changetype<T>(0).of(a, b)
}
@inline
function three<T>(a: v128, b: v128, c: v128): v128 {
  return changetype<T>(0).of(a, b, c)
}
@inline
function floats<T>(a: v128, b: v128): v128 {
  const op = changetype<T>(0)
  return f32x4(
    <f32>op.of(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0)), <f32>op.of(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1)),
    <f32>op.of(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2)), <f32>op.of(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3)),
  )
}
@inline
function ints<T>(a: v128, b: v128): v128 {
  const op = changetype<T>(0)
  return i32x4(
    op.of(i32x4.extract_lane(a, 0), i32x4.extract_lane(b, 0)), op.of(i32x4.extract_lane(a, 1), i32x4.extract_lane(b, 1)),
    op.of(i32x4.extract_lane(a, 2), i32x4.extract_lane(b, 2)), op.of(i32x4.extract_lane(a, 3), i32x4.extract_lane(b, 3)),
  )
}

export function negF(a: v128): v128 { return one<F.NegF>(a) }
export function absF(a: v128): v128 { return one<F.AbsF>(a) }
export function signF(a: v128): v128 { return one<F.SignF>(a) }
export function floor(a: v128): v128 { return one<F.Floor>(a) }
export function ceil(a: v128): v128 { return one<F.Ceil>(a) }
export function trunc(a: v128): v128 { return one<F.Trunc>(a) }
export function round(a: v128): v128 { return one<F.Round>(a) }
export function sqrt(a: v128): v128 { return one<F.Sqrt>(a) }
export function exp(a: v128): v128 { return one<F.Exp>(a) }
export function expm1(a: v128): v128 { return one<F.Expm1>(a) }
export function log(a: v128): v128 { return one<F.Log>(a) }
export function log1p(a: v128): v128 { return one<F.Log1p>(a) }
export function log2(a: v128): v128 { return one<F.Log2>(a) }
export function sin(a: v128): v128 { return one<F.Sin>(a) }
export function cos(a: v128): v128 { return one<F.Cos>(a) }
export function tan(a: v128): v128 { return one<F.Tan>(a) }
export function asin(a: v128): v128 { return one<F.Asin>(a) }
export function acos(a: v128): v128 { return one<F.Acos>(a) }
export function atan(a: v128): v128 { return one<F.Atan>(a) }
export function sinh(a: v128): v128 { return one<F.Sinh>(a) }
export function cosh(a: v128): v128 { return one<F.Cosh>(a) }
export function tanh(a: v128): v128 { return one<F.Tanh>(a) }
export function asinh(a: v128): v128 { return one<F.Asinh>(a) }
export function acosh(a: v128): v128 { return one<F.Acosh>(a) }
export function atanh(a: v128): v128 { return one<F.Atanh>(a) }
export function sigmoid(a: v128): v128 { return one<F.Sigmoid>(a) }
export function erf(a: v128): v128 { return one<F.Erf>(a) }
export function negI(a: v128): v128 { return one<I.NegI>(a) }
export function absI(a: v128): v128 { return one<I.AbsI>(a) }
export function signI(a: v128): v128 { return one<I.SignI>(a) }
export function notI(a: v128): v128 { return one<I.NotI>(a) }
export function notB(a: v128): v128 { return one<I.NotB>(a) }
export function floatToInt(a: v128): v128 { return one<F.FloatToInt>(a) }
export function intToFloat(a: v128): v128 { return one<F.IntToFloat>(a) }
export function floatToBool(a: v128): v128 { return one<F.FloatToBool>(a) }
export function intToBool(a: v128): v128 { return one<I.IntToBool>(a) }

export function addF(a: v128, b: v128): v128 { return two<F.AddF>(a, b) }
export function subF(a: v128, b: v128): v128 { return two<F.SubF>(a, b) }
export function mulF(a: v128, b: v128): v128 { return two<F.MulF>(a, b) }
export function div(a: v128, b: v128): v128 { return two<F.Div>(a, b) }
export function pow(a: v128, b: v128): v128 { return two<F.Pow>(a, b) }
export function atan2(a: v128, b: v128): v128 { return two<F.Atan2>(a, b) }
export function minF(a: v128, b: v128): v128 { return two<F.MinF>(a, b) }
export function maxF(a: v128, b: v128): v128 { return two<F.MaxF>(a, b) }
export function eqF(a: v128, b: v128): v128 { return two<F.EqF>(a, b) }
export function neF(a: v128, b: v128): v128 { return two<F.NeF>(a, b) }
export function ltF(a: v128, b: v128): v128 { return two<F.LtF>(a, b) }
export function leF(a: v128, b: v128): v128 { return two<F.LeF>(a, b) }
export function gtF(a: v128, b: v128): v128 { return two<F.GtF>(a, b) }
export function geF(a: v128, b: v128): v128 { return two<F.GeF>(a, b) }
export function addI(a: v128, b: v128): v128 { return two<I.AddI>(a, b) }
export function subI(a: v128, b: v128): v128 { return two<I.SubI>(a, b) }
export function mulI(a: v128, b: v128): v128 { return two<I.MulI>(a, b) }
export function minI(a: v128, b: v128): v128 { return two<I.MinI>(a, b) }
export function maxI(a: v128, b: v128): v128 { return two<I.MaxI>(a, b) }
export function and(a: v128, b: v128): v128 { return two<I.And>(a, b) }
export function or(a: v128, b: v128): v128 { return two<I.Or>(a, b) }
export function xor(a: v128, b: v128): v128 { return two<I.Xor>(a, b) }
export function eqI(a: v128, b: v128): v128 { return two<I.EqI>(a, b) }
export function neI(a: v128, b: v128): v128 { return two<I.NeI>(a, b) }
export function ltI(a: v128, b: v128): v128 { return two<I.LtI>(a, b) }
export function leI(a: v128, b: v128): v128 { return two<I.LeI>(a, b) }
export function gtI(a: v128, b: v128): v128 { return two<I.GtI>(a, b) }
export function geI(a: v128, b: v128): v128 { return two<I.GeI>(a, b) }
/** With one exponent for all lanes: a square is one product, as in map-loops.ts. */
export function power(a: v128, b: v128): v128 { return f32x4.extract_lane(b, 0) == 2 ? two<F.MulF>(a, a) : two<F.Pow>(a, b) }

export function floorDivF(a: v128, b: v128): v128 { return floats<F.FloorDivF>(a, b) }
export function modF(a: v128, b: v128): v128 { return floats<F.ModF>(a, b) }
export function remF(a: v128, b: v128): v128 { return floats<F.RemF>(a, b) }
export function floorDivI(a: v128, b: v128): v128 { return ints<I.FloorDivI>(a, b) }
export function modI(a: v128, b: v128): v128 { return ints<I.ModI>(a, b) }
export function remI(a: v128, b: v128): v128 { return ints<I.RemI>(a, b) }
export function shl(a: v128, b: v128): v128 { return ints<I.Shl>(a, b) }
export function shr(a: v128, b: v128): v128 { return ints<I.Shr>(a, b) }
export function shru(a: v128, b: v128): v128 { return ints<I.Shru>(a, b) }

export function select(a: v128, b: v128, c: v128): v128 { return three<I.Select>(a, b, c) }
export function randomBits(a: v128, b: v128, c: v128): v128 { return three<I.RandomBits>(a, b, c) }
