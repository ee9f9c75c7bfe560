// Pointwise ops: one scalar formula, from which the kernel, the dtype rule and broadcasting follow.
import { dtypes, resultType, type DType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { broadcastShapes, sameShape } from '../core/shape.ts'
import { expandView } from '../core/view.ts'
import { program, S, type Program, type Scalar } from '../ir/scalar.ts'
import { apply1, lift, tagged, type Described, type Operand } from './define.ts'
import type { Arg, Lowering, Meta, Op, Sample, Saved, Saves } from './op.ts'
import type { Tensor } from './tensor.ts'

/**
 * How the dtype of the result follows from the operands. `float`: computed and given in float32. `same`: in the promoted dtype;
 * `number`: the same, but bool counts as int32. `bool`: compared in the promoted dtype, result bool. `bits`: int32 or bool only. `select`: the first
 * operand is a bool condition, the others as `same`.
 */
export type DtypeRule = 'float' | 'same' | 'number' | 'bool' | 'bits' | 'select'

export interface PointwiseSpec {
  readonly dtype: DtypeRule
  /** The formula; its operands arrive in the compute dtype. */
  readonly value: (...x: Scalar[]) => Scalar
  /** Derivative for each operand, from the cotangent and the operands; the op then saves its inputs. */
  readonly vjp?: VjpOfInputs | readonly (VjpOfInputs | null)[]
  /** Derivative from the cotangent and the result; the op then saves its output only. */
  readonly vjpOut?: (g: Tensor, y: Tensor) => Tensor
  /** Derivative rules that read no value at all. */
  readonly linear?: readonly ((g: Tensor) => Tensor)[]
  readonly samples?: readonly Sample[]
  /** Range of test values. */
  readonly sample?: readonly [number, number]
}

type VjpOfInputs = (g: Tensor, ...inputs: Tensor[]) => Tensor

const asScalar = (t: DType, rule: DtypeRule): { compute: DType; result: DType } => {
  const compute: DType = rule === 'float' ? 'float32' : rule === 'number' && t === 'bool' ? 'int32' : t
  return { compute, result: rule === 'bool' ? 'bool' : compute }
}

function typesOf(name: string, rule: DtypeRule, inputs: readonly Meta[]): { compute: DType; result: DType } {
  const tensors: { dtype: DType; rank: number }[] = []
  const numbers: (number | boolean)[] = []
  for (const x of rule === 'select' ? inputs.slice(1) : inputs) {
    if (x.constant === undefined) tensors.push({ dtype: x.dtype, rank: x.shape.length })
    else numbers.push(x.constant)
  }
  const common = resultType(tensors, numbers)
  if (rule === 'bits' && common === 'float32')
    fail(name, `expected int32 or bool operands, got ${inputs.map(x => dtypes[x.dtype].short).join(' and ')}`, "convert with x.to('int32') or x.to('bool')")
  return asScalar(common, rule)
}

/** The op record of a formula of n operands. */
export function pointwiseOp(name: string, arity: number, spec: PointwiseSpec): Op<null> {
  const programs = new Map<string, Program>()
  const programFor = (inputs: readonly Meta[]): { p: Program; result: DType } => {
    const { compute, result } = typesOf(name, spec.dtype, inputs)
    let key: string = compute
    for (const x of inputs) key += x.constant === undefined ? x.dtype : '#'
    let p = programs.get(key)
    if (!p) {
      const fed: DType[] = []
      const params: DType[] = []
      const operands = inputs.map((x, i) => {
        const want = spec.dtype === 'select' && i === 0 ? 'bool' : compute
        if (x.constant === undefined) return S.cast(S.input(fed.push(x.dtype) - 1, x.dtype), want)
        return S.param(params.push(want) - 1, want)
      })
      programs.set(key, (p = program([S.cast(spec.value(...operands), result)], fed, params)))
    }
    return { p, result }
  }
  const runInto = (k: Lowering, inputs: readonly Arg[], target: Arg, p: Program): void => {
    const fed: Arg[] = []
    const params: number[] = []
    for (const x of inputs) {
      if (x.constant !== undefined) params.push(Number(x.constant))
      else fed.push(sameShape(x.view.shape, target.view.shape) ? x : { view: expandView(x.view, target.view.shape), slot: x.slot })
    }
    k.run({ kind: 'map', program: p, params }, fed, [target])
  }
  const metaOf = (x: Arg): Meta => ({ dtype: x.view.dtype, shape: x.view.shape, constant: x.constant })
  const infer = (inputs: readonly Meta[]): Meta[] => {
    const { result } = typesOf(name, spec.dtype, inputs)
    const shape = inputs.length === 1 ? inputs[0].shape : sameShape(inputs[0].shape, inputs[1].shape) && inputs.length === 2 ? inputs[0].shape : broadcastShapes(name, inputs.map(x => x.shape))
    return [{ dtype: result, shape }]
  }
  return {
    name,
    infer,
    lower(k, inputs) {
      const { p, result } = programFor(inputs.map(metaOf))
      const [{ shape }] = infer(inputs.map(metaOf))
      const target = k.alloc(result, shape)
      runInto(k, inputs, target, p)
      return [target]
    },
    lowerInto(k, inputs, _params, [target]) {
      const { p } = programFor(inputs.map(metaOf))
      // The formula's dtype may differ from the target's (an int tensor divided in place is refused before this point).
      const want = target.view.dtype
      const { result } = typesOf(name, spec.dtype, inputs.map(metaOf))
      runInto(k, inputs, target, result === want ? p : castProgram(p, want))
    },
    ...derivative(spec),
    samples: spec.samples ?? [{ shapes: Array.from({ length: arity }, () => [2, 3]), range: spec.sample ?? [-2, 2] }],
  }
}

const casts = new Map<string, Program>()

/** The same program with its result converted. */
function castProgram(p: Program, to: DType): Program {
  const key = `${p.key}→${to}`
  let out = casts.get(key)
  if (!out) {
    const steps = [...p.steps, { op: 'cast' as const, dtype: to, args: [p.outputs[0]] }]
    casts.set(key, (out = { ...p, steps, outputs: [steps.length - 1], key }))
  }
  return out
}

function derivative(spec: PointwiseSpec): Pick<Op<null>, 'vjp' | 'saves'> {
  const { vjp, vjpOut, linear } = spec
  if (linear) return { saves: 'nothing', vjp: ([g], { needs }) => needs.map((need, i) => (need && g ? linear[i](g) : null)) }
  if (vjpOut) return { saves: 'outputs', vjp: ([g], { outputs }) => [g && vjpOut(g, outputs[0])] }
  if (vjp) {
    const rules = typeof vjp === 'function' ? [vjp] : vjp
    return {
      saves: 'inputs',
      vjp: ([g], { inputs, needs }: Saved<null>) => needs.map((need, i) => (need && g ? (rules[i]?.(g, ...inputs) ?? null) : null)),
    }
  }
  return { saves: 'nothing' as Saves }
}

export type Unary = ((x: Tensor) => Tensor) & Described
export type Binary = ((x: Tensor, other: Operand) => Tensor) & Described
/** Either operand may be a plain number, one must be a tensor. */
export type BinaryFn = ((x: Operand, other: Operand) => Tensor) & Described

/** Op records of the pointwise functions, by name; the in-place forms and the tests are made from them. */
export const pointwiseOps = new Map<string, Op<null>>()

function register(name: string, arity: number, spec: PointwiseSpec): Op<null> {
  const op = pointwiseOp(name, arity, spec)
  pointwiseOps.set(name, op)
  return op
}

export function unary(name: string, spec: PointwiseSpec): Unary {
  const op = register(name, 1, spec)
  return tagged((x: Tensor) => apply1(op, [lift(x, name)], null), name, ['input'])
}

export function binary(name: string, spec: PointwiseSpec): BinaryFn {
  const op = register(name, 2, spec)
  return tagged((x: Operand, other: Operand) => apply1(op, [lift(x, name), lift(other, name)], null), name, ['input', 'other'])
}

export function ternary(name: string, names: readonly string[], spec: PointwiseSpec): ((a: Operand, b: Operand, c: Operand) => Tensor) & Described {
  const op = register(name, 3, spec)
  return tagged((a: Operand, b: Operand, c: Operand) => apply1(op, [lift(a, name), lift(b, name), lift(c, name)], null), name, names)
}
