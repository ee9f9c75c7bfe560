// The regularised incomplete gamma functions P(a, x) and Q(a, x) = 1 − P. By the power series below x = a, by the continued fraction
// above, and for large a near x = a by the uniform expansion of Temme (1979; DLMF 8.12).
import { fail } from '../core/errors.ts'
import { S, type Scalar } from '../ir/scalar.ts'
import { isWide, like, polynomial, when } from './formula.ts'
import { operands } from './operands.ts'
import { exp, log, mul, sub } from './pointwise.ts'
import { binary, type BinaryFn } from './pointwise-record.ts'
import { scaledTail } from './special-error.ts'
import { lgamma, logGammaNear2, stirlingRest } from './special-gamma.ts'
import type { Tensor } from './tensor.ts'

/** From here on near x = a Temme's expansion is the shorter. */
const LARGE = 12

/** g₀, g₁ … of Γ's asymptotic series. */
const GAMMA = [1, 1 / 12, 1 / 288, -139 / 51840, -571 / 2488320, 163879 / 209018880]

/**
 * Temme's cₖ(η) as power series: c₀ = 1/μ − 1/η, cₖ = (1/η)·dcₖ₋₁/dη + (−1)ᵏ·gₖ/μ, where η²/2 = μ − log(1 + μ). From (1 + μ)·η = μ·dμ/dη
 * follow the coefficients of μ one by one.
 */
function temme(rows: number, terms: number): number[][] {
  const n = terms + 2 * rows
  const mu = [0, 1]
  for (let k = 2; k <= n + 1; k++) {
    let sum = 0
    for (let i = 2; i < k; i++) sum += mu[i] * (k + 1 - i) * mu[k + 1 - i]
    mu.push((mu[k - 1] - sum) / (k + 1))
  }
  const inverse = [1]
  for (let k = 1; k <= n; k++) inverse.push(-inverse.reduce((sum, v, i) => sum + v * mu[k + 1 - i], 0))
  const series = [inverse.slice(1)]
  for (let k = 1; k < rows; k++) {
    const before = series[k - 1]
    series.push(before.slice(2).map((v, i) => (i + 2) * v + (k % 2 ? -1 : 1) * GAMMA[k] * inverse[i + 1]))
  }
  return series.map(row => row.slice(0, terms))
}

interface Halves {
  readonly lower: Scalar
  readonly upper: Scalar
}

/** For a ≥ LARGE and |x − a| ≤ 0.4·a, with μ = (x − a)/a. */
function nearDiagonal(a: Scalar, mu: Scalar): Halves {
  const wide = isWide(a)
  // μ − log(1 + μ) without its cancellation: log(1 + μ) is 2·artanh(s).
  const s = S.div(mu, S.add(2, mu))
  const s2 = S.mul(s, s)
  const odd = polynomial(s2, Array.from({ length: wide ? 14 : 7 }, (_, k) => 1 / (2 * k + 3)).reverse())
  const half = S.sub(S.mul(s, mu), S.mul(S.mul(S.mul(s, s2), 2), odd))
  const root = S.sqrt(S.mul(S.max(half, 0), 2))
  const eta = S.select(S.lt(mu, 0), S.neg(root), root)
  const rows = temme(wide ? 6 : 4, wide ? 14 : 10).map(row => polynomial(eta, row.reverse()))
  const sum = rows.reduceRight((later, row) => S.add(row, S.div(later, a)))
  const rest = S.div(sum, S.sqrt(S.mul(a, 2 * Math.PI)))
  const bell = S.exp(S.neg(S.mul(a, half)))
  const tail = S.mul(scaledTail(S.mul(root, S.sqrt(S.mul(a, 0.5)))), 0.5)
  const right = S.mul(bell, S.add(tail, rest))
  const left = S.mul(bell, S.sub(tail, rest))
  const isLeft = S.lt(mu, 0)
  return { lower: S.select(isLeft, left, S.sub(1, right)), upper: S.select(isLeft, S.sub(1, left), right) }
}

