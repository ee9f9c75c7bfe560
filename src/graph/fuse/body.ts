// What a fused kernel computes, as one list of steps: a scalar program that may also reduce over the row. Bodies are joined once for each way
// in which two of them meet, so the layers of a model share one.
import type { ScalarType } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import type { ReduceOp } from '../../ir/kernel.ts'
import { program, S, type Program, type Scalar, type Step } from '../../ir/scalar.ts'

export type BodyStep = Omit<Step, 'op'> & { readonly op: Step['op'] | 'reduce'; readonly reduce?: ReduceOp }

export interface Body {
  readonly steps: readonly BodyStep[]
  readonly outputs: readonly number[]
  readonly inputs: readonly ScalarType[]
  readonly params: readonly ScalarType[]
  /** Whether it asks for positions. */
  readonly index: boolean
  readonly reduces: boolean
}

function bodyOf(steps: readonly BodyStep[], outputs: readonly number[], inputs: readonly ScalarType[], params: readonly ScalarType[]): Body {
  return { steps, outputs, inputs, params, index: steps.some(s => s.op === 'index'), reduces: steps.some(s => s.op === 'reduce') }
}

export const once = <K extends object, V>(make: (k: K) => V): ((k: K) => V) => {
  const made = new WeakMap<K, V>()
  return k => {
    let v = made.get(k)
    if (v === undefined) made.set(k, (v = make(k)))
    return v
  }
}

export const bodyOfProgram: (p: Program) => Body = once(p => bodyOf(p.steps, p.outputs, p.inputs, p.params))

const reductions = new Map<string, Body>()
export function bodyOfReduce(reduce: ReduceOp, dtype: ScalarType): Body {
  const key = `${reduce} ${dtype}`
  let body = reductions.get(key)
  if (!body) reductions.set(key, (body = bodyOf([{ op: 'input', dtype, args: [], index: 0 }, { op: 'reduce', reduce, dtype, args: [0] }], [1], [dtype], [])))
  return body
}

/** What moves numbers. */
export const copy: Body = bodyOfProgram(program([S.input(0, 'float32')], ['float32']))

/** How two bodies meet. Numbers of joint inputs stand for inputs; `~k` (−1 − k) for result k of the first body. */
export interface Wiring {
  readonly first: readonly number[]
  readonly second: readonly number[]
  /** Results of the first that stay results, behind those of the second. */
  readonly keep: readonly number[]
}

export interface Joined {
  readonly body: Body
  /** Which of the joint inputs, and of the params of both, it still reads. */
  readonly inputs: readonly number[]
  readonly params: readonly number[]
}

const joined = new WeakMap<Body, WeakMap<Body, Map<string, Joined>>>()

/** The second body over results of the first. Equal steps become one, and what nobody needs goes. */
export function join(first: Body, second: Body, wiring: Wiring): Joined {
  const bySecond = joined.get(first) ?? new WeakMap<Body, Map<string, Joined>>()
  joined.set(first, bySecond)
  const byWiring = bySecond.get(second) ?? new Map<string, Joined>()
  bySecond.set(second, byWiring)
  const key = `${wiring.first.join()}|${wiring.second.join()}|${wiring.keep.join()}`
  let result = byWiring.get(key)
  if (!result) byWiring.set(key, (result = joinAnew(first, second, wiring)))
  return result
}

function joinAnew(first: Body, second: Body, wiring: Wiring): Joined {
  const list = new StepList()
  const [ofFirst, ofSecond] = [new Map<number, number>(), new Map<number, number>()]
  const visitFirst = (at: number): number => visit(first, ofFirst, at, i => list.input(wiring.first[i], first.inputs[i]), 0, visitFirst)
  const visitSecond = (at: number): number =>
    visit(second, ofSecond, at, i => (wiring.second[i] < 0 ? visitFirst(first.outputs[~wiring.second[i]]) : list.input(wiring.second[i], second.inputs[i])), first.params.length, visitSecond)
  const visit = (body: Body, seen: Map<number, number>, at: number, input: (i: number) => number, param: number, again: (at: number) => number): number => {
    let made = seen.get(at)
    if (made !== undefined) return made
    const s = body.steps[at]
    made = s.op === 'input' ? input(s.index!) : s.op === 'param' ? list.param(s.index! + param, s.dtype) : list.add({ ...s, args: s.args.map(again) })
    seen.set(at, made)
    return made
  }
  const outputs = [...second.outputs.map(visitSecond), ...wiring.keep.map(k => visitFirst(first.outputs[k]))]
  return { body: bodyOf(list.steps, outputs, list.inputTypes, list.paramTypes), inputs: list.inputs, params: list.params }
}

