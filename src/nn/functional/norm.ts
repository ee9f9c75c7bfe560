// Normalisations: centre, scale by the deviation, then weight and bias.
import { fail } from '../../core/errors.ts'
import { formatShape, numel, sameShape, type Shape } from '../../core/shape.ts'
import { noGrad } from '../../autograd/mode.ts'
import { define, needFloat, needTensor, type Described } from '../../ops/define.ts'
import { standardize } from '../../ops/standardize.ts'
import { add, broadcastTensors, clone, clampMin, div, mul, norm, sub, type Tensor } from '../../ops/index.ts'

export const affine = (x: Tensor, weight: Tensor | null | undefined, bias: Tensor | null | undefined): Tensor => {
  const scaled = weight ? mul(x, weight) : x
  return bias ? add(scaled, bias) : scaled
}
/** `affine` of what `standardize` gave, which its derivative reads again: with nothing to do it is copied, so that a layer behind may work in place. */
export const affineOf = (y: Tensor, weight: Tensor | null | undefined, bias: Tensor | null | undefined): Tensor => (weight || bias ? affine(y, weight, bias) : clone(y))

export interface BatchNormOptions {
  weight?: Tensor | null
  bias?: Tensor | null
  /** Use the batch's statistics, and let the running ones follow. */
  training?: boolean
  /** How far the running statistics move to the batch's; a 0-dim tensor may say it. Default 0.1. */
  momentum?: number | Tensor
  eps?: number
}
type BatchNormArgs = BatchNormOptions & { input: Tensor; runningMean?: Tensor | null; runningVar?: Tensor | null }
type BatchNorm = ((x: Tensor, runningMean: Tensor | null, runningVar: Tensor | null, options?: BatchNormOptions) => Tensor) & Described
/**
 * Normalises each channel of [N, C, …] over the batch and all positions (Ioffe & Szegedy 2015). In training the running statistics are changed
 * in place: r ← r + momentum·(batch − r), with the unbiased variance. As `torch.nn.functional.batch_norm`.
 *
 * @example
 * F.batchNorm(tensor([[1], [3]]), null, null, { training: true }) // → tensor([[-1.0000],
 * //           [ 1.0000]])
 * F.batchNorm(tensor([[1], [3]]), tensor([1]), tensor([4])) // → tensor([[0.0000],
 * //           [1.0000]])
 */
export const batchNorm: BatchNorm = define('batchNorm', ['input', 'runningMean', 'runningVar', 'weight', 'bias', 'training', 'momentum', 'eps'], (a: BatchNormArgs) => {
  const { input: x, runningMean, runningVar, training = false, momentum = 0.1, eps = 1e-5 } = a
  needFloat('batchNorm', needTensor('batchNorm', x))
  if (x.numel === 0 && x.ndim === 1) return clone(x)
  if (x.ndim < 2) fail('batchNorm', `expected [batch, channels, …], got ${x}`, 'unsqueeze(0) adds a batch')
  const channels = x.shape[1]
  const shape = x.shape.map((n, i) => (i === 1 ? n : 1))
  const perChannel = (t: Tensor): Tensor => t.reshape(shape)
  for (const t of [runningMean, runningVar, a.weight, a.bias])
    if (t && t.numel !== channels) fail('batchNorm', `${t} does not give one value for each of the ${channels} channels of ${x}`, 'dimension 1 of the input are the channels')
  const weight = a.weight ? perChannel(a.weight) : null
  const bias = a.bias ? perChannel(a.bias) : null
  if (!training) {
    if (!runningMean || !runningVar) fail('batchNorm', 'without running statistics only training mode is possible', 'pass {training: true}')
    const scale = add(perChannel(runningVar), eps).rsqrt()
    return affine(sub(x, perChannel(runningMean)), weight ? mul(scale, weight) : scale, bias)
  }
  // An empty batch says nothing.
  if (x.numel === 0) return affine(clone(x), weight, bias)
  const count = x.numel / channels
  if (count < 2) fail('batchNorm', `training needs more than one value per channel, ${x} has ${count}`, 'use a larger batch, or eval()')
  const dims = [...x.shape.keys()].filter(i => i !== 1)
  const { y, mean, variance } = standardize(x, dims, eps)
  noGrad(() => {
    runningMean?.lerp_(mean.detach(), momentum)
    runningVar?.lerp_(variance.detach().mul(count / (count - 1)), momentum)
  })
  return affineOf(y, weight, bias)
})

const trailing = (op: string, x: Tensor, normalizedShape: number | Shape): number[] => {
  needFloat(op, needTensor(op, x))
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape
  if (shape.length === 0 || !sameShape(x.shape.slice(-shape.length), shape)) fail(op, `normalizedShape ${formatShape(shape)} are not the last sizes of ${x}`, 'give the sizes of the trailing dimensions to normalise')
  return shape.map((_, i) => x.ndim - shape.length + i)
}

export interface LayerNormOptions {
  weight?: Tensor | null
  bias?: Tensor | null
  eps?: number
}
type LayerNorm = ((x: Tensor, normalizedShape: number | Shape, options?: LayerNormOptions) => Tensor) & Described
/**
 * Normalises over the last dimensions, of sizes `normalizedShape` (Ba et al. 2016). As `torch.nn.functional.layer_norm`.
 *
 * @example
 * F.layerNorm(tensor([[1, 2, 3]]), 3) // → tensor([[-1.2247,  0.0000,  1.2247]])
 */
