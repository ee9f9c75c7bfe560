// Powers, exponentials, logarithms, circular and hyperbolic functions, the error function.
import { dtypes } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { S, type Scalar } from '../ir/scalar.ts'
import { add, div, mul, neg, rsqrt, square, sub } from './arithmetic.ts'
import { eq, ge, le, logicalAnd, where } from './comparison.ts'
import { isReal, isWide, like, polynomial, when } from './formula.ts'
import { checked, operands } from './operands.ts'
import { binary, unary, type BinaryFn, type Unary } from './pointwise-record.ts'
import { Tensor } from './tensor.ts'

const LN2 = Math.LN2
const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI)
/** aᵇ of integers by squaring, modulo 2³². A negative power is 0 but for ±1. */
function wholePower(a: Scalar, b: Scalar): Scalar {
  let [result, square] = [like(a, 1), a]
  for (let bit = 0; bit < 5; bit++) {
    result = S.select(S.ne(S.and(b, 1 << bit), 0), S.mul(result, square), result)
    square = S.mul(square, square)
  }
  const units = S.select(S.eq(S.abs(a), 1), result, 0)
  // Powers above 31 matter for 0 alone: ±1 squared is 1, and of larger numbers they do not fit 32 bits anyway.
  return S.select(S.lt(b, 0), units, when(S.and(S.eq(a, 0), S.gt(b, 0)), 0, result))
}
const power: BinaryFn = operands('one', binary('pow', {
  dtype: 'number',
  value: (a, b) => (isReal(a) ? S.pow(a, b) : wholePower(a, b)),
  sample: [0.5, 2],
  vjp: [
    (g, a, b) => where(eq(b, 0), 0, mul(g, mul(b, pow(a, sub(b, 1))))),
    (g, a, b) => where(logicalAnd(eq(a, 0), ge(b, 0)), 0, mul(g, mul(pow(a, b), log(a)))),
  ],
}))
/**
 * Power, with broadcasting; whole numbers have no negative whole powers. d(aᵇ) = b·aᵇ⁻¹ da + aᵇ·log a db, with 0 where b = 0, and where a = 0 and b ≥ 0. As `torch.pow`.
 *
 * @example
 * pow(tensor([1, 2, 3]), 2) // → tensor([1., 4., 9.])
 */
export const pow: BinaryFn = checked(power, (x, exponent) => {
  if (x instanceof Tensor && dtypes[x.dtype].kind === 'int' && typeof exponent === 'number' && exponent < 0 && Number.isInteger(exponent)) fail('pow', `${x} to the power ${exponent}: whole numbers have no negative whole powers`, "convert it: x.to('float32')")
}, ['input', 'exponent'])
/**
 * Angle of the point (other, input), in radians, −π … π. As `torch.atan2`.
 *
 * @example
 * atan2(tensor([3, 5, 8]), tensor([4, 12, 15])) // → tensor([0.6435, 0.3948, 0.4900])
 */
export const atan2: BinaryFn = operands('tensors', binary('atan2', {
  dtype: 'float', value: S.atan2, sample: [0.5, 2],
  vjp: [(g, y, x) => mul(g, div(x, add(square(x), square(y)))), (g, y, x) => neg(mul(g, div(y, add(square(x), square(y)))))],
}))
/**
 * log(eᵃ + eᵇ), without overflow. As `torch.logaddexp`.
 *
 * @example
 * logaddexp(tensor([1, 2]), tensor([1, 3])) // → tensor([1.6931, 3.3133])
 */
export const logaddexp: BinaryFn = operands('tensors', binary('logaddexp', {
  dtype: 'float',
  value: (a, b) => {
    const m = S.max(a, b)
    return S.select(S.eq(S.abs(m), Infinity), m, S.add(m, S.log1p(S.exp(S.neg(S.abs(S.sub(a, b)))))))
  },
  vjp: [(g, a, b) => mul(g, sigmoid(sub(a, b))), (g, a, b) => mul(g, sigmoid(sub(b, a)))],
}))
/**
 * x·log(y), and 0 where x = 0 (unless y is NaN). As `torch.xlogy`.
 *
 * @example
 * xlogy(tensor([0, 2]), tensor([0, 3])) // → tensor([0.0000, 2.1972])
 */
export const xlogy: BinaryFn = operands('one', binary('xlogy', {
  dtype: 'float', sample: [0.5, 2],
  value: (x, y) => S.select(S.ne(y, y), y, when(S.eq(x, 0), 0, S.mul(x, S.log(y)))),
  vjp: [(g, x, y) => where(logicalAnd(eq(x, 0), le(y, 0)), 0, xlogy(g, y)), (g, x, y) => mul(g, div(x, y))],
}))
/**
 * eˣ. As `torch.exp`.
 *
 * @example
 * exp(tensor([-1, 0, 2])) // → tensor([0.3679, 1.0000, 7.3891])
 */
export const exp: Unary = unary('exp', { dtype: 'float', value: S.exp, vjpOut: (g, y) => mul(g, y) })
/**
 * 2ˣ. As `torch.exp2`.
 *
 * @example
 * exp2(tensor([-1, 0, 3])) // → tensor([0.5000, 1.0000, 8.0000])
 */
