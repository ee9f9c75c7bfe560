// Bessel functions of orders 0 and 1. The tables are Chebyshev fits of our own: up to 8 of the function, beyond of what remains when its
// asymptotic form is taken off.
import { S, type Scalar } from '../ir/scalar.ts'
import { chebyshev, like, when } from './formula.ts'
import { cos, div, eq, mul, neg, sign, sin, sub, where } from './pointwise.ts'
import { unary, type Unary } from './pointwise-record.ts'
import type { Tensor } from './tensor.ts'

/** e^(−x)·I₀(x) in x/4 − 1, and √x·e^(−x)·I₀(x) in 16/x − 1. */
const I0_NEAR = [
  0.33839763720473803, -0.3046826723431984, 0.17162090152220877, -0.09490109704804764, 0.04930528423967071, -0.02373741480589947,
  0.010546460394594998, -0.004324309995050576, 0.0016394756169413357, -0.0005763755745385824, 0.00018850288509584165,
  -5.754195010082104e-05, 1.6448448070728896e-05, -4.4167383584587505e-06, 1.1173875391201037e-06, -2.670793853940612e-07,
  6.046995022541919e-08, -1.300025009986248e-08, 2.6598237246823866e-09, -5.189795601635263e-10, 9.675809035373237e-11,
  -1.726826291441556e-11, 2.95505266312964e-12, -4.856446783111929e-13, 7.676185498604936e-14, -1.1685332877993451e-14,
  1.715391285555133e-15, -2.431279846547955e-16, 3.3307945188222384e-17, -4.4153416464793395e-18,
]
const I0_FAR = [
  0.4022452055070544, 0.0033691164782556943, 6.889758346916825e-05, 2.8913705208347567e-06, 2.0489185894690638e-07, 2.266668990498178e-08,
  3.3962320257083865e-09, 4.94060238822497e-10, 1.1889147107846439e-11, -3.1499165279632416e-11, -1.3215811840447713e-11,
  -1.7941785315068062e-12, 7.180124451383666e-13, 3.8527783827421426e-13, 1.54008621752141e-14, -4.150569347287222e-14,
  -9.554846698828307e-15, 3.8116806693526224e-15, 1.7725601330565263e-15, -3.425485619677219e-16, -2.8276239805165836e-16,
  3.461222867697461e-17, 4.46562142029676e-17, -4.830504485944182e-18, -7.233180487874754e-18,
]
/** e^(−x)·I₁(x)/x and √x·e^(−x)·I₁(x), likewise. */
const I1_NEAR = [
  0.12629359322181682, -0.17641651835783406, 0.1026436586898471, -0.05294598120809499, 0.024726449030626516, -0.010564084894626197,
  0.004156422944312888, -0.0015135724506312532, 0.0005122859561685758, -0.00016176081582589674, 4.781565107550054e-05,
  -1.3273163656039436e-05, 3.4702513081376785e-06, -8.568720264695455e-07, 2.0032947535521353e-07, -4.445059128796328e-08,
  9.381537386495773e-09, -1.8872497517228294e-09, 3.625590281552117e-10, -6.663489723502027e-11, 1.1736186298890901e-11,
  -1.9839743977649436e-12, 3.223793365945575e-13, -5.042185504727912e-14, 7.600684294735408e-15, -1.1055969477353862e-15,
  1.5536319577362005e-16, -2.111421214358166e-17, 2.7779141127610464e-18,
]
const I1_FAR = [
  0.38928811750914005, -0.009761097491361469, -0.00011058893876262371, -3.882564808877691e-06, -2.512236237870209e-07,
  -2.6314688468895196e-08, -3.835380385964237e-09, -5.589743462196584e-10, -1.8974958123505413e-11, 3.2526035830154884e-11,
  1.4125807436613782e-11, 2.0356285441470896e-12, -7.198551776245908e-13, -4.0835511110921974e-13, -2.1015418427726643e-14,
  4.272440016711951e-14, 1.0420276984128802e-14, -3.8144030724370075e-15, -1.8803547755107825e-15, 3.3082023109209285e-16,
  2.96262899764595e-16, -3.209525921993424e-17, -4.6503053684893586e-17, 4.414348323071708e-18, 7.517296310842105e-18,
]

const near = (a: Scalar, table: readonly number[]): Scalar => chebyshev(S.sub(S.mul(a, 0.25), 1), table)
const far = (a: Scalar, table: readonly number[]): Scalar => S.div(chebyshev(S.sub(S.div(16, a), 1), table), S.sqrt(a))

