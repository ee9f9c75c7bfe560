// The gamma function's family: log Γ, its derivatives, and the Hurwitz zeta function, which gives the higher ones.
import { fail } from '../core/errors.ts'
import { S, type Scalar } from '../ir/scalar.ts'
import { describe, needTensor, type Described } from './define.ts'
import { chebyshev, isWide, like, polynomial, when } from './formula.ts'
import { operands } from './operands.ts'
import { add, mul, neg, sub } from './pointwise.ts'
import { binary, unary, type BinaryFn, type Unary } from './pointwise-record.ts'
import type { Tensor } from './tensor.ts'

/** B₂, B₄, B₆ … */
const BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330, 854513 / 138, -236364091 / 2730]

/** log Γ(2 + t)/(t·(t + 1)) for |t| ≤ 1: a Chebyshev fit of our own. */
const LOG_GAMMA = [
  0.44148902545501423, -0.11119580321752523, 0.01951044826068884, -0.003922461463025264, 0.0008478989895953857, -0.00019153855341365593,
  4.454470184975607e-05, -1.0572874373594299e-05, 2.5474336873408417e-06, -6.208535880776316e-07, 1.5268677399071546e-07,
  -3.782637660291326e-08, 9.428100823624284e-09, -2.361999702184645e-09, 5.943541905817546e-10, -1.501312977072867e-10,
  3.8050196458110534e-11, -9.672485299656325e-12, 2.465348198355661e-12, -6.298868140791711e-13, 1.6128460030283787e-13,
  -4.137949206814042e-14, 1.0635701227757898e-14, -2.7382420786652826e-15, 7.060670507214892e-16, -1.8232177141662118e-16,
  4.714169006756272e-17, -1.2204107319639856e-17,
]

/** log Γ(2 + t) for |t| ≤ 1, exact beside the zeros; `above` is t + 1, where that is known better. */
export const logGammaNear2 = (t: Scalar, above = S.add(t, 1)): Scalar => S.mul(S.mul(t, above), chebyshev(t, LOG_GAMMA))

/** log Γ(x) − ((x − ½)·log x − x + ½·log 2π) for x ≥ 8: Stirling's series. */
export const stirlingRest = (x: Scalar): Scalar => {
  const terms = BERNOULLI.slice(0, isWide(x) ? 10 : 4).map((b, k) => b / ((2 * k + 1) * (2 * k + 2)))
  return S.div(polynomial(S.div(1, S.mul(x, x)), terms.reverse()), x)
}

function logGammaPositive(x: Scalar): Scalar {
  const large = S.add(S.add(S.mul(S.sub(x, 0.5), S.sub(S.log(x), 1)), (Math.log(2 * Math.PI) - 1) / 2), stirlingRest(x))
  // From x down to y in [2, 3] by Γ(y + 1) = y·Γ(y), or up by one from below 1.
  let [y, product] = [x, like(x, 1)]
  for (let k = 0; k < 5; k++) {
    const far = S.ge(y, 3)
    const below = S.sub(y, 1)
    product = S.select(far, S.mul(product, below), product)
    y = S.select(far, below, y)
  }
  const low = S.lt(x, 1)
  // Below 1 the distance from 2 of x + 1 is x − 1: no rounding.
  const t = S.select(low, S.sub(x, 1), S.sub(y, 2))
  const log = S.log(S.select(low, x, product))
  return S.select(S.ge(x, 8), large, S.add(logGammaNear2(t), S.select(low, S.neg(log), log)))
}

/** log |Γ(x)|; below 0 by Γ(x)·Γ(−x) = −π/(x·sin πx). */
function logGamma(x: Scalar): Scalar {
  const a = S.abs(x)
  const right = logGammaPositive(a)
  const sine = S.abs(S.sin(S.mul(S.sub(a, S.round(a)), Math.PI)))
  const left = when(S.eq(sine, 0), Infinity, S.sub(S.sub(S.sub(Math.log(Math.PI), S.log(sine)), S.log(a)), right))
  return S.select(S.eq(a, Infinity), a, S.select(S.lt(x, 0), left, right))
}

