// softmax and log-softmax: a handful of kernels, one tape entry that keeps only the result.
import type { DType, ScalarType } from '../core/dtype.ts'
import { normalizeDim } from '../core/shape.ts'
import { expandView, permuteView } from '../core/view.ts'
import { program, S, type Program } from '../ir/scalar.ts'
import { cast } from './cast.ts'
import { apply1, describe, needFloat, needTensor, type Described } from './define.ts'
import type { Arg, Lowering, Op } from './op.ts'
import { exp, mul, neg, sub } from './pointwise.ts'
import { inFull, sum } from './reduce.ts'
import type { Tensor } from './tensor.ts'

interface AxisParams {
  readonly axis: number
}

function programs(t: ScalarType): Record<'shiftedExp' | 'invert' | 'multiply' | 'minusLog', Program> {
  const [a, b, c] = [0, 1, 2].map(i => S.input(i, t))
  return {
    shiftedExp: program([S.exp(S.sub(a, b))], [t, t]),
    invert: program([S.div(1, a)], [t]),
    multiply: program([S.mul(a, b)], [t, t]),
    minusLog: program([S.sub(S.sub(a, b), S.log(c))], [t, t, t]),
  }
}
const known = { float32: programs('float32'), float64: programs('float64') }
/** The programs for a dtype; public functions hand no narrow one down. */
const programsFor = (t: DType): (typeof known)['float32'] => known[t === 'float64' ? t : 'float32']

/** Maximum and Σ e^(x − max) along the axis, both broadcast to x's shape, and e^(x − max) itself. */
function parts(k: Lowering, x: Arg, axis: number): { top: Arg; exps: Arg; total: Arg } {
  const shape = x.view.shape
  const order = [...shape.keys()].filter(i => i !== axis).concat(shape.length > 0 ? axis : [])
  const reduce = (op: 'max' | 'sum', from: Arg): Arg => {
    const out = k.alloc(x.view.dtype, shape.filter((_, i) => i !== axis))
    k.run({ kind: 'reduce', op }, [{ view: permuteView(from.view, order), slot: from.slot }], [out])
    const strides = shape.length > 0 ? out.view.strides.toSpliced(axis, 0, 0) : []
    const kept = shape.map((n, i) => (i === axis ? 1 : n))
    return { view: expandView({ ...out.view, shape: kept, strides }, shape), slot: out.slot }
  }
  const top = reduce('max', x)
  const exps = k.alloc(x.view.dtype, shape)
  k.run({ kind: 'map', program: programsFor(x.view.dtype).shiftedExp, params: [] }, [x, top], [exps])
  return { top, exps, total: reduce('sum', exps) }
}

// dx = y·(g − Σ g·y)
export const softmaxOp: Op<AxisParams> = {
  name: 'softmax',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  lower(k, [x], { axis }) {
    const { exps, total } = parts(k, x, axis)
    // One division a row.
    const { invert, multiply } = programsFor(x.view.dtype)
    const each: Arg = { view: { ...total.view, shape: total.view.shape.map((n, i) => (i === axis ? 1 : n)) }, slot: total.slot }
    k.run({ kind: 'map', program: invert, params: [] }, [each], [each])
    k.run({ kind: 'map', program: multiply, params: [] }, [exps, total], [exps])
    return [exps]
  },
  vjp: ([g], { outputs: [y], params: { axis } }) => [g && softmaxBackward(g, y, axis)],
  saves: 'outputs',
}
function softmaxBackward(g: Tensor, y: Tensor, axis: number): Tensor {
  const gy = mul(g, y)
  return sub(gy, mul(y, sum(gy, axis, true)))
}

// dx = g − softmax·Σ g
export const logSoftmaxOp: Op<AxisParams> = {
  name: 'logSoftmax',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  lower(k, [x], { axis }) {
    const { top, exps, total } = parts(k, x, axis)
    k.run({ kind: 'map', program: programsFor(x.view.dtype).minusLog, params: [] }, [x, top, total], [exps])
    return [exps]
  },
  vjp: ([g], { outputs: [y], params: { axis } }) => [g && sub(g, mul(exp(y), sum(g, axis, true)))],
  saves: 'outputs',
}

type Softmax = ((x: Tensor, dim: number, dtype?: DType | null) => Tensor) & Described
function softmaxOf(name: string, op: typeof softmaxOp): Softmax {
  return describe((x: Tensor, dim: number, dtype?: DType | null) => {
    const y = dtype ? cast(needTensor(name, x), dtype) : needTensor(name, x)
    needFloat(name, y)
    return inFull(y, z => apply1(op, [z], { axis: normalizeDim(name, dim, y.ndim) }))
  }, name, ['input', 'dim', 'dtype'])
}
/**
 * eˣ / Σ eˣ along a dimension, without overflow. dx = y·(g − Σ g·y). As `torch.softmax`.
 *
 * @example
 * tensor([1, 2, 2]).softmax(0) // → tensor([0.1554, 0.4223, 0.4223])
 */
export const softmax: Softmax = softmaxOf('softmax', softmaxOp)
/**
 * log softmax along a dimension. dx = g − softmax·Σ g. As `torch.log_softmax`.
 *
 * @example
 * tensor([1, 1]).logSoftmax(0) // → tensor([-0.6931, -0.6931])
 */
export const logSoftmax: Softmax = softmaxOf('logSoftmax', logSoftmaxOp)
/**
 * softmax(−x). As `torch.nn.functional.softmin`.
 *
 * @example
 * tensor([1, 2, 2]).softmin(0) // → tensor([0.5761, 0.2119, 0.2119])
 */
export const softmin: Softmax =
  describe((x: Tensor, dim: number, dtype?: DType | null) => softmax(neg(x), dim, dtype), 'softmin', ['input', 'dim', 'dtype'])
