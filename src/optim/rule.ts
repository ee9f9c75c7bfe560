// An update rule is written once, as scalar expressions, and becomes an op: new parameter and new state from the parameter, its gradient, its
// state, and numbers that all parameters of a step share. One kernel a parameter, in place. 16-bit parameters are read and written as they
// are; what is computed, and their state, is float32.
import type { DType } from '../core/dtype.ts'
import { expandView } from '../core/view.ts'
import { program, S, type Program, type Scalar } from '../ir/scalar.ts'
import type { Arg, Lowering, Op } from '../ops/op.ts'

/** Values of the hyper-parameters that stand in formulas, in the order in which they are used. */
export type Hyper = readonly number[]

export interface RuleSpec {
  /** PyTorch's names of the state tensors, each of the parameter's shape. */
  readonly states: readonly string[]
  /** PyTorch's names of numbers that parameters share from step to step; they begin at 1. */
  readonly carried?: readonly string[]
  /** How many hyper-parameters the formulas take. */
  readonly hyper: number
  /**
   * Numbers computed once a step from the learning rate, the count of steps (1 in the first) and what is carried: first what is carried on,
   * then the others. Absent: rate and count as they are.
   */
  readonly shared?: (rate: Scalar, step: Scalar, h: readonly Scalar[], carried: readonly Scalar[]) => readonly Scalar[]
  /** The new parameter, then the new states. */
  readonly update: (x: { p: Scalar; g: Scalar; s: readonly Scalar[]; shared: readonly Scalar[]; h: readonly Scalar[] }) => readonly Scalar[]
}

export interface Rule {
  readonly states: readonly string[]
  readonly carried: readonly string[]
  /** Op from [rate, step, …carried] to what a step shares. */
  readonly shared: Op<Hyper> | null
  /** Op from [parameter, gradient, …states, …shared] to [parameter, …states]. */
  readonly update: Op<Hyper>
}

/** In what a parameter of a dtype is computed, and its state kept. */
export const stateType = (t: DType): 'float32' | 'float64' => (t === 'float64' ? t : 'float32')

/** One map kernel with several results, all of the first input's shape. */
function formulas(name: string, inputs: number, hyper: number, build: (x: Scalar[], h: Scalar[]) => readonly Scalar[]): Op<Hyper> {
  const programs = new Map<string, Program>()
  const programFor = (types: readonly DType[]): Program => {
    const key = types.join()
    let p = programs.get(key)
    if (!p) {
      const t = stateType(types[0])
      const params = new Array<DType>(hyper).fill(t)
      programs.set(key, (p = program(build(types.map((from, i) => S.cast(S.input(i, from), t)), params.map((_, i) => S.param(i, t))), types, params)))
    }
    return p
  }
  const results = programFor(new Array<DType>(inputs).fill('float32')).outputs
  const into = (k: Lowering, args: readonly Arg[], params: Hyper, targets: readonly Arg[]): void => {
    const { shape } = args[0].view
    k.run({ kind: 'map', program: programFor(args.map(x => x.view.dtype)), params }, args.map(x => ({ view: expandView(x.view, shape), slot: x.slot })), targets)
  }
  return {
    name,
    infer: ([x]) => results.map(() => ({ dtype: stateType(x.dtype), shape: x.shape })),
    lower(k, args, params, metas) {
      const outs = metas.map(({ dtype, shape }) => k.alloc(dtype, shape))
      into(k, args, params, outs)
      return outs
    },
    lowerInto: into,
    saves: 'nothing',
  }
}

export function makeRule(name: string, spec: RuleSpec): Rule {
  const n = spec.states.length
  const { carried = [] } = spec
  const shared = spec.shared ? formulas(`${name}.step`, 2 + carried.length, spec.hyper, ([rate, step, ...rest], h) => spec.shared!(rate, step, h, rest)) : null
  const count = shared ? shared.infer([{ dtype: 'float32', shape: [] }], []).length : 2
  const update = formulas(name, 2 + n + count, spec.hyper, ([p, g, ...rest], h) => spec.update({ p, g, s: rest.slice(0, n), shared: rest.slice(n), h }))
  return { states: spec.states, carried, shared, update }
}

/** Keeps one rule for each combination of switches. */
export function ruleFor<K extends Readonly<Record<string, boolean>>>(make: (switches: K) => Rule): (switches: K) => Rule {
  const known = new Map<string, Rule>()
  return switches => {
    const key = Object.values(switches).map(Number).join('')
    let rule = known.get(key)
    if (!rule) known.set(key, (rule = make(switches)))
    return rule
  }
}

/** The gradient with its sign turned for maximising, and weight decay as a part of it (L2). */
export const gradient = (p: Scalar, g: Scalar, decay: Scalar | null, maximize: boolean): Scalar => {
  const down = maximize ? S.neg(g) : g
  return decay ? S.add(down, S.mul(decay, p)) : down
}

/** a + w·(b − a), as a(1 − w) + w·b. */
export const blend = (a: Scalar, b: Scalar, keep: Scalar): Scalar => S.add(S.mul(a, keep), S.mul(b, S.sub(1, keep)))

/** 1 − βᵗ without loss for β near 1: −expm1(t·log β). */
export const biasCorrection = (beta: Scalar, step: Scalar): Scalar => S.neg(S.expm1(S.mul(step, S.log(beta))))
