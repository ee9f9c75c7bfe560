// The formulas of complex numbers: what each pointwise op means for re + i·im. They keep large and small numbers in range where the plain formula
// would not, and take the branch cuts of C99. asin and acos follow Kahan, Branch cuts for complex elementary functions (1987).
import { S, type Scalar, type ScalarLike } from '../ir/scalar.ts'
import { complexForms, type Complex } from './complex-form.ts'

const { add, sub, mul, div, neg, select } = S

const c = (re: Scalar, im: Scalar): Complex => ({ re, im })
const zero = S.constant(0, 'float32')
const one = c(S.constant(1, 'float32'), zero)
const scaled = (z: Complex, by: ScalarLike): Complex => c(mul(z.re, by), mul(z.im, by))
const choose = (when: Scalar, a: Complex, b: Complex): Complex => c(select(when, a.re, b.re), select(when, a.im, b.im))
const square = (x: Scalar): Scalar => mul(x, x)
/** The sign bit: of zeros too. */
const isNegative = (x: Scalar): Scalar => S.or(S.lt(x, 0), S.and(S.eq(x, 0), S.lt(div(1, x), 0)))
const withSign = (size: Scalar, of: Scalar): Scalar => select(isNegative(of), neg(size), size)

const plus = (a: Complex, b: Complex): Complex => c(add(a.re, b.re), add(a.im, b.im))
const minus = (a: Complex, b: Complex): Complex => c(sub(a.re, b.re), sub(a.im, b.im))
const times = (a: Complex, b: Complex): Complex => c(sub(mul(a.re, b.re), mul(a.im, b.im)), add(mul(a.re, b.im), mul(a.im, b.re)))
const negative = (z: Complex): Complex => c(neg(z.re), neg(z.im))
const conjugate = (z: Complex): Complex => c(z.re, neg(z.im))
/** i·z and −i·z. */
const turn = (z: Complex): Complex => c(neg(z.im), z.re)
const turnBack = (z: Complex): Complex => c(z.im, neg(z.re))

/** √(re² + im²); where the squares leave the range, with the larger part taken out. */
export function modulus({ re, im }: Complex): Scalar {
  const [a, b] = [S.abs(re), S.abs(im)]
  const [large, small] = [S.max(a, b), S.min(a, b)]
  const far = mul(large, S.sqrt(add(1, square(div(small, large)))))
  const plain = S.or(S.and(S.gt(large, 1e-15), S.lt(large, 1e19)), S.eq(large, 0))
  const infinite = S.or(S.eq(a, Infinity), S.eq(b, Infinity))
  return select(infinite, S.constant(Infinity, 'float32'), select(plain, S.sqrt(add(mul(re, re), mul(im, im))), far))
}
/** a/b with both divided by the larger part of b, so that its square neither overflows nor vanishes. */
function quotient(a: Complex, b: Complex): Complex {
  const by = S.max(S.abs(b.re), S.abs(b.im))
  const [p, q, r, s] = [a.re, a.im, b.re, b.im].map(x => div(x, by))
  const size = add(mul(r, r), mul(s, s))
  return c(div(add(mul(p, r), mul(q, s)), size), div(sub(mul(q, r), mul(p, s)), size))
}
const reciprocal = (z: Complex): Complex => quotient(one, z)
export const phase = (z: Complex): Scalar => S.atan2(z.im, z.re)
export function direction(z: Complex): Complex {
  const size = modulus(z)
  return choose(S.eq(size, 0), z, c(div(z.re, size), div(z.im, size)))
}

/** The root in the right half plane, cut along the negative real axis. */
function root(z: Complex): Complex {
  const w = S.sqrt(add(mul(0.5, modulus(z)), mul(0.5, S.abs(z.re))))
  const v = div(z.im, mul(2, w))
  const finite = choose(isNegative(z.re), c(S.abs(v), withSign(w, z.im)), c(w, v))
  return choose(S.eq(S.abs(z.im), Infinity), c(S.abs(z.im), z.im), choose(S.eq(w, 0), c(zero, z.im), finite))
}
const exponential = ({ re, im }: Complex): Complex => c(mul(S.exp(re), S.cos(im)), select(S.eq(im, 0), im, mul(S.exp(re), S.sin(im))))
const logarithm = (z: Complex): Complex => c(S.log(modulus(z)), phase(z))
/** Near 0 by |1 + z|² − 1 = re·(2 + re) + im². */
function logarithm1p(z: Complex): Complex {
  const shifted = c(add(1, z.re), z.im)
  const near = S.lt(S.max(S.abs(z.re), S.abs(z.im)), 0.5)
  return c(select(near, mul(0.5, S.log1p(add(mul(z.re, add(2, z.re)), square(z.im)))), S.log(modulus(shifted))), phase(shifted))
}
const exponentialM1 = ({ re, im }: Complex): Complex => c(sub(mul(S.expm1(re), S.cos(im)), mul(2, square(S.sin(mul(0.5, im))))), mul(S.exp(re), S.sin(im)))
/** aᵇ = e^(b·log a); 0ᵇ is 1 for b = 0 and 0 for Re b > 0. */
function power(a: Complex, b: Complex): Complex {
  const general = exponential(times(b, logarithm(a)))
  const real = S.eq(b.im, 0)
  const none = S.constant(NaN, 'float32')
  const atZero = choose(S.and(S.eq(b.re, 0), real), one, choose(S.gt(b.re, 0), c(zero, zero), c(none, none)))
  const isZero = S.and(S.eq(a.re, 0), S.eq(a.im, 0))
  return choose(S.and(real, S.eq(b.re, 2)), times(a, a), choose(isZero, atZero, general))
}

