// Pointwise ops: one scalar formula, from which the kernel, the dtype rule and broadcasting follow.
import { dtypes, isComplex, isDifferentiable, resultType, scalarType, type DType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { broadcastShapes, formatShape, sameShape } from '../core/shape.ts'
import { expandView } from '../core/view.ts'
import { program, S, type Program, type Scalar } from '../ir/scalar.ts'
import { complexForm, complexForms, runComplex } from './complex-form.ts'
import { apply1, describe, lift, tagged, type Described, type Operand } from './define.ts'
import type { Arg, Lowering, Meta, Op, Sample, Saved, Saves } from './op.ts'
import { Tensor } from './tensor.ts'
import { world } from './world.ts'

/**
 * How the dtype of the result follows from the operands. `float`: computed and given in the promoted dtype, float32 where that is not
 * floating. `same`: in the promoted dtype; `number`: the same, but bool counts as int32. `bool`: compared in the promoted dtype, result
 * bool. `bits`: integers or bool only; `int`: integers only. `select`: the first operand is a bool condition, the others as `same`.
 */
export type DtypeRule = 'float' | 'same' | 'number' | 'bool' | 'bits' | 'int' | 'select'

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

interface Types {
  readonly compute: DType
  readonly result: DType
}
const asScalar = (t: DType, rule: DtypeRule): Types => {
  const compute: DType = rule === 'float' && !isDifferentiable(t) ? 'float32' : rule === 'number' && t === 'bool' ? 'int32' : t
  return { compute, result: rule === 'bool' ? 'bool' : compute }
}

function typesOf(name: string, rule: DtypeRule, inputs: readonly Meta[]): Types {
  // Most calls: one tensor, or tensors of one dtype.
  const first = inputs[0]
  if (first.constant === undefined && rule !== 'select' && rule !== 'bits' && rule !== 'int') {
    let same = true
    for (let i = 1; i < inputs.length; i++) if (inputs[i].constant !== undefined || inputs[i].dtype !== first.dtype) same = false
    if (same) return asScalar(first.dtype, rule)
  }
  if (rule === 'select' && first.constant === undefined && first.dtype !== 'bool')
    fail(name, `the condition must be bool, got ${dtypes[first.dtype].short}${formatShape(first.shape)}`, 'compare first: x.gt(0)')
  const tensors: { dtype: DType; rank: number }[] = []
  const numbers: DType[] = []
  for (const x of rule === 'select' ? inputs.slice(1) : inputs) {
    if (x.constant === undefined) tensors.push({ dtype: x.dtype, rank: x.shape.length })
    else numbers.push(x.dtype)
  }
  const common = resultType(tensors, numbers)
  if (rule === 'int' && dtypes[common].kind !== 'int') fail(name, `expected integers, got ${inputs.map(x => dtypes[x.dtype].short).join(' and ')}`, "convert with x.to('int32')")
  if (rule === 'bits' && isDifferentiable(common))
    fail(name, `expected integer or bool operands, got ${inputs.map(x => dtypes[x.dtype].short).join(' and ')}`, "convert with x.to('int32') or x.to('bool')")
  return asScalar(common, rule)
}

/** What is known of an operand when a program is chosen. */
interface Kind {
  readonly dtype: DType
  readonly constant?: number | boolean
}

/** The op record of a formula of n operands. */
/* @__NO_SIDE_EFFECTS__ */
export function pointwiseOp(name: string, arity: number, spec: PointwiseSpec): Op<null> {
  const programs = new Map<number, Program>()
  const programFor = (kinds: readonly Kind[], compute: DType, result: DType): Program => {
    let key = dtypes[compute].rank
    for (const x of kinds) key = key * 16 + (x.constant === undefined ? dtypes[x.dtype].rank : 15)
    let p = programs.get(key)
    if (!p) {
      const fed: DType[] = []
      const params: DType[] = []
      const operands = kinds.map((x, i) => {
        const want = spec.dtype === 'select' && i === 0 ? 'bool' : compute
        if (x.constant === undefined) return S.cast(S.input(fed.push(x.dtype) - 1, x.dtype), want)
        return S.param(params.push(want) - 1, want)
      })
      programs.set(key, (p = program([S.cast(spec.value(...operands), result)], fed, params)))
    }
    return p
  }
  const complexPrograms = new Map<string, Program>()
  const onComplex = (k: Lowering, inputs: readonly Arg[], target: Arg): void => runComplex(k, name, inputs, target, i => spec.dtype === 'select' && i === 0, complexPrograms)
  const runInto = (k: Lowering, inputs: readonly Arg[], target: Arg, p: Program): void => {
    const fed: Arg[] = []
    const params: number[] = []
    const shape = target.view.shape
    for (const x of inputs) {
      if (x.constant !== undefined) params.push(Number(x.constant))
      else fed.push(sameShape(x.view.shape, shape) ? x : { view: expandView(x.view, shape), slot: x.slot })
    }
    k.run({ kind: 'map', program: p, params }, fed, [target])
  }
  const kindsOf = (inputs: readonly Arg[]): Meta[] => inputs.map(x => ({ dtype: x.view.dtype, shape: x.view.shape, constant: x.constant }))
  return {
    name,
    infer(inputs) {
      const { compute, result: plain } = typesOf(name, spec.dtype, inputs)
      const result = compute === 'complex64' ? (complexForm(name).result ?? plain) : plain
      let shape = inputs[0].shape
      for (let i = 1; i < inputs.length; i++)
        if (!sameShape(shape, inputs[i].shape)) {
          shape = broadcastShapes(name, inputs.map(x => x.shape))
          break
        }
      return [{ dtype: result, shape }]
    },
    lower(k, inputs, _, [{ dtype, shape }]) {
      const kinds = kindsOf(inputs)
      const target = k.alloc(dtype, shape)
      const { compute } = typesOf(name, spec.dtype, kinds)
      if (compute === 'complex64') onComplex(k, inputs, target)
      else runInto(k, inputs, target, programFor(kinds, compute, dtype))
      return [target]
    },
    lowerInto(k, inputs, _, [target]) {
      const kinds = kindsOf(inputs)
      const { compute, result } = typesOf(name, spec.dtype, kinds)
      if (compute === 'complex64' || target.view.dtype === 'complex64') return onComplex(k, inputs, target)
      const p = programFor(kinds, compute, result)
      runInto(k, inputs, target, result === target.view.dtype ? p : castProgram(p, target.view.dtype))
    },
    ...derivative(name, spec),
    samples: spec.samples ?? [{ shapes: Array.from({ length: arity }, () => [2, 3]), range: spec.sample ?? [-2, 2] }],
  }
}

const casts = new Map<string, Program>()

/** The same program with its result converted. */
function castProgram(p: Program, to: DType): Program {
  const key = `${p.key}→${to}`
  let out = casts.get(key)
  if (!out) {
    const steps = [...p.steps, { op: 'cast' as const, dtype: scalarType(to), args: [p.outputs[0]] }]
    casts.set(key, (out = { ...p, steps, outputs: [steps.length - 1], key }))
  }
  return out
}

/** A number beside float64, as a tensor: on its own it would be computed with in float32. */
const precise = (x: Tensor, g: Tensor): Tensor =>
  typeof x.constant !== 'number' || g.dtype !== 'float64' ? x : world().create(Float64Array.of(x.constant), 'float64', [], g.device === 'symbolic' ? undefined : g.device)

// The cotangent of a complex input is ∂L/∂re + i·∂L/∂im, as in PyTorch, so a holomorphic f gives g·conj(f′(z)). The rules here are made of functions
// that are real for real numbers, of which conj(f(z)) = f(conj z): it is enough to hand them conjugates.
function derivative(name: string, spec: PointwiseSpec): Pick<Op<null>, 'vjp' | 'saves'> {
  const { vjp, vjpOut, linear } = spec
  if (linear) return { saves: 'nothing', vjp: ([g], { needs }) => needs.map((need, i) => (need && g ? linear[i](g) : null)) }
  if (vjpOut) return { saves: 'outputs', vjp: ([g], { outputs }) => [g && vjpOut(g, conj(outputs[0]))] }
  if (vjp) {
    const rules = typeof vjp === 'function' ? [vjp] : vjp
    return {
      saves: 'inputs',
      vjp: ([g], { inputs, needs }: Saved<null>) => {
        const own = inputs.some(x => isComplex(x.dtype)) ? complexForms.get(name)?.vjp : undefined
        return needs.map((need, i) => {
          const rule = (own ?? rules)[i]
          if (!need || !g || !rule) return null
          // Only what the rule reads: the others may have been changed in place meanwhile.
          const read = inputs.slice(0, rule.length - 1).map(x => precise(x, g))
          return rule(g, ...(own ? read : read.map(conj)))
        })
      },
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

/** An options object behind the operands asks for something that a plain formula does not do; it must not be passed over. */
function refuse(name: string, extra: unknown): void {
  if (typeof extra === 'object' && extra !== null && Object.getPrototypeOf(extra) === Object.prototype)
    fail(name, `unknown option '${Object.keys(extra).join("', '")}'`, 'it takes operands only')
}

export function unary(name: string, spec: PointwiseSpec): Unary {
  const op = register(name, 1, spec)
  const call = (x: Tensor, extra?: unknown): Tensor => (extra !== undefined && refuse(name, extra), apply1(op, [lift(x, name)], null))
  return tagged(call, name, ['input'])
}

/** fn, which also takes what follows its first operand by name: `sub(x, { other: y, alpha: 2 })`. Most calls do not, and pay one look. */
/* @__NO_SIDE_EFFECTS__ */
export function byName<F extends (...args: never[]) => unknown>(fn: F, name: string, names: readonly string[]): F & Described {
  type Any = (x: unknown, other: unknown, extra?: unknown) => unknown
  const [plain, named] = [fn, describe(fn, name, names)] as unknown as [Any, Any]
  const call: Any = (x, other, extra) => (typeof other === 'object' && other !== null && !(other instanceof Tensor) ? named(x, other) : plain(x, other, extra))
  return tagged(call as never, name, names)
}

export function binary(name: string, spec: PointwiseSpec): BinaryFn {
  const op = register(name, 2, spec)
  const call = (x: Operand, other: Operand, extra?: unknown): Tensor => (extra !== undefined && refuse(name, extra), apply1(op, [lift(x, name), lift(other, name)], null))
  return byName(call, name, ['input', 'other'])
}

export function ternary(name: string, names: readonly string[], spec: PointwiseSpec): ((a: Operand, b: Operand, c: Operand) => Tensor) & Described {
  const op = register(name, 3, spec)
  return describe((a: Operand, b: Operand, c: Operand) => apply1(op, [lift(a, name), lift(b, name), lift(c, name)], null), name, names)
}

const conjugate: Unary = unary('conjPhysical', { dtype: 'same', value: x => x, linear: [g => conj(g)] })
/** The complex conjugate; a real tensor is its own. */
export const conj = (x: Tensor): Tensor => (isComplex(x.dtype) ? conjugate(x) : x)
