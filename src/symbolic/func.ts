// func: expressions become a function of values, compiled. Updates of shared variables and steps of optimisers belong to it.
import { fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { sameShape } from '../core/shape.ts'
import { grad } from '../autograd/engine.ts'
import { enableGrad, noGrad } from '../autograd/mode.ts'
import { isPlain } from '../graph/arguments.ts'
import { compile, type CompileInfo, type CompileOptions } from '../graph/compile.ts'
import '../graph/whole.ts'
import { consume } from '../graph/donate.ts'
import { describeGraph, insideOf, letIn } from '../graph/insight.ts'
import type { GraphDescription, GraphOptions, Stage } from '../graph/print/description.ts'
import type { Footprint } from '../graph/footprint.ts'
import type { Explanation } from '../graph/passes/explain.ts'
import type { Profile } from '../graph/modes/profile.ts'
import type { OptimizerStep } from '../optim/optimizer.ts'
import { full, Tensor } from '../ops/index.ts'
import { copy_ } from '../ops/inplace.ts'
import { describeExpressions } from './describe.ts'
import { Call, Expression, expressionsIn, mapExpressions } from './expression.ts'
import { replace, type Pairs } from './graph.ts'
import { ancestors, differentiated, Run, unconditional } from './run.ts'
import { shared, Shared } from './shared.ts'
import { bind, conform, targetOf, type Given, type Input } from './inputs.ts'
import { generatorOf } from './random.ts'
import { Variable } from './variables.ts'

export type { Given, Input } from './inputs.ts'

/** One expression, a list or an object of them. */
export type Outputs = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>
export type Results<O> = O extends Tensor ? Tensor : O extends undefined ? undefined : { [K in keyof O]: Tensor }
/** Pairs of a shared variable (or parameter) and its new value; steps of optimisers. */
export type Updates = Iterable<readonly [Tensor, Tensor | number] | OptimizerStep> | OptimizerStep

export interface FuncSpec<O extends Outputs | undefined> extends Omit<CompileOptions, 'dynamic' | 'mode'> {
  /** What a call gives, in order: by position, or by name: `f(1, 2)`, `f({x: 1, y: 2})`. */
  inputs?: readonly (Tensor | Input)[]
  outputs?: O
  /** What shared variables are after a call. All are computed from the old values, then applied together. */
  updates?: Updates
  /** Expressions that stand for others in this function alone. */
  givens?: Pairs
  name?: string
  /** 'eager' runs the ops one by one, for looking for faults; others as `compile` takes them. */
  mode?: 'eager' | (CompileOptions extends { mode?: infer M } ? M : never)
  /** What to do about an input that nothing depends on. Default 'raise'. */
  onUnusedInput?: 'raise' | 'warn' | 'ignore'
  /** Random streams stay where they are: all, or those of the listed random variables. */
  noDefaultUpdates?: boolean | readonly Tensor[]
  /** Of all inputs that do not say otherwise: see `Input`. */
  allowDowncast?: boolean
  /** Takes tensors as they come: the caller says that their dtypes and numbers of dimensions are right. */
  trustInput?: boolean
}

export interface CopyOptions {
  /** Shared variables in the place of others. */
  swap?: Iterable<readonly [Shared, Shared]>
  name?: string
  /** Leaves updates out. */
  deleteUpdates?: boolean
}

export interface Func<O extends Outputs | undefined> {
  (...args: (Given | Readonly<Record<string, Given>>)[]): Results<O>
  /** The same function, with other state or without updates. */
  copy(options?: CopyOptions): Func<O>
  /** The names of its state: inputs with an update, and shared variables that have a name. */
  readonly state: readonly string[]
  /** A copy of a piece of its state. */
  get(name: string): Tensor
  /** Gives a piece of its state another value. */
  set(name: string, value: Given): void
  /** Frees what was compiled; the next call compiles anew. */
  free(): void
  info(): CompileInfo
  /** What the compiler did in the plan used last. */
  explain(): Explanation
  /** The bytes of a call with these inputs, known before it; without inputs of the plan used last; with `{ budget }` planned anew. As of compiled functions. */
  memory(...args: (Given | Readonly<Record<string, Given>>)[]): Footprint
  /** Resolves when all calls so far were checked (nanGuard, debug, monitor); rejects with the first fault that was not told yet. */
  checked(): Promise<void>
  /** Times of the calls so far; needs `{profile: true}`. */
  profile(): Profile
  /**
   * The graph as plain data: as it was written ('expression', the default before the first call), or of the plan used last: as it was traced, after
   * all rewrites (the default), or with kernels and memory.
   */
  graph(stage?: Stage, options?: GraphOptions): GraphDescription
}

/** Whether something is missing in a list or an object. */
const lacks = (v: unknown): boolean => (Array.isArray(v) ? v : isPlain(v) ? Object.values(v) : []).some(x => x === undefined || x === null || lacks(x))
function needPair(name: string, [target, value]: readonly [unknown, unknown]): void {
  if (!(target instanceof Shared || (target instanceof Tensor && !(target instanceof Expression) && target.isLeaf && target.requiresGrad)))
    fail(name, `${String(target)} has an update, but is no shared variable or parameter`, 'make it one: symbolic.shared(value); an input keeps state by {variable, default, update}')
  if (!(value instanceof Tensor || typeof value === 'number')) fail(name, `the update of ${target} is ${String(value)}`, 'give an expression or a number')
}

const isStep = (u: unknown): u is OptimizerStep => isPlain(u) && 'optimizer' in u
/** The variables whose values must be plain numbers, and those that they are computed of. */
function plainOnes(all: readonly Expression[]): Set<Expression> {
  const seen = new Set<Expression>()
  const stack = all.flatMap(e => (e instanceof Call ? (e.options.plain ?? []) : []))
  while (stack.length) {
    const e = stack.pop()!
    if (seen.has(e)) continue
    seen.add(e)
    if (!(e instanceof Call) || !['size', 'numel'].includes(e.op)) stack.push(...e.inputs)
  }
  return seen
}

/**
 * A function of expressions: compiled for each kind of sizes at its first call. Named inputs and defaults, outputs as one, list or object,
 * updates of shared variables, of optimisers too (`updates: [adam.updates(cost)]`). As `theano.function`.
 *
 * @throws LampasError when an expression needs an input that is not listed, an input is not used, or two updates have one target.
 * @example
 * const x = symbolic.scalar('x')
 * const y = symbolic.scalar('y')
 * const f = symbolic.func({ inputs: [x, { variable: y, default: 1 }], outputs: x.add(y) })
 * f(2) // → tensor(3.)
 * f({ x: 2, y: 5 }) // → tensor(7.)
 * const total = symbolic.scalar('total')
 * const count = symbolic.func({ inputs: [x, { variable: total, default: 0, update: total.add(x) }], outputs: total })
 * count(3)
 * count(4) // → tensor(3.)
 * count.get('total') // → tensor(7.)
 */
export function func<const O extends Outputs | undefined = undefined>(spec: FuncSpec<O>): Func<O> {
  const { inputs = [], outputs, updates = [], givens = [], name = 'func', mode, onUnusedInput = 'raise', noDefaultUpdates = false, allowDowncast, trustInput = false, ...options } = spec
  needKnown(name, spec, ['inputs', 'outputs', 'updates', 'givens', 'name', 'mode', 'onUnusedInput', 'noDefaultUpdates', 'allowDowncast', 'trustInput', 'exclude', 'include', 'debug', 'budget', 'memory', 'profile', 'nanGuard', 'monitor'])
  if (!['raise', 'warn', 'ignore'].includes(onUnusedInput)) fail(name, `onUnusedInput is '${String(onUnusedInput)}'`, "'raise', 'warn' or 'ignore'")
  if (!isStep(updates) && !(Symbol.iterator in updates)) fail(name, 'the updates are no pairs', 'list them: [[state, state.add(1)], optimizer.updates(cost)]')
  const steps = isStep(updates) ? [updates] : [...updates]
  for (const u of steps) if (!isStep(u)) needPair(name, u)
  const optimizers = steps.filter(isStep)
  const targets = inputs.map(i => targetOf(name, i, allowDowncast))
  const stateful = targets.flatMap(({ variable, state, update }) => (state ? [{ variable, state, update: update! }] : []))
  const own = steps.flatMap(u => (isStep(u) ? [] : [u])).map(([target, value]) => [target instanceof Shared ? target : shared(target), value] as const)
  const pairs = [...own, ...stateful.map(({ state, update }) => [state, update] as const)]
  for (const [i, [target]] of pairs.entries())
    if (pairs.findIndex(([t]) => t === target) < i) fail(name, `two updates of ${target}`, 'each shared variable has one new value')
  if (lacks(outputs)) fail(name, 'an output is undefined', 'give expressions, one, a list or an object')
  const body = replace({ outputs, values: pairs.map(([, v]) => v), costs: optimizers.map(o => o.cost) }, [...givens, ...stateful.map(t => [t.variable, t.state] as const)])

  const trained = optimizers.flatMap(o => [...(o.params ?? o.optimizer.paramGroups.flatMap(g => g.params))])
  const all = ancestors([...expressionsIn(body)])
  const used = new Set(all)
  const wrt = differentiated(all)
  const plain = plainOnes(all)
  const outside = unconditional([...expressionsIn(body)])
  /** The random streams that stay where they are. */
  const still = noDefaultUpdates === true ? [...new Set(all.flatMap(e => (e instanceof Call ? e.generators : [])))] : (noDefaultUpdates || []).map(generatorOf)
  targets.forEach(({ variable, state, name: label }, i) => {
    if (targets.findIndex(t => t.variable === variable) < i) fail(name, `the input ${variable} is listed twice`)
    if (label !== null && targets.findIndex(t => t.name === label) < i) fail(name, `two inputs are called '${label}'`, 'give one another name: {variable, name}')
    if (used.has(state ?? variable) || onUnusedInput === 'ignore') return
    const problem = `nothing depends on the input ${variable}`
    if (onUnusedInput === 'raise') fail(name, problem, "leave it out, or pass {onUnusedInput: 'ignore'}")
    console.warn(`[${name}] ${problem}`)
  })
  /** Those that a call hands over; the others live in shared variables. */
  const passed = targets.filter(t => !t.state)
  const named = [...targets.flatMap(({ state, name: label }) => (state && label !== null ? [[label, state] as const] : [])), ...[...all, ...pairs.map(([t]) => t)].flatMap(e => (e instanceof Shared && e.name !== null ? [[e.name, e] as const] : []))]
  const shares = new Map<string, Shared>(named.reverse())
  const missing = all.find(e => e instanceof Variable && !targets.some(t => t.variable === e))
  if (missing) fail(name, `the result depends on ${missing}, which is not an input`, 'list it in {inputs: […]}, or give it a value by givens')

  const recording = <T>(make: () => T): T => (wrt.size > 0 || optimizers.length > 0 ? enableGrad(make) : noGrad(make))

  const compute = (args: readonly unknown[]): unknown => recording(() => {
    const before = still.map(g => g.state.clone())
    const run = new Run(passed.map((t, i) => [t.variable, args[i]] as const), wrt, outside)
    const value = (v: unknown): unknown => mapExpressions(v, e => run.get(e))
    const results = value(body.outputs)
    const values = pairs.map(([target], i) => fitting(target, value(body.values[i])))
    const costs = body.costs.map(value) as Tensor[]
    return noGrad(() => {
      // Every new value is computed from the old ones before the first is written.
      const kept = apart(results)
      values.map(v => v.clone()).forEach((v, i) => copy_(pairs[i][0].value, v))
      optimizers.forEach((o, i) => descend(name, o, costs[i]))
      before.forEach((state, i) => copy_(still[i].state, state))
      return kept
    })
  })

  const fitting = (target: Shared, value: unknown): Tensor => {
    const now = target.value
    const v = value instanceof Tensor ? value : full([], Number(value), { dtype: now.dtype })
    if (!sameShape(v.shape, now.shape)) fail(name, `the update of ${target} is ${v}, its value is ${now}`, 'an update keeps the shape; shared.set(…) may give another')
    return v
  }
  const apart = (v: unknown): unknown => {
    if (v instanceof Tensor && v.source.world === null) return full([], v.constant!, { dtype: v.dtype })
    if (v instanceof Tensor) return pairs.length + trained.length > 0 ? v.detach().clone() : v.detach()
    if (Array.isArray(v)) return v.map(apart)
    return isPlain(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, apart(x)])) : v
  }

  const changing = Object.fromEntries(passed.flatMap(({ variable }, i) => (variable.type.dynamic ? [[i, variable.type.dynamic]] : [])))
  const dynamic = Object.keys(changing).length > 0 ? { dynamic: { 0: changing } } : {}
  const run = mode === 'eager' ? null : compile(compute, { name, ...options, ...dynamic, donate: passed.flatMap((t, i) => (t.donate ? [`0.${i}`] : [])), ...(mode === undefined ? {} : { mode }) } as CompileOptions)

  const give = (state: Shared, value: Given): void => {
    const target = targets.find(t => t.state === state)
    const x = target ? conform(name, target, value) : value
    state.set(x)
    if (x !== value) (x as Tensor).dispose()
  }
  const withValues = <T>(given: unknown[], use: (values: readonly unknown[]) => T): T => {
    const args = bind(name, targets, given)
    const made: Tensor[] = []
    targets.forEach((t, i) => t.state && args[i] !== null && give(t.state, args[i] as Given))
    const values = passed.map(t => {
      const v = args[targets.indexOf(t)] as Given
      if (plain.has(t.variable)) {
        if (typeof v !== 'number') fail(name, `input '${t.variable}' decides how many steps a loop has, it is ${String(v)}`, 'pass a plain number')
        return v
      }
      const x = trustInput && v instanceof Tensor ? v : conform(name, t, v)
      if (x !== v) made.push(x)
      return x
    })
    try {
      return use(values)
    } finally {
      if (run) for (const x of made) x.dispose()
    }
  }
  const call = (...given: unknown[]): unknown => {
    const results = withValues(given, run ?? compute)
    // Also those that were converted, or that ran op by op.
    if (targets.some(t => t.donate)) bind(name, targets, given).forEach((v, i) => targets[i].donate && v instanceof Tensor && consume(v, name))
    return results
  }
  const memoryOf = (given: unknown[]): Footprint => {
    const { memory } = run ?? fail(name, 'nothing is compiled in the mode eager')
    const [only] = given
    if (given.length === 1 && isPlain(only) && Object.keys(only).join() === 'budget' && !targets.some(t => t.name === 'budget')) return memory({ budget: only.budget as number })
    return given.length === 0 && targets.length > 0 ? memory() : withValues(given, memory)
  }

  const pieceOf = (key: string): Shared => shares.get(key) ?? fail(name, `there is no state '${key}'`, `state: ${[...shares.keys()].join(', ') || 'none'}`)
  const made: Func<O> = Object.assign(call, {
    graph: (stage?: Stage, how: GraphOptions = {}): GraphDescription => describeGraph(made, stage, how),
    copy: (how: CopyOptions = {}): Func<O> => {
      needKnown(name, how, ['swap', 'name', 'deleteUpdates'])
      const { swap = [], name: other = name, deleteUpdates = false } = how
      if (!(Symbol.iterator in swap)) fail(name, 'swap has no pairs', 'list them: [[state, other]]')
      const map = new Map<Tensor, Shared>(swap)
      for (const [from, to] of map) {
        if (!(from instanceof Shared && to instanceof Shared)) fail(name, `${String(from)} cannot be swapped for ${String(to)}`, 'both are shared variables: symbolic.shared(value)')
        if (from.value.dtype !== to.value.dtype) fail(name, `${from} is ${from.value}, ${to} in its place is ${to.value}`, 'both have one dtype')
        if (!all.includes(from) && !pairs.some(([t]) => t === from) && ![...givens].some(([, by]) => by === from)) fail(name, `it has no shared variable ${from} to swap`, `state: ${[...shares.keys()].join(', ') || 'none'}`)
      }
      const swapped = <T extends Tensor | number>(x: T): T => replace(x, map)
      const kept = inputs.map((i, k) => (deleteUpdates && targets[k].state && !(i instanceof Tensor) ? { ...i, update: undefined, default: targets[k].state.get() } : i))
      return func({
        ...spec,
        name: other,
        inputs: kept,
        outputs: replace(outputs, map) as O,
        givens: [...givens].map(([a, b]) => [a, swapped(b)] as const),
        updates: deleteUpdates ? [] : [...own.map(([t, v]) => [map.get(t) ?? t, swapped(v)] as const), ...optimizers.map(o => ({ ...o, cost: swapped(o.cost) }))],
        onUnusedInput: 'ignore',
      })
    },
    state: [...shares.keys()].reverse(),
    get: (key: string): Tensor => pieceOf(key).get(),
    set: (key: string, value: Given): void => give(pieceOf(key), value),
    free: () => run?.dispose(),
    info: (): CompileInfo => run?.info() ?? fail(name, 'nothing is compiled in the mode eager'),
    memory: (...given: unknown[]): Footprint => memoryOf(given),
    explain: (): Explanation => run?.explain() ?? fail(name, 'nothing is compiled in the mode eager'),
    checked: async (): Promise<void> => run?.checked(),
    profile: (): Profile => run?.profile() ?? fail(name, 'nothing is compiled in the mode eager'),
  }) as Func<O>
  return letIn(made, {
    name,
    named: true,
    last: () => insideOf(run)?.last() ?? null,
    versions: () => insideOf(run)?.versions() ?? [],
    inputsOf: ({ args: [values] }) => passed.map((t, i) => [t.name, (values as unknown[])[i], t.default] as const),
    written: () => describeExpressions(name, body.outputs, pairs.map(([target], i) => [target, body.values[i]] as const)),
  })
}

