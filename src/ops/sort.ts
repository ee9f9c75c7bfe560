// Order: sorting, the largest k, running results along a dimension.
import { fail } from '../core/errors.ts'
import { axisOf, normalizeDim } from '../core/shape.ts'
import { permuteView, type View } from '../core/view.ts'
import type { CumulateOp } from '../ir/kernel.ts'
import { cast } from './cast.ts'
import { apply1, define, describe, needFloat, type Described } from './define.ts'
import { filledOp, flip, movedim, narrow } from './movement.ts'
import { cumprodBackward } from './products.ts'
import { scatterAddOp } from './gather.ts'
import type { Arg, Lowering, Op } from './op.ts'
import { add, exp, log, mul, sub } from './pointwise.ts'
import { amax, type ValuesIndices } from './reduce.ts'
import type { Tensor } from './tensor.ts'
import { world } from './world.ts'

/** The order of axes that brings `axis` to the end; it is undone by moving the last one back. */
const axisLast = (rank: number, axis: number): number[] => [...Array(rank).keys()].filter(i => i !== axis).concat(axis)
const lastBack = (v: View, axis: number): View => permuteView(v, [...Array(v.shape.length - 1).keys()].toSpliced(axis, 0, v.shape.length - 1))
const toLast = (x: Arg, axis: number): Arg => ({ view: permuteView(x.view, axisLast(x.view.shape.length, axis)), slot: x.slot })
/** Memory of `like`'s shape, and the same memory with the axis last. */
function alongLast(k: Lowering, dtype: View['dtype'], like: View, axis: number): [whole: Arg, last: Arg] {
  const last = k.alloc(dtype, permuteView(like, axisLast(like.shape.length, axis)).shape)
  return [{ view: lastBack(last.view, axis), slot: last.slot }, last]
}

const sortOp: Op<{ axis: number; descending: boolean }> = {
  name: 'sort',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }, { dtype: 'int32', shape: x.shape }],
  lower(k, [x], { axis, descending }) {
    const [values, v] = alongLast(k, x.view.dtype, x.view, axis)
    const [indices, i] = alongLast(k, 'int32', x.view, axis)
    k.run({ kind: 'sort', descending }, [toLast(x, axis)], [v, i])
    return [values, indices]
  },
  vjp: ([g], { outputs: [, indices], shapes: [shape], params: { axis } }) => [g && apply1(scatterAddOp, [apply1(filledOp, [], { shape, value: 0, dtype: 'float32' }), indices, g], { axis })],
  saves: 'outputs',
}

export interface SortOptions {
  dim?: number
  /** Largest first. */
  descending?: boolean
}
type Sort<R> = ((x: Tensor, dim?: number | SortOptions, options?: SortOptions) => R) & Described

/** Sorted values along a dimension (the last by default) and their former positions: `{values, indices}`; equal values keep their order. As `torch.sort`. */
export const sort: Sort<ValuesIndices> = define('sort', ['input', 'dim', 'descending'], ({ input, dim = -1, descending = false }: { input: Tensor } & SortOptions) => {
  if (input.ndim === 0) return { values: input, indices: cast(mul(input, 0), 'int32') }
  const [values, indices] = world().apply(sortOp, [input], { axis: normalizeDim('sort', dim, input.ndim), descending })
  return { values, indices }
})
/** Positions that sort a dimension. As `torch.argsort`. */
export const argsort: Sort<Tensor> = define('argsort', ['input', 'dim', 'descending'], ({ input, dim, descending }: { input: Tensor } & SortOptions) => sort(input, { dim, descending }).indices)

export interface TopkOptions {
  dim?: number
  /** false: the smallest k. */
  largest?: boolean
}
/** The k largest values of a dimension in order, and their positions: `{values, indices}`. As `torch.topk`. */
export const topk: ((x: Tensor, k: number, dim?: number | TopkOptions, options?: TopkOptions) => ValuesIndices) & Described = define('topk', ['input', 'k', 'dim', 'largest'], ({ input, k, dim = -1, largest = true }: { input: Tensor; k: number } & TopkOptions) => {
  const axis = axisOf('topk', dim, input.ndim)
  if (!Number.isInteger(k) || k < 0 || k > (input.shape[axis] ?? 1)) fail('topk', `k = ${k} of dimension ${dim} of ${input}`, `k is 0 … ${input.shape[axis] ?? 1}`)
  const { values, indices } = sort(input, { dim: axis, descending: largest })
  return { values: narrow(values, axis, 0, k), indices: narrow(indices, axis, 0, k) }
})

