// Modified Bessel functions of the second kind, orders 0 and 1. The tables are Chebyshev fits of our own: up to 2 of what remains when the
// logarithm and the pole are taken off, beyond of √x·eˣ·K.
import { S, type Scalar } from '../ir/scalar.ts'
import { chebyshev, isWide, like, polynomial, when } from './formula.ts'
import { div, exp, mul, neg, sub } from './pointwise.ts'
import { tagged } from './define.ts'
import { unary, type Unary } from './pointwise-record.ts'

/** K₀(x) + log(x/2)·I₀(x) in x²/2 − 1, and √x·eˣ·K₀(x) in 4/x − 1. */
const K0_NEAR = [
  -0.2676636966169514, 0.3442898999246285, 0.0359799365153615, 0.001264615411446926, 2.286212103119452e-05, 2.5347910790261494e-07,
  1.904516377220209e-09, 1.0349695257633625e-11, 4.2598161427910826e-14, 1.3744654358807508e-16,
]
const K0_FAR = [
  1.2201515410329777, -0.0314481013119645, 0.0015698838857300533, -0.00012849549581627802, 1.39498137188765e-05, -1.8317555227191195e-06,
  2.766813639445015e-07, -4.660489897687948e-08, 8.574034017414225e-09, -1.6975345093890614e-09, 3.5773972814003283e-10,
  -7.957489244477396e-11, 1.8559491149549264e-11, -4.514597883374519e-12, 1.1403405882073441e-12, -2.9800969231481784e-13,
  8.032890775068375e-14, -2.2275133267462965e-14, 6.340076476276646e-15, -1.848593377920907e-15, 5.5120559994043335e-16,
  -1.6782311257549006e-16, 5.2103917776435543e-17, -1.6475805939842632e-17,
]
/** (K₁(x) − 1/x − log(x/2)·I₁(x))/x and √x·eˣ·K₁(x), likewise. */
const K1_NEAR = [
  -0.06409034516866254, -0.10916919599320105, -0.006636878452817714, -0.00016822792382067343, -2.389559180803608e-06,
  -2.1853569024549695e-08, -1.3982271326113327e-10, -6.618562752976041e-13, -2.4134516242987822e-15, -6.990873731242567e-18,
]
const K1_FAR = [
  1.3603130952422213, 0.10392373657681724, -0.002857816859622779, 0.00019521551847135162, -1.936197974166083e-05, 2.406484947837217e-06,
  -3.5019606030878126e-07, 5.7410841254500495e-08, -1.0345762465678097e-08, 2.0150497551970347e-09, -4.1903547593419254e-10,
  9.218315187605315e-11, -2.129967838427791e-11, 5.139639673482343e-12, -1.2891739609498229e-12, 3.348419666052243e-13,
  -8.976705182010146e-14, 2.4771544242195988e-14, -7.0198370892147685e-15, 2.038703166239861e-15, -6.057047270643018e-16,
  1.8380935752430455e-16, -5.689462849193648e-17, 1.7940510478863572e-17,
]

/** Σ (x²/4)ᵏ/(k!·(k + order)!): I₀(x), or 2·I₁(x)/x, for x up to 2. */
function firstKind(x: Scalar, order: 0 | 1): Scalar {
  const coefficients = [1]
  for (let k = 1; k < (isWide(x) ? 13 : 8); k++) coefficients.push(coefficients[k - 1] / (k * (k + order)))
  return polynomial(S.mul(S.mul(x, x), 0.25), coefficients.reverse())
}

/** eˣ·K(x) from K up to 2 and from the table beyond; ∞ at 0, NaN below. */
function scaled(x: Scalar, near: Scalar, far: readonly number[]): Scalar {
  const beyond = S.div(chebyshev(S.sub(S.div(4, x), 1), far), S.sqrt(x))
  return when(S.lt(x, 0), NaN, when(S.eq(x, 0), Infinity, S.select(S.le(x, 2), S.mul(near, S.exp(x)), beyond)))
}
const square = (x: Scalar): Scalar => S.sub(S.mul(S.mul(x, x), 0.5), 1)
/** log(x/2), where x/2 may be too small to be kept. */
function logHalf(x: Scalar): Scalar {
  const tiny = S.lt(x, 1e-30)
  return S.sub(S.log(S.select(tiny, x, S.mul(x, 0.5))), S.select(tiny, like(x, Math.LN2), 0))
}

/**
 * eˣ·K₀(x). d = (eˣ·K₀ − eˣ·K₁) dx. As `torch.special.scaled_modified_bessel_k0`.
 *
 * @example
 * special.scaledModifiedBesselK0(tensor([0.5, 1, 2])) // → tensor([1.5241, 1.1445, 0.8416])
 */
export const scaledModifiedBesselK0: Unary = unary('scaledModifiedBesselK0', {
  dtype: 'float', sample: [0.3, 5],
  value: x => scaled(x, S.sub(chebyshev(square(x), K0_NEAR), S.mul(logHalf(x), firstKind(x, 0))), K0_FAR),
  vjp: (g, x) => mul(g, sub(scaledModifiedBesselK0(x), scaledModifiedBesselK1(x))),
})
/**
 * eˣ·K₁(x). d = (eˣ·K₁ − eˣ·K₀ − eˣ·K₁/x) dx. As `torch.special.scaled_modified_bessel_k1`.
 *
 * @example
 * special.scaledModifiedBesselK1(tensor([0.5, 1, 2])) // → tensor([2.7310, 1.6362, 1.0335])
 */
export const scaledModifiedBesselK1: Unary = unary('scaledModifiedBesselK1', {
  dtype: 'float', sample: [0.3, 5],
  value: x => {
    const rest = S.add(chebyshev(square(x), K1_NEAR), S.mul(S.mul(logHalf(x), firstKind(x, 1)), 0.5))
    return scaled(x, S.add(S.div(1, x), S.mul(x, rest)), K1_FAR)
  },
  vjp: (g, x) => {
    const y = scaledModifiedBesselK1(x)
    return mul(g, sub(sub(y, scaledModifiedBesselK0(x)), div(y, x)))
  },
})
/**
 * Modified Bessel function K₀. As `torch.special.modified_bessel_k0`.
 *
 * @example
 * special.modifiedBesselK0(tensor([0.5, 1, 2])) // → tensor([0.9244, 0.4210, 0.1139])
 */
export const modifiedBesselK0: Unary = tagged(x => mul(scaledModifiedBesselK0(x), exp(neg(x))), 'modifiedBesselK0', ['input'])
/**
 * Modified Bessel function K₁. As `torch.special.modified_bessel_k1`.
 *
 * @example
 * special.modifiedBesselK1(tensor([0.5, 1, 2])) // → tensor([1.6564, 0.6019, 0.1399])
 */
export const modifiedBesselK1: Unary = tagged(x => mul(scaledModifiedBesselK1(x), exp(neg(x))), 'modifiedBesselK1', ['input'])
