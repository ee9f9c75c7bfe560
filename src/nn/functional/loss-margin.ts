// Losses that keep a distance: what is right is to be better than what is wrong by a margin.
import { isFloat } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import { formatShape, sameShape } from '../../core/shape.ts'
import { define, needTensor, type Described } from '../../ops/define.ts'
import { eq, ge, gather, minimum, mul, ne, scatterAdd, softplus, sub, where, zerosLike, type Tensor } from '../../ops/index.ts'
import { pairwiseDistance } from './distance.ts'
import { needSame, reduced, valuewise, weighted, withFlags, type Args, type Loss, type LossOptions } from './reduction.ts'

export interface MarginOptions extends LossOptions {
  margin?: number
}

/** max(x, 0) with slope 1 at 0, as PyTorch's `clamp_min`. */
const atLeast0 = (x: Tensor): Tensor => x.clamp({ min: 0 })

/**
 * x where the label is 1, max(0, margin − x) where it is −1. As `torch.nn.functional.hinge_embedding_loss`.
 *
 * @example
 * F.hingeEmbeddingLoss(tensor([0.3, 0.3]), tensor([1, -1]), { reduction: 'none' }) // → tensor([0.3000, 0.7000])
 */
export const hingeEmbeddingLoss: Loss<MarginOptions> = define('hingeEmbeddingLoss', ['input', 'target', 'margin', ...withFlags()], (a: Args<MarginOptions>) => {
  const { input: x, target: label, margin = 1 } = a
  const far = where(ne(label, 1), atLeast0(sub(margin, x)), 0)
  return reduced('hingeEmbeddingLoss', far.add(where(ne(label, -1), x, 0)), a)
})

/**
 * log(1 + e^(−label·x)) with labels ±1. As `torch.nn.functional.soft_margin_loss`.
 *
 * @example
 * F.softMarginLoss(tensor([2, -1]), tensor([1, -1])) // → tensor(0.2201)
 */
export const softMarginLoss: Loss<LossOptions> = valuewise('softMarginLoss', withFlags(), (x, label) => softplus(mul(x, label).neg()))

type Ranking = ((input1: Tensor, input2: Tensor, target: Tensor, options?: MarginOptions) => Tensor) & Described
interface Pair {
  readonly input1: Tensor
  readonly input2: Tensor
  readonly target: Tensor
}

/**
 * max(0, margin − label·(x1 − x2)): with label 1 the first is to be larger. As `torch.nn.functional.margin_ranking_loss`.
 *
 * @example
 * F.marginRankingLoss(tensor([1, 2]), tensor([0, 3]), tensor([1, 1]), { margin: 0.5 }) // → tensor(0.7500)
 */
export const marginRankingLoss: Ranking = define('marginRankingLoss', ['input1', 'input2', 'target', 'margin', ...withFlags()], (a: Pair & MarginOptions) => {
  const { input1, input2, target, margin = 0 } = a
  if (needTensor('marginRankingLoss', input1).ndim !== needTensor('marginRankingLoss', input2).ndim || input1.ndim !== needTensor('marginRankingLoss', target).ndim)
    fail('marginRankingLoss', `${input1}, ${input2} and the target ${target} have different numbers of dimensions`, 'give all three the same number; sizes of 1 broadcast')
  return reduced('marginRankingLoss', atLeast0(mul(target.neg(), sub(input1, input2)).add(margin)), a)
})

/**
 * With c the cosine of rows x1 and x2: 1 − c where the label is 1, max(0, c − margin) where it is −1. As `torch.nn.functional.cosine_embedding_loss`.
 *
 * @example
 * F.cosineEmbeddingLoss(tensor([[1, 0]]), tensor([[1, 1]]), tensor([1])) // → tensor(0.2929)
 */
export const cosineEmbeddingLoss: Ranking = define('cosineEmbeddingLoss', ['input1', 'input2', 'target', 'margin', ...withFlags()], (a: Pair & MarginOptions) => {
  const { input1: x, input2: y, target: label, margin = 0 } = a
  const op = 'cosineEmbeddingLoss'
  if (needTensor(op, label).ndim > 1 || needTensor(op, x).ndim !== label.ndim + 1 || needTensor(op, y).ndim !== x.ndim) fail(op, `${x}, ${y} and labels ${label} do not go together`, '[N, D] with labels [N], or [D] with one label []')
  const product = (p: Tensor, q: Tensor): Tensor => mul(p, q).sum(-1)
  const cosine = product(x, y).div(product(x, x).add(1e-12).mul(product(y, y).add(1e-12)).sqrt())
  const loss = where(eq(label, 1), sub(1, cosine), 0).add(where(eq(label, -1), atLeast0(cosine.sub(margin)), 0))
  return reduced(op, loss, a)
})

