// Writing at positions given by a tensor. The last of several values for one position stays.
// Derivatives of the products and extremes follow PyTorch: an extreme that several values reach shares its gradient evenly.
import { dtypes } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { normalizeDim } from '../core/shape.ts'
import type { ScatterOp } from '../ir/kernel.ts'
import { withPart } from './arranging.ts'
import { cast } from './cast.ts'
import { storable } from './creation.ts'
import { cumsum } from './cumulate.ts'
import { apply1, define, lift, needTensor, type Described, type Operand } from './define.ts'
import { addAt, atLeastVector, axisFor, constant, gather, gatherOp, scatterRecord, scatterSetOp, slicesFor, sourceFor, spreadIndex, vectorFor, zeros } from './gather.ts'
import { broadcastTensors, cat, diagonal, expand, flatten, narrow, reshape, select } from './movement.ts'
import { sliceOp } from './movement-ops.ts'
import type { Op } from './op.ts'
import { wrap } from './places.ts'
import { clone, div, eq, floorDivide, logicalAnd, mul, onesLike, where } from './pointwise.ts'
import { needMask } from './selecting.ts'
import type { Tensor } from './tensor.ts'

interface AxisParams {
  readonly axis: number
}
const at = (x: Tensor, index: Tensor, p: AxisParams): Tensor => apply1(gatherOp, [x, index], p)

const extremeOp = (op: 'max' | 'min'): Op<AxisParams> => scatterRecord(`scatter${op}`, op, ([g], { params, inputs: [base, index, src], outputs: [y], needs }) => {
  if (!g) return [null, null, null]
  const [own, others] = [eq(base, y), eq(src, at(y, index, params))].map(hit => cast(hit, g.dtype))
  const share = div(g, addAt(own, index, others, params.axis))
  return [needs[0] ? mul(own, share) : null, null, needs[2] ? mul(others, at(share, index, params)) : null]
}, 'both')
const maxOp: Op<AxisParams> = extremeOp('max')
const minOp: Op<AxisParams> = extremeOp('min')

// Without zeros the product over each factor; one zero leaves the product of the others, which is worked out with 1 in its place.
const prodOp: Op<AxisParams> = scatterRecord('scatterprod', 'prod', ([g], { params, inputs: [base, index, src], outputs: [y], needs }) => {
  if (!g) return [null, null, null]
  const ones = where(eq(base, 0), onesLike(base), base)
  const zero = eq(src, 0)
  const lone = logicalAnd(zero, eq(at(addAt(zeros(index, base.shape), index, cast(zero, 'int32'), params.axis), index, params), 1))
  const others = apply1(prodOp, [base, index, where(lone, onesLike(src), src)], params)
  return [
    needs[0] ? div(mul(g, apply1(prodOp, [ones, index, src], params)), ones) : null,
    null,
    needs[2] ? where(lone, at(mul(g, others), index, params), div(at(mul(g, y), index, params), where(zero, onesLike(src), src))) : null,
  ]
}, 'both')

export type ReduceName = 'sum' | 'prod' | 'mean' | 'amax' | 'amin'
const neutral = (x: Tensor, op: ScatterOp): number => {
  if (op === 'prod') return 1
  if (op === 'sum') return 0
  const [low, high] = dtypes[x.dtype].kind === 'float' ? [-Infinity, Infinity] : x.dtype === 'uint8' ? [0, 255] : x.dtype === 'uint32' ? [0, 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1]
  return op === 'max' ? low : high
}
const records: Record<Exclude<ReduceName, 'sum' | 'mean'>, Op<AxisParams>> = { prod: prodOp, amax: maxOp, amin: minOp }
const kernelOf: Record<ReduceName, ScatterOp> = { sum: 'sum', mean: 'sum', prod: 'prod', amax: 'max', amin: 'min' }

/** base with src reduced into it at the index; without `includeSelf` what was there is left out where something comes. */
function reduced(base: Tensor, index: Tensor, src: Tensor, reduce: ReduceName, includeSelf: boolean, p: AxisParams): Tensor {
  if (base.dtype === 'bool') return cast(reduced(cast(base, 'int32'), index, cast(src, 'int32'), reduce, includeSelf, p), 'bool')
  const start = includeSelf ? base : apply1(scatterSetOp, [base, index, constant(base, neutral(base, kernelOf[reduce]), index.shape)], p)
  if (reduce !== 'sum' && reduce !== 'mean') return apply1(records[reduce], [start, index, src], p)
  const total = addAt(start, index, src, p.axis)
  if (reduce === 'sum') return total
  const found = addAt(zeros(base, base.shape), index, constant(base, 1, index.shape), p.axis)
  const count = includeSelf ? found.add(1) : where(eq(found, 0), onesLike(found), found)
  return dtypes[base.dtype].kind === 'int' ? floorDivide(total, count) : div(total, count)
}

