// Running results along a dimension: sums, products, and log-sums, which are solved by doubling.
import { isComplex, needDType, scalarType, type DType, type ScalarType } from '../core/dtype.ts'
import { normalizeDim } from '../core/shape.ts'
import { permuteView, sliceView, type View } from '../core/view.ts'
import type { CumulateOp } from '../ir/kernel.ts'
import { program, S, type Program } from '../ir/scalar.ts'
import { apply1, define, needFloat, needTensor, type Described } from './define.ts'
import { flipView as flip, movedim, narrow, pad } from './movement.ts'
import { copyInto } from './lowering.ts'
import type { Arg, Lowering, Op } from './op.ts'
import { abs, clone, eq, exp, logicalAnd, mul, sub, where } from './pointwise.ts'
import { cumprodBackward, productsSoFar, recurrence } from './products.ts'
import { inFull, needOrder, numeric } from './reduce.ts'
import type { Tensor } from './tensor.ts'

/** The order of axes that brings `axis` to the end; it is undone by moving the last one back. */
const axisLast = (rank: number, axis: number): number[] => [...Array(rank).keys()].filter(i => i !== axis).concat(axis)
const lastBack = (v: View, axis: number): View => permuteView(v, [...Array(v.shape.length - 1).keys()].toSpliced(axis, 0, v.shape.length - 1))
export const toLast = (x: Arg, axis: number): Arg => ({ view: permuteView(x.view, axisLast(x.view.shape.length, axis)), slot: x.slot })
/** Memory of `like`'s shape, and the same memory with the axis last. */
export function alongLast(k: Lowering, dtype: DType, like: View, axis: number): [whole: Arg, last: Arg] {
  const last = k.alloc(dtype, permuteView(like, axisLast(like.shape.length, axis)).shape)
  return [{ view: lastBack(last.view, axis), slot: last.slot }, last]
}

