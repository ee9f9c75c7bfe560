// The common losses. Each is a formula of ops; `reduction` says what becomes of one value per sample.
import { fail } from '../../core/errors.ts'
import { isFloat, type DType } from '../../core/dtype.ts'
import { normalizeDim, sameShape } from '../../core/shape.ts'
import { S } from '../../ir/scalar.ts'
import { apply1, define, needTensor, type Described } from '../../ops/define.ts'
import { abs, exp, ge, le, logSigmoid, logSoftmax, logicalAnd, lt, mul, square, sub, where, xlogy, type Tensor } from '../../ops/index.ts'
import { pointwiseOp } from '../../ops/pointwise-record.ts'
import { confirmed, needSame, reduced, reductionOf, valuewise, weighted, withFlags, type Args, type Loss, type LossOptions, type Reduction } from './reduction.ts'

export type { LossOptions, Reduction } from './reduction.ts'

/**
 * (input − target)². float32 of one shape. As `torch.nn.functional.mse_loss`.
 *
 * @example
 * F.mseLoss(tensor([1, 2]), tensor([0, 4])) // → tensor(2.5000)
 * F.mseLoss(tensor([1, 2]), tensor([0, 4]), { reduction: 'none' }) // → tensor([1., 4.])
 */
export const mseLoss: Loss<LossOptions> = valuewise('mseLoss', withFlags(), (x, t) => square(sub(x, t)))
/**
 * |input − target|. As `torch.nn.functional.l1_loss`.
 *
 * @example
 * F.l1Loss(tensor([1, 2]), tensor([0, 4])) // → tensor(1.5000)
 */
export const l1Loss: Loss<LossOptions> = valuewise('l1Loss', withFlags(), (x, t) => abs(sub(x, t)))

export interface SmoothL1Options extends LossOptions {
  /** Where the square becomes a straight line. Default 1. */
  beta?: number
}
/**
 * Square below `beta`, straight above: ½d²/β or |d| − ½β. As `torch.nn.functional.smooth_l1_loss`.
 *
 * @example
 * F.smoothL1Loss(tensor([0, 0]), tensor([0.5, 3]), { reduction: 'none' }) // → tensor([0.1250, 2.5000])
 */
export const smoothL1Loss: Loss<SmoothL1Options> = valuewise('smoothL1Loss', withFlags().concat('beta'), (x, t, { beta = 1 }) => {
  if (!(beta >= 0)) fail('smoothL1Loss', `beta is ${beta}`, 'give a number ≥ 0')
  const d = abs(sub(x, t))
  return beta === 0 ? d : where(lt(d, beta), mul(square(d), 0.5 / beta), sub(d, 0.5 * beta))
})

export interface HuberOptions extends LossOptions {
  /** Where the square becomes a straight line. Default 1. */
  delta?: number
}
/**
 * ½d² below `delta`, δ(|d| − ½δ) above (Huber 1964). As `torch.nn.functional.huber_loss`.
 *
 * @example
 * F.huberLoss(tensor([0, 0]), tensor([0.5, 3]), { reduction: 'none', delta: 2 }) // → tensor([0.1250, 4.0000])
 */
export const huberLoss: Loss<HuberOptions> = valuewise('huberLoss', ['reduction', 'delta'], (x, t, { delta = 1 }) => {
  if (!(delta > 0)) fail('huberLoss', `delta is ${delta}`, 'give a number > 0')
  const d = abs(sub(x, t))
  return where(lt(d, delta), mul(square(d), 0.5), mul(sub(d, 0.5 * delta), delta))
})

export interface WeightedOptions extends LossOptions {
  /** Factor of each value, broadcast. */
  weight?: Tensor | null
}

/** log p, at least −100. */
const boundedLog = (p: ReturnType<typeof S.input>) => S.max(S.log(p), -100)
// d/dp = (p − t) / p(1−p), the divisor kept from 0; d/dt = log(1−p) − log p. The third operand is 1.
const bceOp = pointwiseOp('binaryCrossEntropy', 3, {
  dtype: 'float', sample: [0.1, 0.9],
  value: (p, t, one) => S.mul(one, S.neg(S.add(S.mul(t, boundedLog(p)), S.mul(S.sub(1, t), boundedLog(S.sub(1, p)))))),
  vjp: [
    (g, p, t) => g.mul(p.sub(t).div(p.mul(p.neg().add(1)).clampMin(1e-12))),
    (g, p) => g.mul(p.neg().log1p().clampMin(-100).sub(p.log().clampMin(-100))),
    null,
  ],
})
/**
 * −t·log p − (1−t)·log(1−p) of probabilities p; fails when one is not between 0 and 1. As `torch.nn.functional.binary_cross_entropy`.
 *
 * @example
 * F.binaryCrossEntropy(tensor([0.5, 0.9]), tensor([0, 1]), { reduction: 'none' }) // → tensor([0.6931, 0.1054])
 */
