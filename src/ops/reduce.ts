// Reductions. One record per kernel reduction; the rest are formulas over them. Names and defaults follow PyTorch.
import { needDType, type DType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { normalizeDim, normalizeDims, numel, type Shape } from '../core/shape.ts'
import { permuteView } from '../core/view.ts'
import type { ReduceOp } from '../ir/kernel.ts'
import { cast } from './cast.ts'
import { arange } from './creation.ts'
import { apply1, define, describe, needFloat, type Described } from './define.ts'
import { gather } from './gather.ts'
import { expand, reshape, unsqueeze } from './movement.ts'
import type { Op } from './op.ts'
import { abs, add, div, eq, exp, log, mul, ne, neg, pow, root, square, sub, where } from './pointwise.ts'
import { productOfOthers } from './products.ts'
import { logSoftmaxOp, softmaxOp } from './softmax.ts'
import type { Tensor } from './tensor.ts'

/** Which dimensions: one, several, or all (absent). */
export type Dims = number | readonly number[]
export interface ReduceOptions {
  dim?: Dims
  /** Keep reduced dimensions with size 1. */
  keepdim?: boolean
}
export interface SumOptions extends ReduceOptions {
  /** Convert before reducing. */
  dtype?: DType
}
export interface VarOptions extends ReduceOptions {
  /** Degrees of freedom taken off the count; 1 gives the unbiased estimate. */
  correction?: number
}
export interface ValuesIndices {
  values: Tensor
  indices: Tensor
}
type Reducer<O> = ((x: Tensor, dim?: Dims | O, options?: O) => Tensor) & Described

interface ReduceParams {
  /** Sorted, without repeats. */
  readonly axes: readonly number[]
}

const keptShape = (x: Shape, axes: readonly number[]): number[] => x.filter((_, i) => !axes.includes(i))
const withOnes = (x: Shape, axes: readonly number[]): number[] => x.map((n, i) => (axes.includes(i) ? 1 : n))

function reduceOp(name: string, kernel: ReduceOp, vjp?: Op<ReduceParams>['vjp'], saves: Op['saves'] = 'nothing'): Op<ReduceParams> {
  const indices = kernel === 'argmax' || kernel === 'argmin'
  return {
    name,
    infer: ([x], { axes }) => [{ dtype: indices ? 'int32' : x.dtype, shape: keptShape(x.shape, axes) }],
    lower(k, [x], { axes }) {
      const kept = x.view.shape.map((_, i) => i).filter(i => !axes.includes(i))
      const out = k.alloc(indices ? 'int32' : x.view.dtype, keptShape(x.view.shape, axes))
      k.run({ kind: 'reduce', op: kernel }, [{ view: permuteView(x.view, [...kept, ...axes]), slot: x.slot }], [out])
      return [out]
    },
    vjp,
    saves,
  }
}

/** The cotangent of a reduction, laid out so that it broadcasts against the input. */
const spread = (g: Tensor, shape: Shape, axes: readonly number[]): Tensor => reshape(g, withOnes(shape, axes))

const sumOp = reduceOp('sum', 'sum', ([g], { params: { axes }, shapes: [shape] }) => [g && expand(spread(g, shape, axes), shape)])

// d prod / dxᵢ is the product of the others.
const prodOp = reduceOp('prod', 'prod', ([g], { params: { axes }, inputs: [x] }) => [g && mul(spread(g, x.shape, axes), productOfOthers(x, axes))], 'inputs')

// Equal extremes share the gradient, as in PyTorch.
const extremeVjp: Op<ReduceParams>['vjp'] = ([g], { params: { axes }, inputs: [x], outputs: [y] }) => {
  if (!g) return [null]
  const hit = cast(eq(x, spread(y, x.shape, axes)), 'float32')
  const count = spread(apply1(sumOp, [hit], { axes }), x.shape, axes)
  return [mul(spread(g, x.shape, axes), div(hit, count))]
}
const maxOp = reduceOp('amax', 'max', extremeVjp, 'both')
const minOp = reduceOp('amin', 'min', extremeVjp, 'both')
const argmaxOp = reduceOp('argmax', 'argmax')
// The first largest value alone takes the gradient, as in PyTorch's pooling.
const firstMaxOp = reduceOp('firstMax', 'max', ([g], { params: { axes }, inputs: [x] }) => {
  if (!g) return [null]
  const taps = axes.map(a => x.shape[a])
  const position = reshape(arange(numel(taps)), x.shape.map((n, i) => (axes.includes(i) ? n : 1)))
  return [where(eq(position, spread(apply1(argmaxOp, [x], { axes }), x.shape, axes)), spread(g, x.shape, axes), 0)]
}, 'inputs')
/** Largest value over trailing dimensions; of equal ones the first takes the gradient. */
export const firstMax = (x: Tensor, axes: readonly number[]): Tensor => apply1(firstMaxOp, [x], { axes })
const argminOp = reduceOp('argmin', 'argmin')

/** Options may stand in the place of `dim`. */
function reducer<O extends ReduceOptions>(name: string, extra: readonly string[], body: (x: Tensor, axes: number[], options: O) => Tensor): Reducer<O> {
  return define(name, ['input', 'dim', '*', 'keepdim', ...extra], (a: O & { input: Tensor; dtype?: DType }) => {
    if (a.dtype !== undefined) needDType(name, a.dtype)
    const axes = normalizeDims(name, a.dim, a.input.ndim)
    return finish(body(a.input, axes, a), a.input.shape, axes, a.keepdim)
  })
}
const finish = (y: Tensor, shape: Shape, axes: readonly number[], keepdim = false): Tensor => (keepdim ? reshape(y, withOnes(shape, axes)) : y)

const reduce = (op: Op<ReduceParams>, x: Tensor, axes: readonly number[]): Tensor => (axes.length === 0 && x.ndim > 0 ? x : apply1(op, [x], { axes }))
const count = (x: Tensor, axes: readonly number[]): number => numel(axes.map(a => x.shape[a]))
const numeric = (x: Tensor, dtype?: DType): Tensor => cast(x, dtype ?? (x.dtype === 'bool' ? 'int32' : x.dtype))

/** Sum over dimensions; bool and int32 give int32. As `torch.sum`. */
export const sum: Reducer<SumOptions> = reducer('sum', ['dtype'], (x, axes, { dtype }) => reduce(sumOp, numeric(x, dtype), axes))
/** Product over dimensions. As `torch.prod`. */
export const prod: Reducer<SumOptions> = reducer('prod', ['dtype'], (x, axes, { dtype }) => reduce(prodOp, numeric(x, dtype), axes))
/** Mean over dimensions, of a float tensor. As `torch.mean`. */
export const mean: Reducer<SumOptions> = reducer('mean', ['dtype'], (x, axes, { dtype }) => {
  const y = dtype ? cast(x, dtype) : x
  needFloat('mean', y)
  return mul(reduce(sumOp, y, axes), 1 / count(x, axes))
})
/** Largest value over dimensions; equal largest values share the gradient. As `torch.amax`. */
export const amax: Reducer<ReduceOptions> = reducer('amax', [], (x, axes) => reduce(maxOp, nonEmpty('amax', x, axes), axes))
/** Smallest value over dimensions. As `torch.amin`. */
export const amin: Reducer<ReduceOptions> = reducer('amin', [], (x, axes) => reduce(minOp, nonEmpty('amin', x, axes), axes))
/** True where all values over the dimensions are not 0. As `torch.all`. */
export const all: Reducer<ReduceOptions> = reducer('all', [], (x, axes) => reduce(minOp, cast(x, 'bool'), axes))
/** True where any value over the dimensions is not 0. As `torch.any`. */
export const any: Reducer<ReduceOptions> = reducer('any', [], (x, axes) => reduce(maxOp, cast(x, 'bool'), axes))
/** How many values are not 0, as int32. As `torch.count_nonzero`. */
export const countNonzero: Reducer<ReduceOptions> = reducer('countNonzero', [], (x, axes) => reduce(sumOp, cast(ne(x, 0), 'int32'), axes))

function nonEmpty(op: string, x: Tensor, axes: readonly number[]): Tensor {
  if (count(x, axes) === 0) fail(op, `${x} has no elements over ${axes.length === x.ndim ? 'all dims' : `dims ${axes.join(', ')}`}, and an extreme of nothing is undefined`, 'check the size first')
  return x
}

type ArgReducer = ((x: Tensor, dim?: number | { dim?: number; keepdim?: boolean }, options?: { dim?: number; keepdim?: boolean }) => Tensor) & Described
function argReducer(name: string, op: Op<ReduceParams>): ArgReducer {
  return define(name, ['input', 'dim', '*', 'keepdim'], ({ input, dim, keepdim }: { input: Tensor; dim?: number; keepdim?: boolean }) => {
    const axes = dim === undefined ? normalizeDims(name, undefined, input.ndim) : input.ndim === 0 ? [] : [normalizeDim(name, dim, input.ndim)]
    return finish(apply1(op, [numeric(nonEmpty(name, input, axes))], { axes }), input.shape, axes, keepdim)
  })
}
/** Position of the first largest value (int32): along one dimension, or in row-major order over all. As `torch.argmax`. */
export const argmax: ArgReducer = argReducer('argmax', argmaxOp)
/** Position of the first smallest value. As `torch.argmin`. */
export const argmin: ArgReducer = argReducer('argmin', argminOp)

type Extreme = ((x: Tensor, dim: number, options?: { keepdim?: boolean }) => ValuesIndices) & Described
function extreme(name: string, arg: ArgReducer): Extreme {
  return define(name, ['input', 'dim', '*', 'keepdim'], ({ input, dim, keepdim }: { input: Tensor; dim: number; keepdim?: boolean }) => {
    if (dim === undefined) fail(name, 'needs a dim', `for the extreme over all elements use ${name === 'max' ? 'amax' : 'amin'}()`)
    const indices = arg(input, dim, { keepdim })
    if (input.ndim === 0) return { values: reshape(input, []), indices }
    const axis = normalizeDim(name, dim, input.ndim)
    const at = keepdim ? indices : unsqueeze(indices, axis)
    const values = gather(input, axis, at)
    return { values: keepdim ? values : reshape(values, indices.shape), indices }
  })
}
/** Largest values along a dimension and their positions: `{values, indices}`. As `torch.max` with a dim. */
export const max: Extreme = extreme('max', argmax)
/** Smallest values along a dimension and their positions: `{values, indices}`. As `torch.min` with a dim. */
export const min: Extreme = extreme('min', argmin)

function variance(name: string, x: Tensor, axes: number[], correction = 1): Tensor {
  needFloat(name, x)
  const centre = sub(x, reshape(mul(reduce(sumOp, x, axes), 1 / count(x, axes)), withOnes(x.shape, axes)))
  return mul(reduce(sumOp, square(centre), axes), 1 / Math.max(0, count(x, axes) - correction))
}
/** Variance over dimensions, with `correction` 1 by default. As `torch.var`. */
export const var_: Reducer<VarOptions> = reducer('var', ['correction'], (x, axes, o) => variance('var', x, axes, o.correction))
/** Standard deviation over dimensions. As `torch.std`. */
export const std: Reducer<VarOptions> = reducer('std', ['correction'], (x, axes, o) => root(variance('std', x, axes, o.correction)))

/** log Σ eˣ over dimensions, without overflow. As `torch.logsumexp`. */
export const logsumexp: Reducer<ReduceOptions> = reducer('logsumexp', [], (x, axes) => {
  needFloat('logsumexp', x)
  // The shift cancels in the result, so no gradient flows through it; an infinite maximum is left out of it.
  const top = reduce(maxOp, x, axes).detach()
  const shift = where(eq(abs(top), Infinity), 0, top)
  return add(log(reduce(sumOp, exp(sub(x, reshape(shift, withOnes(x.shape, axes)))), axes)), shift)
})

/** p-norm of all elements or over dimensions: (Σ|x|ᵖ)^(1/p). p may be ±Infinity and 0. As `torch.norm`. */
export const norm: ((x: Tensor, p?: number | (ReduceOptions & { p?: number }), dim?: Dims, options?: ReduceOptions) => Tensor) & Described = define('norm', ['input', 'p', 'dim', '*', 'keepdim'], ({ input: x, p = 2, dim, keepdim }: { input: Tensor; p?: number } & ReduceOptions) => {
  needFloat('norm', x)
  const axes = normalizeDims('norm', dim, x.ndim)
  const size = abs(x)
  const y =
    p === 2 ? root(reduce(sumOp, square(x), axes))
    : p === 1 ? reduce(sumOp, size, axes)
    : p === Infinity ? reduce(maxOp, size, axes)
    : p === -Infinity ? reduce(minOp, size, axes)
    : p === 0 ? reduce(sumOp, cast(ne(x, 0), 'float32'), axes)
    : pow(reduce(sumOp, pow(size, p), axes), 1 / p)
  return finish(y, x.shape, axes, keepdim)
})

/** eˣ / Σ eˣ along a dimension, without overflow. dx = y·(g − Σ g·y). As `torch.softmax`. */
export const softmax: ((x: Tensor, dim: number) => Tensor) & Described = describe((x: Tensor, dim: number) => apply1(softmaxOp, [floating('softmax', x)], { axis: normalizeDim('softmax', dim, x.ndim) }), 'softmax', ['input', 'dim'])
/** log softmax along a dimension. dx = g − softmax·Σ g. As `torch.log_softmax`. */
export const logSoftmax: ((x: Tensor, dim: number) => Tensor) & Described = describe((x: Tensor, dim: number) => apply1(logSoftmaxOp, [floating('logSoftmax', x)], { axis: normalizeDim('logSoftmax', dim, x.ndim) }), 'logSoftmax', ['input', 'dim'])
/** softmax(−x). As `torch.nn.functional.softmin`. */
export const softmin: ((x: Tensor, dim: number) => Tensor) & Described = describe((x: Tensor, dim: number) => softmax(neg(x), dim), 'softmin', ['input', 'dim'])

function floating(op: string, x: Tensor): Tensor {
  needFloat(op, x)
  return x
}