/** One row a sample: [C] and [] count as one. */
const asRows = (x: Tensor): Tensor => (x.ndim < 2 ? x.reshape(1, x.numel) : x)
const likeRows = (y: Tensor, x: Tensor): Tensor => (x.ndim < 2 ? y.reshape([]) : y)

/**
 * Σ max(0, 1 − (x[right] − x[wrong])) / C over all pairs of a right and a wrong class; target int32 [N, C]: the right classes, ended by −1. As
 * `torch.nn.functional.multilabel_margin_loss`.
 *
 * @example
 * F.multilabelMarginLoss(tensor([0.1, 0.2, 0.4, 0.8]), tensor([3, 0, -1, 1], { dtype: 'int32' })) // → tensor(0.8500)
 */
export const multilabelMarginLoss: Loss<LossOptions> = define('multilabelMarginLoss', ['input', 'target', ...withFlags()], (a: Args<LossOptions>) => {
  const op = 'multilabelMarginLoss'
  needSame(op, a.input, a.target)
  if (a.target.dtype !== 'int32' || a.input.ndim > 2) fail(op, `expected [N, C] and int32 class numbers, got ${a.input} and ${a.target}`, "target.to('int32')")
  const [x, target] = [asRows(a.input), asRows(a.target)]
  // Up to the first −1.
  const counts = ge(target, 0).to('int32').cumprod(1)
  const right = mul(target, counts)
  const wrong = eq(scatterAdd(zerosLike(right), 1, right, counts), 0)
  const gaps = sub(1, gather(x, 1, right)).unsqueeze(2).add(x.unsqueeze(1)).relu()
  const pairs = mul(counts.unsqueeze(2), wrong.unsqueeze(1).to('int32'))
  return reduced(op, likeRows(mul(gaps, pairs).sum([1, 2]).div(x.shape[1]), a.input), a)
})

export interface MultiMarginOptions extends MarginOptions {
  /** Power of each gap: 1 or 2. */
  p?: number
  /** Factor of each class. */
  weight?: Tensor | null
}
/**
 * Σ max(0, margin − x[right] + x[wrong])ᵖ / C; target int32 [N]: the right class. As `torch.nn.functional.multi_margin_loss`.
 *
 * @example
 * F.multiMarginLoss(tensor([[0.1, 0.2, 0.8]]), tensor([2], { dtype: 'int32' })) // → tensor(0.2333)
 */
export const multiMarginLoss: Loss<MultiMarginOptions> = define('multiMarginLoss', ['input', 'target', 'p', 'margin', 'weight', ...withFlags()], (a: Args<MultiMarginOptions>) => {
  const op = 'multiMarginLoss'
  const { p = 1, margin = 1, weight } = a
  if (p !== 1 && p !== 2) fail(op, `p is ${p}`, 'give 1 or 2')
  const x = asRows(needTensor(op, a.input))
  const target = needTensor(op, a.target).reshape(-1)
  if (!isFloat(x.dtype) || x.ndim !== 2 || target.dtype !== 'int32' || target.numel !== x.shape[0]) fail(op, `expected scores [N, C] and int32 classes [N], got ${a.input} and ${a.target}`, "target.to('int32')")
  if (weight && !sameShape(weight.shape, [x.shape[1]])) fail(op, `weight ${weight} does not give one factor for each of the ${x.shape[1]} classes`, `shape ${formatShape([x.shape[1]])}`)
  const at = target.unsqueeze(1)
  const gaps = sub(margin, gather(x, 1, at)).add(x).relu()
  const powers = weighted(p === 2 ? gaps.square() : gaps, weight?.indexSelect(0, target).unsqueeze(1))
  const wrong = scatterAdd(x.detach().mul(0).to('int32'), 1, at, at.mul(0).add(1)).eq(0)
  return reduced(op, likeRows(where(wrong, powers, 0).sum(1).div(x.shape[1]), a.input), a)
})

