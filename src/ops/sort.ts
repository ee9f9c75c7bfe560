// Order: sorting, the largest k, the middle, and differences of neighbours.
import { isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { normalizeDim } from '../core/shape.ts'
import { alongLast, toLast } from './cumulate.ts'
import { apply1, define, needTensor, type Described } from './define.ts'
import { gather, scatterAddOp } from './gather.ts'
import { compact } from './lowering.ts'
import { cat, filledOp, flatten, narrow, reshape } from './movement.ts'
import type { Op } from './op.ts'
import { clampMin, clone, eq, floorDivide, lt, ne, sub, where } from './pointwise.ts'
import { evenly, needOrder, sum, valuesAt, type Chosen, type ValuesIndices } from './reduce.ts'
import type { Tensor } from './tensor.ts'
import { world } from './world.ts'

const sortOp: Op<{ axis: number; descending: boolean }> = {
  name: 'sort',
  infer([x]) {
    needOrder('sort', x)
    return [{ dtype: x.dtype, shape: x.shape }, { dtype: 'int32', shape: x.shape }]
  },
  lower(k, [x], { axis, descending }) {
    const [values, v] = alongLast(k, x.view.dtype, x.view, axis)
    const [indices, i] = alongLast(k, 'int32', x.view, axis)
    k.run({ kind: 'sort', descending }, [toLast(x, axis)], [v, i])
    return [values, indices]
  },
  vjp: ([g], { outputs: [, indices], shapes: [shape], params: { axis } }) => [g && apply1(scatterAddOp, [apply1(filledOp, [], { shape, value: 0, dtype: g.dtype }), indices, g], { axis })],
  saves: 'outputs',
}

export interface SortOptions {
  dim?: number
  /** Largest first. */
  descending?: boolean
  /** Keep the order of equal values, which is done in any case. */
  stable?: boolean
}
type Sort<R> = ((x: Tensor, dim?: number | SortOptions, descending?: boolean | SortOptions, stable?: boolean | SortOptions, options?: SortOptions) => R) & Described
const sortNames = ['input', 'dim', 'descending', 'stable']

/**
 * Sorted values along a dimension (the last by default) and their former positions (int32): `{values, indices}`. Equal values keep their order, NaN
 * is greatest. As `torch.sort`.
 *
 * @example
 * tensor([3, 1, 2]).sort() // → { values: tensor([1., 2., 3.]), indices: tensor([1, 2, 0]) }
 * tensor([3, 1, 2]).sort({ descending: true }).values // → tensor([3., 2., 1.])
 */
export const sort: Sort<ValuesIndices> = define('sort', sortNames, ({ input, dim, descending }: { input: Tensor } & SortOptions) => {
  const axis = normalizeDim('sort', dim ?? -1, needTensor('sort', input).ndim)
  if (input.ndim === 0) return { values: clone(input), indices: apply1(filledOp, [], { shape: [], value: 0, dtype: 'int32' }) }
  const [values, indices] = world().apply(sortOp, [input], { axis, descending: descending === true })
  return { values, indices }
})
/**
 * Positions (int32) that sort a dimension. As `torch.argsort`.
 *
 * @example
 * tensor([3, 1, 2]).argsort() // → tensor([1, 2, 0])
 */
export const argsort: Sort<Tensor> =
  define('argsort', sortNames, ({ input, dim, descending }: { input: Tensor } & SortOptions) => sort(needTensor('argsort', input), { dim, descending }).indices)

export interface TopkOptions {
  dim?: number | null
  /** false: the smallest k. */
  largest?: boolean
  /** In order, which they are in any case. */
  sorted?: boolean
}
type Topk = ((x: Tensor, k: number, dim?: number | null | TopkOptions, largest?: boolean | TopkOptions, sorted?: boolean | TopkOptions, options?: TopkOptions) => ValuesIndices) & Described
/**
 * The k largest values of a dimension (the last by default) in order, and their positions (int32): `{values, indices}`. As `torch.topk`.
 *
 * @example
 * tensor([3, 1, 4, 1, 5]).topk(2) // → { values: tensor([5., 4.]), indices: tensor([4, 2]) }
 */
export const topk: Topk =
  define('topk', ['input', 'k', 'dim', 'largest', 'sorted'], ({ input, k, dim, largest }: { input: Tensor; k: number } & TopkOptions) => {
    const axis = normalizeDim('topk', dim ?? -1, needTensor('topk', input).ndim)
    needOrder('topk', input)
    const n = input.shape[axis] ?? 1
    if (!Number.isInteger(k) || k < 0 || k > n) fail('topk', `k = ${k} of dimension ${axis} of ${input}`, `k is 0 … ${n}`)
    const { values, indices } = sort(input, { dim: axis, descending: largest !== false })
    const first = (x: Tensor): Tensor => (input.ndim === 0 ? reshape(narrow(reshape(x, 1), 0, 0, k), k === 1 ? [] : [0]) : narrow(x, axis, 0, k))
    return { values: first(values), indices: first(indices) }
  })

/** Position of the middle along an axis, which keeps size 1: the lower of two. A NaN is the middle, or is passed over. */
export function middle(op: string, x: Tensor, axis: number, passNaN: boolean): Tensor {
  const n = x.shape[axis] ?? 1
  if (n === 0) fail(op, `${x} has no elements along dim ${axis}`, 'check the size first')
  const { indices } = sort(x.detach(), axis)
  if (x.ndim === 0) return indices
  if (!isFloat(x.dtype)) return narrow(indices, axis, (n - 1) >> 1, 1)
  // NaNs come last.
  const numbers = sum(eq(x, x), axis, true)
  return gather(indices, axis, passNaN ? floorDivide(clampMin(sub(numbers, 1), 0), 2) : where(lt(numbers, n), numbers, (n - 1) >> 1))
}

// inputs: x and one of its values. The gradient goes in equal shares to the elements of that value.
const chosenOp: Op<null> = {
  name: 'chosen',
  infer: ([, y]) => [{ dtype: y.dtype, shape: y.shape }],
  lower: (k, [, y]) => [compact(k, y)],
  vjp: ([g], { inputs: [x, y] }) => [g && evenly(g, x, y), null],
  saves: 'inputs',
}

/** A function with the parameters of `torch.median`. */
export function medianOf(name: string, passNaN: boolean): Chosen & Described {
  return define(name, ['input', 'dim', 'keepdim'], ({ input, dim, keepdim }: { input: Tensor; dim?: number | null; keepdim?: boolean }) => {
    needOrder(name, needTensor(name, input))
    if (dim !== undefined && dim !== null) {
      const axis = normalizeDim(name, dim, input.ndim)
      return valuesAt(input, middle(name, input, axis, passNaN), axis, keepdim)
    }
    if (keepdim) fail(name, 'keepdim is given without a dim', 'give the dim too')
    const flat = flatten(input.detach())
    return apply1(chosenOp, [input, reshape(gather(flat, 0, middle(name, flat, 0, passNaN)), [])], null)
  })
}
/**
 * Middle value, the lower of two: of all elements, where equal ones share the gradient, or along a dimension, with its position, as
 * `{values, indices}`. NaN if any is NaN. As `torch.median`.
 *
 * @example
 * tensor([3, 1, 2]).median() // → tensor(2.)
 * tensor([[3, 1, 2], [6, 5, 4]]).median(1) // → { values: tensor([2., 5.]), indices: tensor([2, 1]) }
 */
export const median: Chosen & Described = medianOf('median', false)

export interface DiffOptions {
  /** How many times. */
  n?: number
  dim?: number
  /** Put before and behind the values first. */
  prepend?: Tensor | null
  append?: Tensor | null
}
type Diff = ((x: Tensor, n?: number | DiffOptions, dim?: number | DiffOptions, prepend?: Tensor | null, append?: Tensor | null) => Tensor) & Described
/**
 * Differences of neighbours along a dimension (the last by default), n times over; of bools whether they differ. As `torch.diff`.
 *
 * @example
 * tensor([1, 4, 9, 16]).diff() // → tensor([3., 5., 7.])
 */
export const diff: Diff =
  define('diff', ['input', 'n', 'dim', 'prepend', 'append'], ({ input, n = 1, dim = -1, prepend, append }: { input: Tensor } & DiffOptions) => {
    const axis = normalizeDim('diff', dim, needTensor('diff', input).ndim)
    if (input.ndim === 0) fail('diff', `${input} has no neighbours`, 'give a tensor of at least one dimension')
    if (!Number.isInteger(n) || n < 0) fail('diff', `n is ${n}`, 'give a whole number ≥ 0')
    let x = prepend || append ? cat([...(prepend ? [prepend] : []), input, ...(append ? [append] : [])], axis) : input
    for (let i = 0; i < n && x.shape[axis] > 0; i++) {
      const m = x.shape[axis] - 1
      const [later, earlier] = [narrow(x, axis, 1, m), narrow(x, axis, 0, m)]
      x = x.dtype === 'bool' ? ne(later, earlier) : sub(later, earlier)
    }
    return x
  })
