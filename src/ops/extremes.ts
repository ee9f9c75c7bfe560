// Values chosen by order: running extremes, the k-th, the most frequent. The position is found without gradient; the value is gathered from it.
import { fail } from '../core/errors.ts'
import { normalizeDim } from '../core/shape.ts'
import { cast } from './cast.ts'
import { arange } from './creation.ts'
import { runningMaxOp, runningMinOp } from './cumulate.ts'
import { apply1, define, needTensor, type Described } from './define.ts'
import { gather } from './gather.ts'
import { cat, expand, filledOp, narrow, reshape } from './movement.ts'
import { eq, logicalOr, ne, sub, where } from './pointwise.ts'
import { amax, amin, argmax, needOrder, valuesAt, type ReduceOptions, type ValuesIndices } from './reduce.ts'
import { sort } from './sort.ts'
import type { Tensor } from './tensor.ts'

/** 0, 1, … along an axis of x. */
const places = (x: Tensor, axis: number): Tensor => expand(reshape(arange(x.shape[axis]), x.shape.map((n, i) => (i === axis ? n : 1))), x.shape)

type Running = ((x: Tensor, dim: number) => ValuesIndices) & Described
function running(name: string, op: typeof runningMaxOp): Running {
  return define(name, ['input', 'dim'], ({ input, dim }: { input: Tensor; dim: number }) => {
    const axis = normalizeDim(name, dim, needTensor(name, input).ndim)
    needOrder(name, input)
    if (input.ndim === 0) return sort(input)
    const x = input.dtype === 'bool' ? cast(input, 'int32') : input.detach()
    const best = apply1(op, [x], { axis, reverse: false })
    const hits = logicalOr(eq(x, best), ne(x, x))
    const indices = apply1(runningMaxOp, [where(hits, places(x, axis), 0)], { axis, reverse: false })
    return { values: gather(input, axis, indices), indices }
  })
}
/**
 * Largest value so far along a dimension, and its position, the last of equal ones: `{values, indices}`. NaN is largest. As `torch.cummax`.
 *
 * @example
 * tensor([1, 3, 2, 4]).cummax(0) // → { values: tensor([1., 3., 3., 4.]), indices: tensor([0, 1, 1, 3]) }
 */
export const cummax: Running = running('cummax', runningMaxOp)
/**
 * Smallest value so far along a dimension, and its position, the last of equal ones: `{values, indices}`. NaN is smallest. As `torch.cummin`.
 *
 * @example
 * tensor([3, 1, 2, 0]).cummin(0) // → { values: tensor([3., 1., 1., 0.]), indices: tensor([0, 1, 1, 3]) }
 */
export const cummin: Running = running('cummin', runningMinOp)

export interface AlongOptions {
  dim?: number
  keepdim?: boolean
}
type Along = ((x: Tensor, dim?: number | AlongOptions, keepdim?: boolean | AlongOptions, options?: AlongOptions) => ValuesIndices) & Described

/**
 * The most frequent value along a dimension (the last by default; of several the smallest) and a position of it: `{values, indices}`. As `torch.mode`.
 *
 * @example
 * tensor([1, 2, 2, 3]).mode() // → { values: tensor(2.), indices: tensor(2) }
 */
export const mode: Along = define('mode', ['input', 'dim', 'keepdim'], ({ input, dim, keepdim }: { input: Tensor } & AlongOptions) => {
  const axis = normalizeDim('mode', dim ?? -1, needTensor('mode', input).ndim)
  needOrder('mode', input)
  const { values, indices } = sort(input.detach(), axis)
  if (input.ndim === 0) return valuesAt(input, indices, 0)
  const n = input.shape[axis]
  if (n === 0) fail('mode', `${input} has no elements along dim ${axis}`, 'check the size first')
  const place = places(values, axis)
  const begins = cat([apply1(filledOp, [], { shape: input.shape.with(axis, 1), value: 1, dtype: 'bool' }), ne(narrow(values, axis, 1, n - 1), narrow(values, axis, 0, n - 1))], axis)
  const begin = apply1(runningMaxOp, [where(begins, place, 0)], { axis, reverse: false })
  return valuesAt(input, gather(indices, axis, argmax(sub(place, begin), axis, true)), axis, keepdim)
})

type Kth = ((x: Tensor, k: number, dim?: number | AlongOptions, keepdim?: boolean | AlongOptions, options?: AlongOptions) => ValuesIndices) & Described
/**
 * The k-th smallest value (counted from 1) along a dimension (the last by default) and its position: `{values, indices}`. As `torch.kthvalue`.
 *
 * @example
 * tensor([9, 7, 8]).kthvalue(2) // → { values: tensor(8.), indices: tensor(2) }
 */
export const kthvalue: Kth =
  define('kthvalue', ['input', 'k', 'dim', 'keepdim'], ({ input, k, dim, keepdim }: { input: Tensor; k: number } & AlongOptions) => {
    const axis = normalizeDim('kthvalue', dim ?? -1, needTensor('kthvalue', input).ndim)
    const n = input.shape[axis] ?? 1
    if (!Number.isInteger(k) || k < 1 || k > n) fail('kthvalue', `k = ${k} of dimension ${axis} of ${input}`, `k is 1 … ${n}`)
    needOrder('kthvalue', input)
    const { indices } = sort(input.detach(), axis)
    return valuesAt(input, input.ndim === 0 ? indices : narrow(indices, axis, k - 1, 1), axis, keepdim)
  })

/**
 * Smallest and largest value, of all elements or along a dimension: `{min, max}`. Equal values share the gradient. As `torch.aminmax`.
 *
 * @example
 * tensor([3, 1, 2]).aminmax() // → { min: tensor(1.), max: tensor(3.) }
 */
export const aminmax: ((x: Tensor, options?: ReduceOptions) => { min: Tensor; max: Tensor }) & Described =
  define('aminmax', ['input', '*', 'dim', 'keepdim'], ({ input, dim, keepdim }: { input: Tensor } & ReduceOptions) => ({ min: amin(input, { dim, keepdim }), max: amax(input, { dim, keepdim }) }))

/**
 * Sorted values along the first dimension. As `torch.msort`.
 *
 * @example
 * tensor([[3, 1], [2, 4]]).msort() // → tensor([[2., 1.],
 * //           [3., 4.]])
 */
export const msort: ((x: Tensor) => Tensor) & Described = define('msort', ['input'], ({ input }: { input: Tensor }) => sort(input, 0).values)
