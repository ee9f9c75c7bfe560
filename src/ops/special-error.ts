// Relatives of the error function and of the normal distribution. The tables are Chebyshev fits of our own.
import { S, type Scalar } from '../ir/scalar.ts'
import { chebyshev, like, when } from './formula.ts'
import { add, div, exp, log, mul, neg, square, sub } from './pointwise.ts'
import { unary, type Unary } from './pointwise-record.ts'
import type { Tensor } from './tensor.ts'

/** (1 + 2x)·erfcx(x) in t = (x − 3)/(x + 3), the substitution of Shepherd and Laframboise (1981). */
const ERFCX = [
  1.17756257419656, 0.005353904539615676, -0.09377550342284209, 0.05436652555744322, -0.018976596707845208, 0.004453426061462712,
  -0.0006335531710553147, 1.7661719523171593e-05, 1.2841532864056671e-05, -2.0072285659059913e-06, -1.807522790414837e-07,
  7.549828343825093e-08, 1.885668523838603e-09, -2.699519049798364e-09, -1.460079119939105e-11, 1.0361607445969489e-10,
  1.475715976623473e-12, -4.277340064396911e-12, -2.07922492859799e-13, 1.8134502003176963e-13, 1.973425574544739e-14,
  -7.287943737592673e-15, -1.5169878690228116e-15, 2.3514112258781403e-16, 1.0006111691821667e-16,
]

/** e^(factor·x²) for 0 ≤ x and a factor of ±1 or ±½: the square in two parts, the larger of which is exact. */
function expSquare(x: Scalar, factor: number): Scalar {
  // From here on the results are 0 or ∞.
  const a = S.min(x, 40)
  const head = S.mul(S.round(S.mul(a, 16)), 1 / 16)
  const rest = S.mul(S.sub(a, head), S.add(a, head))
  return S.mul(S.exp(S.mul(S.mul(head, head), factor)), S.exp(S.mul(rest, factor)))
}

/** e^(x²)·erfc(x) for 0 ≤ x. */
export function scaledTail(x: Scalar): Scalar {
  const a = S.min(x, 1e18)
  return S.div(chebyshev(S.div(S.sub(a, 3), S.add(a, 3)), ERFCX), S.add(1, S.mul(2, x)))
}

/** 1 − erf(x), where it is small without that difference; `bell` is e^(−x²). */
const tail = (x: Scalar, bell: Scalar): Scalar => S.select(S.lt(x, 0.5), S.sub(1, S.erf(x)), S.mul(bell, scaledTail(x)))
/** 1 − erf(x/√2). What the rounding of x/√2 would change in e^(−x²/2) is not lost. */
const normalTail = (x: Scalar): Scalar => tail(S.mul(x, Math.SQRT1_2), expSquare(S.abs(x), -0.5))

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI)
const SQRT_TWO_PI = Math.sqrt(2 * Math.PI)

/**
 * 1 − erf(x), also where that is tiny. d = −2/√π · e^(−x²) dx. As `torch.erfc`.
 *
 * @example
 * erfc(tensor([0.5, 1, 2])) // → tensor([0.4795, 0.1573, 0.0047])
 */
export const erfc: Unary = unary('erfc', { dtype: 'float', value: x => tail(x, expSquare(S.abs(x), -1)), vjp: (g, x) => mul(g, mul(exp(neg(square(x))), -TWO_OVER_SQRT_PI)), sample: [-2, 3] })
/**
 * e^(x²)·erfc(x). d = 2x·erfcx(x) − 2/√π. As `torch.special.erfcx`.
 *
 * @example
 * special.erfcx(tensor([0.5, 1, 2])) // → tensor([0.6157, 0.4276, 0.2554])
 */
export const erfcx: Unary = unary('erfcx', {
  dtype: 'float', sample: [-1, 3],
  value: x => {
    const a = S.abs(x)
    const right = scaledTail(a)
    return S.select(S.lt(x, 0), S.sub(S.mul(expSquare(a, 1), 2), right), right)
  },
  vjp: (g, x) => mul(g, sub(mul(mul(x, 2), erfcx(x)), TWO_OVER_SQRT_PI)),
})

/**
 * The normal distribution: the share of it that lies below x. d = e^(−x²/2)/√(2π) dx. As `torch.special.ndtr`.
 *
 * @example
 * special.ndtr(tensor([0.5, 1, 2])) // → tensor([0.6915, 0.8413, 0.9772])
 */
export const ndtr: Unary = unary('ndtr', { dtype: 'float', value: x => S.mul(normalTail(S.neg(x)), 0.5), vjp: (g, x) => mul(g, density(x)) })
const density = (x: Tensor): Tensor => mul(exp(mul(square(x), -0.5)), 1 / SQRT_TWO_PI)
/**
 * log(ndtr(x)), also where ndtr is 0. As `torch.special.log_ndtr`.
 *
 * @example
 * special.logNdtr(tensor([0.5, 1, 2])) // → tensor([-0.3689, -0.1728, -0.0230])
 */