/** One step of an optimiser, which leaves the gradients of eager code alone. */
function descend(name: string, { optimizer, params }: OptimizerStep, cost: Tensor): void {
  if (cost.numel !== 1) fail(name, `the cost ${cost} of an optimiser has ${cost.numel} elements`, 'reduce it: cost.mean()')
  const list = [...(params ?? optimizer.paramGroups.flatMap(g => g.params))].map(p => (p instanceof Shared ? p.value : p)).filter(p => p.requiresGrad)
  if (!cost.requiresGrad) fail(name, `the cost ${cost} does not depend on the parameters`, 'build it from the parameters that the optimiser holds')
  const found: (Tensor | null)[] = grad(cost, list, { retainGraph: true, allowUnused: true })
  const before = list.map(p => p.peekGrad())
  list.forEach((p, i) => (p.grad = found[i] && found[i].detach()))
  optimizer.step()
  list.forEach((p, i) => (p.grad = before[i]))
}

const known = new WeakMap<Expression, Func<Tensor>>()

/**
 * The value of an expression, compiled once and kept with it; variables by name or in pairs. As `theano.Variable.eval`.
 *
 * @example
 * const x = symbolic.vector('x')
 * symbolic.evaluate(x.mul(2).sum(), { x: [1, 2, 3] }) // → tensor(12.)
 */
export function evaluate(e: Tensor, given: Readonly<Record<string, Given>> | Iterable<readonly [Tensor, Given]> = {}): Tensor {
  if (!(e instanceof Expression)) return e
  let f = known.get(e)
  if (!f) {
    const inputs = ancestors([e]).filter(v => v instanceof Variable)
    known.set(e, (f = func({ inputs, outputs: e as Tensor, name: 'evaluate' })))
  }
  if (!(Symbol.iterator in given)) return f(given as Readonly<Record<string, Given>>)
  const values = new Map<Tensor, Given>(given)
  const inputs = ancestors([e]).filter(v => v instanceof Variable)
  return f(...inputs.map(v => values.get(v) ?? fail('evaluate', `there is no value for ${v}`, 'pass pairs [[x, 1], …]')))
}
