// Reading and adding at positions given by a tensor. gather and scatterAdd are each other's transpose.
import { fail } from '../core/errors.ts'
import { normalizeDim, sameShape, type Shape } from '../core/shape.ts'
import type { DType } from '../core/dtype.ts'
import type { ScatterOp } from '../ir/kernel.ts'
import { sliceView } from '../core/view.ts'
import { cast } from './cast.ts'
import { apply1, beside, describe, needTensor, type Described } from './define.ts'
import { copyInto } from './lowering.ts'
import { expand, filledOp, narrow, reshape } from './movement.ts'
import type { Meta, Op } from './op.ts'
import { clone, mul } from './pointwise.ts'
import type { Tensor } from './tensor.ts'

interface AxisParams {
  readonly axis: number
}

const needIndex = (op: string, index: Meta): void => {
  needTensor(op, index)
  if (index.dtype !== 'int32') fail(op, `the index must be int32, got ${String(index)}`, "convert it: index.to('int32')")
}

// inputs: x, index; x has the index's shape but on the axis.
export const gatherOp: Op<AxisParams> = {
  name: 'gather',
  infer: ([x, index]) => [{ dtype: x.dtype, shape: index.shape }],
  lower(k, [x, index], { axis }) {
    const out = k.alloc(x.view.dtype, index.view.shape)
    const fit = index.view.shape.reduce((v, n, a) => (a === axis || n === v.shape[a] ? v : sliceView(v, a, 0, 1, n)), x.view)
    k.run({ kind: 'gather', axis }, [{ view: fit, slot: x.slot }, index], [out])
    return [out]
  },
  vjp: ([g], { params: { axis }, inputs: [, index], shapes: [shape], needs }) => [
    g && needs[0] ? apply1(scatterAddOp, [zeros(g, shape), index, g], { axis }) : null,
    null,
  ],
  saves: 'inputs',
}

// inputs: base, index, src.
export const scatterRecord = (name: string, op: ScatterOp, vjp: Op<AxisParams>['vjp'], saves: Op['saves']): Op<AxisParams> => ({
  name,
  infer: ([base]) => [{ dtype: base.dtype, shape: base.shape }],
  lower(k, [base, index, src], { axis }) {
    const out = k.alloc(base.view.dtype, base.view.shape)
    copyInto(k, base, out)
    const fit = index.view.shape.reduce((v, n, a) => (a === axis || n === v.shape[a] ? v : sliceView(v, a, 0, 1, n)), out.view)
    k.run({ kind: 'scatter', axis, op }, [index, src], [{ view: fit, slot: out.slot }])
    return [out]
  },
  vjp,
  saves,
})

export const scatterAddOp: Op<AxisParams> = scatterRecord('scatterAdd', 'sum', ([g], { params, inputs: [, index], needs }) => [needs[0] ? g : null, null, needs[2] && g ? apply1(gatherOp, [g, index], params) : null], 'inputs')

// Of several values for one place the last stays, yet each gets the gradient of the place, as in PyTorch.
export const scatterSetOp: Op<AxisParams> = scatterRecord('scatter', 'set', ([g], { params, inputs: [, index], needs }) => [
  needs[0] && g ? apply1(scatterSetOp, [g, index, zeros(g, index.shape)], params) : null,
  null,
  needs[2] && g ? apply1(gatherOp, [g, index], params) : null,
], 'inputs')

/** One value everywhere, on the device (and of the dtype) of another tensor; it takes no memory of its own size. */
export const constant = (like: Tensor, value: number, shape: Shape, dtype: DType = like.dtype): Tensor =>
  expand(beside(like, () => apply1(filledOp, [], { shape: shape.map(() => 1), value, dtype })), shape)
export const zeros = (like: Tensor, shape: Shape, dtype?: DType): Tensor => constant(like, 0, shape, dtype)

/** src added to base at the index; truth values add up to truth. */
export const addAt = (base: Tensor, index: Tensor, src: Tensor, axis: number): Tensor =>
  base.dtype === 'bool' ? cast(addAt(cast(base, 'int32'), index, cast(src, 'int32'), axis), 'bool') : apply1(scatterAddOp, [base, index, src], { axis })

/** A 0-dim tensor as a vector of one; for ops that work along a dimension. */
export const atLeastVector = (x: Tensor): Tensor => (x.ndim === 0 ? reshape(x, 1) : x)

/** The axis, once the index is known to fit x along it. */
export function axisFor(op: string, x: Tensor, dim: number, index: Tensor): number {
  needIndex(op, index)
  const axis = normalizeDim(op, dim, needTensor(op, x).ndim)
  const [a, b] = [atLeastVector(x), atLeastVector(index)]
  if (b.numel > 0 && (a.ndim !== b.ndim || b.shape.some((n, i) => i !== axis && n > a.shape[i])))
    fail(op, `index ${index} does not fit ${x} along dim ${dim}`, 'it needs as many dimensions, and sizes no larger except on that dim')
  return axis
}

/** The part of src that an index of this shape uses. */
export function sourceFor(op: string, x: Tensor, index: Tensor, src: Tensor): Tensor {
  const y = atLeastVector(needTensor(op, src))
  const { shape } = atLeastVector(index)
  if (src.dtype !== x.dtype) fail(op, `src ${src} and input ${x} have different dtypes`, `convert src: src.to('${x.dtype}')`)
  if (y.ndim !== shape.length || shape.some((n, i) => n > y.shape[i])) fail(op, `index ${index} is larger than src ${src}`, 'every index needs a value')
  return shape.reduce((part, n, d) => (part.shape[d] === n ? part : narrow(part, d, 0, n)), y)
}

