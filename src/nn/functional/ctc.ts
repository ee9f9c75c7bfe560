// Connectionist temporal classification (Graves et al. 2006): the likelihood of a label sequence, summed over all alignments with the input by
// a forward recursion in logarithms. Derivatives come from the ops.
import { fail } from '../../core/errors.ts'
import { apply1, define, lift, needTensor, type Described } from '../../ops/define.ts'
import { add, arange, cat, eq, exp, gather, gt, indexSelect, lt, mul, ne, pad, sub, tensor, where, type Tensor } from '../../ops/index.ts'
import { pointwiseOp } from '../../ops/pointwise-record.ts'
import type { Op } from '../../ops/op.ts'
import { S } from '../../ir/scalar.ts'
import { reductionOf, type Reduction } from './reduction.ts'

/** log(eᵃ + eᵇ + eᶜ), also where all are −∞; its derivative is each one's part in the sum. */
const logsumOp: Op<null> = {
  ...pointwiseOp('logsum3', 3, {
    dtype: 'float',
    value: (a, b, c) => {
      const top = S.max(a, S.max(b, c))
      const sum = [a, b, c].map(x => S.exp(S.sub(x, top))).reduce((x, y) => S.add(x, y))
      return S.select(S.eq(top, -Infinity), top, S.add(top, S.log(sum)))
    },
  }),
  vjp: ([g], { inputs, outputs: [y], needs }) => {
    const finite = where(eq(y, -Infinity), 0, y)
    return inputs.map((x, i) => (needs[i] && g ? mul(g, exp(sub(x, finite))) : null))
  },
  saves: 'both',
}
const logsum = (a: Tensor, b: Tensor, c: Tensor): Tensor => apply1(logsumOp, [a, b, c], null)

type Lengths = Tensor | readonly number[]
export interface CtcOptions {
  /** The class that stands for "no label". Default 0. */
  blank?: number
  /** 'mean' divides each loss by the length of its target. */
  reduction?: Reduction
  /** Infinite losses (the input is too short for its target) count as 0. */
  zeroInfinity?: boolean
}
interface CtcArgs extends CtcOptions {
  readonly logProbs: Tensor
  readonly targets: Tensor
  readonly inputLengths: Lengths
  readonly targetLengths: Lengths
}

const op = 'ctcLoss'
function lengths(name: string, given: Lengths, n: number): Tensor {
  const x = Array.isArray(given) ? tensor(Int32Array.from(given as readonly number[])) : needTensor(op, given)
  if (x.dtype !== 'int32' || x.numel !== n) fail(op, `${name} ${x} are not one int32 number for each of the ${n} samples`, `give ${n} lengths`)
  return x.reshape(n)
}

/** The targets as rows [N, S]. Joined in one line they are cut there by their lengths; S is then no more than a bound. */
function rowsOf(targets: Tensor, lengths: Tensor, given: Lengths): Tensor {
  const n = lengths.numel
  if (targets.ndim === 2) return targets
  const width = Array.isArray(given) ? Math.max(0, ...(given as readonly number[])) : targets.numel
  const start = lengths.cumsum(0).sub(lengths)
  const at = start.unsqueeze(1).add(arange(width)).clamp({ max: Math.max(0, targets.numel - 1) })
  return indexSelect(targets, 0, at.reshape(n * width)).reshape(n, width)
}

type CtcLoss = ((logProbs: Tensor, targets: Tensor, inputLengths: Lengths, targetLengths: Lengths, options?: CtcOptions) => Tensor) & Described
/**
 * −log of the likelihood of label sequences: logProbs [T, N, C] (log-softmax over C) or [T, C]; targets int32 [N, S], or all joined in one line; lengths of
 * each input and target. As `torch.nn.functional.ctc_loss`, whose gradient for `logProbs` is that for scores before the log-softmax.
 *
 * @example
 * const scores = zeros(6, 1, 4).logSoftmax(2)
 * F.ctcLoss(scores, tensor([[1, 2]], { dtype: 'int32' }), [6], [2]) // → tensor(2.0346)
 */