function halves(a: Scalar, x: Scalar): Halves {
  const wide = isWide(a)
  const mu = S.div(S.sub(x, a), a)
  const large = S.ge(a, LARGE)
  // x^a·e^−x/Γ(a + 1); where a is small from log Γ(a + 1) = log Γ(2 + t), brought to |t| ≤ 1 by products.
  let [t, above, product] = [S.sub(a, 1), a, like(a, 1)]
  for (let k = 0; k < LARGE - 2; k++) {
    const far = S.gt(t, 1)
    product = S.select(far, S.mul(product, above), product)
    above = S.select(far, t, above)
    t = S.select(far, S.sub(t, 1), t)
  }
  const logGamma = S.add(logGammaNear2(t, above), S.log(product))
  const small = S.sub(S.sub(S.mul(a, S.log(x)), x), logGamma)
  const stirling = S.sub(S.mul(a, S.sub(S.log(S.div(x, a)), mu)), S.add(stirlingRest(a), S.mul(S.log(S.mul(a, 2 * Math.PI)), 0.5)))
  const factor = S.exp(S.select(large, stirling, small))

  const terms = wide ? 60 : 30
  let sum = like(a, 1)
  for (let n = terms; n >= 1; n--) sum = S.add(1, S.mul(S.div(x, S.add(a, n)), sum))
  const series = S.mul(factor, sum)
  // x + 1 − a − 1·(1 − a)/(x + 3 − a − 2·(2 − a)/(…)), from its end.
  const base = S.sub(x, a)
  let fraction = S.add(base, 2 * terms + 1)
  for (let n = terms; n >= 1; n--) fraction = S.sub(S.add(base, 2 * n - 1), S.div(S.mul(S.sub(n, a), n), fraction))
  const beyond = S.div(S.mul(factor, a), fraction)

  // Q for small a and x, where P is nearly 1: with E = a·log x − log Γ(1 + a), 1 − e^E − a·e^E·Σ (−x)ⁿ/(n!·(a + n)).
  const power = S.sub(S.mul(a, S.log(x)), logGamma)
  let [alternating, factorial] = [like(a, 0), 1]
  const weights: number[] = []
  for (let n = 1; n <= (wide ? 20 : 12); n++) weights.push((factorial *= -1 / n))
  for (let n = weights.length; n >= 1; n--) alternating = S.mul(x, S.add(alternating, S.div(weights[n - 1], S.add(a, n))))
  const corner = S.neg(S.add(S.expm1(power), S.mul(S.mul(a, S.exp(power)), alternating)))

  const { lower, upper } = nearDiagonal(a, mu)
  const uniform = S.and(large, S.le(S.abs(mu), 0.4))
  const right = S.and(S.gt(x, a), S.gt(x, 1.1))
  const inCorner = S.and(S.le(x, 1.1), S.lt(a, 2))
  const p = S.select(uniform, lower, S.select(right, S.sub(1, beyond), series))
  const q = S.select(uniform, upper, S.select(right, beyond, S.select(inCorner, corner, S.sub(1, series))))

  const infinite = (y: Scalar): Scalar => S.eq(y, Infinity)
  const isZero = (y: Scalar): Scalar => S.eq(y, 0)
  const none = S.or(isZero(x), infinite(a))
  const all = S.or(isZero(a), infinite(x))
  const negative = S.or(S.lt(a, 0), S.lt(x, 0))
  const twice = S.or(S.and(isZero(a), isZero(x)), S.and(infinite(a), infinite(x)))
  const edges = (y: Scalar, least: number): Scalar => when(S.or(negative, twice), NaN, when(none, least, when(all, 1 - least, y)))
  return { lower: edges(p, 0), upper: edges(q, 1) }
}

const incomplete = (name: string, part: keyof Halves, sign: 1 | -1): BinaryFn => operands('tensors', binary(name, {
  dtype: 'float', value: (a, x) => halves(a, x)[part],
  vjp: [() => fail(name, 'the derivative by its first operand is not known', 'detach() it'), (g, a, x) => slope(mul(g, sign), a, x)],
  samples: [{ shapes: [[], [2, 3]], dtypes: ['int32', 'float32'], range: [[1, 3], [0.3, 3]] }],
}))
/** x^(a − 1)·e^−x/Γ(a). */
const slope = (g: Tensor, a: Tensor, x: Tensor): Tensor => mul(g, exp(sub(sub(mul(sub(a, 1), log(x)), x), lgamma(a))))

/**
 * Regularised lower incomplete gamma function P(input, other), 0 … 1. Its slope is known by `other` alone. As `torch.igamma`.
 *
 * @example
 * igamma(tensor([1, 2]), tensor([0.5, 3])) // → tensor([0.3935, 0.8009])
 */
export const igamma: BinaryFn = incomplete('igamma', 'lower', 1)
/**
 * Regularised upper incomplete gamma function Q(input, other) = 1 − P. Its slope is known by `other` alone. As `torch.igammac`.
 *
 * @example
 * igammac(tensor([1, 2]), tensor([0.5, 3])) // → tensor([0.6065, 0.1991])
 */
export const igammac: BinaryFn = incomplete('igammac', 'upper', -1)