/**
 * out[i][j][k] = x[i][index[i][j][k]][k] for dim 1, and likewise for others. As `torch.gather`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).gather(1, tensor([[1], [0]], { dtype: 'int32' })) // → tensor([[2.],
 * //           [3.]])
 */
export const gather: ((x: Tensor, dim: number, index: Tensor) => Tensor) & Described = describe((x: Tensor, dim: number, index: Tensor) => {
  const axis = axisFor('gather', x, dim, index)
  if (index.numel === 0) return reshape(narrow(reshape(x, -1), 0, 0, 0), index.shape)
  return reshape(apply1(gatherOp, [atLeastVector(x), atLeastVector(index)], { axis }), index.shape)
}, 'gather', ['input', 'dim', 'index'])

/**
 * A copy of x with src[i][j][k] added at [i][index[i][j][k]][k] for dim 1. As `torch.scatter_add`.
 *
 * @example
 * zeros(3).scatterAdd(0, tensor([0, 2, 2], { dtype: 'int32' }), tensor([1, 2, 3])) // → tensor([1., 0., 5.])
 */
export const scatterAdd: ((x: Tensor, dim: number, index: Tensor, src: Tensor) => Tensor) & Described = describe((x: Tensor, dim: number, index: Tensor, src: Tensor) => {
  const axis = axisFor('scatterAdd', x, dim, index)
  if (index.numel === 0) return clone(x)
  return reshape(addAt(atLeastVector(x), atLeastVector(index), sourceFor('scatterAdd', x, index, src), axis), x.shape)
}, 'scatterAdd', ['input', 'dim', 'index', 'src'])

/** The 1-D index of an op that works on whole slices of a dimension. */
export function vectorFor(op: string, index: Tensor): Tensor {
  needIndex(op, index)
  if (index.ndim > 1) fail(op, `index ${index} must have one dimension`, 'flatten it, or use x.at(index)')
  return atLeastVector(index)
}

/**
 * Rows (positions of `dim`) picked by a 1-D index; repeats allowed. As `torch.index_select`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).indexSelect(0, tensor([1, 1], { dtype: 'int32' })) // → tensor([[3., 4.],
 * //           [3., 4.]])
 */
export const indexSelect: ((x: Tensor, dim: number, index: Tensor) => Tensor) & Described = describe((x: Tensor, dim: number, index: Tensor) => {
  const at = vectorFor('indexSelect', index)
  const axis = normalizeDim('indexSelect', dim, needTensor('indexSelect', x).ndim)
  const from = atLeastVector(x)
  const picked = apply1(gatherOp, [from, spreadIndex(at, from.shape, axis)], { axis })
  return x.ndim === 0 && at.numel === 1 ? reshape(picked, []) : picked
}, 'indexSelect', ['input', 'dim', 'index'])

/** `source` as slices that go with a 1-D index along an axis of x. */
export function slicesFor(op: string, x: Tensor, axis: number, index: Tensor, source: Tensor): Tensor {
  const [to, from] = [atLeastVector(x), atLeastVector(needTensor(op, source))]
  if (!sameShape(from.shape, to.shape.with(axis, index.numel))) fail(op, `source ${source} does not fit ${index.numel} indices along dim ${axis} of ${x}`, 'one slice of the source for each index; its other sizes are those of the input')
  if (source.dtype !== x.dtype) fail(op, `${source} does not go into ${x}`, `convert the source: source.to('${x.dtype}')`)
  return from
}

/**
 * A copy of x with `source`'s positions of `dim`, times `alpha`, added at the positions that the 1-D index names. As `torch.index_add`.
 *
 * @example
 * zeros(2).indexAdd(0, tensor([1, 1], { dtype: 'int32' }), tensor([1, 2]), { alpha: 10 }) // → tensor([ 0., 30.])
 */
export const indexAdd: ((x: Tensor, dim: number, index: Tensor, source: Tensor, options?: { alpha?: number | boolean }) => Tensor) & Described = describe((x: Tensor, dim: number, index: Tensor, source: Tensor, { alpha = 1 }: { alpha?: number | boolean } = {}) => {
  const at = vectorFor('indexAdd', index)
  const axis = normalizeDim('indexAdd', dim, needTensor('indexAdd', x).ndim)
  const added = slicesFor('indexAdd', x, axis, at, Number(alpha) === 1 ? source : mul(source, alpha))
  const to = atLeastVector(x)
  return reshape(addAt(to, spreadIndex(at, to.shape, axis), added, axis), x.shape)
}, 'indexAdd', ['input', 'dim', 'index', 'source', '*', 'alpha'])

/** A 1-D index, broadcast over all other dimensions: its view has stride 0 there, which kernels take as "whole rows". */
export const spreadIndex = (index: Tensor, shape: Shape, axis: number): Tensor => {
  const n = index.numel
  return expand(reshape(index, shape.map((_, i) => (i === axis ? n : 1))), shape.with(axis, n))
}

/**
 * Rows of a table: out[…] = weight[index[…]]. As `torch.nn.functional.embedding`.
 *
 * @example
 * embedding(tensor([1, 0], { dtype: 'int32' }), tensor([[1, 2], [3, 4]])) // → tensor([[3., 4.],
 * //           [1., 2.]])
 */
export const embedding: ((index: Tensor, weight: Tensor) => Tensor) & Described = describe((index: Tensor, weight: Tensor) => {
  needIndex('embedding', index)
  if (weight.ndim !== 2) fail('embedding', `the table must be a matrix, got ${weight}`, 'shape [entries, width]')
  const flat = reshape(index, index.numel)
  return reshape(indexSelect(weight, 0, flat), [...index.shape, weight.shape[1]])
}, 'embedding', ['input', 'weight'])
