// Pointwise ops beyond the core.
import { dtypes, isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { sameShape } from '../core/shape.ts'
import { S, type Scalar } from '../ir/scalar.ts'
import { flat, passing } from './arithmetic.ts'
import { cast } from './cast.ts'
import { define, describe, needTensor, tagged, type Described, type Operand } from './define.ts'
import { isReal, isWide, like, when } from './formula.ts'
import { checked, operands, type AlphaOptions, type Scaled } from './operands.ts'
import { abs, add, cos, div, eq, exp2, ge, isfinite, isnan, le, logicalAnd, logicalOr, mul, ne, neg, pow, sub, where } from './pointwise.ts'
import type { Sample } from './op.ts'
import { binary, byName, unary, type BinaryFn, type Unary } from './pointwise-record.ts'
import { all } from './reduce.ts'
import { sized, type Later } from './sized.ts'
import { Tensor } from './tensor.ts'

// Signs and parts

/**
 * x itself; of a bool there is no such thing. As `torch.positive`.
 *
 * @example
 * positive(tensor([-1.5, 0, 2.25])) // → tensor([-1.5000,  0.0000,  2.2500])
 */
export const positive: Unary = tagged((x: Tensor) => {
  if (needTensor('positive', x).dtype === 'bool') fail('positive', `${x} has no sign`, "make numbers of it: x.to('int32')")
  return x
}, 'positive', ['input'])
/**
 * −1, 0 or 1; of complex numbers x/|x|. As `torch.sgn`.
 *
 * @example
 * sgn(tensor([-1.5, 0, 2.25])) // → tensor([-1.,  0.,  1.])
 */
export const sgn: Unary = unary('sgn', { dtype: 'same', value: x => (x.dtype === 'bool' ? x : S.sign(x)), vjp: flat })
/**
 * True where the sign bit is set, as in −0. As `torch.signbit`.
 *
 * @example
 * signbit(tensor([-1, 0, 2])) // → tensor([ True, False, False])
 */
export const signbit: Unary = unary('signbit', { dtype: 'bool', value: x => (x.dtype === 'bool' ? never(x) : hasSign(x)) })
const never = (x: Scalar): Scalar => S.ne(x, x)
/** 1/−0 is −∞: that tells the zeros apart. */
const hasSign = (x: Scalar): Scalar => (isReal(x) ? S.or(S.lt(x, 0), S.and(S.eq(x, 0), S.lt(S.div(1, x), 0))) : S.lt(x, 0))
/**
 * True where x is −∞. As `torch.isneginf`.
 *
 * @example
 * isneginf(tensor([1, -Infinity, Infinity])) // → tensor([False,  True, False])
 */
export const isneginf: Unary = unary('isneginf', { dtype: 'bool', value: x => (isReal(x) ? S.eq(x, -Infinity) : never(x)) })
/**
 * True where x is +∞. As `torch.isposinf`.
 *
 * @example
 * isposinf(tensor([1, -Infinity, Infinity])) // → tensor([False, False,  True])
 */
export const isposinf: Unary = unary('isposinf', { dtype: 'bool', value: x => (isReal(x) ? S.eq(x, Infinity) : never(x)) })
/**
 * True where the imaginary part is 0, as it is in every real number. As `torch.isreal`.
 *
 * @example
 * isreal(tensor([1, 2])) // → tensor([True, True])
 */
export const isreal: Unary = unary('isreal', { dtype: 'bool', value: () => S.constant(1, 'bool') })
/**
 * Angle in the plane of complex numbers: of real numbers 0 or, where negative, π. As `torch.angle`.
 *
 * @example
 * angle(tensor([-1, 0, 2])) // → tensor([3.1416, 0.0000, 0.0000])
 */
export const angle: Unary = unary('angle', { dtype: 'float', value: x => S.select(S.ne(x, x), x, S.select(S.lt(x, 0), like(x, Math.PI), 0)), vjp: flat })

/** 2ⁿ for whole n from −127 to 127: the product of the powers that its bits stand for. */
function powerOfTwo(n: Scalar): Scalar {
  const size = S.abs(n)
  const bits = [1, 2, 4, 8, 16, 32, 64].map(bit => when(S.ge(S.mod(size, 2 * bit), bit), 2 ** bit, like(n, 1)))
  const power = bits.reduce((a, b) => S.mul(a, b))
  return S.select(S.lt(n, 0), S.div(1, power), power)
}
/** x·2ⁿ for whole n, exact as long as the result is. */
const shifted: BinaryFn = binary('shifted', {
  dtype: 'float',
  value: (x, n) => {
    const half = S.trunc(S.mul(n, 0.5))
    return S.mul(S.mul(x, powerOfTwo(half)), powerOfTwo(S.sub(n, half)))
  },
  vjp: [(g, _, n) => shifted(g, n), null],
  samples: [{ shapes: [[2, 3], []], dtypes: ['float32', 'int32'], range: [[-2, 2], [-3, 4]] }],
})
/** The n for which |x|·2⁻ⁿ is at least ½ and less than 1. */
const exponent: Unary = unary('exponent', {
  dtype: 'float',
  value: x => {
    const size = S.abs(x)
    const near = S.add(S.floor(S.log2(size)), 1)
    const half = S.trunc(S.mul(near, 0.5))
    const part = S.div(S.div(size, powerOfTwo(half)), powerOfTwo(S.sub(near, half)))
    const exact = S.add(near, S.select(S.ge(part, 1), like(x, 1), S.select(S.lt(part, 0.5), like(x, -1), 0)))
    return S.select(S.and(S.gt(size, 0), S.lt(size, Infinity)), exact, 0)
  },
})
/**
 * x = mantissa·2^exponent with ½ ≤ |mantissa| < 1; the exponent is int32. As `torch.frexp`.
 *
 * @example
 * frexp(tensor([6, 0.75])).mantissa // → tensor([0.7500, 0.7500])
 */
export const frexp: ((x: Tensor) => { mantissa: Tensor; exponent: Tensor }) & Described = tagged((x: Tensor) => {
  if (!isFloat(needTensor('frexp', x).dtype)) fail('frexp', `expected a float tensor, got ${x}`, "convert it: x.to('float32')")
  const n = exponent(x)
  return { mantissa: shifted(x, neg(n)), exponent: cast(n, 'int32') }
}, 'frexp', ['input'])
/**
 * input·2^other. As `torch.ldexp`.
 *
 * @example
 * ldexp(tensor([1, 3]), tensor([2, 4])) // → tensor([ 4., 48.])
 */
export const ldexp: BinaryFn = byName((x: Operand, other: Operand) => mul(needTensor('ldexp', x), exp2(needTensor('ldexp', other))), 'ldexp', ['input', 'other'])

// Arithmetic

/**
 * other − alpha·input. As `torch.rsub`.
 *
 * @example
 * rsub(tensor([1, 2, 3]), tensor([4, 5, 6])) // → tensor([3., 3., 3.])
 */
export const rsub: Scaled = byName((x: Operand, other: Operand, options?: AlphaOptions) => sub(other, needTensor('rsub', x), options), 'rsub', ['input', 'other', '*', 'alpha'])
/**
 * Larger value; where one is NaN, the other. As `torch.fmax`.
 *
 * @example
 * fmax(tensor([1, NaN]), tensor([NaN, 2])) // → tensor([1., 2.])
 */
export const fmax: BinaryFn = operands('tensors', binary('fmax', {
  dtype: 'same', value: (a, b) => (a.dtype === 'bool' ? S.or(a, b) : S.select(S.ne(a, a), b, S.select(S.ne(b, b), a, S.max(a, b)))),
  vjp: [(g, a, b) => passing(logicalOr(ge(a, b), isnan(b)), g), (g, a, b) => where(logicalOr(ge(a, b), isnan(b)), 0, g)],
}))
/**
 * Smaller value; where one is NaN, the other. As `torch.fmin`.
 *
 * @example
 * fmin(tensor([1, NaN]), tensor([NaN, 2])) // → tensor([1., 2.])
 */
export const fmin: BinaryFn = operands('tensors', binary('fmin', {
  dtype: 'same', value: (a, b) => (a.dtype === 'bool' ? S.and(a, b) : S.select(S.ne(a, a), b, S.select(S.ne(b, b), a, S.min(a, b)))),
  vjp: [(g, a, b) => passing(logicalOr(le(a, b), isnan(b)), g), (g, a, b) => where(logicalOr(le(a, b), isnan(b)), 0, g)],
}))
/**
 * 0 below 0, 1 above, and `values` at 0. As `torch.heaviside`.
 *
 * @example
 * heaviside(tensor([-1, 0, 2]), tensor([0.5, 0.5, 0.5])) // → tensor([0.0000, 0.5000, 1.0000])
 */
export const heaviside: BinaryFn = operands('tensors', binary('heaviside', {
  dtype: 'number', value: (x, values) => S.select(S.eq(x, 0), values, S.select(S.gt(x, 0), like(x, 1), S.select(S.lt(x, 0), like(x, 0), x))),
}))
/**
 * Power in float64, whatever the operands are. As `torch.float_power`.
 *
 * @example
 * floatPower(tensor([2, 3]), 0.5).dtype // → float64
 */
export const floatPower: BinaryFn = byName((x: Operand, exponent: Operand) => {
  const wide = (v: Operand): Operand => (v instanceof Tensor ? cast(v, 'float64') : v)
  return pow(wide(x), wide(exponent))
}, 'floatPower', ['input', 'exponent'])
/**
 * The float next to input on the side of other. As `torch.nextafter`.
 * The step is a little more than half of the gap to the neighbour, so that the sum rounds to it (Rump, Zimmermann, Boldo, Melquiond 2009).
 *
 * @example
 * nextafter(tensor([1]), tensor([2])) // → tensor([1.0000])
 */
export const nextafter: BinaryFn = checked(operands('tensors', binary('nextafter', {
  dtype: 'float', linear: [g => g, flat],
  value: (x, y) => {
    const [digits, least] = isWide(x) ? [53, Number.MIN_VALUE] : [24, 2 ** -149]
    const step = S.max(S.mul(S.abs(x), 2 ** -digits * (1 + 2 ** (1 - digits))), least)
    const beyond = S.select(S.gt(y, x), S.add(x, step), S.sub(x, step))
    return S.select(S.or(S.ne(x, x), S.ne(y, y)), S.add(x, y), S.select(S.eq(x, y), y, beyond))
  },
})), (...xs) => xs.forEach(x => {
  // The steps of narrower floats are not those of the arithmetic.
  if (x instanceof Tensor && x.dtype !== 'float32' && x.dtype !== 'float64') fail('nextafter', `expected float32 or float64, got ${x}`, "convert it: x.to('float32')")
}))
/**
 * log₂(2ᵃ + 2ᵇ), without overflow. As `torch.logaddexp2`.
 *
 * @example
 * logaddexp2(tensor([1, 2]), tensor([1, 3])) // → tensor([2.0000, 3.5850])
 */
export const logaddexp2: BinaryFn = operands('tensors', binary('logaddexp2', {
  dtype: 'float',
  value: (a, b) => {
    const most = S.max(a, b)
    const rest = S.mul(S.log1p(S.exp(S.mul(S.abs(S.sub(a, b)), -Math.LN2))), Math.LOG2E)
    return S.select(S.eq(S.abs(most), Infinity), most, S.add(most, rest))
  },
  vjp: [(g, a, b) => mul(g, share(a, b)), (g, a, b) => mul(g, share(b, a))],
}))
/** 2ᵃ/(2ᵃ + 2ᵇ). */
const share = (a: Tensor, b: Tensor): Tensor => mul(sub(a, b), Math.LN2).sigmoid()
/**
 * sin(πx)/(πx), and 1 at 0. As `torch.sinc`.
 *
 * @example
 * sinc(tensor([0, 0.5, 1.5])) // → tensor([ 1.0000,  0.6366, -0.2122])
 */
export const sinc: Unary = unary('sinc', {
  dtype: 'float',
  // From the nearest even number: the sine has period 2, and the difference is exact.
  value: x => when(S.eq(x, 0), 1, S.div(S.sin(S.mul(S.sub(x, S.mul(S.round(S.mul(x, 0.5)), 2)), Math.PI)), S.mul(x, Math.PI))),
  vjp: (g, x) => where(eq(x, 0), 0, mul(g, div(sub(cos(mul(x, Math.PI)), sinc(x)), x))),
  sample: [0.3, 2],
})
/**
 * input + value·tensor1·tensor2. As `torch.addcmul`.
 *
 * @example
 * addcmul(tensor([1, 2]), tensor([3, 4]), tensor([5, 6]), { value: 0.5 }) // → tensor([ 8.5000, 14.0000])
 */
export const addcmul: AddProduct = describe((input: Tensor, tensor1: Tensor, tensor2: Tensor, { value = 1 }: ValueOptions = {}) =>
  add(input, mul(needTensor('addcmul', tensor1), needTensor('addcmul', tensor2)), value === 1 ? undefined : { alpha: value }), 'addcmul', ['input', 'tensor1', 'tensor2', '*', 'value'])
/**
 * input + value·tensor1/tensor2. As `torch.addcdiv`.
 *
 * @example
 * addcdiv(tensor([1, 2]), tensor([3, 4]), tensor([2, 8]), { value: 2 }) // → tensor([4., 3.])
 */
export const addcdiv: AddProduct = describe((input: Tensor, tensor1: Tensor, tensor2: Tensor, { value = 1 }: ValueOptions = {}) =>
  add(input, div(needTensor('addcdiv', tensor1), needTensor('addcdiv', tensor2)), value === 1 ? undefined : { alpha: value }), 'addcdiv', ['input', 'tensor1', 'tensor2', '*', 'value'])
export interface ValueOptions {
  /** Factor of the product. Default 1. */
  value?: number
}
export type AddProduct = ((input: Tensor, tensor1: Tensor, tensor2: Tensor, options?: ValueOptions) => Tensor) & Described

// Whole numbers

const whole: readonly Sample[] = [{ shapes: [[2, 3], [2, 3]], dtypes: ['int32', 'int32'], range: [-20, 20] }]
/** Euclid's algorithm; consecutive Fibonacci numbers, its worst case, are through after 46 steps. */
const commonDivisor = (x: Scalar, y: Scalar): Scalar => {
  let [a, b] = [S.abs(x), S.abs(y)]
  for (let i = 0; i < 46; i++) [a, b] = [S.select(S.eq(b, 0), a, b), S.rem(a, b)]
  return a
}
/**
 * Greatest common divisor of integers. As `torch.gcd`.
 *
 * @example
 * gcd(tensor([12, 18], { dtype: 'int32' }), tensor([8, 27], { dtype: 'int32' })) // → tensor([4, 9])
 */
export const gcd: BinaryFn = operands('tensors', binary('gcd', { dtype: 'int', value: commonDivisor, samples: whole }))
/**
 * Least common multiple of integers. As `torch.lcm`.
 *
 * @example
 * lcm(tensor([12, 18], { dtype: 'int32' }), tensor([8, 27], { dtype: 'int32' })) // → tensor([24, 54])
 */
export const lcm: BinaryFn = operands('tensors', binary('lcm', { dtype: 'int', value: (a, b) => S.abs(S.mul(S.floorDiv(a, commonDivisor(a, b)), b)), samples: whole }))

const outside = (n: Scalar): Scalar => S.or(S.lt(n, 0), S.gt(n, 31))
/**
 * input·2^other of integers; 0 where all bits are shifted out. As `torch.bitwise_left_shift`.
 *
 * @example
 * bitwiseLeftShift(tensor([12, -5], { dtype: 'int32' }), tensor([1, 2], { dtype: 'int32' })) // → tensor([ 24, -20])
 */
export const bitwiseLeftShift: BinaryFn = operands('one', binary('bitwiseLeftShift', { dtype: 'int', value: (a, n) => S.select(outside(n), like(a, 0), S.shl(a, n)), samples: whole }))
/**
 * input shifted right by other bits, with copies of the sign. As `torch.bitwise_right_shift`.
 *
 * @example
 * bitwiseRightShift(tensor([12, -5], { dtype: 'int32' }), tensor([1, 2], { dtype: 'int32' })) // → tensor([ 6, -2])
 */
export const bitwiseRightShift: BinaryFn = operands('one', binary('bitwiseRightShift', { dtype: 'int', value: (a, n) => (a.dtype === 'uint32' ? S.select(outside(n), like(a, 0), S.shr(a, n)) : S.shr(a, S.select(outside(n), like(n, 31), n))), samples: whole }))

// Comparison of whole tensors

export interface CloseOptions {
  /** Allowed error in units of |other|. Default 1e-5. */
  rtol?: number
  /** Allowed error. Default 1e-8. */
  atol?: number
  /** NaN is close to NaN. Default false. */
  equalNan?: boolean
}
interface CloseArgs extends CloseOptions {
  input: Tensor
  other: Tensor
}
function closeness(name: string, { input, other, rtol = 1e-5, atol = 1e-8, equalNan = false }: CloseArgs): Tensor {
  const [a, b] = [needTensor(name, input), needTensor(name, other)]
  if (a.dtype !== b.dtype) fail(name, `${a} and ${b} have different dtypes`, 'convert one of them')
  if (!(rtol >= 0 && atol >= 0)) fail(name, `rtol is ${rtol} and atol is ${atol}`, 'both must be ≥ 0')
  const same = equalNan ? logicalOr(eq(a, b), logicalAnd(isnan(a), isnan(b))) : eq(a, b)
  if (rtol === 0 && atol === 0) return same
  const [x, y] = isFloat(a.dtype) || dtypes[a.dtype].kind === 'complex' ? [a, b] : [cast(a, 'float32'), cast(b, 'float32')]
  const error = abs(sub(x, y))
  return logicalOr(same, logicalAnd(isfinite(error), le(error, add(mul(abs(y), rtol), atol))))
}
type Close<R> = ((input: Tensor, other: Tensor, rtol?: number | CloseOptions, atol?: number, equalNan?: boolean) => R) & Described
const closeNames = ['input', 'other', 'rtol', 'atol', 'equalNan']
/**
 * True where |input − other| ≤ atol + rtol·|other|, and where both are the same infinity. As `torch.isclose`.
 *
 * @example
 * isclose(tensor([1, 2]), tensor([1.000001, 2.1])) // → tensor([ True, False])
 */
export const isclose: Close<Tensor> = define('isclose', closeNames, (args: CloseArgs) => closeness('isclose', args))

const closeForms = sized<Close<boolean>, CloseArgs>('allclose', closeNames, function* (args) {
  return (yield all(closeness('allclose', args)))[0] !== 0
})
/**
 * Whether all elements are close, see `isclose`. Reads at once. As `torch.allclose`.
 *
 * @example
 * allclose(tensor([1, 2]), tensor([1, 2])) // → true
 */
export const allclose: Close<boolean> = closeForms[0]
/**
 * `allclose` that waits for the device.
 *
 * @example
 * await allcloseAsync(tensor([1, 2]), tensor([1, 2])) // → true
 */
export const allcloseAsync: Later<Close<boolean>> = closeForms[1]

type Equal = ((input: Tensor, other: Tensor) => boolean) & Described
const equalForms = sized<Equal, { input: Tensor; other: Tensor }>('equal', ['input', 'other'], function* ({ input, other }) {
  const [a, b] = [needTensor('equal', input), needTensor('equal', other)]
  if (a.dtype !== b.dtype) fail('equal', `${a} and ${b} have different dtypes`, 'convert one of them')
  return sameShape(a.shape, b.shape) && (yield all(eq(a, b)))[0] !== 0
})
/**
 * Whether shapes and all elements are equal. Reads at once. As `torch.equal`.
 *
 * @example
 * equal(tensor([1, 2]), tensor([1, 2])) // → true
 */
export const equal: Equal = equalForms[0]
/**
 * `equal` that waits for the device.
 *
 * @example
 * await equalAsync(tensor([1, 2]), tensor([1, 2])) // → true
 */
export const equalAsync: Later<Equal> = equalForms[1]

/**
 * Whether the dtype is a float one. As `torch.is_floating_point`.
 *
 * @example
 * isFloatingPoint(tensor([1])) // → true
 */
export const isFloatingPoint: ((x: Tensor) => boolean) & Described = tagged((x: Tensor) => isFloat(needTensor('isFloatingPoint', x).dtype), 'isFloatingPoint', ['input'])
const nonzeroForms = sized<((x: Tensor) => boolean) & Described, { input: Tensor }>('isNonzero', ['input'], function* ({ input }) {
  if (needTensor('isNonzero', input).numel !== 1) fail('isNonzero', `${input} has ${input.numel} elements, not one`, 'reduce it first: any()')
  return (yield ne(input, 0))[0] !== 0
})
/**
 * Whether the one element is not 0. Reads at once. As `torch.is_nonzero`.
 *
 * @example
 * isNonzero(tensor([1])) // → true
 */
export const isNonzero: ((x: Tensor) => boolean) & Described = nonzeroForms[0]
/**
 * `isNonzero` that waits for the device.
 *
 * @example
 * await isNonzeroAsync(tensor([1])) // → true
 */
export const isNonzeroAsync: Later<(x: Tensor) => boolean> = nonzeroForms[1]