function scaledI0(x: Scalar): Scalar {
  const a = S.abs(x)
  return S.select(S.le(a, 8), near(a, I0_NEAR), far(a, I0_FAR))
}
function scaledI1(x: Scalar): Scalar {
  const a = S.abs(x)
  const beyond = far(a, I1_FAR)
  return S.select(S.le(a, 8), S.mul(x, near(a, I1_NEAR)), S.select(S.lt(x, 0), S.neg(beyond), beyond))
}
/** y·e^|x| in two steps, which overflow only where the product does. */
function grown(x: Scalar, y: Scalar): Scalar {
  const half = S.exp(S.mul(S.abs(x), 0.5))
  return S.mul(S.mul(y, half), half)
}

/**
 * Modified Bessel function I₀. d I₀ = I₁ dx. As `torch.i0`.
 *
 * @example
 * i0(tensor([0.5, 1, 2])) // → tensor([1.0635, 1.2661, 2.2796])
 */
export const i0: Unary = unary('i0', { dtype: 'float', value: x => grown(x, scaledI0(x)), vjp: (g, x) => mul(g, i1(x)) })
/**
 * e^(−|x|)·I₀(x). As `torch.special.i0e`.
 *
 * @example
 * special.i0e(tensor([0.5, 1, 2])) // → tensor([0.6450, 0.4658, 0.3085])
 */
export const i0e: Unary = unary('i0e', { dtype: 'float', value: scaledI0, vjp: (g, x) => mul(g, sub(i1e(x), mul(sign(x), i0e(x)))), sample: [0.3, 9] })
/** y(x)/x, whose limit at 0 is ½. */
const perX = (y: Tensor, x: Tensor): Tensor => where(eq(x, 0), 0.5, div(y, x))
/**
 * Modified Bessel function I₁. d I₁ = (I₀ − I₁/x) dx. As `torch.special.i1`.
 *
 * @example
 * special.i1(tensor([0.5, 1, 2])) // → tensor([0.2579, 0.5652, 1.5906])
 */
export const i1: Unary = unary('i1', { dtype: 'float', value: x => grown(x, scaledI1(x)), vjp: (g, x) => mul(g, sub(i0(x), perX(i1(x), x))), sample: [0.3, 2] })
/**
 * e^(−|x|)·I₁(x). As `torch.special.i1e`.
 *
 * @example
 * special.i1e(tensor([0.5, 1, 2])) // → tensor([0.1564, 0.2079, 0.2153])
 */
export const i1e: Unary = unary('i1e', { dtype: 'float', value: scaledI1, vjp: (g, x) => mul(g, sub(sub(i0e(x), perX(i1e(x), x)), mul(sign(x), i1e(x)))), sample: [0.3, 9] })

/** J₀(x) in x²/32 − 1. With P·cos χ − Q·sin χ = √(πx/2)·J₀(x), χ = x − π/4: P, and Q·x/8, in 128/x² − 1. */
const J0_NEAR = [
  0.15772797147489012, -0.008723442352852221, 0.2651786132033368, -0.37009499387264977, 0.15806710233209725, -0.034893769411408884,
  0.004819180069467605, -0.00046062616620627504, 3.246032882100508e-05, -1.7619469077621507e-06, 7.608163592418782e-08,
  -2.679253530557673e-09, 7.848696314479465e-11, -1.9438346867370164e-12, 4.125320595634374e-14, -7.588508125447546e-16,
  1.2218515873961411e-17,
]
const J0_P = [
  0.9994603493475187, -0.0005365220468132117, 3.0751847875194745e-06, -5.1705945376060975e-08, 1.6306464635151382e-09,
  -7.86409137723707e-11, 5.168262387349193e-12, -4.3045788699253914e-13, 4.3265957431549404e-14, -5.069034095935236e-15,
  6.748072215733873e-16, -1.0011513723467786e-16, 1.6305919233744186e-17,
]
const J0_Q = [
  -0.015555854605337009, 6.838519942611649e-05, -7.414498411060647e-07, 1.7972457247968992e-08, -7.27191593686632e-10,
  4.2201219046687385e-11, -3.206747420996635e-12, 3.006145125351706e-13, -3.336328185322427e-14, 4.255225040245461e-15,
  -6.09993013164005e-16, 9.662128970303257e-17, -1.6686065214378146e-17, 3.1082440486738143e-18, -6.191115787358145e-19,
]
/** J₁(x)/x, P and Q·x/8 of J₁ with χ = x − 3π/4, likewise. */
const J1_NEAR = [
  0.08104484632565812, -0.1489751450676521, 0.1609992623572097, -0.08268049176681791, 0.022213639654966037, -0.003646940600769276,
  0.0004050337728354822, -3.255554866857259e-05, 1.9858774049915165e-06, -9.521984756750436e-08, 3.687133759097148e-09,
  -1.178026622695885e-10, 3.160154580348003e-12, -7.221755239651773e-14, 1.4232144003513942e-15, -2.4441972916190464e-17,
]
const J1_P = [
  1.0009030408600137, 0.0008989898330859408, -3.987284300488908e-06, 6.177633960644299e-08, -1.8718907491063067e-09,
  8.816898659582339e-11, -5.704863640395645e-12, 4.699195515230542e-13, -4.6842237839904895e-14, 5.452674896044717e-15,
  -7.221180842274018e-16, 1.0667689114335412e-16, -1.7312313216116335e-17,
]
const J1_Q = [
  0.04677778706953532, -9.62772354915708e-05, 9.138615257955454e-07, -2.0959781384083424e-08, 8.229193327650554e-10,
  -4.686363688176945e-11, 3.5152187949686082e-12, -3.2643156743279e-13, 3.5967765829165294e-14, -4.5612523950772974e-15,
  6.508282957783384e-16, -1.0269147531823243e-16, 1.767635548776479e-17, -3.2834519872981614e-18, 6.524081149589261e-19,
]

