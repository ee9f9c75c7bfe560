// Kernels of rows: the ones that models are made of, and random ones over every layout.
import type { DType } from '../../../src/core/dtype.ts'
import type { Shape } from '../../../src/core/shape.ts'
import type { Body, ReduceOp, Stage } from '../../../src/ir/kernel.ts'
import { program, S, type Scalar } from '../../../src/ir/scalar.ts'
import { input, launch, layouts, output, outputLayouts, type Operand, Random, type Step } from '../data.ts'

const x = S.input(0, 'float32')
const at = (k: number, dtype: DType = 'float32'): Scalar => S.input(k, dtype)
const body = (outputs: readonly Scalar[], params: readonly number[] = []): Body => ({ program: program(outputs, [], params.map(() => 'float32')), params })
export const stage = (outputs: readonly Scalar[], reduce: readonly ReduceOp[] | null = null, params: readonly number[] = []): Stage => ({ ...body(outputs, params), reduce })

/** x → e^(x − max) / Σ. Values: 0 x, 1 max, 2 e, 3 Σ, 4 the result. */
export const softmaxStages: readonly Stage[] = [
  stage([x], ['max']), stage([S.exp(S.sub(x, at(1)))]), stage([at(2)], ['sum']), stage([S.div(at(2), at(3))]),
]
/** x, weight, bias → (x − mean) / √(variance + ε) · weight + bias. Values: 3 Σx, 4 mean, 5 x − mean, 6 Σ(x − mean)², 7 1/σ, 8 the result. */
export const normStages = (n: number): readonly Stage[] => [
  stage([x], ['sum']), stage([S.mul(at(3), S.param(0, 'float32'))], null, [1 / n]), stage([S.sub(x, at(4))]), stage([S.mul(at(5), at(5))], ['sum']),
  stage([S.div(1, S.sqrt(S.add(S.mul(at(6), S.param(0, 'float32')), 1e-5)))], null, [1 / n]), stage([S.add(S.mul(S.mul(at(5), at(7)), at(1)), at(2))]),
]

/** Operands that share the last axes, so that a row of the kernel is all of them. */
const row = (r: Random, shape: Shape): Operand => input(r, 'float32', shape, 'rows')

export const softmax = (r: Random, shape: Shape, layout: (typeof layouts)[number] = 'plain'): Step =>
  launch({ kind: 'rows', axes: 1, stages: softmaxStages, results: [4] }, [input(r, 'float32', shape, layout)], [output('float32', shape)])

/** With the mean and 1/σ, which the derivative needs. */
export const layerNorm = (r: Random, shape: Shape): Step => {
  const once = (): Operand => output('float32', shape.slice(0, -1))
  return launch({ kind: 'rows', axes: 1, stages: normStages(shape.at(-1)!), results: [8, 4, 7] }, [input(r, 'float32', shape), row(r, shape), row(r, shape)], [output('float32', shape), once(), once()])
}

/** Both products of a bias and an activation: the derivative, written over its input, and its sums over the batch, which is the row. */
export const biasGradient = (r: Random, shape: Shape): Step => {
  const dy = input(r, 'float32', shape, 'permuted')
  const z = input(r, 'float32', shape, 'permuted')
  const stages = [stage([S.select(S.gt(at(1), 0), x, 0)]), stage([at(2)], ['sum'])]
  return launch({ kind: 'rows', axes: 1, stages, results: [2, 3] }, [dy, z], [dy, output('float32', shape.slice(0, 1))])
}

/** The mean of squared differences: all axes are the row. */
export const squaredError = (r: Random, shape: Shape): Step =>
  launch({
    kind: 'rows', axes: shape.length, results: [3],
    stages: [stage([S.mul(S.sub(x, at(1)), S.sub(x, at(1)))], ['sum']), stage([S.mul(at(2), S.param(0, 'float32'))], null, [1 / shape.reduce((a, b) => a * b, 1)])],
  }, [input(r, 'float32', shape), input(r, 'float32', shape)], [output('float32', [])])

interface Known {
  readonly number: number
  readonly dtype: 'float32' | 'int32' | 'bool'
  readonly whole: boolean
  readonly fresh: boolean
}

