// Normalisations of images: each by itself, or by neighbouring channels.
import { fail } from '../../core/errors.ts'
import { noGrad } from '../../autograd/mode.ts'
import { define, needFloat, needTensor, type Described } from '../../ops/define.ts'
import { standardize } from '../../ops/standardize.ts'
import { add, div, pad, sub, type Tensor } from '../../ops/index.ts'
import { affine, affineOf } from './norm.ts'

export interface InstanceNormOptions {
  runningMean?: Tensor | null
  runningVar?: Tensor | null
  weight?: Tensor | null
  bias?: Tensor | null
  /** Use each image's own statistics (default), and let the running ones follow; else use the running ones. */
  useInputStats?: boolean
  /** How far the running statistics move to the mean of the batch's. Default 0.1. */
  momentum?: number
  eps?: number
}
type InstanceNorm = ((x: Tensor, runningMean?: Tensor | null | InstanceNormOptions, runningVar?: Tensor | null, options?: InstanceNormOptions) => Tensor) & Described
/**
 * Normalises each channel of each image of [N, C, …] by itself (Ulyanov et al. 2016). Running statistics, if given, are changed in place. As
 * `torch.nn.functional.instance_norm`.
 *
 * @example
 * F.instanceNorm(tensor([[[1, 3], [5, 9]]])) // → tensor([[[-1.0000,  1.0000],
 * //            [-1.0000,  1.0000]]])
 */
export const instanceNorm: InstanceNorm = define('instanceNorm', ['input', 'runningMean', 'runningVar', 'weight', 'bias', 'useInputStats', 'momentum', 'eps'], (a: { input: Tensor } & InstanceNormOptions) => {
  const { input: x, runningMean, runningVar, useInputStats = true, momentum = 0.1, eps = 1e-5 } = a
  const op = 'instanceNorm'
  needFloat(op, needTensor(op, x))
  if (x.ndim < 2) fail(op, `expected [batch, channels, …], got ${x}`, 'unsqueeze(0) adds a batch')
  const channels = x.shape[1]
  for (const t of [runningMean, runningVar, a.weight, a.bias])
    if (t && t.numel !== channels) fail(op, `${t} does not give one value for each of the ${channels} channels of ${x}`, 'dimension 1 of the input are the channels')
  const perChannel = (t: Tensor | null | undefined) => t?.reshape(x.shape.map((n, i) => (i === 1 ? n : 1)))
  const [weight, bias] = [perChannel(a.weight), perChannel(a.bias)]
  if (!useInputStats) {
    if (!runningMean || !runningVar) fail(op, 'without running statistics only those of the input are there', 'leave out useInputStats')
    return affine(div(sub(x, perChannel(runningMean)!), add(perChannel(runningVar)!, eps).sqrt()), weight, bias)
  }
  const count = x.shape.slice(2).reduce((m, n) => m * n, 1)
  if (count === 1) fail(op, `${x} has one value for each channel`, 'it needs more than one position')
  if (x.numel === 0) return x.clone()
  const { y, mean, variance } = standardize(x, [...x.shape.keys()].slice(2), eps)
  noGrad(() => {
    runningMean?.lerp_(mean.detach().mean(0), momentum)
    runningVar?.lerp_(variance.detach().mean(0).mul(count / (count - 1)), momentum)
  })
  return affineOf(y, weight, bias)
})

export interface LocalResponseNormOptions {
  alpha?: number
  beta?: number
  k?: number
}
type LocalResponseNorm = ((x: Tensor, size: number, options?: LocalResponseNormOptions) => Tensor) & Described
/**
 * x/(k + α·mean of x² over `size` neighbouring channels)^β (Krizhevsky et al. 2012). As `torch.nn.functional.local_response_norm`.
 *
 * @example
 * F.localResponseNorm(ones(1, 3, 1), 3, { alpha: 3 }) // → tensor([[[0.4387],
 * //            [0.3536],
 * //            [0.4387]]])
 */
export const localResponseNorm: LocalResponseNorm = define('localResponseNorm', ['input', 'size', 'alpha', 'beta', 'k'], (a: { input: Tensor; size: number } & LocalResponseNormOptions) => {
  const { input: x, size, alpha = 1e-4, beta = 0.75, k = 1 } = a
  const op = 'localResponseNorm'
  needFloat(op, needTensor(op, x))
  if (x.ndim < 3) fail(op, `expected at least 3 dimensions, got ${x}`, '[batch, channels, …]')
  if (!Number.isInteger(size) || size < 1) fail(op, `size is ${String(size)}`, 'give a whole number ≥ 1')
  if (x.numel === 0) return x
  // Channels outside count as 0.
  const around = pad(x.square(), [...x.shape.slice(2).flatMap(() => [0, 0]), size >> 1, (size - 1) >> 1])
  return div(x, around.unfold(1, size, 1).mean(-1).mul(alpha).add(k).pow(beta))
})