export const layerNorm: LayerNorm = define('layerNorm', ['input', 'normalizedShape', 'weight', 'bias', 'eps'], (a: { input: Tensor; normalizedShape: number | Shape } & LayerNormOptions) => {
  const { input, normalizedShape, weight, bias, eps = 1e-5 } = a
  return affineOf(standardize(input, trailing('layerNorm', input, normalizedShape), eps).y, weight, bias)
})

export interface RmsNormOptions {
  weight?: Tensor | null
  /** Default: the distance from 1 to the next float32. */
  eps?: number | null
}
type RmsNorm = ((x: Tensor, normalizedShape: number | Shape, options?: RmsNormOptions) => Tensor) & Described
/**
 * x/√(mean x² + ε) over the last dimensions (Zhang & Sennrich 2019). As `torch.nn.functional.rms_norm`.
 *
 * @example
 * F.rmsNorm(tensor([[3, 4]]), 2) // → tensor([[0.8485, 1.1314]])
 */
export const rmsNorm: RmsNorm = define('rmsNorm', ['input', 'normalizedShape', 'weight', 'eps'], (a: { input: Tensor; normalizedShape: number | Shape } & RmsNormOptions) => {
  const { input, normalizedShape, weight, eps } = a
  const dims = trailing('rmsNorm', input, normalizedShape)
  const wide = input.dtype === 'float64' ? input : input.to('float32')
  return affine(mul(wide, add(wide.square().mean(dims, { keepdim: true }), eps ?? (input.dtype === 'float64' ? 2 ** -52 : 2 ** -23)).rsqrt()).to(input.dtype), weight, null)
})

type GroupNorm = ((x: Tensor, numGroups: number, options?: LayerNormOptions) => Tensor) & Described
/**
 * Normalises groups of channels of [N, C, …], each sample by itself (Wu & He 2018). As `torch.nn.functional.group_norm`.
 *
 * @example
 * F.groupNorm(tensor([[[1, 3], [5, 9]]]), 2) // → tensor([[[-1.0000,  1.0000],
 * //            [-1.0000,  1.0000]]])
 */
export const groupNorm: GroupNorm = define('groupNorm', ['input', 'numGroups', 'weight', 'bias', 'eps'], (a: { input: Tensor; numGroups: number } & LayerNormOptions) => {
  const { input: x, numGroups, weight, bias, eps = 1e-5 } = a
  needFloat('groupNorm', needTensor('groupNorm', x))
  if (x.ndim < 2 || !(numGroups > 0) || x.shape[1] % numGroups) fail('groupNorm', `the channels of ${x} do not divide into ${numGroups} groups`, '[batch, channels, …] with channels a multiple of numGroups')
  const [batch, channels] = x.shape
  const grouped = x.reshape(batch, numGroups, numel(x.shape.slice(1)) / numGroups)
  const perChannel = (t: Tensor | null | undefined) => t?.reshape(x.shape.slice(1).map((_, i) => (i === 0 ? channels : 1)))
  return affineOf(standardize(grouped, [2], eps).y.reshape(x.shape), perChannel(weight), perChannel(bias))
})

export interface NormalizeOptions {
  p?: number
  dim?: number
  /** Smallest divisor. */
  eps?: number
}
type Normalize = ((x: Tensor, p?: number | NormalizeOptions, dim?: number | NormalizeOptions, options?: NormalizeOptions) => Tensor) & Described
/**
 * x divided by its p-norm along a dimension. As `torch.nn.functional.normalize`.
 *
 * @example
 * F.normalize(tensor([[3, 4], [0, 2]])) // → tensor([[0.6000, 0.8000],
 * //           [0.0000, 1.0000]])
 */
export const normalize: Normalize = define('normalize', ['input', 'p', 'dim', 'eps'], ({ input, p = 2, dim = 1, eps = 1e-12 }: { input: Tensor } & NormalizeOptions) =>
  div(input, clampMin(norm(input, p, dim, { keepdim: true }), eps)))

export interface CosineSimilarityOptions {
  dim?: number
  eps?: number
}
type CosineSimilarity = ((x1: Tensor, x2: Tensor, options?: CosineSimilarityOptions) => Tensor) & Described
/**
 * x1·x2 / (‖x1‖·‖x2‖) along a dimension, norms at least `eps`. As `torch.nn.functional.cosine_similarity`.
 *
 * @example
 * F.cosineSimilarity(tensor([[1, 0], [1, 1]]), tensor([[1, 1], [2, 2]])) // → tensor([0.7071, 1.0000])
 */
export const cosineSimilarity: CosineSimilarity = define('cosineSimilarity', ['x1', 'x2', 'dim', 'eps'], (given: { x1: Tensor; x2: Tensor } & CosineSimilarityOptions) => {
  const { x1, x2, dim = 1, eps = 1e-8 } = given
  // The dimension is counted in the broadcast shape.
  const [a, b] = broadcastTensors(x1, x2).map(x => div(x, clampMin(norm(x, 2, dim, { keepdim: true }), eps)))
  return mul(a, b).sum(dim)
})