function needReduce(op: string, reduce: string, known: readonly string[]): void {
  if (!known.includes(reduce)) fail(op, `'${String(reduce)}' is not a reduction`, `reductions: ${known.join(', ')}`)
}

interface ScatterArgs {
  input: Tensor
  dim: number
  index: Tensor
  src?: Operand
  value?: number | boolean
  reduce?: 'add' | 'multiply'
}
export interface ScatterOptions {
  reduce?: 'add' | 'multiply'
}
type Scatter = (x: Tensor, dim: number, index: Tensor, src: Operand, options?: ScatterOptions) => Tensor
/**
 * A copy of x with src[i][j][k] (or a number) at [i][index[i][j][k]][k] for dim 1; with `reduce` added or multiplied there. As `torch.scatter`.
 *
 * @example
 * zeros(3).scatter(0, tensor([2, 0], { dtype: 'int32' }), tensor([1, 2])) // → tensor([2., 0., 1.])
 */
export const scatter: Scatter & Described = define('scatter', ['input', 'dim', 'index', 'src', '*', 'reduce', 'value'], ({ input: x, dim, index, src, value, reduce }: ScatterArgs) => {
  const axis = axisFor('scatter', x, dim, index)
  if (reduce !== undefined) needReduce('scatter', reduce, ['add', 'multiply'])
  if (index.numel === 0) return clone(x)
  const given = src ?? value
  const [to, places] = [x, index].map(atLeastVector)
  const from = typeof given === 'number' || typeof given === 'boolean' ? constant(x, storable(given, x.dtype), places.shape) : sourceFor('scatter', x, index, needTensor('scatter', given))
  const y = reduce ? reduced(to, places, from, reduce === 'add' ? 'sum' : 'prod', true, { axis }) : apply1(scatterSetOp, [to, places, from], { axis })
  return reshape(y, x.shape)
})

interface ReduceArgs {
  input: Tensor
  dim: number
  index: Tensor
  src: Tensor
  reduce: ReduceName
  includeSelf?: boolean
}
export interface ScatterReduceOptions {
  /** Whether what is there takes part. Default true. */
  includeSelf?: boolean
}
type ScatterReduce = (x: Tensor, dim: number, index: Tensor, src: Tensor, reduce: ReduceName, options?: ScatterReduceOptions) => Tensor
/**
 * A copy of x with the values of src reduced (`sum prod mean amax amin`) into the positions that the index names along a dimension. The mean
 * of integers rounds down. As `torch.scatter_reduce`.
 *
 * @example
 * zeros(3).scatterReduce(0, tensor([0, 0, 2], { dtype: 'int32' }), tensor([1, 2, 3]), 'amax') // → tensor([2., 0., 3.])
 */
export const scatterReduce: ScatterReduce & Described = define('scatterReduce', ['input', 'dim', 'index', 'src', 'reduce', '*', 'includeSelf'], ({ input: x, dim, index, src, reduce, includeSelf = true }: ReduceArgs) => {
  const axis = axisFor('scatterReduce', x, dim, index)
  needReduce('scatterReduce', reduce, Object.keys(kernelOf))
  if (index.numel === 0) return clone(x)
  return reshape(reduced(atLeastVector(x), atLeastVector(index), sourceFor('scatterReduce', x, index, src), reduce, includeSelf, { axis }), x.shape)
})

interface SlicesArgs {
  input: Tensor
  dim: number
  index: Tensor
  source: Tensor
}
/** What ops on whole slices of a dimension work with. */
function slices(op: string, { input: x, dim, index, source }: SlicesArgs): { to: Tensor; index: Tensor; from: Tensor; axis: number } {
  const axis = normalizeDim(op, dim, needTensor(op, x).ndim)
  const places = vectorFor(op, index)
  const to = atLeastVector(x)
  return { to, index: spreadIndex(wrap(places, to.shape[axis]), to.shape, axis), from: slicesFor(op, x, axis, places, source), axis }
}
type IndexReduce = (x: Tensor, dim: number, index: Tensor, source: Tensor, reduce: Exclude<ReduceName, 'sum'>, options?: ScatterReduceOptions) => Tensor
/**
 * A copy of x with slices of `source` reduced (`prod mean amax amin`) into those that the 1-D index names. As `torch.index_reduce`.
 *
 * @example
 * ones(2).indexReduce(0, tensor([1, 1], { dtype: 'int32' }), tensor([2, 3]), 'prod') // → tensor([1., 6.])
 */