export const binaryCrossEntropy: Loss<WeightedOptions> = valuewise('binaryCrossEntropy', withFlags('weight'), (p, t, { weight }) => {
  const values = p.detach()
  const one = confirmed('binaryCrossEntropy', logicalAnd(ge(values, 0), le(values, 1)), p.dtype, 'some of the input lie outside 0 … 1', 'give probabilities: sigmoid(x), or use binaryCrossEntropyWithLogits')
  return weighted(apply1(bceOp, [p, t, one], null), weight)
})

// max(x, 0) − x·t + log(1 + e^−|x|); d/dx = σ(x) − t.
const bceLogitsOp = pointwiseOp('binaryCrossEntropyWithLogits', 2, {
  dtype: 'float',
  value: (x, t) => S.add(S.sub(S.max(x, 0), S.mul(x, t)), S.log1p(S.exp(S.neg(S.abs(x))))),
  vjp: [(g, x, t) => g.mul(x.sigmoid().sub(t)), (g, x) => g.mul(x).neg()],
})
export interface BceWithLogitsOptions extends WeightedOptions {
  /** Factor of the positive part, broadcast: above 1 favours recall. */
  posWeight?: Tensor | null
}
/**
 * `binaryCrossEntropy` of σ(input), without overflow. As `torch.nn.functional.binary_cross_entropy_with_logits`.
 *
 * @example
 * F.binaryCrossEntropyWithLogits(tensor([0, 200]), tensor([1, 1]), { reduction: 'none' }) // → tensor([0.6931, 0.0000])
 */
export const binaryCrossEntropyWithLogits: Loss<BceWithLogitsOptions> = valuewise('binaryCrossEntropyWithLogits', withFlags('weight').concat('posWeight'), (x, t, { weight, posWeight }) => {
  if (!posWeight) return weighted(apply1(bceLogitsOp, [x, t], null), weight)
  const positive = mul(mul(t, posWeight), logSigmoid(x))
  const negative = mul(sub(1, t), logSigmoid(x.neg()))
  return weighted(positive.add(negative).neg(), weight)
})

export interface KlDivOptions extends Omit<LossOptions, 'reduction'> {
  /** 'batchmean' divides the sum by the first size: the definition of the divergence. Default 'mean'. */
  reduction?: Reduction | 'batchmean'
  /** The target is given as logarithms too. */
  logTarget?: boolean
}
/**
 * target·(log target − input), input being log-probabilities. As `torch.nn.functional.kl_div`.
 *
 * @example
 * const [p, q] = [tensor([[0.5, 0.5]]), tensor([[0.9, 0.1]])]
 * F.klDiv(q.log(), p, { reduction: 'batchmean' }) // → tensor(0.5108)
 */
export const klDiv: ((input: Tensor, target: Tensor, options?: KlDivOptions) => Tensor) & Described = define('klDiv', ['input', 'target', ...withFlags(), 'logTarget'], (a: KlDivOptions & { input: Tensor; target: Tensor }) => {
  const { input, target, logTarget } = a
  needSame('klDiv', input, target)
  const loss = logTarget ? mul(exp(target), sub(target, input)) : sub(xlogy(target, target), mul(target, input))
  const reduction = reductionOf('klDiv', a, ['batchmean'])
  return reduction === 'batchmean' ? loss.sum().div(input.shape[0] ?? 1) : reduced('klDiv', loss, { reduction: reduction as Reduction })
})

export interface NllOptions extends LossOptions {
  /** Factor of each class, float32 [classes]. */
  weight?: Tensor | null
  /** Samples of this class do not count. Default −100. */
  ignoreIndex?: number
}
export interface CrossEntropyOptions extends NllOptions {
  /** This share of each target is spread over all classes (Szegedy et al. 2016). */
  labelSmoothing?: number
}

function checkClasses(op: string, input: Tensor, target: Tensor, weight?: Tensor | null): number {
  needTensor(op, input)
  needTensor(op, target)
  if (!isFloat(input.dtype) || input.ndim === 0) fail(op, `the input must be float32 scores with a class dimension, got ${input}`, '[batch, classes, …] or [classes]')
  const axis = input.ndim === 1 ? 0 : 1
  if (weight && !sameShape(weight.shape, [input.shape[axis]])) fail(op, `weight ${weight} does not give one factor for each of the ${input.shape[axis]} classes of ${input}`, `shape [${input.shape[axis]}]`)
  return axis
}

/** Factor of each sample: its class's weight, 0 where it is ignored; and the target with ignored classes replaced by 0. */
function factors(target: Tensor, weight: Tensor | null | undefined, ignoreIndex: number, dtype: DType): { safe: Tensor; factor: Tensor } {
  const counts = target.ne(ignoreIndex)
  const safe = where(counts, target, 0)
  return { safe, factor: weight ? mul(weight.indexSelect(0, safe.reshape(-1)).reshape(target.shape), counts) : counts.to(dtype) }
}

