// Bags of rows: each bag's rows of a table are added up, averaged, or their largest values taken. Bags are rows of an index, or pieces of one line.
import { fail } from '../../core/errors.ts'
import { sameShape } from '../../core/shape.ts'
import { apply1, define, needTensor, type Described } from '../../ops/define.ts'
import { firstMax } from '../../ops/first-max.ts'
import { scatterRecord } from '../../ops/gather.ts'
import { arange, eq, full, gather, gt, indexAdd, lt, mul, ne, ones, where, zeros, type Tensor } from '../../ops/index.ts'
import { paddingRow, rowsOf, type EmbeddingOptions } from './embedding.ts'

export interface EmbeddingBagOptions extends EmbeddingOptions {
  /** Where each bag begins in a one-dimensional input; int32 [bags]. */
  offsets?: Tensor | null
  /** Default 'mean'. */
  mode?: 'sum' | 'mean' | 'max'
  /** Factor of each row; for 'sum' alone. */
  perSampleWeights?: Tensor | null
  /** The last offset is the end of the last bag. */
  includeLastOffset?: boolean
}
const op = 'embeddingBag'

/** What can be done with the rows [n, D] of bags. */
interface Bags {
  readonly sum: (x: Tensor) => Tensor
  /** The first of equal ones takes the gradient. */
  readonly max: (x: Tensor) => Tensor
}

const equalBags = (bags: number, size: number): Bags => {
  const split = (x: Tensor): Tensor => x.reshape(bags, size, x.shape[1])
  return { sum: x => split(x).sum(1), max: x => (size > 0 ? firstMax(split(x), [1]) : zeros(bags, x.shape[1])) }
}

const maxAt = scatterRecord('scatterMax', 'max', undefined, 'nothing')
const minAt = scatterRecord('scatterMin', 'min', undefined, 'nothing')

/** Bags that begin at the offsets of a line of n. */
function bagsAt(offsets: Tensor, n: number): Bags {
  const bags = offsets.numel
  // How many bags have begun, place by place.
  const begun = indexAdd(zeros([n + 1], { dtype: 'int32' }), 0, offsets, ones([bags], { dtype: 'int32' })).cumsum(0)
  const bag = begun.narrow(0, 0, n).sub(1)
  return {
    sum: x => indexAdd(zeros([bags, x.shape[1]], { dtype: x.dtype }), 0, bag, x),
    max: x => {
      const at = bag.unsqueeze(1).expand(x.shape)
      const values = x.detach()
      const top = apply1(maxAt, [full([bags, x.shape[1]], -Infinity, { dtype: x.dtype }), at, values], { axis: 0 })
      const place = where(eq(gather(top, 0, at), values), arange(n).unsqueeze(1), n)
      const first = apply1(minAt, [full([bags, x.shape[1]], n, { dtype: 'int32' }), at, place], { axis: 0 })
      return n === 0 ? top : where(lt(first, n), gather(x, 0, first.clamp(0, n - 1)), top)
    },
  }
}

type EmbeddingBag = ((input: Tensor, weight: Tensor, offsets?: Tensor | null | EmbeddingBagOptions, options?: EmbeddingBagOptions) => Tensor) & Described
const names = ['input', 'weight', 'offsets', 'maxNorm', 'normType', 'scaleGradByFreq', 'mode', 'sparse', 'perSampleWeights', 'includeLastOffset', 'paddingIdx']
/**
 * Rows of a table, gathered in bags: input int32 [bags, size], or [n] with `offsets` where bags begin → [bags, width]. Empty bags give zeros. As
 * `torch.nn.functional.embedding_bag`.
 *
 * @example
 * const table = tensor([[1, 2], [3, 4], [5, 6]])
 * F.embeddingBag(tensor([1, 2, 0], { dtype: 'int32' }), table, tensor([0, 2], { dtype: 'int32' })) // → tensor([[4., 5.],
 * //           [1., 2.]])
 */
export const embeddingBag: EmbeddingBag = define(op, names, (a: { input: Tensor; weight: Tensor } & EmbeddingBagOptions) => {
  const { input, weight, mode = 'mean', perSampleWeights: factor } = a
  if (needTensor(op, input).ndim !== 1 && input.ndim !== 2) fail(op, `expected an index of 1 or 2 dimensions, got ${input}`, '[bags, size], or [n] with offsets')
  if ((input.ndim === 1) !== Boolean(a.offsets)) fail(op, input.ndim === 1 ? `${input} is one line, and offsets are missing` : `${input} has a bag in each row, and offsets are given`, 'offsets cut a line into bags')
  if (!['sum', 'mean', 'max'].includes(mode)) fail(op, `there is no mode '${String(mode)}'`, "'sum', 'mean' or 'max'")
  if (factor && mode !== 'sum') fail(op, `perSampleWeights do not go with '${mode}'`, "{mode: 'sum'}")
  if (factor && !sameShape(factor.shape, input.shape)) fail(op, `perSampleWeights ${factor} do not fit ${input}`, 'one factor for each index')
  if (a.offsets && (needTensor(op, a.offsets).dtype !== 'int32' || a.offsets.ndim !== 1)) fail(op, `the offsets must be int32 [bags], got ${a.offsets}`, "offsets.to('int32')")
  const n = input.numel
  const bags = input.ndim === 2 ? equalBags(input.shape[0], input.shape[1]) : bagsAt(a.includeLastOffset ? a.offsets!.narrow(0, 0, a.offsets!.numel - 1) : a.offsets!, n)
  const rows = rowsOf(op, input, weight, a)
  const padding = paddingRow(op, weight, a.paddingIdx)
  const counts = padding === null ? null : ne(input.reshape(n, 1), padding)
  const kept = (otherwise: number): Tensor => (counts ? where(counts, rows, otherwise) : rows)
  if (mode === 'sum') return bags.sum(factor ? mul(kept(0), factor.reshape(n, 1)) : kept(0))
  const count = bags.sum(counts ? counts.to(weight.dtype) : ones([n, 1], { dtype: weight.dtype }))
  return mode === 'mean' ? bags.sum(kept(0)).div(count.clamp({ min: 1 })) : where(gt(count, 0), bags.max(kept(-Infinity)), 0)
})