export const indexReduce: IndexReduce & Described = define('indexReduce', ['input', 'dim', 'index', 'source', 'reduce', '*', 'includeSelf'], (a: SlicesArgs & { reduce: ReduceName; includeSelf?: boolean }) => {
  needReduce('indexReduce', a.reduce, ['prod', 'mean', 'amax', 'amin'])
  const { to, index, from, axis } = slices('indexReduce', a)
  return reshape(reduced(to, index, from, a.reduce, a.includeSelf ?? true, { axis }), a.input.shape)
})

type IndexCopy = (x: Tensor, dim: number, index: Tensor, source: Tensor) => Tensor
/**
 * A copy of x with slices of `source` in the place of those that the 1-D index names. As `torch.index_copy`.
 *
 * @example
 * zeros(3).indexCopy(0, tensor([2, 0], { dtype: 'int32' }), tensor([1, 2])) // → tensor([2., 0., 1.])
 */
export const indexCopy: IndexCopy & Described = define('indexCopy', ['input', 'dim', 'index', 'source'], (a: SlicesArgs) => {
  const { to, index, from, axis } = slices('indexCopy', a)
  return reshape(apply1(scatterSetOp, [to, index, from], { axis }), a.input.shape)
})

type IndexFill = (x: Tensor, dim: number, index: Tensor, value: Operand) => Tensor
/**
 * A copy of x with `value` in all slices of a dimension that the 1-D index names. As `torch.index_fill`.
 *
 * @example
 * zeros(3).indexFill(0, tensor([0, 2], { dtype: 'int32' }), 1) // → tensor([1., 0., 1.])
 */
export const indexFill: IndexFill & Described = define('indexFill', ['input', 'dim', 'index', 'value'], ({ input: x, dim, index, value }: { input: Tensor; dim: number; index: Tensor; value: Operand }) => {
  const axis = normalizeDim('indexFill', dim, needTensor('indexFill', x).ndim)
  const v = lift(value, 'indexFill')
  if (v.ndim > 0) fail('indexFill', `the value is ${v}`, 'give a number or a 0-dim tensor; indexCopy takes slices')
  const to = atLeastVector(x)
  const places = wrap(vectorFor('indexFill', index), to.shape[axis])
  const hit = cast(apply1(scatterSetOp, [zeros(places, [to.shape[axis]]), places, onesLike(places)], { axis: 0 }), 'bool')
  return reshape(cast(where(reshape(hit, to.shape.map((n, i) => (i === axis ? n : 1))), value, to), x.dtype), x.shape)
})

interface PutArgs {
  input: Tensor
  index: Tensor
  source: Tensor
  accumulate?: boolean
}
type Put = (x: Tensor, index: Tensor, source: Tensor, accumulate?: boolean | { accumulate?: boolean }) => Tensor
/**
 * A copy of x with values at positions of the flattened tensor, or added there. As `torch.put`.
 *
 * @example
 * zeros(2, 2).put(tensor([0, -1], { dtype: 'int32' }), tensor([1, 2])) // → tensor([[1., 0.],
 * //           [0., 2.]])
 */
export const put: Put & Described = define('put', ['input', 'index', 'source', 'accumulate'], ({ input: x, index, source, accumulate = false }: PutArgs) => {
  const to = flatten(needTensor('put', x))
  const places = wrap(vectorFor('put', flatten(needTensor('put', index))), to.numel)
  if (needTensor('put', source).numel !== places.numel) fail('put', `${source.numel} values for ${places.numel} positions`, 'give as many of each')
  if (source.dtype !== x.dtype) fail('put', `source ${source} and input ${x} have different dtypes`, `convert it: source.to('${x.dtype}')`)
  const from = flatten(source)
  return reshape(accumulate ? addAt(to, places, from, 0) : apply1(scatterSetOp, [to, places, from], { axis: 0 }), x.shape)
})

interface MaskedScatterArgs {
  input: Tensor
  mask: Tensor
  source: Tensor
}
/**
 * A copy of x whose elements under the mask are, in order, those of `source`, which may have more. As `torch.masked_scatter`.
 *
 * @example
 * zeros(3).maskedScatter(tensor([true, false, true]), tensor([1, 2])) // → tensor([1., 0., 2.])
 */