export interface MultilabelSoftMarginOptions extends LossOptions {
  /** Factor of each class. */
  weight?: Tensor | null
}
/**
 * Binary cross entropy of logits, the mean over classes: [N, C] → one value a sample. As `torch.nn.functional.multilabel_soft_margin_loss`.
 *
 * @example
 * F.multilabelSoftMarginLoss(tensor([[1, -1]]), tensor([[1, 0]])) // → tensor(0.3133)
 */
export const multilabelSoftMarginLoss: Loss<MultilabelSoftMarginOptions> = define('multilabelSoftMarginLoss', ['input', 'target', 'weight', ...withFlags()], (a: Args<MultilabelSoftMarginOptions>) => {
  const { input: x, target: t, weight } = a
  needSame('multilabelSoftMarginLoss', x, t)
  const each = mul(t, softplus(x.neg())).add(mul(sub(1, t), softplus(x)))
  return reduced('multilabelSoftMarginLoss', weighted(each, weight).sum(-1).div(x.shape.at(-1) ?? 1), a)
})

export interface TripletOptions extends MarginOptions {
  /** Of the distance. Default 2. */
  p?: number
  eps?: number
  /** Take the nearer of anchor and positive as the one to keep away from (Balntas et al. 2016). */
  swap?: boolean
}
type Triplet<O> = ((anchor: Tensor, positive: Tensor, negative: Tensor, options?: O) => Tensor) & Described
interface Three {
  readonly anchor: Tensor
  readonly positive: Tensor
  readonly negative: Tensor
}
type Distance = (a: Tensor, b: Tensor) => Tensor
function triplet(op: string, a: Three & LossOptions, distance: Distance, margin: number, swap: boolean): Tensor {
  const { anchor, positive, negative } = a
  if (needTensor(op, anchor).ndim !== needTensor(op, positive).ndim || anchor.ndim !== needTensor(op, negative).ndim) fail(op, `${anchor}, ${positive} and ${negative} have different numbers of dimensions`, 'give one positive and one negative for each anchor')
  const away = distance(anchor, negative)
  const kept = swap ? minimum(away, distance(positive, negative)) : away
  return reduced(op, atLeast0(distance(anchor, positive).sub(kept).add(margin)), a)
}

/**
 * max(0, d(anchor, positive) − d(anchor, negative) + margin) of rows. As `torch.nn.functional.triplet_margin_loss`.
 *
 * @example
 * F.tripletMarginLoss(tensor([[0, 0]]), tensor([[0, 1]]), tensor([[0, 1.5]])) // → tensor(0.5000)
 */
export const tripletMarginLoss: Triplet<TripletOptions> = define('tripletMarginLoss', ['anchor', 'positive', 'negative', 'margin', 'p', 'eps', 'swap', ...withFlags()], (a: Three & TripletOptions) =>
  triplet('tripletMarginLoss', a, (x, y) => pairwiseDistance(x, y, { p: a.p, eps: a.eps }), a.margin ?? 1, a.swap ?? false))

export interface TripletDistanceOptions extends Pick<TripletOptions, 'margin' | 'swap' | 'reduction'> {
  /** Distance of rows. Default: `pairwiseDistance`. */
  distanceFunction?: Distance | null
}
/**
 * As `tripletMarginLoss`, with a distance of your own. As `torch.nn.functional.triplet_margin_with_distance_loss`.
 *
 * @example
 * const manhattan = (a, b) => a.sub(b).abs().sum(-1)
 * F.tripletMarginWithDistanceLoss(tensor([[0, 0]]), tensor([[1, 1]]), tensor([[2, 0.5]]), { distanceFunction: manhattan }) // → tensor(0.5000)
 */
export const tripletMarginWithDistanceLoss: Triplet<TripletDistanceOptions> = define('tripletMarginWithDistanceLoss', ['anchor', 'positive', 'negative', '*', 'distanceFunction', 'margin', 'swap', 'reduction'], (a: Three & TripletDistanceOptions) =>
  triplet('tripletMarginWithDistanceLoss', a, a.distanceFunction ?? ((x, y) => pairwiseDistance(x, y)), a.margin ?? 1, a.swap ?? false))