/**
 * log |Γ(x)|. d = digamma(x) dx. As `torch.lgamma`.
 *
 * @example
 * lgamma(tensor([0.5, 1, 2])) // → tensor([0.5724, 0.0000, 0.0000])
 */
export const lgamma: Unary = unary('lgamma', { dtype: 'float', value: logGamma, vjp: (g, x) => mul(g, digamma(x)), sample: [0.3, 4] })

/** From `shift` on by the asymptotic series, below with ψ(x) = ψ(x + 1) − 1/x. */
function psiPositive(x: Scalar): Scalar {
  const [shift, terms] = isWide(x) ? [10, 8] : [6, 4]
  const small = S.lt(x, shift)
  const z = S.select(small, S.add(x, shift), x)
  let steps = S.div(1, S.add(x, shift - 1))
  for (let k = shift - 2; k > 0; k--) steps = S.add(steps, S.div(1, S.add(x, k)))
  // Of −0 too the inverse must have the right sign.
  steps = S.add(steps, S.div(1, x))
  const inverse = S.div(1, z)
  const square = S.mul(inverse, inverse)
  const series = S.mul(square, polynomial(square, BERNOULLI.slice(0, terms).map((b, k) => b / (2 * k + 2)).reverse()))
  return S.sub(S.sub(S.log(z), S.add(S.mul(inverse, 0.5), series)), S.select(small, steps, 0))
}

/**
 * Derivative of log Γ. As `torch.digamma`.
 *
 * @example
 * digamma(tensor([0.5, 1, 2])) // → tensor([-1.9635, -0.5772,  0.4228])
 */
export const digamma: Unary = unary('digamma', {
  dtype: 'float', sample: [0.5, 4],
  value: x => {
    const mirror = S.lt(x, 0)
    const right = psiPositive(S.select(mirror, S.sub(1, x), x))
    const fraction = S.sub(x, S.round(x))
    const left = when(S.eq(fraction, 0), NaN, S.sub(right, S.div(Math.PI, S.tan(S.mul(fraction, Math.PI)))))
    return S.select(mirror, left, right)
  },
  vjp: (g, x) => mul(g, trigamma(x)),
})

/** Derivative of digamma. Below ½ by ψ′(1 − x) + ψ′(x) = π²/sin² πx, with π as the dtype has it: what PyTorch gives at the poles depends on it. */
const trigamma: Unary = unary('trigamma', {
  dtype: 'float', sample: [0.6, 4],
  value: x => {
    const [shift, terms] = isWide(x) ? [10, 9] : [6, 4]
    const mirror = S.lt(x, 0.5)
    const y = S.select(mirror, S.sub(1, x), x)
    let sum = like(x, 0)
    for (let k = shift - 1; k >= 0; k--) sum = S.add(sum, S.div(1, S.mul(S.add(y, k), S.add(y, k))))
    const inverse = S.div(1, S.add(y, shift))
    const square = S.mul(inverse, inverse)
    const series = S.mul(S.mul(square, inverse), polynomial(square, BERNOULLI.slice(0, terms).reverse()))
    const right = S.add(sum, S.add(S.add(inverse, S.mul(square, 0.5)), series))
    const sine = S.sin(S.mul(x, isWide(x) ? Math.PI : Math.fround(Math.PI)))
    return S.select(mirror, S.sub(S.div(Math.PI ** 2, S.mul(sine, sine)), right), right)
  },
  vjp: (g, x) => mul(g, polygamma(2, x)),
})

/** Σ (q + k)^−s over k ≥ 0, for q > 0 and s > 1, by Euler and Maclaurin. */
function zetaPositive(s: Scalar, q: Scalar): Scalar {
  const [direct, terms] = isWide(s) ? [8, 8] : [4, 5]
  const minus = S.neg(s)
  let sum = S.pow(q, minus)
  for (let k = 1; k < direct; k++) sum = S.add(sum, S.pow(S.add(q, k), minus))
  const w = S.add(q, direct)
  const power = S.pow(w, minus)
  sum = S.add(sum, S.add(S.div(S.mul(w, power), S.sub(s, 1)), S.mul(power, 0.5)))
  let term = S.div(S.mul(power, s), w)
  let factorial = 1
  for (let k = 0; k < terms; k++) {
    factorial *= (2 * k + 1) * (2 * k + 2)
    sum = S.add(sum, S.mul(term, BERNOULLI[k] / factorial))
    if (k < terms - 1) term = S.mul(S.mul(term, S.div(S.add(s, 2 * k + 1), w)), S.div(S.add(s, 2 * k + 2), w))
  }
  return sum
}

