// Elementwise ops. Each is one formula; the derivative stands beside it. Names and values follow PyTorch.
import { dtypes, isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { S, type Scalar } from '../ir/scalar.ts'
import { tagged, type Described, type Operand } from './define.ts'
import { isReal, isWide, like, polynomial, when } from './formula.ts'
import { checked, operands, scaled, type Scaled } from './operands.ts'
import { binary, ternary, unary, type BinaryFn, type Unary } from './pointwise-record.ts'
import { Tensor } from './tensor.ts'

const LN2 = Math.LN2
const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI)

const flat = (g: Tensor): Tensor => mul(g, 0)

// Arithmetic

/** Product, with broadcasting; of bools their and. d(ab) = b da + a db. As `torch.mul`. */
export const mul: BinaryFn = binary('mul', { dtype: 'same', value: (a, b) => (a.dtype === 'bool' ? S.and(a, b) : S.mul(a, b)), vjp: [(g, _, b) => mul(g, b), (g, a) => mul(g, a)] })
/** Sum `input + alpha·other` of two tensors, or of a tensor and a number, with broadcasting; of bools their or. As `torch.add`. */
export const add: Scaled = scaled(binary('add', { dtype: 'same', value: (a, b) => (a.dtype === 'bool' ? S.or(a, b) : S.add(a, b)), linear: [g => g, g => g] }), mul)
/** Difference `input − alpha·other`, with broadcasting. As `torch.sub`. */
export const sub: Scaled = scaled(binary('sub', { dtype: 'number', value: S.sub, linear: [g => g, g => neg(g)] }), mul)
const quotient: BinaryFn = binary('div', {
  dtype: 'float', value: S.div, sample: [0.5, 3],
  vjp: [(g, _, b) => div(g, b), (g, a, b) => neg(div(mul(g, a), mul(b, b)))],
})
export interface DivOptions {
  /** 'trunc' rounds the quotient towards 0, 'floor' down; integers then stay integers. Default null: neither. */
  roundingMode?: 'trunc' | 'floor' | null
}
export type Div = ((x: Operand, other: Operand, options?: DivOptions) => Tensor) & Described
/** Quotient, with broadcasting; integers give float32 unless rounded. d(a/b) = da/b − a/b² db. As `torch.div`. */
export const div: Div = tagged((x: Operand, other: Operand, options?: DivOptions) => {
  if (options === undefined) return quotient(x, other)
  needKnown('div', options, ['roundingMode'])
  const mode = options.roundingMode ?? null
  if (mode !== null && mode !== 'trunc' && mode !== 'floor') fail('div', `there is no roundingMode '${String(mode)}'`, "'trunc', 'floor' or null")
  return (mode === null ? quotient : mode === 'floor' ? floorDivide : truncDivide)(x, other)
}, 'div', ['input', 'other', '*', 'roundingMode'])
/** Quotient rounded down; of integers by 0 it is 0. As `torch.floor_divide`. */
export const floorDivide: BinaryFn = binary('floorDivide', { dtype: 'number', value: S.floorDiv, sample: [0.6, 3], linear: [flat, flat] })
/** Quotient without its fraction. */
const truncDivide: BinaryFn = binary('truncDivide', {
  dtype: 'number', sample: [0.6, 3], linear: [flat, flat],
  value: (a, b) => (isReal(a) ? S.trunc(S.div(a, b)) : S.floorDiv(S.sub(a, S.rem(a, b)), b)),
})
/** Remainder of floored division: it has the sign of the divisor. As `torch.remainder`. */
export const remainder: BinaryFn = operands('one', binary('remainder', {
  dtype: 'number', value: S.mod, sample: [0.6, 3],
  vjp: [g => g, (g, a, b) => neg(mul(g, floor(div(a, b))))],
}))
/** Remainder of truncated division: it has the sign of the dividend. As `torch.fmod`. */
export const fmod: BinaryFn = operands('other', binary('fmod', {
  dtype: 'number', value: S.rem, sample: [0.6, 3],
  vjp: [g => g, (g, a, b) => neg(mul(g, trunc(div(a, b))))],
}))
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
/** Power, with broadcasting; whole numbers have no negative whole powers. d(aᵇ) = b·aᵇ⁻¹ da + aᵇ·log a db, with 0 where b = 0, and where a = 0 and b ≥ 0. As `torch.pow`. */
export const pow: BinaryFn = checked(power, (x, exponent) => {
  if (x instanceof Tensor && dtypes[x.dtype].kind === 'int' && typeof exponent === 'number' && exponent < 0 && Number.isInteger(exponent)) fail('pow', `${x} to the power ${exponent}: whole numbers have no negative whole powers`, "convert it: x.to('float32')")
}, ['input', 'exponent'])
/** Elementwise larger value; NaN when either is NaN. Ties share the gradient. As `torch.maximum`. */
export const maximum: BinaryFn = operands('tensors', binary('maximum', {
  dtype: 'same', value: (a, b) => (a.dtype === 'bool' ? S.or(a, b) : S.max(a, b)),
  vjp: [(g, a, b) => mul(g, preference(a, b)), (g, a, b) => mul(g, preference(b, a))],
}))
/** Elementwise smaller value; NaN when either is NaN. Ties share the gradient. As `torch.minimum`. */
export const minimum: BinaryFn = operands('tensors', binary('minimum', {
  dtype: 'same', value: (a, b) => (a.dtype === 'bool' ? S.and(a, b) : S.min(a, b)),
  vjp: [(g, a, b) => mul(g, preference(b, a)), (g, a, b) => mul(g, preference(a, b))],
}))
/** 1 where a > b, ½ where equal, else 0. */
const preference: BinaryFn = binary('preference', {
  dtype: 'float',
  value: (a, b) => S.select(S.gt(a, b), like(a, 1), S.select(S.eq(a, b), like(a, 0.5), 0)),
})
/** Angle of the point (other, input), in radians, −π … π. As `torch.atan2`. */
export const atan2: BinaryFn = operands('tensors', binary('atan2', {
  dtype: 'float', value: S.atan2, sample: [0.5, 2],
  vjp: [(g, y, x) => mul(g, div(x, add(square(x), square(y)))), (g, y, x) => neg(mul(g, div(y, add(square(x), square(y)))))],
}))
/** Magnitude of the first, sign of the second. As `torch.copysign`. */
export const copysign: BinaryFn = operands('other', binary('copysign', {
  dtype: 'float',
  value: (a, b) => {
    const size = S.abs(a)
    // 1/−0 is −∞: that tells the zeros apart.
    return S.select(S.or(S.lt(b, 0), S.and(S.eq(b, 0), S.lt(S.div(1, b), 0))), S.neg(size), size)
  },
  vjp: [(g, a, b) => mul(g, mul(sign(a), copysign(onesLike(b), b))), null],
}))
/** log(eᵃ + eᵇ), without overflow. As `torch.logaddexp`. */
export const logaddexp: BinaryFn = operands('tensors', binary('logaddexp', {
  dtype: 'float',
  value: (a, b) => {
    const m = S.max(a, b)
    return S.select(S.eq(S.abs(m), Infinity), m, S.add(m, S.log1p(S.exp(S.neg(S.abs(S.sub(a, b)))))))
  },
  vjp: [(g, a, b) => mul(g, sigmoid(sub(a, b))), (g, a, b) => mul(g, sigmoid(sub(b, a)))],
}))
/** x·log(y), and 0 where x = 0 (unless y is NaN). As `torch.xlogy`. */
export const xlogy: BinaryFn = operands('one', binary('xlogy', {
  dtype: 'float', sample: [0.5, 2],
  value: (x, y) => S.select(S.ne(y, y), y, when(S.eq(x, 0), 0, S.mul(x, S.log(y)))),
  vjp: [(g, x, y) => mul(g, where(logicalAnd(eq(x, 0), ge(y, 0)), 0, log(y))), (g, x, y) => mul(g, div(x, y))],
}))
/** √(a² + b²). As `torch.hypot`. */
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
/** −x; of a bool there is none. As `torch.neg`. */
export const neg: Unary = tagged((x: Tensor) => {
  if (x instanceof Tensor && x.dtype === 'bool') fail('neg', `${x} has no negative`, "x.logicalNot() turns it round, x.to('int32') makes numbers of it")
  return negative(x)
}, 'neg', ['input'])
/** |x|. As `torch.abs`. */
export const abs: Unary = unary('abs', { dtype: 'number', value: S.abs, vjp: (g, x) => mul(g, sign(x)), sample: [0.3, 2] })
/** −1, 0 or 1. As `torch.sign`. */
export const sign: Unary = unary('sign', { dtype: 'same', value: x => (x.dtype === 'bool' ? x : S.sign(x)), vjp: flat })
/** x². As `torch.square`. */
export const square: Unary = unary('square', { dtype: 'number', value: x => S.mul(x, x), vjp: (g, x) => mul(g, mul(x, 2)) })
/** 1/x. d(1/x) = −1/x² dx. As `torch.reciprocal`. */
export const reciprocal: Unary = unary('reciprocal', { dtype: 'float', value: x => S.div(1, x), vjpOut: (g, y) => neg(mul(g, mul(y, y))), sample: [0.5, 2] })
/** √x. d√x = dx / (2√x). As `torch.sqrt`. */
export const sqrt: Unary = unary('sqrt', { dtype: 'float', value: S.sqrt, vjpOut: (g, y) => div(g, mul(y, 2)), sample: [0.3, 3] })
/** √x of a sum of squares. At 0, the tip of the cone, the derivative is taken as 0, as PyTorch's `norm` and `std` do. */
export const root: Unary = unary('root', { dtype: 'float', value: S.sqrt, vjpOut: (g, y) => div(g, where(eq(y, 0), Infinity, mul(y, 2))), sample: [0.3, 3] })
/** 1/√x. As `torch.rsqrt`. */
export const rsqrt: Unary = unary('rsqrt', { dtype: 'float', value: x => S.div(1, S.sqrt(x)), vjpOut: (g, y) => mul(g, mul(-0.5, mul(y, mul(y, y)))), sample: [0.5, 2] })
/** Largest whole number ≤ x. As `torch.floor`. */
export const floor: Unary = unary('floor', { dtype: 'number', value: x => (isReal(x) ? S.floor(x) : x), linear: [flat] })
/** Smallest whole number ≥ x. As `torch.ceil`. */
export const ceil: Unary = unary('ceil', { dtype: 'number', value: x => (isReal(x) ? S.ceil(x) : x), linear: [flat] })
/** x without its fraction. As `torch.trunc`. */
export const trunc: Unary = unary('trunc', { dtype: 'number', value: x => (isReal(x) ? S.trunc(x) : x), linear: [flat] })
const nearest: Unary = unary('round', { dtype: 'number', value: x => (isReal(x) ? S.round(x) : x), linear: [flat] })
export interface RoundOptions {
  /** Places after the point that stay; before it when negative. Default 0. */
  decimals?: number
}
/** Nearest whole number (or multiple of 10^−decimals), halves to even. As `torch.round`. */
export const round: ((x: Tensor, options?: RoundOptions) => Tensor) & Described = tagged((x: Tensor, options: RoundOptions = {}) => {
  needKnown('round', options, ['decimals'])
  const { decimals = 0 } = options
  const tens = 10 ** Math.abs(decimals)
  if (decimals === 0 || !isFloat(x.dtype)) return nearest(x)
  return decimals > 0 ? div(nearest(mul(x, tens)), tens) : mul(nearest(div(x, tens)), tens)
}, 'round', ['input', '*', 'decimals'])
/** x − trunc(x). As `torch.frac`. */
export const frac: Unary = unary('frac', { dtype: 'float', value: x => S.sub(x, S.trunc(x)), linear: [g => g] })

