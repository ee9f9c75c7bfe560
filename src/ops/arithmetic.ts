// Elementwise arithmetic. Each op is one formula; the derivative stands beside it. Names and values follow PyTorch.
import { isDifferentiable, isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { S } from '../ir/scalar.ts'
import { eq, ge, gt, le, logicalAnd, logicalOr, lt, onesLike, where, zerosLike } from './comparison.ts'
import { tagged, type Described, type Operand } from './define.ts'
import { isReal, like } from './formula.ts'
import { checked, operands, scaled, type Scaled } from './operands.ts'
import { binary, byName, ternary, unary, type BinaryFn, type Unary } from './pointwise-record.ts'
import { Tensor } from './tensor.ts'

/** The gradient of steps. It is 0 for an infinite g too, which a product would make NaN of. */
export const flat = (g: Tensor): Tensor => zerosLike(g)
/** The gradient where a mask lets it pass, and 0 elsewhere, for an infinite g too: √max(x, 0) has the slope 0 below 0. */
export const passing = (mask: Tensor, g: Tensor): Tensor => where(mask, g, 0)
/**
 * Product, with broadcasting; of bools their and. d(ab) = b da + a db. As `torch.mul`.
 *
 * @example
 * mul(tensor([3, 5, 8]), tensor([4, 12, 15])) // → tensor([ 12.,  60., 120.])
 */
export const mul: BinaryFn = binary('mul', { dtype: 'same', value: (a, b) => (a.dtype === 'bool' ? S.and(a, b) : S.mul(a, b)), vjp: [(g, _, b) => mul(g, b), (g, a) => mul(g, a)] })
/**
 * Sum `input + alpha·other` of two tensors, or of a tensor and a number, with broadcasting; of bools their or. As `torch.add`.
 *
 * @example
 * add(tensor([1, 2, 3]), tensor([4, 5, 6]), { alpha: 2 }) // → tensor([ 9., 12., 15.])
 */
export const add: Scaled = scaled(binary('add', { dtype: 'same', value: (a, b) => (a.dtype === 'bool' ? S.or(a, b) : S.add(a, b)), linear: [g => g, g => g] }), mul)
/**
 * Difference `input − alpha·other`, with broadcasting. As `torch.sub`.
 *
 * @example
 * sub(tensor([1, 2, 3]), tensor([4, 5, 6]), { alpha: 2 }) // → tensor([-7., -8., -9.])
 */
export const sub: Scaled = scaled(binary('sub', { dtype: 'number', value: S.sub, linear: [g => g, g => neg(g)] }), mul)
/** Whole numbers cannot be divided by the number 0. (By a tensor's zeros they give 0: that would have to be read.) */
const notByZero = (fn: BinaryFn): BinaryFn =>
  checked(fn, (x, other) => {
    if (other === 0 && x instanceof Tensor && !isDifferentiable(x.dtype)) fail(fn.opName, `${x} divided by 0`, "convert it for infinities: x.to('float32')")
  })
const quotient: BinaryFn = binary('div', {
  dtype: 'float', value: S.div, sample: [0.5, 3],
  vjp: [(g, _, b) => div(g, b), (g, a, b) => neg(div(mul(g, a), mul(b, b)))],
})
export interface DivOptions {
  /** 'trunc' rounds the quotient towards 0, 'floor' down; integers then stay integers. Default null: neither. */
  roundingMode?: 'trunc' | 'floor' | null
}
export type Div = ((x: Operand, other: Operand, options?: DivOptions) => Tensor) & Described
/**
 * Quotient, with broadcasting; integers give float32 unless rounded. d(a/b) = da/b − a/b² db. As `torch.div`.
 *
 * @example
 * div(tensor([7, -7]), 2, { roundingMode: 'floor' }) // → tensor([ 3., -4.])
 */
export const div: Div = byName((x: Operand, other: Operand, options?: DivOptions) => {
  if (options === undefined) return quotient(x, other)
  needKnown('div', options, ['roundingMode'])
  const mode = options.roundingMode ?? null
  if (mode !== null && mode !== 'trunc' && mode !== 'floor') fail('div', `there is no roundingMode '${String(mode)}'`, "'trunc', 'floor' or null")
  return (mode === null ? quotient : mode === 'floor' ? floorDivide : truncDivide)(x, other)
}, 'div', ['input', 'other', '*', 'roundingMode'])
/**
 * Quotient rounded down; of integers by 0 it is 0. As `torch.floor_divide`.
 *
 * @example
 * floorDivide(tensor([7, -7]), 2) // → tensor([ 3., -4.])
 */
export const floorDivide: BinaryFn = notByZero(binary('floorDivide', { dtype: 'number', value: S.floorDiv, sample: [0.6, 3], linear: [flat, flat] }))
/** Quotient without its fraction. */
const truncDivide: BinaryFn = notByZero(binary('truncDivide', {
  dtype: 'number', sample: [0.6, 3], linear: [flat, flat],
  value: (a, b) => (isReal(a) ? S.trunc(S.div(a, b)) : S.floorDiv(S.sub(a, S.rem(a, b)), b)),
}))
/**
 * Remainder of floored division: it has the sign of the divisor. As `torch.remainder`.
 *
 * @example
 * remainder(tensor([7, -7]), 4) // → tensor([3., 1.])
 */
export const remainder: BinaryFn = notByZero(operands('one', binary('remainder', {
  dtype: 'number', value: S.mod, sample: [0.6, 3],
  vjp: [g => g, (g, a, b) => neg(mul(g, floor(div(a, b))))],
})))
/**
 * Remainder of truncated division: it has the sign of the dividend. As `torch.fmod`.
 *
 * @example
 * fmod(tensor([7, -7]), 4) // → tensor([ 3., -3.])
 */
export const fmod: BinaryFn = notByZero(operands('other', binary('fmod', {
  dtype: 'number', value: S.rem, sample: [0.6, 3],
  vjp: [g => g, (g, a, b) => neg(mul(g, trunc(div(a, b))))],
})))
/**
 * Elementwise larger value; NaN when either is NaN. Ties share the gradient. As `torch.maximum`.
 *
 * @example
 * maximum(tensor([3, 5, 8]), tensor([4, 12, 15])) // → tensor([ 4., 12., 15.])
 */
export const maximum: BinaryFn = operands('tensors', binary('maximum', {
  dtype: 'same', value: (a, b) => (a.dtype === 'bool' ? S.or(a, b) : S.max(a, b)),
  vjp: [(g, a, b) => toLarger(g, a, b), (g, a, b) => toLarger(g, b, a)],
}))
/**
 * Elementwise smaller value; NaN when either is NaN. Ties share the gradient. As `torch.minimum`.
 *
 * @example
 * minimum(tensor([3, 5, 8]), tensor([4, 12, 15])) // → tensor([3., 5., 8.])
 */
export const minimum: BinaryFn = operands('tensors', binary('minimum', {
  dtype: 'same', value: (a, b) => (a.dtype === 'bool' ? S.and(a, b) : S.min(a, b)),
  vjp: [(g, a, b) => toLarger(g, b, a), (g, a, b) => toLarger(g, a, b)],
}))
/** The gradient of the first of two numbers of which the larger is taken: none to the smaller, half to equals, all where there is a NaN. */
const toLarger: (g: Operand, a: Operand, b: Operand) => Tensor = ternary('toLarger', ['gradient', 'input', 'other'], {
  dtype: 'float',
  value: (g, a, b) => S.select(S.lt(a, b), like(g, 0), S.select(S.eq(a, b), S.mul(g, 0.5), g)),
  vjp: [(c, _, a, b) => toLarger(c, a, b), null, null],
})
/**
 * Magnitude of the first, sign of the second. As `torch.copysign`.
 *
 * @example
 * copysign(tensor([1, -2]), tensor([-1, 1])) // → tensor([-1.,  2.])
 */
export const copysign: BinaryFn = operands('other', binary('copysign', {
  dtype: 'float',
  value: (a, b) => {
    const size = S.abs(a)
    // 1/−0 is −∞: that tells the zeros apart.
    return S.select(S.or(S.lt(b, 0), S.and(S.eq(b, 0), S.lt(S.div(1, b), 0))), S.neg(size), size)
  },
  vjp: [(g, a, b) => mul(g, mul(sign(a), copysign(onesLike(b), b))), null],
}))
/**
 * √(a² + b²). As `torch.hypot`.
 *
 * @example
 * hypot(tensor([3, 5, 8]), tensor([4, 12, 15])) // → tensor([ 5., 13., 17.])
 */
export const hypot: BinaryFn = operands('tensors', binary('hypot', {
  dtype: 'float', sample: [0.5, 2],
  value: (a, b) => {
    const big = S.max(S.abs(a), S.abs(b))
    const small = S.min(S.abs(a), S.abs(b))
    const q = S.div(small, big)
    return S.select(S.or(S.eq(big, 0), S.eq(big, Infinity)), big, S.mul(big, S.sqrt(S.add(1, S.mul(q, q)))))
  },
  vjp: [(g, a, b) => mul(g, div(a, hypot(a, b))), (g, a, b) => mul(g, div(b, hypot(a, b)))],
}))
const negative: Unary = unary('neg', { dtype: 'number', value: S.neg, linear: [g => neg(g)] })
/**
 * −x; of a bool there is none. As `torch.neg`.
 *
 * @example
 * neg(tensor([-1.5, 0, 2.25])) // → tensor([ 1.5000, -0.0000, -2.2500])
 */
export const neg: Unary = tagged((x: Tensor) => {
  if (x instanceof Tensor && x.dtype === 'bool') fail('neg', `${x} has no negative`, "x.logicalNot() turns it round, x.to('int32') makes numbers of it")
  return negative(x)
}, 'neg', ['input'])
/**
 * |x|. As `torch.abs`.
 *
 * @example
 * abs(tensor([-1.5, 0, 2.25])) // → tensor([1.5000, 0.0000, 2.2500])
 */
export const abs: Unary = unary('abs', { dtype: 'number', value: S.abs, vjp: (g, x) => mul(g, sign(x)), sample: [0.3, 2] })
/**
 * −1, 0 or 1. As `torch.sign`.
 *
 * @example
 * sign(tensor([-1.5, 0, 2.25])) // → tensor([-1.,  0.,  1.])
 */
export const sign: Unary = unary('sign', { dtype: 'same', value: x => (x.dtype === 'bool' ? x : S.sign(x)), vjp: flat })
/**
 * x². As `torch.square`.
 *
 * @example
 * square(tensor([-1.5, 0, 2.25])) // → tensor([2.2500, 0.0000, 5.0625])
 */
export const square: Unary = unary('square', { dtype: 'number', value: x => S.mul(x, x), vjp: (g, x) => mul(g, mul(x, 2)) })
/**
 * 1/x. d(1/x) = −1/x² dx. As `torch.reciprocal`.
 *
 * @example
 * reciprocal(tensor([1, 4, 16])) // → tensor([1.0000, 0.2500, 0.0625])
 */
export const reciprocal: Unary = unary('reciprocal', { dtype: 'float', value: x => S.div(1, x), vjpOut: (g, y) => neg(mul(g, mul(y, y))), sample: [0.5, 2] })
/**
 * √x. d√x = dx / (2√x). As `torch.sqrt`.
 *
 * @example
 * sqrt(tensor([1, 4, 16])) // → tensor([1., 2., 4.])
 */
export const sqrt: Unary = unary('sqrt', { dtype: 'float', value: S.sqrt, vjpOut: (g, y) => div(g, mul(y, 2)), sample: [0.3, 3] })
/** √x of a sum of squares. At 0, the tip of the cone, the derivative is taken as 0, as PyTorch's `norm` and `std` do. */
export const root: Unary = unary('root', { dtype: 'float', value: S.sqrt, vjpOut: (g, y) => div(g, where(eq(y, 0), Infinity, mul(y, 2))), sample: [0.3, 3] })
/**
 * 1/√x. As `torch.rsqrt`.
 *
 * @example
 * rsqrt(tensor([1, 4, 16])) // → tensor([1.0000, 0.5000, 0.2500])
 */
export const rsqrt: Unary = unary('rsqrt', { dtype: 'float', value: x => S.div(1, S.sqrt(x)), vjpOut: (g, y) => mul(g, mul(-0.5, mul(y, mul(y, y)))), sample: [0.5, 2] })
/**
 * Largest whole number ≤ x. As `torch.floor`.
 *
 * @example
 * floor(tensor([-1.5, 0, 2.25])) // → tensor([-2.,  0.,  2.])
 */
export const floor: Unary = unary('floor', { dtype: 'number', value: x => (isReal(x) ? S.floor(x) : x), linear: [flat] })
/**
 * Smallest whole number ≥ x. As `torch.ceil`.
 *
 * @example
 * ceil(tensor([-1.5, 0, 2.25])) // → tensor([-1.,  0.,  3.])
 */
export const ceil: Unary = unary('ceil', { dtype: 'number', value: x => (isReal(x) ? S.ceil(x) : x), linear: [flat] })
/**
 * x without its fraction. As `torch.trunc`.
 *
 * @example
 * trunc(tensor([-1.5, 0, 2.25])) // → tensor([-1.,  0.,  2.])
 */
export const trunc: Unary = unary('trunc', { dtype: 'number', value: x => (isReal(x) ? S.trunc(x) : x), linear: [flat] })
const nearest: Unary = unary('round', { dtype: 'number', value: x => (isReal(x) ? S.round(x) : x), linear: [flat] })
export interface RoundOptions {
  /** Places after the point that stay; before it when negative. Default 0. */
  decimals?: number
}
/**
 * Nearest whole number (or multiple of 10^−decimals), halves to even. As `torch.round`.
 *
 * @example
 * round(tensor([0.5, 1.5, 2.345]), { decimals: 1 }) // → tensor([0.5000, 1.5000, 2.3000])
 */
export const round: ((x: Tensor, options?: RoundOptions) => Tensor) & Described = tagged((x: Tensor, options: RoundOptions = {}) => {
  needKnown('round', options, ['decimals'])
  const { decimals = 0 } = options
  const tens = 10 ** Math.abs(decimals)
  if (decimals === 0 || !isFloat(x.dtype)) return nearest(x)
  return decimals > 0 ? div(nearest(mul(x, tens)), tens) : mul(nearest(div(x, tens)), tens)
}, 'round', ['input', '*', 'decimals'])
/**
 * x − trunc(x). As `torch.frac`.
 *
 * @example
 * frac(tensor([-1.5, 0, 2.25])) // → tensor([-0.5000,  0.0000,  0.2500])
 */
export const frac: Unary = unary('frac', { dtype: 'float', value: x => S.sub(x, S.trunc(x)), linear: [g => g] })
/** x limited to min … max; NaN stays. As `torch.clamp` with both bounds. */
export const clampBoth: ((input: Operand, min: Operand, max: Operand) => Tensor) & Described = ternary('clampBoth', ['input', 'min', 'max'], {
  dtype: 'number',
  value: (x, lo, hi) => S.min(S.max(x, lo), hi),
  vjp: [
    (g, x, lo, hi) => passing(logicalAnd(ge(x, lo), le(x, hi)), g),
    (g, x, lo, hi) => passing(logicalAnd(lt(x, lo), lt(lo, hi)), g),
    (g, x, lo, hi) => passing(logicalOr(gt(x, hi), ge(lo, hi)), g),
  ],
  samples: [{ shapes: [[2, 3], [2, 3], [2, 3]], range: [[-2, 2], [-1, -0.5], [0.5, 1]] }],
})
/**
 * x, but at least min; NaN in either stays. As `torch.clamp_min`.
 *
 * @example
 * clampMin(tensor([1, 2, 3]), 2) // → tensor([2., 2., 3.])
 */
export const clampMin: BinaryFn = operands('other', binary('clampMin', {
  dtype: 'same', value: (x, lo) => (x.dtype === 'bool' ? S.or(x, lo) : S.max(x, lo)),
  vjp: [(g, x, lo) => passing(ge(x, lo), g), (g, x, lo) => passing(lt(x, lo), g)],
}))
/**
 * x, but at most max; NaN in either stays. As `torch.clamp_max`.
 *
 * @example
 * clampMax(tensor([1, 2, 3]), 2) // → tensor([1., 2., 2.])
 */
export const clampMax: BinaryFn = operands('other', binary('clampMax', {
  dtype: 'same', value: (x, hi) => (x.dtype === 'bool' ? S.and(x, hi) : S.min(x, hi)),
  vjp: [(g, x, hi) => passing(le(x, hi), g), (g, x, hi) => passing(gt(x, hi), g)],
}))
/** x limited to min … max, with slope 0 on the limits too. */
export const limit: ((input: Operand, min: Operand, max: Operand) => Tensor) & Described = ternary('limit', ['input', 'min', 'max'], {
  dtype: 'number',
  value: (x, lo, hi) => S.min(S.max(x, lo), hi),
  vjp: [
    (g, x, lo, hi) => passing(logicalAnd(gt(x, lo), lt(x, hi)), g),
    (g, x, lo, hi) => passing(logicalAnd(le(x, lo), lt(lo, hi)), g),
    (g, x, lo, hi) => passing(logicalOr(ge(x, hi), ge(lo, hi)), g),
  ],
  samples: [{ shapes: [[2, 3], [], []], range: [[-2, 2], [-1, -0.5], [0.5, 1]] }],
})
/**
 * a + weight·(b − a), from the nearer end, so that weight 1 gives b. As `torch.lerp`.
 *
 * @example
 * lerp(tensor([1, 2]), tensor([5, 10]), 0.25) // → tensor([2., 4.])
 */
export const lerp: ((input: Operand, end: Operand, weight: Operand) => Tensor) & Described = ternary('lerp', ['input', 'end', 'weight'], {
  dtype: 'float',
  value: (a, b, w) => {
    const gap = S.sub(b, a)
    return S.select(S.lt(S.abs(w), 0.5), S.add(a, S.mul(w, gap)), S.sub(b, S.mul(gap, S.sub(1, w))))
  },
  vjp: [(g, _a, _b, w) => mul(g, sub(1, w)), (g, _a, _b, w) => mul(g, w), (g, a, b) => mul(g, sub(b, a))],
})