/** With q = r − m, 0 < r < 1, the first m terms are those of ζ(s, 1 − r) up to (m − r)^−s, times (−1)^s. */
function hurwitz(s: Scalar, q: Scalar): Scalar {
  const rest = S.sub(q, S.floor(q))
  const mirror = S.lt(q, 0)
  const first = zetaPositive(s, S.select(mirror, rest, q))
  const below = S.sub(zetaPositive(s, S.sub(1, rest)), zetaPositive(s, S.sub(1, q)))
  const value = S.select(mirror, S.add(first, S.select(S.eq(S.mod(s, 2), 0), below, S.neg(below))), first)
  const pole = S.or(S.eq(s, 1), S.and(S.le(q, 0), S.eq(q, S.floor(q))))
  return when(S.lt(s, 1), NaN, when(pole, Infinity, when(S.and(mirror, S.ne(s, S.floor(s))), NaN, value)))
}

/**
 * Hurwitz zeta function Σ (other + k)^−input over k ≥ 0. Its slope is known by `other` alone: −input·ζ(input + 1, other). As `torch.special.zeta`.
 *
 * @example
 * special.zeta(tensor([2, 4]), tensor([1, 1])) // → tensor([1.6449, 1.0823])
 */
export const zeta: BinaryFn = operands('one', binary('zeta', {
  dtype: 'float', value: hurwitz,
  vjp: [() => fail('zeta', 'the derivative by its first operand is not known', 'detach() it'), (g, s, q) => neg(mul(g, mul(s, zeta(add(s, 1), q))))],
  samples: [{ shapes: [[], [2, 3]], dtypes: ['int32', 'float32'], range: [[3, 4], [0.4, 3]] }],
}))

type Polygamma = ((n: number, x: Tensor) => Tensor) & Described
/**
 * n-th derivative of digamma: (−1)ⁿ⁺¹·n!·ζ(n + 1, x). As `torch.polygamma`.
 *
 * @example
 * polygamma(1, tensor([0.5, 1, 2])) // → tensor([4.9348, 1.6449, 0.6449])
 */
export const polygamma: Polygamma = describe((n: number, x: Tensor) => {
  if (!Number.isInteger(n) || n < 0) fail('polygamma', `n is ${String(n)}`, 'give a whole number ≥ 0')
  if (n < 2) return (n === 0 ? digamma : trigamma)(needTensor('polygamma', x))
  let factor = n % 2 ? 1 : -1
  for (let k = 2; k <= n; k++) factor *= k
  return mul(zeta(n + 1, needTensor('polygamma', x)), factor)
}, 'polygamma', ['n', 'input'])
/** The method: x.polygamma(n). */
export const polygammaOf: ((x: Tensor, n: number) => Tensor) & Described = describe((x: Tensor, n: number) => polygamma(n, x), 'polygamma', ['input', 'n'])

/**
 * log of the multivariate gamma function of p dimensions: p(p − 1)/4·log π + Σ log Γ(x − j/2) over j < p. As `torch.mvlgamma`.
 *
 * @example
 * mvlgamma(tensor([2, 3]), 2) // → tensor([0.4516, 1.5502])
 */
export const mvlgamma: ((x: Tensor, p: number) => Tensor) & Described = describe((x: Tensor, p: number) => {
  if (!Number.isInteger(p) || p < 1) fail('mvlgamma', `p is ${String(p)}`, 'give a whole number ≥ 1')
  let sum = lgamma(x)
  for (let j = 1; j < p; j++) sum = add(sum, lgamma(sub(x, j / 2)))
  return p === 1 ? sum : add(sum, (p * (p - 1) * Math.log(Math.PI)) / 4)
}, 'mvlgamma', ['input', 'p'])