// Exponentials and logarithms

/** eˣ. As `torch.exp`. */
export const exp: Unary = unary('exp', { dtype: 'float', value: S.exp, vjpOut: (g, y) => mul(g, y) })
/** 2ˣ. As `torch.exp2`. */
export const exp2: Unary = unary('exp2', { dtype: 'float', value: x => S.pow(like(x, 2), x), vjpOut: (g, y) => mul(g, mul(y, LN2)) })
/** eˣ − 1, exact near 0. As `torch.expm1`. */
export const expm1: Unary = unary('expm1', { dtype: 'float', value: S.expm1, vjpOut: (g, y) => mul(g, add(y, 1)) })
/** Natural logarithm. As `torch.log`. */
export const log: Unary = unary('log', { dtype: 'float', value: S.log, vjp: (g, x) => div(g, x), sample: [0.3, 3] })
/** log(1 + x), exact near 0. As `torch.log1p`. */
export const log1p: Unary = unary('log1p', { dtype: 'float', value: S.log1p, vjp: (g, x) => div(g, add(x, 1)), sample: [-0.5, 3] })
/** Logarithm to base 2. As `torch.log2`. */
export const log2: Unary = unary('log2', { dtype: 'float', value: S.log2, vjp: (g, x) => div(g, mul(x, LN2)), sample: [0.3, 3] })
/** Logarithm to base 10. As `torch.log10`. */
export const log10: Unary = unary('log10', { dtype: 'float', value: x => S.mul(S.log2(x), Math.LN2 / Math.LN10), vjp: (g, x) => div(g, mul(x, Math.LN10)), sample: [0.3, 3] })

