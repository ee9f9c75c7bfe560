// The namespace `special`, PyTorch's torch.special; most of it are other names of ops.
import { S } from '../ir/scalar.ts'
import { when } from './formula.ts'
import { operands } from './operands.ts'
import { add, div, eq, ge, log1p, logicalAnd, mul, sigmoid, where } from './pointwise.ts'
import { binary, type BinaryFn, type Unary } from './pointwise-record.ts'
import { digamma, lgamma, mvlgamma } from './special-gamma.ts'
import { igamma, igammac } from './special-incomplete.ts'

export { logit } from './activation.ts'
export { erf, erfinv, exp2, expm1, log1p, round, xlogy } from './pointwise.ts'
export { sinc } from './pointwise-more.ts'
export { logsumexp } from './reduce.ts'
export { logSoftmax, softmax } from './softmax.ts'
export { modifiedBesselK0, modifiedBesselK1, scaledModifiedBesselK0, scaledModifiedBesselK1 } from './special-bessel-k.ts'
export { besselJ0, besselJ1, i0, i0 as modifiedBesselI0, i0e, i1, i1 as modifiedBesselI1, i1e, sphericalBesselJ0 } from './special-bessel.ts'
export { entr, erfc, erfcx, logNdtr, ndtr, ndtri } from './special-error.ts'
export { digamma, polygamma, zeta } from './special-gamma.ts'

/**
 * `sigmoid`. As `torch.special.expit`.
 *
 * @example
 * special.expit(tensor([0.5, 1, 2])) // → tensor([0.6225, 0.7311, 0.8808])
 */
export const expit: Unary = sigmoid
/**
 * `digamma`. As `torch.special.psi`.
 *
 * @example
 * special.psi(tensor([0.5, 1, 2])) // → tensor([-1.9635, -0.5772,  0.4228])
 */
export const psi: Unary = digamma
/**
 * `lgamma`. As `torch.special.gammaln`.
 *
 * @example
 * special.gammaln(tensor([0.5, 1, 2])) // → tensor([0.5724, 0.0000, 0.0000])
 */
export const gammaln: Unary = lgamma
/**
 * `igamma`. As `torch.special.gammainc`.
 *
 * @example
 * special.gammainc(tensor([1, 2]), tensor([0.5, 3])) // → tensor([0.3935, 0.8009])
 */
export const gammainc: BinaryFn = igamma
/**
 * `igammac`. As `torch.special.gammaincc`.
 *
 * @example
 * special.gammaincc(tensor([1, 2]), tensor([0.5, 3])) // → tensor([0.6065, 0.1991])
 */
export const gammaincc: BinaryFn = igammac
/**
 * `mvlgamma`. As `torch.special.multigammaln`.
 *
 * @example
 * special.multigammaln(tensor([2, 3]), 2) // → tensor([0.4516, 1.5502])
 */
export const multigammaln: typeof mvlgamma = mvlgamma
/**
 * x·log(1 + y), and 0 where x = 0 (unless y is NaN). As `torch.special.xlog1py`.
 *
 * @example
 * special.xlog1py(tensor([0, 2]), tensor([-1, 2])) // → tensor([0.0000, 2.1972])
 */
export const xlog1py: BinaryFn = operands('one', binary('xlog1py', {
  dtype: 'float', sample: [0.5, 2],
  value: (x, y) => S.select(S.ne(y, y), y, when(S.eq(x, 0), 0, S.mul(x, S.log1p(y)))),
  vjp: [(g, x, y) => mul(g, where(logicalAnd(eq(x, 0), ge(y, -1)), 0, log1p(y))), (g, x, y) => mul(g, div(x, add(y, 1)))],
}))
