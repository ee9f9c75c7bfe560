// Negative log-likelihoods of distributions whose parameters a model gives.
import { fail } from '../../core/errors.ts'
import { sameShape } from '../../core/shape.ts'
import { define, needTensor, type Described } from '../../ops/define.ts'
import { exp, ge, gt, log, mul, square, sub, where, type Tensor } from '../../ops/index.ts'
import { confirmed, reduced, valuewise, type Loss, type LossOptions } from './reduction.ts'

export interface GaussianNllOptions {
  /** Add the constant ½·log 2π. */
  full?: boolean
  /** Smallest variance that is used; the gradient does not know of it. */
  eps?: number
  reduction?: LossOptions['reduction']
}
type GaussianNll = ((input: Tensor, target: Tensor, variance: Tensor, options?: GaussianNllOptions) => Tensor) & Described
type GaussianArgs = GaussianNllOptions & { input: Tensor; target: Tensor; var: Tensor }
/**
 * ½(log var + (input − target)²/var): the target is normal with mean `input` and variance `var`, of the input's shape, or without its last size, or with 1
 * there. As `torch.nn.functional.gaussian_nll_loss`.
 *
 * @example
 * F.gaussianNllLoss(tensor([0, 1]), tensor([1, 1]), tensor([1, 0.5])) // → tensor(0.0767)
 */
export const gaussianNllLoss: GaussianNll = define('gaussianNllLoss', ['input', 'target', 'var', 'full', 'eps', 'reduction'], (a: GaussianArgs) => {
  const op = 'gaussianNllLoss'
  const { input, target, full = false, eps = 1e-6 } = a
  const given = needTensor(op, a.var)
  const short = sameShape(needTensor(op, input).shape.slice(0, -1), given.shape) && input.ndim > 0
  if (!short && !sameShape(given.shape, input.shape) && !(given.ndim === input.ndim && given.shape.at(-1) === 1 && sameShape(given.shape.slice(0, -1), input.shape.slice(0, -1))))
    fail(op, `var ${given} does not fit input ${input}`, 'give one variance for each value, or for each row')
  const one = confirmed(op, ge(given.detach(), 0), given.dtype, 'some of var are negative', 'a variance is at least 0: exp(x), or softplus(x)')
  const v = mul(short ? given.unsqueeze(-1) : given, one)
  const used = v.add(v.clamp({ min: eps }).sub(v).detach())
  const loss = mul(log(used).add(square(sub(input, target)).div(used)), 0.5)
  return reduced(op, full ? loss.add(0.5 * Math.log(2 * Math.PI)) : loss, a)
})

export interface PoissonNllOptions extends LossOptions {
  /** The input is the logarithm of the rate (default). */
  logInput?: boolean
  /** Add Stirling's approximation of log target!. */
  full?: boolean
  /** Keeps the logarithm from 0 when the input is the rate itself. */
  eps?: number
}
/**
 * eˣ − target·x, x being the logarithm of the rate; or x − target·log(x + eps). As `torch.nn.functional.poisson_nll_loss`.
 *
 * @example
 * F.poissonNllLoss(tensor([0, 1]), tensor([2, 3])) // → tensor(0.3591)
 */
export const poissonNllLoss: Loss<PoissonNllOptions> = valuewise('poissonNllLoss', ['logInput', 'full', 'sizeAverage', 'eps', 'reduce', 'reduction'], (x, t, { logInput = true, full = false, eps = 1e-8 }) => {
  const loss = logInput ? sub(exp(x), mul(t, x)) : sub(x, mul(t, log(x.add(eps))))
  if (!full) return loss
  // Small counts have no such term.
  const large = where(gt(t, 1), t, 1)
  return loss.add(where(gt(t, 1), mul(large, log(large)).sub(large).add(log(mul(large, 2 * Math.PI)).mul(0.5)), 0))
})