// Trigonometry

/** Sine of x in radians. As `torch.sin`. */
export const sin: Unary = unary('sin', { dtype: 'float', value: S.sin, vjp: (g, x) => mul(g, cos(x)) })
/** Cosine of x in radians. As `torch.cos`. */
export const cos: Unary = unary('cos', { dtype: 'float', value: S.cos, vjp: (g, x) => neg(mul(g, sin(x))) })
/** Tangent. d tan = (1 + tan²) dx. As `torch.tan`. */
export const tan: Unary = unary('tan', { dtype: 'float', value: S.tan, vjpOut: (g, y) => mul(g, add(square(y), 1)), sample: [-1, 1] })
/** Arcsine in radians. As `torch.asin`. */
export const asin: Unary = unary('asin', { dtype: 'float', value: S.asin, vjp: (g, x) => mul(g, rsqrt(sub(1, square(x)))), sample: [-0.8, 0.8] })
/** Arccosine in radians. As `torch.acos`. */
export const acos: Unary = unary('acos', { dtype: 'float', value: S.acos, vjp: (g, x) => neg(mul(g, rsqrt(sub(1, square(x))))), sample: [-0.8, 0.8] })
/** Arctangent in radians. As `torch.atan`. */
export const atan: Unary = unary('atan', { dtype: 'float', value: S.atan, vjp: (g, x) => div(g, add(square(x), 1)) })
/** Hyperbolic sine. As `torch.sinh`. */
export const sinh: Unary = unary('sinh', { dtype: 'float', value: S.sinh, vjp: (g, x) => mul(g, cosh(x)) })
/** Hyperbolic cosine. As `torch.cosh`. */
export const cosh: Unary = unary('cosh', { dtype: 'float', value: S.cosh, vjp: (g, x) => mul(g, sinh(x)) })
/** Hyperbolic tangent. d tanh = (1 − tanh²) dx. As `torch.tanh`. */
export const tanh: Unary = unary('tanh', { dtype: 'float', value: S.tanh, vjpOut: (g, y) => mul(g, sub(1, square(y))) })
/** Inverse of sinh. As `torch.asinh`. */
export const asinh: Unary = unary('asinh', { dtype: 'float', value: S.asinh, vjp: (g, x) => mul(g, rsqrt(add(square(x), 1))) })
/** Inverse of cosh, for x ≥ 1. As `torch.acosh`. */
export const acosh: Unary = unary('acosh', { dtype: 'float', value: S.acosh, vjp: (g, x) => mul(g, rsqrt(sub(square(x), 1))), sample: [1.3, 3] })
/** Inverse of tanh, for −1 < x < 1. As `torch.atanh`. */
export const atanh: Unary = unary('atanh', { dtype: 'float', value: S.atanh, vjp: (g, x) => div(g, sub(1, square(x))), sample: [-0.8, 0.8] })
/** Degrees to radians. As `torch.deg2rad`. */
export const deg2rad: Unary = unary('deg2rad', { dtype: 'float', value: x => S.mul(x, Math.PI / 180), linear: [g => mul(g, Math.PI / 180)] })
/** Radians to degrees. As `torch.rad2deg`. */
export const rad2deg: Unary = unary('rad2deg', { dtype: 'float', value: x => S.mul(x, 180 / Math.PI), linear: [g => mul(g, 180 / Math.PI)] })