/** A body with some of its results only. */
export function select(body: Body, outputs: readonly number[]): Joined {
  return join(body, nothing, { first: body.inputs.map((_, i) => i), second: [], keep: outputs })
}
const nothing: Body = bodyOf([], [], [], [])

/** Steps under construction, each once; inputs and params are numbered anew in the order of their first use. */
class StepList {
  readonly steps: BodyStep[] = []
  readonly inputs: number[] = []
  readonly inputTypes: ScalarType[] = []
  readonly params: number[] = []
  readonly paramTypes: ScalarType[] = []
  readonly #byKey = new Map<string, number>()

  add(s: BodyStep): number {
    const key = `${s.op}${s.reduce ?? ''}${s.index ?? ''}${Object.is(s.value, -0) ? '-0' : (s.value ?? '')}:${s.dtype}(${s.args.join()})`
    let at = this.#byKey.get(key)
    if (at === undefined) this.#byKey.set(key, (at = this.steps.push(s) - 1))
    return at
  }

  input(joint: number, dtype: ScalarType): number {
    const index = numbered(this.inputs, joint, this.inputTypes, dtype)
    return this.add({ op: 'input', dtype, args: [], index })
  }

  param(joint: number, dtype: ScalarType): number {
    const index = numbered(this.params, joint, this.paramTypes, dtype)
    return this.add({ op: 'param', dtype, args: [], index })
  }
}
function numbered(list: number[], joint: number, types: ScalarType[], dtype: ScalarType): number {
  const known = list.indexOf(joint)
  if (known >= 0) return known
  types.push(dtype)
  return list.push(joint) - 1
}

/** The same with inputs 0 and i exchanged. */
export function exchanged(body: Body, i: number): Body {
  if (i === 0) return body
  const list = exchanges.get(body) ?? new Map<number, Body>()
  exchanges.set(body, list)
  const other = (k: number): number => (k === 0 ? i : k === i ? 0 : k)
  let made = list.get(i)
  if (!made) list.set(i, (made = { ...body, inputs: body.inputs.map((_, k) => body.inputs[other(k)]), steps: body.steps.map(s => (s.op === 'input' ? { ...s, index: other(s.index!) } : s)) }))
  return made
}
const exchanges = new WeakMap<Body, Map<number, Body>>()

/** The program of a body that does not reduce. */
export const programOf: (b: Body) => Program = once(b => {
  const made: Scalar[] = []
  for (const s of b.steps) made.push(scalarOf(s, s.args.map(a => made[a])))
  return program(b.outputs.map(o => made[o]), b.inputs, b.params)
})

export function scalarOf({ op, dtype, index = 0, value = 0 }: BodyStep, args: readonly Scalar[]): Scalar {
  if (op === 'reduce') return internal('a reduction within a scalar program')
  if (op === 'input' || op === 'param') return { op, index, dtype }
  if (op === 'const') return { op, value, dtype }
  if (op === 'index') return { op, dtype }
  return op === 'cast' ? { op, args: [args[0]], dtype } : { op, args, dtype }
}

/** What takes a multiple of an addition's time. */
const heavy = new Set<BodyStep['op']>([
  'exp', 'expm1', 'log', 'log1p', 'log2', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'sigmoid', 'erf',
  'pow', 'atan2', 'randomBits', 'mod', 'rem', 'floorDiv',
])
/** In additions. */
export const costOf = (s: BodyStep): number => (s.op === 'reduce' ? Infinity : s.args.length === 0 ? 0 : heavy.has(s.op) ? 10 : 1)
export const cost: (b: Body) => number = once(b => b.steps.reduce((n, s) => n + costOf(s), 0))