export const exp2: Unary = unary('exp2', { dtype: 'float', value: x => S.pow(like(x, 2), x), vjpOut: (g, y) => mul(g, mul(y, LN2)) })
/**
 * eˣ − 1, exact near 0. As `torch.expm1`.
 *
 * @example
 * expm1(tensor([-1, 0, 2])) // → tensor([-0.6321,  0.0000,  6.3891])
 */
export const expm1: Unary = unary('expm1', { dtype: 'float', value: S.expm1, vjpOut: (g, y) => mul(g, add(y, 1)) })
/**
 * Natural logarithm. As `torch.log`.
 *
 * @example
 * log(tensor([1, 4, 16])) // → tensor([0.0000, 1.3863, 2.7726])
 */
export const log: Unary = unary('log', { dtype: 'float', value: S.log, vjp: (g, x) => div(g, x), sample: [0.3, 3] })
/**
 * log(1 + x), exact near 0. As `torch.log1p`.
 *
 * @example
 * log1p(tensor([0, 1, 3])) // → tensor([0.0000, 0.6931, 1.3863])
 */
export const log1p: Unary = unary('log1p', { dtype: 'float', value: S.log1p, vjp: (g, x) => div(g, add(x, 1)), sample: [-0.5, 3] })
/**
 * Logarithm to base 2. As `torch.log2`.
 *
 * @example
 * log2(tensor([1, 4, 16])) // → tensor([0., 2., 4.])
 */
export const log2: Unary = unary('log2', { dtype: 'float', value: S.log2, vjp: (g, x) => div(g, mul(x, LN2)), sample: [0.3, 3] })
/**
 * Logarithm to base 10. As `torch.log10`.
 *
 * @example
 * log10(tensor([1, 4, 16])) // → tensor([0.0000, 0.6021, 1.2041])
 */
export const log10: Unary = unary('log10', { dtype: 'float', value: x => S.mul(S.log2(x), Math.LN2 / Math.LN10), vjp: (g, x) => div(g, mul(x, Math.LN10)), sample: [0.3, 3] })
/**
 * Sine of x in radians. As `torch.sin`.
 *
 * @example
 * sin(tensor([-1, 0, 2])) // → tensor([-0.8415,  0.0000,  0.9093])
 */
export const sin: Unary = unary('sin', { dtype: 'float', value: S.sin, vjp: (g, x) => mul(g, cos(x)) })
/**
 * Cosine of x in radians. As `torch.cos`.
 *
 * @example
 * cos(tensor([-1, 0, 2])) // → tensor([ 0.5403,  1.0000, -0.4161])
 */
export const cos: Unary = unary('cos', { dtype: 'float', value: S.cos, vjp: (g, x) => neg(mul(g, sin(x))) })
/**
 * Tangent. d tan = (1 + tan²) dx. As `torch.tan`.
 *
 * @example
 * tan(tensor([0, 0.5, 1])) // → tensor([0.0000, 0.5463, 1.5574])
 */
export const tan: Unary = unary('tan', { dtype: 'float', value: S.tan, vjpOut: (g, y) => mul(g, add(square(y), 1)), sample: [-1, 1] })
/**
 * Arcsine in radians. As `torch.asin`.
 *
 * @example
 * asin(tensor([-0.5, 0, 0.5])) // → tensor([-0.5236,  0.0000,  0.5236])
 */
export const asin: Unary = unary('asin', { dtype: 'float', value: S.asin, vjp: (g, x) => mul(g, rsqrt(sub(1, square(x)))), sample: [-0.8, 0.8] })
/**
 * Arccosine in radians. As `torch.acos`.
 *
 * @example
 * acos(tensor([-0.5, 0, 0.5])) // → tensor([2.0944, 1.5708, 1.0472])
 */
export const acos: Unary = unary('acos', { dtype: 'float', value: S.acos, vjp: (g, x) => neg(mul(g, rsqrt(sub(1, square(x))))), sample: [-0.8, 0.8] })
/**
 * Arctangent in radians. As `torch.atan`.
 *
 * @example
 * atan(tensor([-1, 0, 2])) // → tensor([-0.7854,  0.0000,  1.1071])
 */
export const atan: Unary = unary('atan', { dtype: 'float', value: S.atan, vjp: (g, x) => div(g, add(square(x), 1)) })
/**
 * Hyperbolic sine. As `torch.sinh`.
 *
 * @example
 * sinh(tensor([-1, 0, 2])) // → tensor([-1.1752,  0.0000,  3.6269])
 */
export const sinh: Unary = unary('sinh', { dtype: 'float', value: S.sinh, vjp: (g, x) => mul(g, cosh(x)) })
/**
 * Hyperbolic cosine. As `torch.cosh`.
 *
 * @example
 * cosh(tensor([-1, 0, 2])) // → tensor([1.5431, 1.0000, 3.7622])
 */