// Special functions and activations

/** Logistic function 1/(1 + e⁻ˣ). dσ = σ(1 − σ) dx. As `torch.sigmoid`. */
export const sigmoid: Unary = unary('sigmoid', { dtype: 'float', value: S.sigmoid, vjpOut: (g, y) => mul(g, mul(y, sub(1, y))) })
/** Gauss error function. d erf(x) = 2/√π · e^(−x²) dx. As `torch.erf`. */
export const erf: Unary = unary('erf', { dtype: 'float', value: S.erf, vjp: (g, x) => mul(g, mul(exp(neg(square(x))), TWO_OVER_SQRT_PI)) })
/** Inverse of erf (Giles 2012, single precision). d = √π/2 · e^(y²) dx. As `torch.erfinv`. */
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
export const logOdds: Unary = unary('logit', { dtype: 'float', value: p => S.log(S.div(p, S.sub(1, p))), vjp: (g, p) => div(g, mul(p, sub(1, p))), sample: [0.1, 0.9] })
/** max(x, 0); NaN stays. As `torch.relu`. */
export const relu: Unary = unary('relu', { dtype: 'number', value: x => S.max(x, 0), vjpOut: (g, y) => mul(g, gt(y, 0)), sample: [0.2, 2] })
/** min(max(x, 0), 6). As `torch.nn.functional.relu6`. */
export const relu6: Unary = unary('relu6', { dtype: 'number', value: x => S.min(S.max(x, 0), 6), vjp: (g, x) => mul(g, logicalAnd(gt(x, 0), lt(x, 6))), sample: [0.2, 2] })
/** log(1 + eˣ), without overflow. d = σ(x) dx. */
export const logOnePlusExp: Unary = unary('softplus', {
  dtype: 'float', value: x => S.add(S.max(x, 0), S.log1p(S.exp(S.neg(S.abs(x))))), vjp: (g, x) => mul(g, sigmoid(x)),
})
/** log σ(x) = −softplus(−x). As `torch.nn.functional.logsigmoid`. */
export const logSigmoid: Unary = unary('logSigmoid', {
  dtype: 'float', value: x => S.sub(S.min(x, 0), S.log1p(S.exp(S.neg(S.abs(x))))), vjp: (g, x) => mul(g, sigmoid(neg(x))),
})
/** x·σ(x). As `torch.nn.functional.silu`. */
export const silu: Unary = unary('silu', {
  dtype: 'float', value: x => S.mul(x, S.sigmoid(x)),
  vjp: (g, x) => {
    const s = sigmoid(x)
    return mul(g, mul(s, add(1, mul(x, sub(1, s)))))
  },
})
/** x·tanh(softplus(x)) (Misra 2019). As `torch.nn.functional.mish`. */
export const mish: Unary = unary('mish', {
  dtype: 'float', value: x => S.mul(x, S.tanh(S.add(S.max(x, 0), S.log1p(S.exp(S.neg(S.abs(x))))))),
  vjp: (g, x) => {
    const t = tanh(logOnePlusExp(x))
    return mul(g, add(t, mul(x, mul(sigmoid(x), sub(1, square(t))))))
  },
})
/** x/(1 + |x|). As `torch.nn.functional.softsign`. */
export const softsign: Unary = unary('softsign', { dtype: 'float', value: x => S.div(x, S.add(1, S.abs(x))), vjp: (g, x) => div(g, square(add(1, abs(x)))) })