interface Wave {
  readonly sine: Scalar
  readonly cosine: Scalar
  readonly p: Scalar
  readonly q: Scalar
}
const low = (a: Scalar, table: readonly number[]): Scalar => chebyshev(S.sub(S.mul(S.mul(a, a), 1 / 32), 1), table)
/** The sines of χ are sums of those of x, so that the angle is never rounded. */
function high(a: Scalar, p: readonly number[], q: readonly number[], join: (w: Wave) => Scalar): Scalar {
  const t = S.sub(S.div(128, S.mul(a, a)), 1)
  const wave = { sine: S.sin(a), cosine: S.cos(a), p: chebyshev(t, p), q: S.mul(S.div(8, a), chebyshev(t, q)) }
  return S.div(join(wave), S.sqrt(S.mul(a, Math.PI)))
}
/**
 * Bessel function J₀. d J₀ = −J₁ dx. As `torch.special.bessel_j0`.
 *
 * @example
 * special.besselJ0(tensor([0.5, 1, 2])) // → tensor([0.9385, 0.7652, 0.2239])
 */
export const besselJ0: Unary = unary('besselJ0', {
  dtype: 'float', sample: [-12, 12],
  value: x => {
    const a = S.abs(x)
    const beyond = high(a, J0_P, J0_Q, ({ sine, cosine, p, q }) => S.sub(S.mul(p, S.add(cosine, sine)), S.mul(q, S.sub(sine, cosine))))
    return S.select(S.le(a, 8), low(a, J0_NEAR), beyond)
  },
  vjp: (g, x) => neg(mul(g, besselJ1(x))),
})
/**
 * Bessel function J₁. d J₁ = (J₀ − J₁/x) dx. As `torch.special.bessel_j1`.
 *
 * @example
 * special.besselJ1(tensor([0.5, 1, 2])) // → tensor([0.2423, 0.4401, 0.5767])
 */
export const besselJ1: Unary = unary('besselJ1', {
  dtype: 'float', sample: [0.3, 12],
  value: x => {
    const a = S.abs(x)
    const beyond = high(a, J1_P, J1_Q, ({ sine, cosine, p, q }) => S.add(S.mul(p, S.sub(sine, cosine)), S.mul(q, S.add(sine, cosine))))
    return S.select(S.le(a, 8), S.mul(x, low(a, J1_NEAR)), S.select(S.lt(x, 0), S.neg(beyond), beyond))
  },
  vjp: (g, x) => mul(g, sub(besselJ0(x), perX(besselJ1(x), x))),
})
/**
 * sin(x)/x, and 1 at 0. As `torch.special.spherical_bessel_j0`.
 *
 * @example
 * special.sphericalBesselJ0(tensor([0.5, 1, 2])) // → tensor([0.9589, 0.8415, 0.4546])
 */
export const sphericalBesselJ0: Unary = unary('sphericalBesselJ0', {
  dtype: 'float', sample: [0.3, 9],
  value: x => when(S.eq(x, 0), 1, S.select(S.eq(S.abs(x), Infinity), like(x, 0), S.div(S.sin(x), x))),
  vjp: (g, x) => mul(g, where(eq(x, 0), 0, div(sub(cos(x), div(sin(x), x)), x))),
})