const sine = ({ re, im }: Complex): Complex => c(mul(S.sin(re), S.cosh(im)), mul(S.cos(re), S.sinh(im)))
const cosine = ({ re, im }: Complex): Complex => c(mul(S.cos(re), S.cosh(im)), neg(mul(S.sin(re), S.sinh(im))))
/** (T + it)/(1 + iTt) with T = tanh re, t = tan im, and 1 − T² = 1/cosh². */
function tangentH({ re, im }: Complex): Complex {
  const [T, t] = [S.tanh(re), S.tan(im)]
  const below = add(1, square(mul(T, t)))
  return c(div(mul(T, add(1, square(t))), below), div(mul(t, square(div(1, S.cosh(re)))), below))
}
const rootsAround = (z: Complex): readonly [below: Complex, above: Complex] => [root(minus(one, z)), root(plus(one, z))]
function arcsine(z: Complex): Complex {
  const [below, above] = rootsAround(z)
  return c(S.atan2(z.re, times(below, above).re), S.asinh(times(conjugate(below), above).im))
}
function arccosine(z: Complex): Complex {
  const [below, above] = rootsAround(z)
  return c(mul(2, S.atan2(below.re, above.re)), S.asinh(times(conjugate(above), below).im))
}
function arccosineH(z: Complex): Complex {
  const [below, above] = [root(minus(z, one)), root(plus(z, one))]
  return c(S.asinh(times(conjugate(below), above).re), mul(2, S.atan2(below.im, above.re)))
}
const arctangentH = (z: Complex): Complex => scaled(minus(logarithm1p(z), logarithm1p(negative(z))), 0.5)
/** 1/(1 + e⁻ᶻ), by the exponential that does not overflow. */
function logistic(z: Complex): Complex {
  const left = S.lt(z.re, 0)
  const e = exponential(choose(left, z, negative(z)))
  return quotient(choose(left, e, one), plus(one, e))
}

/** sin(πz)/(πz). */
function sinc(z: Complex): Complex {
  const w = scaled(z, Math.PI)
  return choose(nonzero(w), quotient(sine(w), w), one)
}

const nonzero = (z: Complex): Scalar => S.or(S.ne(z.re, 0), S.ne(z.im, 0))
const equal = (a: Complex, b: Complex): Scalar => S.and(S.eq(a.re, b.re), S.eq(a.im, b.im))
const either = (test: (x: Scalar) => Scalar) => (z: Complex): Scalar => S.or(test(z.re), test(z.im))

const holomorphic: Readonly<Record<string, (...z: Complex[]) => Complex>> = {
  add: plus, sub: minus, mul: times, div: quotient, neg: negative, reciprocal, square: z => times(z, z), pow: power,
  lerp: (a, b, w) => plus(a, times(w, minus(b, a))),
  sqrt: root, rsqrt: z => reciprocal(root(z)), exp: exponential, expm1: exponentialM1, exp2: z => exponential(scaled(z, Math.LN2)),
  log: logarithm, log1p: logarithm1p, log2: z => scaled(logarithm(z), Math.LOG2E), log10: z => scaled(logarithm(z), Math.LOG10E),
  sin: sine, cos: cosine, tan: z => turnBack(tangentH(turn(z))), sinh: z => turnBack(sine(turn(z))), cosh: z => cosine(turn(z)), tanh: tangentH,
  asin: arcsine, acos: arccosine, atan: z => turnBack(arctangentH(turn(z))), asinh: z => turnBack(arcsine(turn(z))), acosh: arccosineH, atanh: arctangentH,
  sinc, sigmoid: logistic, silu: z => times(z, logistic(z)), conjPhysical: conjugate,
  clone: z => z, zerosLike: () => c(zero, zero), onesLike: () => one,
}
for (const [op, value] of Object.entries(holomorphic)) complexForms.set(op, { value })

const tests: Readonly<Record<string, (...z: Complex[]) => Scalar>> = {
  eq: equal, ne: (a, b) => S.not(equal(a, b)),
  isnan: either(x => S.ne(x, x)), isinf: either(x => S.eq(S.abs(x), Infinity)),
  isfinite: z => S.and(S.lt(S.abs(z.re), Infinity), S.lt(S.abs(z.im), Infinity)),
  isreal: z => S.eq(z.im, 0),
  logicalNot: z => S.not(nonzero(z)), logicalAnd: (a, b) => S.and(nonzero(a), nonzero(b)),
  logicalOr: (a, b) => S.or(nonzero(a), nonzero(b)), logicalXor: (a, b) => S.xor(nonzero(a), nonzero(b)),
}
for (const [op, value] of Object.entries(tests)) complexForms.set(op, { value })
complexForms.set('where', { value: (when, a, b) => choose(when.re, a, b) })
