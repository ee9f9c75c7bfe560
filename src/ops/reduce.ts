// Reductions. One record per kernel reduction; the rest are formulas over them. Names and defaults follow PyTorch.
import { dtypes, isComplex, isDifferentiable, isFloat, needDType, scalarType, type DType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { normalizeDim, normalizeDims, numel, type Shape } from '../core/shape.ts'
import { permuteView } from '../core/view.ts'
import type { ReduceOp } from '../ir/kernel.ts'
import { cast } from './cast.ts'
import { apply1, define, needFloat, needTensor, type Described } from './define.ts'
import { gather } from './gather.ts'
import { expand, reshape, squeeze } from './movement.ts'
import type { Meta, Op } from './op.ts'
import { abs, add, div, eq, exp, log, logicalAnd, logicalOr, maximum, minimum, mul, ne, root, square, sub, where } from './pointwise.ts'
import { productByPairs, productOfOthers } from './products.ts'
import { Tensor } from './tensor.ts'

/** Which dimensions: one, several, or all (absent, null or an empty list). */
export type Dims = number | readonly number[] | null
export interface ReduceOptions {
  dim?: Dims
  /** Keep reduced dimensions with size 1. */
  keepdim?: boolean
}
export interface SumOptions extends ReduceOptions {
  /** Convert before reducing. */
  dtype?: DType | null
}
export interface VarOptions extends ReduceOptions {
  /** Degrees of freedom taken off the count; 1 gives the unbiased estimate. */
  correction?: number | null
  /** false: `correction` 0. */
  unbiased?: boolean
}
export interface ValuesIndices {
  values: Tensor
  indices: Tensor
}
export type Reducer<O> = ((x: Tensor, dim?: Dims | O, keepdim?: boolean | O, options?: O) => Tensor) & Described
type Flag<O> = boolean | O
export type VarReducer<R> = ((x: Tensor, dim?: Dims | Flag<VarOptions>, unbiased?: Flag<VarOptions>, keepdim?: Flag<VarOptions>, options?: VarOptions) => R) & Described

interface ReduceParams {
  /** Sorted, without repeats. */
  readonly axes: readonly number[]
}

const keptShape = (x: Shape, axes: readonly number[]): number[] => x.filter((_, i) => !axes.includes(i))
const withOnes = (x: Shape, axes: readonly number[]): number[] => x.map((n, i) => (axes.includes(i) ? 1 : n))

/** Refuses what cannot be ordered. */
export function needOrder(op: string, x: Meta): void {
  if (isComplex(x.dtype)) fail(op, `complex numbers have no order, got ${String(x)}`, 'take the real part or the absolute value first')
}

export function reduceOp(name: string, kernel: ReduceOp, vjp?: Op<ReduceParams>['vjp'], saves: Op['saves'] = 'nothing'): Op<ReduceParams> {
  const indices = kernel === 'argmax' || kernel === 'argmin'
  return {
    name,
    infer([x], { axes }) {
      if (kernel !== 'sum') needOrder(name, x)
      return [{ dtype: indices ? 'int32' : x.dtype, shape: keptShape(x.shape, axes) }]
    },
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
export const spread = (g: Tensor, shape: Shape, axes: readonly number[]): Tensor => reshape(g, withOnes(shape, axes))

export const sumOp: Op<ReduceParams> = reduceOp('sum', 'sum', ([g], { params: { axes }, shapes: [shape] }) => [g && expand(spread(g, shape, axes), shape)])

// d prod / dxᵢ is the product of the others.
export const prodOp: Op<ReduceParams> = reduceOp('prod', 'prod', ([g], { params: { axes }, inputs: [x] }) => [g && mul(spread(g, x.shape, axes), productOfOthers(x, axes))], 'inputs')

/** The gradient in equal shares where `hit`, over axes. */
function shares(g: Tensor, hit: Tensor, axes: readonly number[]): Tensor {
  const ones = cast(hit, g.dtype)
  return mul(div(spread(g, hit.shape, axes), spread(apply1(sumOp, [ones], { axes }), hit.shape, axes)), ones)
}
// Equal extremes share the gradient. Where the extreme is NaN none is equal to it, and the gradient is NaN, as in PyTorch.
const extremeVjp: Op<ReduceParams>['vjp'] = ([g], { params: { axes }, inputs: [x], outputs: [y] }) => [g && shares(g, eq(x, spread(y, x.shape, axes)), axes)]
export const maxOp: Op<ReduceParams> = reduceOp('amax', 'max', extremeVjp, 'both')
export const minOp: Op<ReduceParams> = reduceOp('amin', 'min', extremeVjp, 'both')
/** The gradient of a value chosen from all of x, in equal shares to all that equal it; NaNs count as equal. */
export const evenly = (g: Tensor, x: Tensor, y: Tensor): Tensor => shares(g, logicalOr(eq(x, y), logicalAnd(ne(x, x), ne(y, y))), [...x.shape.keys()])
const wholeVjp: Op<ReduceParams>['vjp'] = ([g], { inputs: [x], outputs: [y] }) => [g && evenly(g, x, y)]
const wholeMaxOp = reduceOp('max', 'max', wholeVjp, 'both')
const wholeMinOp = reduceOp('min', 'min', wholeVjp, 'both')
export const argmaxOp: Op<ReduceParams> = reduceOp('argmax', 'argmax')
export const argminOp: Op<ReduceParams> = reduceOp('argmin', 'argmin')

/** The axes that `dim` names, sorted. */
export const axesOf = (op: string, x: Tensor, dim: Dims | undefined): number[] =>
  normalizeDims(op, Array.isArray(dim) && dim.length === 0 ? null : dim, needTensor(op, x).ndim)

/** A reduction over `dim`, which keeps or drops the dimensions. Options may stand in the place of any positional argument. */
export function reducer<O extends ReduceOptions>(name: string, extra: readonly string[], body: (x: Tensor, axes: number[], options: O) => Tensor): Reducer<O> {
  return define(name, ['input', 'dim', 'keepdim', ...(extra.length > 0 ? ['*', ...extra] : [])], (a: O & { input: Tensor; dtype?: DType | null }) => {
    if (a.dtype) needDType(name, a.dtype)
    const axes = axesOf(name, a.input, a.dim)
    return finish(body(a.input, axes, a), a.input.shape, axes, a.keepdim)
  })
}
/** The result of a reduction, with the reduced dimensions back as 1 where they are to be kept. */
export const finish = (y: Tensor, shape: Shape, axes: readonly number[], keepdim = false): Tensor => (keepdim ? reshape(y, withOnes(shape, axes)) : y)

const reduce = (op: Op<ReduceParams>, x: Tensor, axes: readonly number[]): Tensor => (axes.length === 0 && x.ndim > 0 ? x : apply1(op, [x], { axes }))
/** How many elements fall into one result. */
export const count = (x: Tensor, axes: readonly number[]): number => numel(axes.map(a => x.shape[a]))
/** What sums are taken of: bools and narrow integers count in int32. */
export const numeric = (x: Tensor, dtype?: DType | null): Tensor => cast(x, dtype ?? (dtypes[x.dtype].kind === 'int' || x.dtype === 'bool' ? 'int32' : x.dtype))

/** A formula of narrow floats is worked out in float32 and rounded once. */
export function inFull(x: Tensor, formula: (x: Tensor) => Tensor): Tensor {
  const wide = isFloat(x.dtype) ? scalarType(x.dtype) : x.dtype
  return wide === x.dtype ? formula(x) : cast(formula(cast(x, wide)), x.dtype)
}
export function needDifferentiable(op: string, x: Tensor): void {
  if (!isDifferentiable(x.dtype)) needFloat(op, x)
}

/**
 * Sum over dimensions; bool and integers give int32. As `torch.sum`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).sum(0) // → tensor([4., 6.])
 */
export const sum: Reducer<SumOptions> = reducer('sum', ['dtype'], (x, axes, { dtype }) => reduce(sumOp, numeric(x, dtype), axes))
/**
 * Product over dimensions; bool and integers give int32. As `torch.prod`.
 *
 * @example
 * tensor([1, 2, 3, 4]).prod() // → tensor(24.)
 */
export const prod: Reducer<SumOptions> = reducer('prod', ['dtype'], (input, axes, { dtype }) => {
  const x = numeric(input, dtype)
  return isComplex(x.dtype) ? productByPairs(x, axes) : reduce(prodOp, x, axes)
})
/**
 * Mean over dimensions, of a float or complex tensor. As `torch.mean`.
 *
 * @example
 * tensor([[1, 2], [3, 5]]).mean(1, true) // → tensor([[1.5000],
 * //           [4.0000]])
 */
export const mean: Reducer<SumOptions> = reducer('mean', ['dtype'], (x, axes, { dtype }) => {
  const y = dtype ? cast(x, dtype) : x
  needDifferentiable('mean', y)
  return inFull(y, z => div(reduce(sumOp, z, axes), count(x, axes)))
})
/**
 * Largest value over dimensions; equal largest values share the gradient. Fails over no elements. As `torch.amax`.
 *
 * @example
 * tensor([[1, 5], [3, 2]]).amax(1) // → tensor([5., 3.])
 */
export const amax: Reducer<ReduceOptions> = reducer('amax', [], (x, axes) => reduce(maxOp, nonEmpty('amax', x, axes), axes))
/**
 * Smallest value over dimensions; equal smallest values share the gradient. Fails over no elements. As `torch.amin`.
 *
 * @example
 * tensor([[1, 5], [3, 2]]).amin([0, 1]) // → tensor(1.)
 */
export const amin: Reducer<ReduceOptions> = reducer('amin', [], (x, axes) => reduce(minOp, nonEmpty('amin', x, axes), axes))
/** Of uint8 the truth is uint8 too, as in PyTorch. */
const truth = (x: Tensor, y: Tensor): Tensor => (x.dtype === 'uint8' ? cast(y, 'uint8') : y)
/**
 * True where all values over the dimensions are not 0. As `torch.all`.
 *
 * @example
 * tensor([1, 2, 0]).all() // → tensor(False)
 */
export const all: Reducer<ReduceOptions> = reducer('all', [], (x, axes) => truth(x, reduce(minOp, cast(x, 'bool'), axes)))
/**
 * True where any value over the dimensions is not 0. As `torch.any`.
 *
 * @example
 * tensor([[1, 0], [0, 0]]).any(1) // → tensor([ True, False])
 */
export const any: Reducer<ReduceOptions> = reducer('any', [], (x, axes) => truth(x, reduce(maxOp, cast(x, 'bool'), axes)))
/**
 * How many values are not 0, as int32. As `torch.count_nonzero`.
 *
 * @example
 * tensor([3, 0, 0, -1]).countNonzero() // → tensor(2)
 */
export const countNonzero: Reducer<ReduceOptions> = reducer('countNonzero', [], (x, axes) => reduce(sumOp, cast(ne(x, 0), 'int32'), axes))

export function nonEmpty(op: string, x: Tensor, axes: readonly number[]): Tensor {
  const over = axes.length === x.ndim ? 'all dims' : `dims ${axes.join(', ')}`
  if (count(x, axes) === 0) fail(op, `${x} has no elements over ${over}, and an extreme of nothing is undefined`, 'check the size first')
  return x
}

interface ArgOptions {
  dim?: number | null
  keepdim?: boolean
}
type ArgReducer = ((x: Tensor, dim?: number | null | ArgOptions, keepdim?: boolean | ArgOptions, options?: ArgOptions) => Tensor) & Described
function argReducer(name: string, op: Op<ReduceParams>): ArgReducer {
  return define(name, ['input', 'dim', 'keepdim'], ({ input, dim, keepdim }: { input: Tensor } & ArgOptions) => {
    const axes = axesOf(name, input, dim)
    return finish(apply1(op, [numeric(nonEmpty(name, input, axes))], { axes }), input.shape, axes, keepdim)
  })
}
/**
 * Position of the first largest value (int32): along one dimension, or in row-major order over all. As `torch.argmax`.
 *
 * @example
 * tensor([[1, 5, 2], [7, 0, 7]]).argmax(1) // → tensor([1, 0])
 */
export const argmax: ArgReducer = argReducer('argmax', argmaxOp)
/**
 * Position of the first smallest value (int32): along one dimension, or in row-major order over all. As `torch.argmin`.
 *
 * @example
 * tensor([4, 2, 8, 2]).argmin() // → tensor(1)
 */
export const argmin: ArgReducer = argReducer('argmin', argminOp)

/** The values at `indices`, which have size 1 along the axis, and both without that dimension unless it is kept. */
export function valuesAt(x: Tensor, indices: Tensor, axis: number, keepdim = false): ValuesIndices {
  if (x.ndim === 0) return { values: reshape(x, []), indices: reshape(indices, []) }
  const values = gather(x, axis, indices)
  return keepdim ? { values, indices } : { values: squeeze(values, axis), indices: squeeze(indices, axis) }
}

interface AlongOptions {
  dim?: number
  keepdim?: boolean
}
/** A statistic that is one of the values: of all elements, or along a dimension and with its position. */
export interface ChosenMethod {
  (): Tensor
  (dim: number, keepdim?: boolean | AlongOptions, options?: AlongOptions): ValuesIndices
  (options: AlongOptions & { dim: number }): ValuesIndices
}
export interface ExtremeMethod extends ChosenMethod {
  /** Elementwise. */
  (other: Tensor): Tensor
}
export interface Chosen {
  (x: Tensor): Tensor
  (x: Tensor, dim: number, keepdim?: boolean | AlongOptions, options?: AlongOptions): ValuesIndices
  (x: Tensor, options: AlongOptions & { dim: number }): ValuesIndices
}
export interface Extreme extends Chosen {
  /** Elementwise. */
  (x: Tensor, other: Tensor): Tensor
}

interface ExtremeArgs {
  input: Tensor
  dim?: number | Tensor | null
  keepdim?: boolean
  other?: Tensor
}
function extreme(name: string, whole: Op<ReduceParams>, arg: ArgReducer, pairwise: (x: Tensor, other: Tensor) => Tensor): Extreme & Described {
  return define(name, ['input', 'dim', 'keepdim', '*', 'other'], ({ input, dim, keepdim, other }: ExtremeArgs) => {
    needOrder(name, needTensor(name, input))
    if (other || dim instanceof Tensor) return pairwise(input, needTensor(name, other ?? dim))
    if (dim !== undefined && dim !== null) {
      const axis = normalizeDim(name, dim, input.ndim)
      return valuesAt(input, arg(input, axis, true), axis, keepdim)
    }
    if (keepdim) fail(name, 'keepdim is given without a dim', `for all dimensions use a${name}`)
    const axes = axesOf(name, input, null)
    return apply1(whole, [nonEmpty(name, input, axes)], { axes })
  })
}
/**
 * Largest value: of all elements; along a dimension, with its position, as `{values, indices}`; or elementwise of two tensors. NaN is largest.
 * The gradient goes to the position, of equal values over all elements to each its share. As `torch.max`.
 *
 * @example
 * tensor([[1, 5], [3, 2]]).max() // → tensor(5.)
 * tensor([[1, 5], [3, 2]]).max(1) // → { values: tensor([5., 3.]), indices: tensor([1, 0]) }
 * max(tensor([1, 5]), tensor([4, 4])) // → tensor([4., 5.])
 */
export const max: Extreme & Described = extreme('max', wholeMaxOp, argmax, maximum)
/**
 * Smallest value: of all elements; along a dimension, with its position, as `{values, indices}`; or elementwise of two tensors. NaN is smallest.
 * The gradient goes to the position, of equal values over all elements to each its share. As `torch.min`.
 *
 * @example
 * tensor([[1, 5], [3, 2]]).min() // → tensor(1.)
 * tensor([[1, 5], [3, 2]]).min(1) // → { values: tensor([1., 2.]), indices: tensor([0, 1]) }
 * min(tensor([1, 5]), tensor([4, 4])) // → tensor([1., 4.])
 */
export const min: Extreme & Described = extreme('min', wholeMinOp, argmin, minimum)

/**
 * A function with the parameters of `torch.var`; a boolean in the place of `dim` is `unbiased`. `body` gets the mean and the variance, both with
 * reduced dimensions of 1, and how to round and drop these.
 */
export function varReducer<R>(name: string, body: (moments: { mean: Tensor; variance: Tensor }, drop: (y: Tensor) => Tensor) => R): VarReducer<R> {
  return define(name, ['input', 'dim', 'unbiased', 'keepdim', '*', 'correction'], (a: Omit<VarOptions, 'dim'> & { input: Tensor; dim?: Dims | boolean }) => {
    const unbiased = typeof a.dim === 'boolean' ? a.dim : a.unbiased
    if (unbiased !== undefined && typeof a.correction === 'number') fail(name, 'both unbiased and correction are given', 'correction says it all')
    const axes = axesOf(name, a.input, typeof a.dim === 'boolean' ? null : a.dim)
    needDifferentiable(name, a.input)
    const { dtype } = a.input
    const x = isFloat(dtype) ? cast(a.input, scalarType(dtype)) : a.input
    const total = (t: Tensor): Tensor => reshape(reduce(sumOp, t, axes), withOnes(x.shape, axes))
    const mean = div(total(x), count(x, axes))
    const centred = sub(x, mean)
    const variance = div(total(square(isComplex(dtype) ? abs(centred) : centred)), Math.max(0, count(x, axes) - (a.correction ?? (unbiased === false ? 0 : 1))))
    return body({ mean, variance }, y => cast(a.keepdim ? y : reshape(y, keptShape(x.shape, axes)), x.dtype === dtype ? y.dtype : dtype))
  })
}
/**
 * Variance Σ(x − mean)² / (n − correction) over dimensions, with `correction` 1 by default. As `torch.var`.
 *
 * @example
 * tensor([1, 2, 3, 4, 5]).var() // → tensor(2.5000)
 * tensor([1, 2, 3, 4, 5]).var({ correction: 0 }) // → tensor(2.)
 */
export const var_: VarReducer<Tensor> = varReducer('var', ({ variance }, drop) => drop(variance))
/**
 * Standard deviation over dimensions, the root of `var`. As `torch.std`.
 *
 * @example
 * tensor([[1, 3], [2, 2]]).std(1, { correction: 0 }) // → tensor([1., 0.])
 */
export const std: VarReducer<Tensor> = varReducer('std', ({ variance }, drop) => drop(root(variance)))

/**
 * log Σ eˣ over dimensions, without overflow; integers count as float32. As `torch.logsumexp`.
 *
 * @example
 * tensor([1000, 1000]).logsumexp(0) // → tensor(1000.6932)
 */
export const logsumexp: Reducer<ReduceOptions> = reducer('logsumexp', [], (input, axes) => {
  needOrder('logsumexp', input)
  const x = isFloat(input.dtype) ? input : cast(input, 'float32')
  return inFull(x, y => {
    // The shift cancels in the result, so no gradient flows through it; an infinite maximum is left out of it.
    const top = reduce(maxOp, y, axes).detach()
    const shift = where(eq(abs(top), Infinity), 0, top)
    return add(log(reduce(sumOp, exp(sub(y, reshape(shift, withOnes(y.shape, axes)))), axes)), shift)
  })
})