const picked = (x: Tensor, axis: number, target: Tensor): Tensor => x.gather(axis, target.unsqueeze(axis)).reshape(target.shape)

// −s/t. Where nothing counts it is NaN but has no slope, as in PyTorch.
const meanOp = pointwiseOp('negativeMean', 2, { dtype: 'float', value: (s, t) => S.neg(S.div(s, t)), vjp: [(g, _, t) => g.div(where(t.eq(0), -Infinity, t.neg())), null] })

/** −factor·logp of the target classes; the mean is over factors. */
function negativeLikelihood(op: string, logp: Tensor, target: Tensor, axis: number, options: NllOptions & { smoothing?: number }): Tensor {
  const { weight, ignoreIndex = -100, smoothing = 0 } = options
  const mean = reductionOf(op, options) === 'mean'
  if (!sameShape(target.shape, logp.shape.toSpliced(axis, 1)))
    fail(op, `target ${target} does not fit input ${logp}: expected [${logp.shape.toSpliced(axis, 1)}]`, 'one class number for each sample')
  const { safe, factor } = factors(target, weight, ignoreIndex, logp.dtype)
  let loss = mul(picked(logp, axis, safe), factor)
  if (smoothing > 0) {
    const classes = logp.shape[axis]
    const shape = logp.shape.map((n, i) => (i === axis ? n : 1))
    // The spread share is weighted by the class that it goes to, and left out where the sample is ignored.
    const spread = mul(weighted(logp, weight?.reshape(shape)).sum(axis), target.ne(ignoreIndex))
    loss = mul(loss, 1 - smoothing).add(mul(spread, smoothing / classes))
  }
  return mean ? apply1(meanOp, [loss.sum(), factor.sum()], null) : reduced(op, loss.neg(), options)
}

/**
 * Negative log-likelihood: input log-probabilities [N, C, …] or [C], target int32 class numbers [N, …]. As `torch.nn.functional.nll_loss`.
 *
 * @example
 * const logits = tensor([[2, 1, 0], [0, 1, 2]])
 * F.nllLoss(logits.logSoftmax(1), tensor([0, 2], { dtype: 'int32' })) // → tensor(0.4076)
 */
export const nllLoss: Loss<NllOptions> = define('nllLoss', ['input', 'target', 'weight', 'sizeAverage', 'ignoreIndex', 'reduce', 'reduction'], (a: Args<NllOptions>) => {
  const axis = checkClasses('nllLoss', a.input, a.target, a.weight)
  if (a.target.dtype !== 'int32') fail('nllLoss', `the target must be int32 class numbers, got ${a.target}`, "target.to('int32')")
  return negativeLikelihood('nllLoss', a.input, a.target, axis, a)
})

/**
 * Cross entropy between scores (logits) and classes: input float32 [N, C, …] or [C]; target int32 class numbers [N, …], or float32 class
 * probabilities of the input's shape. As `torch.nn.functional.cross_entropy`.
 *
 * @throws LampasError when the shapes do not fit or an option is unknown.
 *
 * @example
 * const logits = tensor([[2, 1, 0], [0, 1, 2]])
 * F.crossEntropy(logits, tensor([0, 2], { dtype: 'int32' })) // → tensor(0.4076)
 * F.crossEntropy(logits, tensor([0, 2], { dtype: 'int32' }), { labelSmoothing: 0.1 }) // → tensor(0.5076)
 */
export const crossEntropy: Loss<CrossEntropyOptions> = define('crossEntropy', ['input', 'target', 'weight', 'sizeAverage', 'ignoreIndex', 'reduce', 'reduction', 'labelSmoothing'], (a: Args<CrossEntropyOptions>) => {
  const { input, target, weight, labelSmoothing = 0 } = a
  const axis = checkClasses('crossEntropy', input, target, weight)
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) fail('crossEntropy', `labelSmoothing is ${labelSmoothing}`, 'give a number between 0 and 1')
  const logp = logSoftmax(input, axis)
  if (target.dtype === 'int32') return negativeLikelihood('crossEntropy', logp, target, axis, { ...a, smoothing: labelSmoothing })
  if (!isFloat(target.dtype) || !sameShape(target.shape, input.shape))
    fail('crossEntropy', `target ${target} fits neither as class numbers nor as class probabilities of ${input}`, `int32 [${input.shape.toSpliced(normalizeDim('crossEntropy', axis, input.ndim), 1)}] or float32 [${input.shape}]`)
  const classes = input.shape[axis]
  const goal = labelSmoothing > 0 ? mul(target, 1 - labelSmoothing).add(labelSmoothing / classes) : target
  const perClass = weighted(mul(logp, goal), weight?.reshape(input.shape.map((n, i) => (i === axis ? n : 1))))
  const loss = perClass.sum(axis).neg()
  // The mean is over samples, whatever their weights.
  return reduced('crossEntropy', loss, a)
})
