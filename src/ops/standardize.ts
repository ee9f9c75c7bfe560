// (x − mean)/√(variance + ε): the record of all normalisations. Five kernels; two passes, which stay exact where the mean is large beside the
// deviation. The tape keeps the result and the variance only.
import { isFloat, scalarType, type ScalarType } from '../core/dtype.ts'
import { numel, type Shape } from '../core/shape.ts'
import { expandView, permuteView } from '../core/view.ts'
import { program, S, type Program } from '../ir/scalar.ts'
import { cast } from './cast.ts'
import { lift } from './define.ts'
import { reshape } from './movement.ts'
import type { Arg, Lowering, Op } from './op.ts'
import { add, mul, rsqrt } from './pointwise.ts'
import { pointwiseOp } from './pointwise-record.ts'
import { sum } from './reduce.ts'
import type { Tensor } from './tensor.ts'
import { world } from './world.ts'

interface Params {
  /** Sorted, without repeats. */
  readonly axes: readonly number[]
  readonly eps: number
}

function programs(t: ScalarType): Record<'squaredDeviation' | 'moments' | 'standard', Program> {
  const [a, b, c] = [0, 1, 2].map(i => S.input(i, t))
  const p = S.param(0, t)
  const deviation = S.sub(a, S.mul(b, p))
  return {
    squaredDeviation: program([S.mul(deviation, deviation)], [t, t], [t]),
    moments: program([S.mul(a, p), S.mul(b, p)], [t, t], [t]),
    standard: program([S.mul(S.sub(a, b), S.div(1, S.sqrt(S.add(c, p))))], [t, t, t], [t]),
  }
}
const known = { float32: programs('float32'), float64: programs('float64') }

const kept = (shape: Shape, axes: readonly number[]): number[] => [...shape.keys()].filter(i => !axes.includes(i))
const withOnes = (shape: Shape, axes: readonly number[]): number[] => shape.map((n, i) => (axes.includes(i) ? 1 : n))
const count = (shape: Shape, axes: readonly number[]): number => numel(axes.map(a => shape[a]))

function total(k: Lowering, x: Arg, axes: readonly number[]): Arg {
  const rest = kept(x.view.shape, axes)
  const out = k.alloc(x.view.dtype, rest.map(i => x.view.shape[i]))
  k.run({ kind: 'reduce', op: 'sum' }, [{ view: permuteView(x.view, [...rest, ...axes]), slot: x.slot }], [out])
  return out
}

/** A statistic, repeated along the axes that it was taken over. */
function repeated(statistic: Arg, shape: Shape, axes: readonly number[]): Arg {
  const { view, slot } = statistic
  let at = 0
  const strides = shape.map((_, i) => (axes.includes(i) ? 0 : view.strides[at++]))
  return { view: expandView({ ...view, shape: withOnes(shape, axes), strides }, shape), slot }
}

// g·r − r·(Σg + y·Σgy)/n, elementwise from g, y, both sums and r.
const slope = pointwiseOp('standardizeSlope', 6, {
  dtype: 'float',
  value: (g, y, sg, sgy, r, n) => S.mul(r, S.sub(g, S.div(S.add(sg, S.mul(y, sgy)), n))),
  vjp: [
    (c, _g, _y, _sg, _sgy, r) => mul(c, r),
    (c, _g, _y, _sg, sgy, r, n) => mul(mul(c, r), sgy).div(n).neg(),
    (c, _g, _y, _sg, _sgy, r, n) => mul(c, r).div(n).neg(),
    (c, _g, y, _sg, _sgy, r, n) => mul(mul(c, r), y).div(n).neg(),
    (c, g, y, sg, sgy, _r, n) => mul(c, g.sub(add(sg, mul(y, sgy)).div(n))),
    null,
  ],
})

// Outputs: y, mean, variance (of the kept shape). With r = (variance + ε)^−½ and n elements:
// dx = r·(gy − Σgy/n − y·Σ(gy·y)/n) + gmean/n + gvariance·2(x − mean)/n, where x − mean = y/r.
const standardizeOp: Op<Params> = {
  name: 'standardize',
  infer: ([x], { axes }) => [x.shape, ...[0, 1].map(() => kept(x.shape, axes).map(i => x.shape[i]))].map(shape => ({ dtype: x.dtype, shape })),
  lower(k, [x], { axes, eps }) {
    const { shape, dtype } = x.view
    const { squaredDeviation, moments, standard } = known[dtype === 'float64' ? dtype : 'float32']
    const share = 1 / count(shape, axes)
    const [y, mean] = [k.alloc(dtype, shape), total(k, x, axes)]
    k.run({ kind: 'map', program: squaredDeviation, params: [share] }, [x, repeated(mean, shape, axes)], [y])
    const variance = total(k, y, axes)
    k.run({ kind: 'map', program: moments, params: [share] }, [mean, variance], [mean, variance])
    k.run({ kind: 'map', program: standard, params: [eps] }, [x, repeated(mean, shape, axes), repeated(variance, shape, axes)], [y])
    return [y, mean, variance]
  },
  vjp([g, gMean, gVariance], { params: { axes, eps }, outputs: [y, , variance] }) {
    const n = count(y.shape, axes)
    const spread = (t: Tensor): Tensor => reshape(t, withOnes(y.shape, axes))
    const r = rsqrt(add(spread(variance), eps))
    const parts: Tensor[] = []
    if (g) {
      const over = { dim: axes, keepdim: true }
      parts.push(world().apply(slope, [g, y, sum(g, over), sum(mul(g, y), over), r, lift(n, 'standardize')], null)[0])
    }
    if (gMean) parts.push(mul(spread(gMean), 1 / n))
    if (gVariance) parts.push(mul(mul(spread(gVariance), 2 / n), y.div(r)))
    return [parts.length > 0 ? parts.reduce((a, b) => add(a, b)) : null]
  },
  saves: 'outputs',
}

/** (x − mean)/√(variance + ε) over `axes` (sorted), and both statistics without those axes, which are float32 where x is narrower. */
export function standardize(x: Tensor, axes: readonly number[], eps: number): { y: Tensor; mean: Tensor; variance: Tensor } {
  const wide = isFloat(x.dtype) ? cast(x, scalarType(x.dtype)) : x
  const [y, mean, variance] = world().apply(standardizeOp, [wide], { axes, eps })
  return { y: cast(y, x.dtype), mean, variance }
}