export const logNdtr: Unary = unary('logNdtr', {
  dtype: 'float', sample: [-3, 2],
  value: x => {
    const below = S.sub(S.log(S.mul(scaledTail(S.mul(x, -Math.SQRT1_2)), 0.5)), S.mul(S.mul(x, x), 0.5))
    return S.select(S.lt(x, -1), below, S.log1p(S.mul(normalTail(x), -0.5)))
  },
  vjp: (g, x) => mul(g, div(Math.sqrt(2 / Math.PI), erfcx(mul(x, -Math.SQRT1_2)))),
})

/** ndtri(½ + u)/u in u²/0.08 − 1. */
const CENTRE = [
  2.808303930992849, 0.34073359030995626, 0.04547601513627183, 0.00759914770624584, 0.0014131804234639737, 0.0002797264040748304,
  5.767675634442744e-05, 1.2239372419747194e-05, 2.6532949133515887e-06, 5.847340921308528e-07, 1.3055934501992069e-07,
  2.9462819420951114e-08, 6.707617753609062e-09, 1.5384618598464293e-09, 3.551061586458655e-10, 8.241521971384679e-11,
  1.9218998775482227e-11, 4.5006903497001875e-12, 1.057902620865591e-12, 2.494920953637862e-13, 5.901538587266492e-14,
  1.3997331762429355e-14, 3.3280390042371255e-15, 7.930501585234955e-16, 1.89365073629954e-16, 4.530164316142183e-17,
]
/** (y − x)·y − log y for x = −ndtri(p) and y = √(−2 log p), in 1/y from 1/39 to where p is 0.1. */
const TAIL = [
  1.0068816526250268, 0.08518182824342799, 1.4010106099573249e-05, -0.0009973691457501185, 0.00047102139345424213,
  -0.00018973523174758977, 7.337730988245497e-05, -2.8834319066006053e-05, 1.1822212003144404e-05, -5.078780769442925e-06,
  2.2716934818828596e-06, -1.049640305125334e-06, 4.979304266479948e-07, -2.4147238981439273e-07, 1.1933361111978776e-07,
  -5.994585298099463e-08, 3.054537938083176e-08, -1.576005903894986e-08, 8.221603286335681e-09, -4.3311753816767894e-09,
  2.301728941550221e-09, -1.2328725732400573e-09, 6.650726519823653e-10, -3.6109623688651397e-10, 1.9721182450092246e-10,
  -1.0828870051999384e-10, 5.975629561097895e-11, -3.3125826129877903e-11, 1.8440949813193387e-11, -1.030624519265408e-11,
  5.780950499705782e-12, -3.2536634344086157e-12, 1.8370630410154477e-12, -1.0403181098938139e-12, 5.907715360769418e-13,
  -3.3636592184762946e-13, 1.9198947651631412e-13, -1.0983870737201258e-13, 6.29782313927107e-14, -3.61852435594137e-14,
  2.0832022719717443e-14, -1.2015635927863874e-14, 6.942840061831469e-15, -4.018511831246438e-15, 2.32968005155882e-15,
  -1.3526887996651606e-15, 7.865745960363669e-16, -4.580302499349294e-16, 2.670756313119482e-16, -1.5593209799022678e-16,
]
const [FIRST, LAST] = [1 / 39, 1 / Math.sqrt(-2 * Math.log(0.1))]

/**
 * The x with ndtr(x) = p. d = √(2π)·e^(x²/2) dp. As `torch.special.ndtri`.
 *
 * @example
 * special.ndtri(tensor([0.025, 0.5, 0.975])) // → tensor([-1.9600,  0.0000,  1.9600])
 */
export const ndtri: Unary = unary('ndtri', {
  dtype: 'float', sample: [0.05, 0.95],
  value: p => {
    const u = S.sub(p, 0.5)
    const centre = S.mul(u, chebyshev(S.sub(S.mul(S.mul(u, u), 1 / 0.08), 1), CENTRE))
    const q = S.min(p, S.sub(1, p))
    const y = S.sqrt(S.mul(S.log(q), -2))
    const near = S.div(1, y)
    const w = chebyshev(S.mul(S.sub(near, (LAST + FIRST) / 2), 2 / (LAST - FIRST)), TAIL)
    const x = when(S.eq(q, 0), Infinity, S.sub(y, S.mul(S.add(S.log(y), w), near)))
    return S.select(S.le(S.abs(u), 0.4), centre, S.select(S.lt(u, 0), S.neg(x), x))
  },
  vjpOut: (g, x) => mul(g, mul(exp(mul(square(x), 0.5)), SQRT_TWO_PI)),
})

/**
 * −x·log x, 0 at 0 and −∞ below. As `torch.special.entr`.
 *
 * @example
 * special.entr(tensor([0.5, 1, 2])) // → tensor([ 0.3466, -0.0000, -1.3863])
 */
export const entr: Unary = unary('entr', {
  dtype: 'float', sample: [0.2, 2],
  value: x => S.select(S.ne(x, x), x, S.select(S.gt(x, 0), S.neg(S.mul(x, S.log(x))), S.select(S.eq(x, 0), like(x, 0), -Infinity))),
  vjp: (g, x) => neg(mul(g, add(log(x), 1))),
})
