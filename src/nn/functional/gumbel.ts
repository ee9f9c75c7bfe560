// Draws from a categorical distribution through which gradients flow (Jang et al. 2017; Maddison et al. 2017).
import { fail } from '../../core/errors.ts'
import { axisOf } from '../../core/shape.ts'
import { define, needFloat, needTensor, type Described } from '../../ops/define.ts'
import { add, arange, argmax, eq, log, neg, randLike, softmax, sub, type Generator, type Tensor } from '../../ops/index.ts'

export interface GumbelSoftmaxOptions {
  /** Temperature: the smaller, the nearer to one-hot. Default 1. */
  tau?: number
  /** One-hot values, with the gradient of the soft ones. */
  hard?: boolean
  eps?: number
  dim?: number
  generator?: Generator
}
type GumbelSoftmax = ((logits: Tensor, tau?: number | GumbelSoftmaxOptions, hard?: boolean | GumbelSoftmaxOptions, options?: GumbelSoftmaxOptions) => Tensor) & Described
/**
 * softmax((logits + g)/tau) with g from the Gumbel distribution. As `torch.nn.functional.gumbel_softmax`.
 *
 * @example
 * F.gumbelSoftmax(tensor([[1, 2, 3]]), { tau: 0.5, hard: true }).shape // → [ 1, 3 ]
 */
export const gumbelSoftmax: GumbelSoftmax = define('gumbelSoftmax', ['logits', 'tau', 'hard', 'eps', 'dim', '*', 'generator'], (a: { logits: Tensor } & GumbelSoftmaxOptions) => {
  const { logits, tau = 1, hard = false, dim = -1, generator } = a
  needFloat('gumbelSoftmax', needTensor('gumbelSoftmax', logits))
  if (!(tau > 0)) fail('gumbelSoftmax', `tau is ${tau}`, 'give a temperature > 0')
  const axis = axisOf('gumbelSoftmax', dim, logits.ndim)
  // −log of an exponential number, which is kept from the 0 that rounding would give once in 2²⁴ draws.
  const waits = neg(log(sub(1, randLike(logits.detach(), { generator })))).clamp({ min: 2 ** -25 })
  const gumbel = neg(log(waits)).to(logits.dtype)
  const soft = softmax(add(logits, gumbel).div(tau), axis)
  if (!hard) return soft
  const places = arange(logits.shape[axis]).reshape(logits.shape.map((n, i) => (i === axis ? n : 1)))
  const one = eq(places, argmax(soft, axis, { keepdim: true })).to(soft.dtype)
  return add(sub(one, soft.detach()), soft)
})
