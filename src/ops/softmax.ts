// softmax and log-softmax as records: four kernels, one tape entry that keeps only the result.
import { expandView, permuteView } from '../core/view.ts'
import { program, S } from '../ir/scalar.ts'
import { exp, mul, sub } from './pointwise.ts'
import type { Arg, Lowering, Op } from './op.ts'
import type { Tensor } from './tensor.ts'

interface AxisParams {
  readonly axis: number
}

const f = (i: number) => S.input(i, 'float32')
const shiftedExp = program([S.exp(S.sub(f(0), f(1)))], ['float32', 'float32'])
const divide = program([S.div(f(0), f(1))], ['float32', 'float32'])
const minusLog = program([S.sub(S.sub(f(0), f(1)), S.log(f(2)))], ['float32', 'float32', 'float32'])

/** Maximum and Σ e^(x − max) along the axis, both broadcast to x's shape, and e^(x − max) itself. */
function parts(k: Lowering, x: Arg, axis: number): { top: Arg; exps: Arg; total: Arg } {
  const shape = x.view.shape
  const order = [...shape.keys()].filter(i => i !== axis).concat(shape.length > 0 ? axis : [])
  const reduce = (op: 'max' | 'sum', from: Arg): Arg => {
    const out = k.alloc('float32', shape.filter((_, i) => i !== axis))
    k.run({ kind: 'reduce', op }, [{ view: permuteView(from.view, order), slot: from.slot }], [out])
    const strides = shape.length > 0 ? out.view.strides.toSpliced(axis, 0, 0) : []
    const kept = shape.map((n, i) => (i === axis ? 1 : n))
    return { view: expandView({ ...out.view, shape: kept, strides }, shape), slot: out.slot }
  }
  const top = reduce('max', x)
  const exps = k.alloc('float32', shape)
  k.run({ kind: 'map', program: shiftedExp, params: [] }, [x, top], [exps])
  return { top, exps, total: reduce('sum', exps) }
}

// dx = y·(g − Σ g·y)
export const softmaxOp: Op<AxisParams> = {
  name: 'softmax',
  infer: ([x]) => [{ dtype: 'float32', shape: x.shape }],
  lower(k, [x], { axis }) {
    const { exps, total } = parts(k, x, axis)
    k.run({ kind: 'map', program: divide, params: [] }, [exps, total], [exps])
    return [exps]
  },
  vjp: ([g], { outputs: [y], params: { axis } }) => [g && softmaxBackward(g, y, axis)],
  saves: 'outputs',
}
function softmaxBackward(g: Tensor, y: Tensor, axis: number): Tensor {
  const gy = mul(g, y)
  return sub(gy, mul(y, gy.sum(axis, { keepdim: true })))
}

// dx = g − softmax·Σ g
export const logSoftmaxOp: Op<AxisParams> = {
  name: 'logSoftmax',
  infer: ([x]) => [{ dtype: 'float32', shape: x.shape }],
  lower(k, [x], { axis }) {
    const { top, exps, total } = parts(k, x, axis)
    k.run({ kind: 'map', program: minusLog, params: [] }, [x, top, total], [exps])
    return [exps]
  },
  vjp: ([g], { outputs: [y], params: { axis } }) => [g && sub(g, mul(exp(y), g.sum(axis, { keepdim: true })))],
  saves: 'outputs',
}