/** x·Φ(x), Φ the normal distribution (Hendrycks & Gimpel 2016). d = Φ(x) + x·φ(x). */
export const geluErf: Unary = unary('geluErf', {
  dtype: 'float', value: x => S.mul(S.mul(x, 0.5), S.add(1, S.erf(S.mul(x, Math.SQRT1_2)))),
  vjp: (g, x) => mul(g, geluErfSlope(x)),
})
const geluErfSlope: Unary = unary('geluErfSlope', {
  dtype: 'float',
  value: x => S.add(S.mul(0.5, S.add(1, S.erf(S.mul(x, Math.SQRT1_2)))), S.mul(x, S.mul(S.exp(S.mul(-0.5, S.mul(x, x))), 1 / Math.sqrt(2 * Math.PI)))),
  // φ(x)·(2 − x²)
  vjp: (g, x) => mul(g, mul(mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI)), sub(2, square(x)))),
})
const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI)
/** The tanh approximation of GELU: ½x(1 + tanh(√(2/π)(x + 0.044715x³))). */
export const geluTanh: Unary = unary('geluTanh', {
  dtype: 'float',
  value: x => S.mul(S.mul(x, 0.5), S.add(1, S.tanh(S.mul(SQRT_2_OVER_PI, S.add(x, S.mul(0.044715, S.mul(x, S.mul(x, x)))))))),
  vjp: (g, x) => {
    const t = tanh(mul(add(x, mul(mul(x, square(x)), 0.044715)), SQRT_2_OVER_PI))
    const inner = mul(add(1, mul(square(x), 3 * 0.044715)), SQRT_2_OVER_PI)
    return mul(g, add(mul(add(1, t), 0.5), mul(mul(x, 0.5), mul(sub(1, square(t)), inner))))
  },
})