interface Params {
  readonly axis: number
  readonly reverse: boolean
}
function cumulateOp(name: string, kernel: CumulateOp, vjp?: Op<Params>['vjp'], saves: Op['saves'] = 'nothing'): Op<Params> {
  return {
    name,
    infer([x]) {
      if (kernel !== 'sum') needOrder(name, x)
      return [{ dtype: x.dtype, shape: x.shape }]
    },
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
/** Running maximum of values without gradient. */
export const runningMaxOp: Op<Params> = cumulateOp('runningMax', 'max')
/** Running minimum of values without gradient. */
export const runningMinOp: Op<Params> = cumulateOp('runningMin', 'min')

/** Along the last dimension and forwards, whatever the op's own way was. */
function alongWay(g: Tensor, x: Tensor, { axis, reverse }: Params): Tensor {
  const turn = (t: Tensor): Tensor => (reverse ? flip(t, -1) : t)
  const [gl, xl] = [g, x].map(t => turn(movedim(t, axis, -1)))
  const running = (t: Tensor): Tensor => apply1(cumprodOp, [t], { axis: t.ndim - 1, reverse: false })
  return movedim(turn(cumprodBackward(gl, xl, running)), -1, axis)
}

export interface CumulateOptions {
  dim?: number
  /** Convert before. */
  dtype?: DType | null
}
type Cumulative = ((x: Tensor, dim: number | (CumulateOptions & { dim: number }), options?: CumulateOptions) => Tensor) & Described
const cumulative = (name: string, run: (x: Tensor, axis: number) => Tensor): Cumulative => define(name, ['input', 'dim', '*', 'dtype'], ({ input, dim, dtype }: { input: Tensor; dim: number; dtype?: DType | null }) => {
  if (dtype) needDType(name, dtype)
  const axis = normalizeDim(name, dim, needTensor(name, input).ndim)
  const x = numeric(input, dtype)
  return x.ndim === 0 ? clone(x) : run(x, axis)
})

/**
 * Running sum along a dimension; bool and integers give int32. As `torch.cumsum`.
 *
 * @example
 * tensor([1, 2, 3]).cumsum(0) // → tensor([1., 3., 6.])
 */
export const cumsum: Cumulative = cumulative('cumsum', (x, axis) => apply1(cumsumOp, [x], { axis, reverse: false }))
/**
 * Running product along a dimension; bool and integers give int32. As `torch.cumprod`.
 *
 * @example
 * tensor([1, 2, 3]).cumprod(0) // → tensor([1., 2., 6.])
 */
export const cumprod: Cumulative = cumulative('cumprod', (x, axis) => (isComplex(x.dtype) ? movedim(productsSoFar(movedim(x, axis, -1)), -1, axis) : apply1(cumprodOp, [x], { axis, reverse: false })))

const logSums = new Map<ScalarType, Program>()
/** log(eᵃ + eᵇ). */
function logSum(dtype: ScalarType): Program {
  const [a, b] = [S.input(0, dtype), S.input(1, dtype)]
  const top = S.max(a, b)
  const known = logSums.get(dtype) ?? program([S.select(S.eq(S.abs(top), Infinity), top, S.add(top, S.log1p(S.exp(S.neg(S.abs(S.sub(a, b)))))))], [dtype, dtype])
  logSums.set(dtype, known)
  return known
}

// After a step of s, each element covers 2s terms.
const logcumsumexpOp: Op<{ axis: number }> = {
  name: 'logcumsumexp',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  lower(k, [x], { axis }) {
    const { dtype, shape } = x.view
    const n = shape[axis]
    const part = (a: Arg, start: number, length: number): Arg => ({ view: sliceView(a.view, axis, start, 1, length), slot: a.slot })
    let from = x
    let spare: Arg | null = null
    for (let s = 1; s < n || from === x; s *= 2) {
      const to: Arg = spare ?? k.alloc(dtype, shape)
      const kept = Math.min(s, n)
      if (kept > 0) copyInto(k, part(from, 0, kept), part(to, 0, kept))
      if (n > s) k.run({ kind: 'map', program: logSum(scalarType(dtype)), params: [] }, [part(from, s, n - s), part(from, 0, n - s)], [part(to, s, n - s)])
      spare = from === x ? null : from
      from = to
    }
    return [from]
  },
  // dxᵢ = e^(xᵢ − yᵢ) · Rᵢ with Rᵢ = Σ_{j≥i} gⱼ e^(yᵢ − yⱼ), that is Rᵢ = gᵢ + e^(yᵢ − yᵢ₊₁) Rᵢ₊₁, where no exponent is above 0.
  vjp: ([g], { params: { axis }, inputs: [x], outputs: [y] }) => {
    if (!g) return [null]
    const [gl, xl, yl] = [g, x, y].map(t => movedim(t, axis, -1))
    const n = yl.shape.at(-1)!
    if (n === 0) return [g]
    const next = narrow(yl, -1, 1, n - 1)
    const here = narrow(yl, -1, 0, n - 1)
    // Equal infinities have no difference.
    const fall = where(logicalAnd(eq(here, next), eq(abs(here), Infinity)), 0, sub(here, next))
    return [movedim(mul(exp(sub(xl, yl)), recurrence(gl, pad(exp(fall), [0, 1]))), -1, axis)]
  },
  saves: 'both',
}
/**
 * log of the running sum of eˣ along a dimension, without overflow; float tensors. As `torch.logcumsumexp`.
 *
 * @example
 * tensor([0, 0, 0]).logcumsumexp(0).exp() // → tensor([1., 2., 3.])
 */
export const logcumsumexp: ((x: Tensor, dim: number | { dim: number }) => Tensor) & Described =
  define('logcumsumexp', ['input', 'dim'], ({ input, dim }: { input: Tensor; dim: number }) => {
    needFloat('logcumsumexp', needTensor('logcumsumexp', input))
    const axis = normalizeDim('logcumsumexp', dim, input.ndim)
    return input.ndim === 0 ? clone(input) : inFull(input, x => apply1(logcumsumexpOp, [x], { axis }))
  })