export const ctcLoss: CtcLoss = define(op, ['logProbs', 'targets', 'inputLengths', 'targetLengths', 'blank', 'reduction', 'zeroInfinity'], (a: CtcArgs) => {
  const { blank = 0, zeroInfinity = false } = a
  const reduction = reductionOf(op, a)
  if (needTensor(op, a.logProbs).ndim !== 2 && a.logProbs.ndim !== 3) fail(op, `expected [T, N, C] or [T, C], got ${a.logProbs}`, 'log-probabilities per step, sample and class')
  const single = a.logProbs.ndim === 2
  const logp = single ? a.logProbs.unsqueeze(1) : a.logProbs
  const [steps, n, classes] = logp.shape
  if (needTensor(op, a.targets).dtype !== 'int32' || a.targets.ndim < 1 || a.targets.ndim > 2) fail(op, `the targets must be int32 class numbers [N, S] or one line of them, got ${a.targets}`, "targets.to('int32')")
  if (!Number.isInteger(blank) || blank < 0 || blank >= classes) fail(op, `blank ${blank} is not one of the ${classes} classes`, 'it counts from 0')
  if (steps === 0) fail(op, `${a.logProbs} has no steps`, 'give at least one')
  const inputLengths = lengths('inputLengths', a.inputLengths, n)
  const targetLengths = lengths('targetLengths', a.targetLengths, n)
  const rows = single ? a.targets.reshape(1, a.targets.numel) : rowsOf(a.targets, targetLengths, a.targetLengths)
  if (rows.shape[0] !== n) fail(op, `targets ${a.targets} for ${n} samples`, 'one row for each')
  const width = rows.shape[1]

  // Blanks between the labels and around them: blank, l1, blank, l2, …, blank. Behind the end of a target any label will do.
  const inside = lt(arange(width), targetLengths.unsqueeze(1))
  const labels = where(inside, rows, blank)
  const spaced = pad(cat([labels.mul(0).add(blank).unsqueeze(2), labels.unsqueeze(2)], 2).reshape(n, 2 * width), [0, 1], { value: blank })
  const states = 2 * width + 1
  // A state may be entered from two before it unless that is the same label (or a blank).
  const later = Math.max(0, states - 2)
  const skips = pad(ne(spaced.narrow(1, states - later, later), spaced.narrow(1, 0, later)).to('int32'), [states - later, 0]).to('bool')
  const emitted = gather(logp, 2, spaced.unsqueeze(0).expand(steps, n, states))
  const shifted = (x: Tensor, by: number): Tensor => (by >= states ? x.mul(0).sub(Infinity) : pad(x.narrow(1, 0, states - by), [by, 0], { value: -Infinity }))
  let alpha = where(lt(arange(states), 2), emitted.select(0, 0), -Infinity)
  for (let t = 1; t < steps; t++) {
    const entered = logsum(alpha, shifted(alpha, 1), where(skips, shifted(alpha, 2), -Infinity))
    alpha = where(gt(inputLengths, t).unsqueeze(1), add(entered, emitted.select(0, t)), alpha)
  }

  const end = mul(targetLengths, 2).unsqueeze(1)
  const last = gather(alpha, 1, end)
  const before = where(eq(end, 0), -Infinity, gather(alpha, 1, end.sub(1).clamp({ min: 0 })))
  const loss = apply1(logsumOp, [last, before, lift(-Infinity, op)], null).reshape(n).neg()
  // PyTorch's gradient holds the term of the log-softmax, Σ over classes of the probabilities; as a value it is nothing.
  const used = where(lt(arange(steps).unsqueeze(1), inputLengths).unsqueeze(2), exp(logp), 0).sum([0, 2])
  const full = add(loss, sub(used, used.detach()))
  const kept = zeroInfinity ? where(eq(loss, Infinity), 0, full) : full
  if (reduction === 'mean') return kept.div(targetLengths.clamp({ min: 1 })).mean()
  return reduction === 'sum' ? kept.sum() : single ? kept.reshape([]) : kept
})