export const maskedScatter: ((x: Tensor, mask: Tensor, source: Tensor) => Tensor) & Described = define('maskedScatter', ['input', 'mask', 'source'], ({ input, mask, source }: MaskedScatterArgs) => {
  const [x, hit] = broadcastTensors(needTensor('maskedScatter', input), needMask('maskedScatter', mask))
  if (needTensor('maskedScatter', source).dtype !== x.dtype) fail('maskedScatter', `source ${source} and input ${x} have different dtypes`, `convert it: source.to('${x.dtype}')`)
  const values = flatten(source)
  const counted = cast(flatten(hit), 'int32')
  // The k-th true place takes value k; what is not masked reads a zero in front of them.
  const taken = gather(cat([zeros(values, [1]), values]), 0, mul(cumsum(counted, 0), counted))
  return where(hit, reshape(taken, x.shape), x)
})

/**
 * Values at positions along a dimension, where x and the indices broadcast; without a dimension positions in the flattened tensor. As `torch.take_along_dim`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).takeAlongDim(tensor([[1], [0]], { dtype: 'int32' }), 1) // → tensor([[2.],
 * //           [3.]])
 */
export const takeAlongDim: ((x: Tensor, indices: Tensor, dim?: number | null) => Tensor) & Described = define('takeAlongDim', ['input', 'indices', 'dim'], ({ input: x, indices, dim }: { input: Tensor; indices: Tensor; dim?: number | null }) => {
  if (dim === undefined || dim === null) return gather(flatten(x), 0, flatten(indices))
  if (needTensor('takeAlongDim', x).ndim !== needTensor('takeAlongDim', indices).ndim) fail('takeAlongDim', `indices ${indices} have another number of dimensions than ${x}`, 'give as many')
  const axis = normalizeDim('takeAlongDim', dim, x.ndim)
  const [a, b] = broadcastTensors(narrow(x, axis, 0, Math.min(1, x.shape[axis])), narrow(indices, axis, 0, Math.min(1, indices.shape[axis])))
  return gather(expand(x, a.shape.with(axis, x.shape[axis])), axis, expand(indices, b.shape.with(axis, indices.shape[axis])))
})

/**
 * A copy of x with `src` on a diagonal. As `torch.diagonal_scatter`.
 *
 * @example
 * zeros(2, 2).diagonalScatter(tensor([1, 2])) // → tensor([[1., 0.],
 * //           [0., 2.]])
 */
export const diagonalScatter: ((x: Tensor, src: Tensor, offset?: number, dim1?: number, dim2?: number) => Tensor) & Described = define('diagonalScatter', ['input', 'src', 'offset', 'dim1', 'dim2'], ({ input, src, offset, dim1, dim2 }: { input: Tensor; src: Tensor; offset?: number; dim1?: number; dim2?: number }) =>
  withPart('diagonalScatter', input, src, x => diagonal(x, offset, dim1, dim2)))
/**
 * A copy of x with `src` at one position of a dimension. As `torch.select_scatter`.
 *
 * @example
 * zeros(2, 2).selectScatter(tensor([1, 2]), 0, 1) // → tensor([[0., 0.],
 * //           [1., 2.]])
 */
export const selectScatter: ((x: Tensor, src: Tensor, dim: number, index: number) => Tensor) & Described = define('selectScatter', ['input', 'src', 'dim', 'index'], ({ input, src, dim, index }: { input: Tensor; src: Tensor; dim: number; index: number }) =>
  withPart('selectScatter', input, src, x => select(x, dim, index)))

interface SliceArgs {
  input: Tensor
  src: Tensor
  dim?: number
  start?: number | null
  end?: number | null
  step?: number
}
/**
 * A copy of x with `src` in the positions start, start + step, … below end of a dimension. As `torch.slice_scatter`.
 *
 * @example
 * zeros(4).sliceScatter(tensor([1, 2]), 0, 1, 3) // → tensor([0., 1., 2., 0.])
 */
export const sliceScatter: ((x: Tensor, src: Tensor, dim?: number, start?: number | null, end?: number | null, step?: number) => Tensor) & Described = define('sliceScatter', ['input', 'src', 'dim', 'start', 'end', 'step'], ({ input, src, dim = 0, start, end, step = 1 }: SliceArgs) =>
  withPart('sliceScatter', input, src, x => {
    const axis = normalizeDim('sliceScatter', dim, x.ndim)
    const n = x.shape[axis]
    if (!Number.isInteger(step) || step < 1) fail('sliceScatter', `the step is ${String(step)}`, 'give a whole number ≥ 1')
    const bound = (v: number): number => Math.min(Math.max(v < 0 ? v + n : v, 0), n)
    const from = bound(start ?? 0)
    return apply1(sliceOp, [x], { axis, start: from, step, length: Math.max(0, Math.ceil((bound(end ?? n) - from) / step)) })
  }))
