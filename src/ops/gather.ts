// Reading and adding at positions given by a tensor. gather and scatterAdd are each other's transpose.
import { fail } from '../core/errors.ts'
import { axisOf, sameShape, type Shape } from '../core/shape.ts'
import type { DType } from '../core/dtype.ts'
import type { ScatterOp } from '../ir/kernel.ts'
import { sliceView } from '../core/view.ts'
import { apply1, describe, type Described } from './define.ts'
import { copyInto } from './lowering.ts'
import { expand, filledOp, reshape } from './movement.ts'
import type { Meta, Op } from './op.ts'
import { mul } from './pointwise.ts'
import type { Tensor } from './tensor.ts'

interface AxisParams {
  readonly axis: number
}

const needIndex = (op: string, index: Meta): void => {
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
    g && needs[0] ? apply1(scatterAddOp, [apply1(filledOp, [], { shape, value: 0, dtype: g.dtype }), index, g], { axis }) : null,
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
  needs[0] && g ? apply1(scatterSetOp, [g, index, zeros(index.shape, g.dtype)], params) : null,
  null,
  needs[2] && g ? apply1(gatherOp, [g, index], params) : null,
], 'inputs')

/** Zeros that take no memory of their own size. */
export const zeros = (shape: Shape, dtype: DType): Tensor => expand(apply1(filledOp, [], { shape: shape.map(() => 1), value: 0, dtype }), shape)

const fits = (op: string, x: Tensor, index: Tensor, axis: number): void => {
  if (x.ndim !== index.ndim || index.shape.some((n, i) => i !== axis && n > x.shape[i]))
    fail(op, `index ${index} does not fit ${x} along dim ${axis}`, 'it needs as many dimensions, and sizes no larger except on that dim')
}

/** out[i][j][k] = x[i][index[i][j][k]][k] for dim 1, and likewise for others. As `torch.gather`. */
export const gather: ((x: Tensor, dim: number, index: Tensor) => Tensor) & Described = describe((x: Tensor, dim: number, index: Tensor) => {
  needIndex('gather', index)
  const axis = axisOf('gather', dim, x.ndim)
  fits('gather', x, index, axis)
  return apply1(gatherOp, [x, index], { axis })
}, 'gather', ['input', 'dim', 'index'])

/** A copy of x with src[i][j][k] added at [i][index[i][j][k]][k] for dim 1. As `torch.scatter_add`. */
export const scatterAdd: ((x: Tensor, dim: number, index: Tensor, src: Tensor) => Tensor) & Described = describe((x: Tensor, dim: number, index: Tensor, src: Tensor) => {
  needIndex('scatterAdd', index)
  const axis = axisOf('scatterAdd', dim, x.ndim)
  fits('scatterAdd', x, index, axis)
  if (src.dtype !== x.dtype) fail('scatterAdd', `src ${src} and input ${x} have different dtypes`, `convert src: src.to('${x.dtype}')`)
  if (src.ndim !== index.ndim || index.shape.some((n, i) => n > src.shape[i])) fail('scatterAdd', `index ${index} is larger than src ${src}`, 'every index needs a value')
  return apply1(scatterAddOp, [x, index, cut(src, index.shape)], { axis })
}, 'scatterAdd', ['input', 'dim', 'index', 'src'])

const cut = (x: Tensor, shape: Shape): Tensor => shape.reduce((y, n, d) => (y.shape[d] === n ? y : y.narrow(d, 0, n)), x)

/** Rows (positions of `dim`) picked by a 1-D index; repeats allowed. As `torch.index_select`. */
export const indexSelect: ((x: Tensor, dim: number, index: Tensor) => Tensor) & Described = describe((x: Tensor, dim: number, index: Tensor) => {
  needIndex('indexSelect', index)
  if (index.ndim > 1) fail('indexSelect', `index ${index} must have one dimension`, 'flatten it, or use x.at(index)')
  const axis = axisOf('indexSelect', dim, x.ndim)
  return apply1(gatherOp, [x, spreadIndex(index, x.shape, axis)], { axis })
}, 'indexSelect', ['input', 'dim', 'index'])

/** A copy of x with `source`'s positions of `dim`, times `alpha`, added at the positions that the 1-D index names. As `torch.index_add`. */
export const indexAdd: ((x: Tensor, dim: number, index: Tensor, source: Tensor, options?: { alpha?: number }) => Tensor) & Described = describe((x: Tensor, dim: number, index: Tensor, source: Tensor, { alpha = 1 }: { alpha?: number } = {}) => {
  needIndex('indexAdd', index)
  const axis = axisOf('indexAdd', dim, x.ndim)
  const fits = x.ndim === 0 ? index.numel === source.numel : sameShape(source.shape, x.shape.with(axis, index.numel))
  if (!fits) fail('indexAdd', `source ${source} does not fit ${index.numel} indices along dim ${dim} of ${x}`, 'one slice of the source for each index; its other sizes are those of the input')
  const added = alpha === 1 ? source : mul(source, alpha)
  if (added.dtype !== x.dtype) fail('indexAdd', `${added} cannot be added into ${x}`, `convert the source: source.to('${x.dtype}')`)
  return apply1(scatterAddOp, [x, spreadIndex(index, x.shape, axis), added], { axis })
}, 'indexAdd', ['input', 'dim', 'index', 'source', '*', 'alpha'])

/** A 1-D index, broadcast over all other dimensions: its view has stride 0 there, which kernels take as "whole rows". */
export const spreadIndex = (index: Tensor, shape: Shape, axis: number): Tensor => {
  const n = index.numel
  return expand(reshape(index, shape.map((_, i) => (i === axis ? n : 1))), shape.with(axis, n))
}

/** Rows of a table: out[…] = weight[index[…]]. As `torch.nn.functional.embedding`. */
export const embedding: ((index: Tensor, weight: Tensor) => Tensor) & Described = describe((index: Tensor, weight: Tensor) => {
  needIndex('embedding', index)
  if (weight.ndim !== 2) fail('embedding', `the table must be a matrix, got ${weight}`, 'shape [entries, width]')
  const flat = reshape(index, index.numel)
  return reshape(indexSelect(weight, 0, flat), [...index.shape, weight.shape[1]])
}, 'embedding', ['input', 'weight'])