// Comparison and logic

/** a = b. As `torch.eq`. */
export const eq: BinaryFn = operands('other', binary('eq', { dtype: 'bool', value: S.eq }))
/** a ≠ b. As `torch.ne`. */
export const ne: BinaryFn = operands('other', binary('ne', { dtype: 'bool', value: S.ne }))
/** a < b. As `torch.lt`. */
export const lt: BinaryFn = operands('other', binary('lt', { dtype: 'bool', value: S.lt }))
/** a ≤ b. As `torch.le`. */
export const le: BinaryFn = operands('other', binary('le', { dtype: 'bool', value: S.le }))
/** a > b. As `torch.gt`. */
export const gt: BinaryFn = operands('other', binary('gt', { dtype: 'bool', value: S.gt }))
/** a ≥ b. As `torch.ge`. */
export const ge: BinaryFn = operands('other', binary('ge', { dtype: 'bool', value: S.ge }))

const truth = (x: ReturnType<typeof S.input>) => S.cast(x, 'bool')
/** True where both are not 0. As `torch.logical_and`. */
export const logicalAnd: BinaryFn = operands('tensors', binary('logicalAnd', { dtype: 'bool', value: (a, b) => S.and(truth(a), truth(b)) }))
/** True where either is not 0. As `torch.logical_or`. */
export const logicalOr: BinaryFn = operands('tensors', binary('logicalOr', { dtype: 'bool', value: (a, b) => S.or(truth(a), truth(b)) }))
/** True where exactly one is not 0. As `torch.logical_xor`. */
export const logicalXor: BinaryFn = operands('tensors', binary('logicalXor', { dtype: 'bool', value: (a, b) => S.xor(truth(a), truth(b)) }))
/** True where x is 0. As `torch.logical_not`. */
export const logicalNot: Unary = unary('logicalNot', { dtype: 'bool', value: x => S.not(truth(x)) })
/** Bitwise and of int32 (logical for bool). As `torch.bitwise_and`. */
export const bitwiseAnd: BinaryFn = operands('one', binary('bitwiseAnd', { dtype: 'bits', value: S.and }))
/** Bitwise or. As `torch.bitwise_or`. */
export const bitwiseOr: BinaryFn = operands('one', binary('bitwiseOr', { dtype: 'bits', value: S.or }))
/** Bitwise exclusive or. As `torch.bitwise_xor`. */
export const bitwiseXor: BinaryFn = operands('one', binary('bitwiseXor', { dtype: 'bits', value: S.xor }))
/** Bitwise complement (logical for bool). As `torch.bitwise_not`. */
export const bitwiseNot: Unary = unary('bitwiseNot', { dtype: 'bits', value: S.not })
/** True where x is NaN. As `torch.isnan`. */
export const isnan: Unary = unary('isnan', { dtype: 'bool', value: x => S.ne(x, x) })
/** True where x is +∞ or −∞. As `torch.isinf`. */
export const isinf: Unary = unary('isinf', { dtype: 'bool', value: x => (isReal(x) ? S.eq(S.abs(x), Infinity) : S.ne(x, x)) })
/** True where x is neither infinite nor NaN. As `torch.isfinite`. */
export const isfinite: Unary = unary('isfinite', { dtype: 'bool', value: x => (isReal(x) ? S.lt(S.abs(x), Infinity) : S.eq(x, x)) })