interface CumulateParams {
  readonly axis: number
  readonly reverse: boolean
}
function cumulateOp(name: string, kernel: CumulateOp, vjp?: Op<CumulateParams>['vjp'], saves: Op['saves'] = 'nothing'): Op<CumulateParams> {
  return {
    name,
    infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
    lower(k, [x], { axis, reverse }) {
      const [whole, last] = alongLast(k, x.view.dtype, x.view, axis)
      k.run({ kind: 'cumulate', op: kernel, reverse }, [toLast(x, axis)], [last])
      return [whole]
    },
    vjp,
    saves,
  }
}
const cumsumOp = cumulateOp('cumsum', 'sum', ([g], { params }) => [g && apply1(cumsumOp, [g], { ...params, reverse: !params.reverse })])
const cumprodOp = cumulateOp('cumprod', 'prod', ([g], { params, inputs: [x] }) => [g && alongWay(g, x, params)], 'inputs')

/** Along the last dimension and forwards, whatever the op's own way was. */
function alongWay(g: Tensor, x: Tensor, { axis, reverse }: CumulateParams): Tensor {
  const turn = (t: Tensor): Tensor => (reverse ? flip(t, -1) : t)
  const [gl, xl] = [g, x].map(t => turn(movedim(t, axis, -1)))
  const running = (t: Tensor): Tensor => apply1(cumprodOp, [t], { axis: t.ndim - 1, reverse: false })
  return movedim(turn(cumprodBackward(gl, xl, running)), -1, axis)
}

type Cumulative = ((x: Tensor, dim: number) => Tensor) & Described
const cumulative = (name: string, op: Op<CumulateParams>): Cumulative => describe((x: Tensor, dim: number) => {
  if (x.ndim === 0) return x
  return apply1(op, [x.dtype === 'bool' ? cast(x, 'int32') : x], { axis: normalizeDim(name, dim, x.ndim), reverse: false })
}, name, ['input', 'dim'])

/** Running sum along a dimension. As `torch.cumsum`. */
export const cumsum: Cumulative = cumulative('cumsum', cumsumOp)
/** Running product along a dimension. As `torch.cumprod`. */
export const cumprod: Cumulative = cumulative('cumprod', cumprodOp)
/** log of the running sum of eˣ along a dimension. As `torch.logcumsumexp`. */
export const logcumsumexp: Cumulative = describe((x: Tensor, dim: number) => {
  needFloat('logcumsumexp', x)
  const top = x.ndim ? amax(x, dim, { keepdim: true }).detach() : x.detach()
  return add(log(cumsum(exp(sub(x, top)), dim)), top)
}, 'logcumsumexp', ['input', 'dim'])
/** Differences of neighbours along a dimension (the last by default). As `torch.diff` with n = 1. */
export const diff: ((x: Tensor, dim?: number) => Tensor) & Described = describe((x: Tensor, dim = -1) => {
  const n = x.shape[normalizeDim('diff', dim, x.ndim)]
  return sub(narrow(x, dim, 1, n - 1), narrow(x, dim, 0, n - 1))
}, 'diff', ['input', 'dim'])
/** Middle value along a dimension (the lower of two) and its position: `{values, indices}`. As `torch.median` with a dim. */
export const median: ((x: Tensor, dim?: number) => ValuesIndices) & Described = describe((x: Tensor, dim = -1) => {
  const axis = axisOf('median', dim, x.ndim)
  const { values, indices } = sort(x, axis)
  const middle = (x.shape[axis] - 1) >> 1
  return { values: values.select(axis, middle), indices: indices.select(axis, middle) }
}, 'median', ['input', 'dim'])