/** A kernel of random stages over random shapes and layouts. Only operands themselves are compared, so that rounding changes no branch. */
export function randomRows(seed: string): Step {
  const r = new Random(seed)
  const big = r.int(0, 4) === 0
  const sizes = (n: number, most: number): number[] => Array.from({ length: n }, () => r.pick([1, 2, 3, 4, 5, 7, 8, 12, 16, ...(big ? [most] : [])]))
  const kept = sizes(r.int(0, 3), 24)
  const axes = r.int(1, 3)
  const shape = [...kept, ...sizes(axes, axes === 1 ? 700 : 40)]
  const types = ['float32', 'float32', 'float32', 'int32', 'bool'] as const
  const inputs = Array.from({ length: r.int(1, 4) }, () => {
    const dtype = r.pick(types)
    return input(r, dtype, shape, r.pick(['plain', 'plain', ...layouts]))
  })
  const known: Known[] = inputs.map(({ view }, number) => ({ number, dtype: view.dtype as Known['dtype'], whole: true, fresh: true }))
  const floats = (): Known[] => known.filter(k => k.dtype === 'float32')
  const of = (k: Known): Scalar => at(k.number, k.dtype)
  const float = (pool: readonly Known[]): Scalar => {
    const k = r.pick(pool)
    return k.dtype === 'float32' ? of(k) : S.mul(S.cast(of(k), 'float32'), 0.125)
  }
  const formula = (pool: readonly Known[], depth: number): Scalar => {
    if (depth === 0) return float(pool)
    const a = formula(pool, depth - 1)
    const b = formula(pool, depth - 1)
    const fresh = pool.filter(k => k.fresh)
    return r.pick([
      () => S.add(a, b), () => S.sub(a, b), () => S.tanh(S.mul(a, b)), () => S.max(a, b), () => S.exp(S.neg(S.abs(a))), () => S.mul(a, S.param(0, 'float32')),
      () => (fresh.length ? S.select(fresh[0].dtype === 'bool' ? of(fresh[0]) : S.gt(of(fresh[0]), S.like(of(fresh[0]), 0)), a, b) : a),
    ])()
  }
  const stages: Stage[] = []
  const add = (outputs: readonly Scalar[], reduce: readonly ReduceOp[] | null, whole: boolean): void => {
    stages.push(stage(outputs, reduce, [r.uniform(-2, 2)]))
    for (const o of outputs) known.push({ number: known.length, dtype: o.dtype as Known['dtype'], whole: whole && !reduce, fresh: false })
  }
  for (let n = r.int(1, 6); n > 0; n--) {
    const once = known.filter(k => !k.whole)
    const whole = r.pick([known.filter(k => k.whole), known])
    switch (r.int(0, 5)) {
      case 0:
        add(Array.from({ length: r.int(1, 3) }, () => S.tanh(formula(whole, 2))), null, whole.some(k => k.whole))
        break
      case 1:
        if (once.length) add([formula(once, 1)], null, false)
        break
      case 2: {
        const ints = known.filter(k => k.dtype !== 'float32' && k.whole)
        const k = ints.length ? r.pick(ints) : null
        if (k) add([of(k)], [k.dtype === 'bool' ? r.pick(['max', 'min']) : r.pick(['sum', 'max', 'min', 'prod'])], true)
        break
      }
      default: {
        const count = r.int(1, 3)
        // Something of each element must be among them: a program of values once a row would be reduced too, but nobody writes that.
        const base = r.pick(known.filter(k => k.whole))
        add(Array.from({ length: count }, () => S.add(formula(floats().length ? floats() : known, 1), S.mul(float([base]), 0.5))), Array.from({ length: count }, () => r.pick(['sum', 'max', 'min'])), true)
      }
    }
  }
  if (known.length === inputs.length) add([formula(known, 1)], ['sum'], true)
  // What a stage makes is of each element when anything that it reads is, whatever the drawing had in mind.
  const wholeOf = inputs.map(() => true)
  for (const s of stages) {
    const reads = s.program.steps.flatMap(({ op, index }) => (op === 'input' ? [wholeOf[index!]] : []))
    for (let k = 0; k < s.program.outputs.length; k++) wholeOf.push(!s.reduce && reads.some(w => w))
  }
  const made = known.slice(inputs.length)
  const results = Array.from({ length: r.int(1, 4) }, () => r.pick(made)).filter((k, i, list) => list.indexOf(k) === i)
  const outputs = results.map(k => output(k.dtype, wholeOf[k.number] ? shape : kept, r.pick(outputLayouts)))
  return launch({ kind: 'rows', axes, stages, results: results.map(k => k.number) }, inputs, outputs)
}