export const cosh: Unary = unary('cosh', { dtype: 'float', value: S.cosh, vjp: (g, x) => mul(g, sinh(x)) })
/**
 * Hyperbolic tangent. d tanh = (1 − tanh²) dx. As `torch.tanh`.
 *
 * @example
 * tanh(tensor([-1, 0, 2])) // → tensor([-0.7616,  0.0000,  0.9640])
 */
export const tanh: Unary = unary('tanh', { dtype: 'float', value: S.tanh, vjpOut: (g, y) => mul(g, sub(1, square(y))) })
/**
 * Inverse of sinh. As `torch.asinh`.
 *
 * @example
 * asinh(tensor([-1, 0, 2])) // → tensor([-0.8814,  0.0000,  1.4436])
 */
export const asinh: Unary = unary('asinh', { dtype: 'float', value: S.asinh, vjp: (g, x) => mul(g, rsqrt(add(square(x), 1))) })
/**
 * Inverse of cosh, for x ≥ 1. As `torch.acosh`.
 *
 * @example
 * acosh(tensor([1, 2, 3])) // → tensor([0.0000, 1.3170, 1.7627])
 */
export const acosh: Unary = unary('acosh', { dtype: 'float', value: S.acosh, vjp: (g, x) => mul(g, rsqrt(sub(square(x), 1))), sample: [1.3, 3] })
/**
 * Inverse of tanh, for −1 < x < 1. As `torch.atanh`.
 *
 * @example
 * atanh(tensor([-0.5, 0, 0.5])) // → tensor([-0.5493,  0.0000,  0.5493])
 */
export const atanh: Unary = unary('atanh', { dtype: 'float', value: S.atanh, vjp: (g, x) => div(g, sub(1, square(x))), sample: [-0.8, 0.8] })
/**
 * Degrees to radians. As `torch.deg2rad`.
 *
 * @example
 * deg2rad(tensor([0, 90, 180])) // → tensor([0.0000, 1.5708, 3.1416])
 */
export const deg2rad: Unary = unary('deg2rad', { dtype: 'float', value: x => S.mul(x, Math.PI / 180), linear: [g => mul(g, Math.PI / 180)] })
/**
 * Radians to degrees. As `torch.rad2deg`.
 *
 * @example
 * rad2deg(tensor([0, 1, 3])) // → tensor([  0.0000,  57.2958, 171.8873])
 */
export const rad2deg: Unary = unary('rad2deg', { dtype: 'float', value: x => S.mul(x, 180 / Math.PI), linear: [g => mul(g, 180 / Math.PI)] })
/**
 * Logistic function 1/(1 + e⁻ˣ). dσ = σ(1 − σ) dx. As `torch.sigmoid`.
 *
 * @example
 * sigmoid(tensor([-1, 0, 2])) // → tensor([0.2689, 0.5000, 0.8808])
 */
export const sigmoid: Unary = unary('sigmoid', { dtype: 'float', value: S.sigmoid, vjpOut: (g, y) => mul(g, mul(y, sub(1, y))) })
/**
 * Gauss error function. d erf(x) = 2/√π · e^(−x²) dx. As `torch.erf`.
 *
 * @example
 * erf(tensor([-1, 0, 2])) // → tensor([-0.8427,  0.0000,  0.9953])
 */
export const erf: Unary = unary('erf', { dtype: 'float', value: S.erf, vjp: (g, x) => mul(g, mul(exp(neg(square(x))), TWO_OVER_SQRT_PI)) })
/**
 * Inverse of erf (Giles 2012, single precision). d = √π/2 · e^(y²) dx. As `torch.erfinv`.
 *
 * @example
 * erfinv(tensor([-0.5, 0, 0.5])) // → tensor([-0.4769,  0.0000,  0.4769])
 */
export const erfinv: Unary = unary('erfinv', {
  dtype: 'float', sample: [-0.9, 0.9],
  value: x => {
    const w = S.neg(S.log(S.mul(S.sub(1, x), S.add(1, x))))
    const centre = polynomial(S.sub(w, 2.5), [2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941])
    const tail = polynomial(S.sub(S.sqrt(w), 3), [-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682])
    const fit = S.mul(x, S.select(S.lt(w, 5), centre, tail))
    // For the bits of float64 two steps of Newton's.
    const nearer = (y: Scalar): Scalar => S.sub(y, S.mul(S.mul(S.sub(S.erf(y), x), S.exp(S.mul(y, y))), Math.sqrt(Math.PI) / 2))
    return S.select(S.eq(S.abs(x), 1), S.div(x, 0), isWide(x) ? nearer(nearer(fit)) : fit)
  },
  vjpOut: (g, y) => mul(g, mul(exp(square(y)), Math.sqrt(Math.PI) / 2)),
})
/** log(p/(1 − p)). */
export const logOdds: Unary = unary('logit', { dtype: 'float', value: p => S.log(S.div(p, S.sub(1, p))), vjp: (g, p) => div(g, where(logicalAnd(ge(p, 0), le(p, 1)), mul(p, sub(1, p)), NaN)), sample: [0.1, 0.9] })