/** `input` where the condition holds, else `other`. As `torch.where`. */
export const where: ((condition: Operand, input: Operand, other: Operand) => Tensor) & Described = ternary('where', ['condition', 'input', 'other'], {
  dtype: 'select',
  value: (c, a, b) => S.select(c, a, b),
  vjp: [null, (g, c) => where(c, g, 0), (g, c) => where(c, 0, g)],
  samples: [{ shapes: [[2, 3], [2, 3], [2, 3]], dtypes: ['bool', 'float32', 'float32'] }],
})
/** x limited to min … max; NaN stays. As `torch.clamp` with both bounds. */
export const clampBoth: ((input: Operand, min: Operand, max: Operand) => Tensor) & Described = ternary('clampBoth', ['input', 'min', 'max'], {
  dtype: 'number',
  value: (x, lo, hi) => S.min(S.max(x, lo), hi),
  vjp: [
    (g, x, lo, hi) => mul(g, logicalAnd(ge(x, lo), le(x, hi))),
    (g, x, lo, hi) => mul(g, logicalAnd(lt(x, lo), lt(lo, hi))),
    (g, x, lo, hi) => mul(g, logicalOr(gt(x, hi), ge(lo, hi))),
  ],
  samples: [{ shapes: [[2, 3], [2, 3], [2, 3]], range: [[-2, 2], [-1, -0.5], [0.5, 1]] }],
})
/** x, but at least min; NaN in either stays. As `torch.clamp_min`. */
export const clampMin: BinaryFn = operands('other', binary('clampMin', {
  dtype: 'same', value: (x, lo) => (x.dtype === 'bool' ? S.or(x, lo) : S.max(x, lo)),
  vjp: [(g, x, lo) => mul(g, ge(x, lo)), (g, x, lo) => mul(g, lt(x, lo))],
}))
/** x, but at most max; NaN in either stays. As `torch.clamp_max`. */
export const clampMax: BinaryFn = operands('other', binary('clampMax', {
  dtype: 'same', value: (x, hi) => (x.dtype === 'bool' ? S.and(x, hi) : S.min(x, hi)),
  vjp: [(g, x, hi) => mul(g, le(x, hi)), (g, x, hi) => mul(g, gt(x, hi))],
}))
/** x limited to min … max, with slope 0 on the limits too. */
export const limit: ((input: Operand, min: Operand, max: Operand) => Tensor) & Described = ternary('limit', ['input', 'min', 'max'], {
  dtype: 'number',
  value: (x, lo, hi) => S.min(S.max(x, lo), hi),
  vjp: [
    (g, x, lo, hi) => mul(g, logicalAnd(gt(x, lo), lt(x, hi))),
    (g, x, lo, hi) => mul(g, logicalAnd(le(x, lo), lt(lo, hi))),
    (g, x, lo, hi) => mul(g, logicalOr(ge(x, hi), ge(lo, hi))),
  ],
  samples: [{ shapes: [[2, 3], [], []], range: [[-2, 2], [-1, -0.5], [0.5, 1]] }],
})
/** a + weight·(b − a), from the nearer end, so that weight 1 gives b. As `torch.lerp`. */
export const lerp: ((input: Operand, end: Operand, weight: Operand) => Tensor) & Described = ternary('lerp', ['input', 'end', 'weight'], {
  dtype: 'float',
  value: (a, b, w) => {
    const gap = S.sub(b, a)
    return S.select(S.lt(S.abs(w), 0.5), S.add(a, S.mul(w, gap)), S.sub(b, S.mul(gap, S.sub(1, w))))
  },
  vjp: [(g, _a, _b, w) => mul(g, sub(1, w)), (g, _a, _b, w) => mul(g, w), (g, a, b) => mul(g, sub(b, a))],
})

/** A copy with its own memory. As `torch.clone`. */
export const clone: Unary = unary('clone', { dtype: 'same', value: x => x, linear: [g => g] })
/** Zeros of the same shape and dtype. As `torch.zeros_like`. */
export const zerosLike: Unary = unary('zerosLike', { dtype: 'same', value: x => S.constant(0, x.dtype) })
/** Ones of the same shape and dtype. As `torch.ones_like`. */
export const onesLike: Unary = unary('onesLike', { dtype: 'same', value: x => S.constant(1, x.dtype) })
