// compile(fn): traces eager code once for each kind of arguments and replays it as a plan. The numbers are those of eager code.
import type { Backend, Block } from '../backend/backend.ts'
import { LampasError, fail, needFunction } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { contiguousView, isContiguous, sameGeometry } from '../core/view.ts'
import { isGradEnabled, noGrad } from '../autograd/mode.ts'
import { currentBackend } from '../eager/device.ts'
import { Storage, handleOn, readAfter, storageOf, tensorsIn, callSite } from '../eager/storage.ts'
import { relieve } from '../eager/pressure.ts'
import { eager } from '../eager/world.ts'
import type { GradNode } from '../ops/gradnode.ts'
import { copy_ } from '../ops/inplace.ts'
import type { Op } from '../ops/op.ts'
import { Tensor } from '../ops/tensor.ts'
import { world } from '../ops/world.ts'
import { difference, identityOf, isPlain, kindOf, rebuild, remember } from './arguments.ts'
import type { Graph, GraphNode } from './graph.ts'
import { describeGraph, letIn, parameterNames } from './insight.ts'
import type { GraphDescription, GraphOptions, Stage } from './print/description.ts'
import type { Probe } from './compare.ts'
import { Dynamic, type DynamicAxes } from './dynamic.ts'
import { Explanation } from './passes/explain.ts'
import { foldConstants } from './passes/fold.ts'
import { folding } from './passes/folding.ts'
import { compileModes, needRewrites, optimize, type CompileMode, type Fired, type Optimized, type PassOptions } from './passes/index.ts'
import { Footprint, partsOf, totalOf } from './footprint.ts'
import { countKernels, layOut, type Plan } from './plan.ts'
import { planWithin, rematerialise } from './remat.ts'
import { Trace, type External, type Traced } from './trace.ts'
import type { Profile } from './modes/profile.ts'
import { watchModes, watchOptions, watcherOf, type Watch, type Watcher, type WatchMode, type WatchOptions } from './watch.ts'

export interface CompileOptions extends WatchOptions {
  /** Name in messages; default: the function's. */
  name?: string
  /** Rewrites that are not to be applied, by the names that `rewrites()` lists. */
  exclude?: readonly string[]
  /**
   * Bytes that a call may hold, arguments, parameters and results included. Values are computed again rather than kept until it is met; an
   * error says the least that was found when it cannot be.
   */
  budget?: number
  /**
   * Axes of arguments whose size changes from call to call without a new trace: `{ 0: [0], 1: [0] }` is the first axis of both arguments.
   * Sizes 0 and 1 are traced by themselves; plans of the last eight sizes are kept.
   */
  dynamic?: DynamicAxes
  /**
   * 'fastCompile' only merges equal work and leaves out what nobody needs. Default 'fastRun': all rewrites. 'debug' and 'nanGuard' apply all
   * rewrites too: 'debug' compares what each of them replaces, and each kernel with the reference; 'nanGuard' looks for NaN and infinities.
   */
  mode?: CompileMode | WatchMode
}

export interface CompileInfo {
  /** How many times the function was traced. */
  readonly traces: number
  /** Why each trace after the first was needed: which argument, which axis. */
  readonly reasons: readonly string[]
  /** Kernels that one call runs, of the plan used last. */
  readonly kernels: number
  /** Bytes that all plans keep for intermediate values. */
  readonly bytes: number
}

export type Compiled<A extends unknown[], R> = ((...args: A) => R) & {
  /** What was compiled so far. */
  info(): CompileInfo
  /**
   * The bytes of a call with these arguments, known before it: traces and plans, does not run, and the call uses the plan. Without arguments:
   * of the plan used last. `memory({ budget })` plans anew so that a call holds no more bytes, as `compile(fn, { budget })` does.
   */
  memory(...args: A | [] | [{ readonly budget: number }]): Footprint
  /** What the compiler did in the plan used last: which rewrites fired, where and how often, nodes and kernels before and after, time. */
  explain(): Explanation
  /** Resolves when all calls so far were checked (nanGuard, debug, monitor); rejects with the first fault that was not told yet. */
  checked(): Promise<void>
  /** Times of the calls so far, by op, node and line; needs `{profile: true}`. */
  profile(): Profile
  /** The graph of the plan used last as plain data: as the code was written, after all rewrites (the default), or with kernels and memory. */
  graph(stage?: Stage, options?: GraphOptions): GraphDescription
  /** Frees all plans. The next call compiles anew. */
  dispose(): void
}

/** What gives the plans back of compiled functions that were dropped without `dispose()`. */
const dropped = new FinalizationRegistry<() => void>(release => release())

/** A traced function with its plan. */
class Step {
  plan!: Plan
  private readonly held: Tensor[]
  private readonly updated: ReadonlySet<number>
  /** Memory that the code reached by itself, and whether it changes it. */
  private readonly captured: ReadonlyMap<Storage, boolean>
  /** The arguments that it changes. */
  private readonly changed: readonly number[]
  private readonly optimized: Optimized
  graph: Graph
  readonly externals: readonly External[]
  private readonly fired: Fired[]
  private again: readonly GraphNode[] = []
  /** Before anything is computed twice. */
  private readonly whole: Graph
  private readonly msOfPlan: number
  private readonly watch: Watch | null

  constructor(
    readonly backend: Backend,
    readonly traced: Traced,
    readonly args: readonly unknown[],
    readonly result: unknown,
    private readonly needsGrad: readonly boolean[],
    /** The arguments that were traced as captured tensors, because they share memory that the code changes. */
    readonly pinned: readonly Tensor[] | null,
    private readonly passes: PassOptions,
    private readonly msOfTrace: number,
    private readonly name: string,
    budget: number | null,
    watcher: Watcher | null,
    ready: Optimized | null = null,
  ) {
    this.optimized = ready ?? optimize(traced.graph, passes)
    const start = performance.now()
    const { graph, externals, held, done } = foldConstants(this.optimized, traced.externals, passes)
    this.graph = graph
    this.externals = externals
    this.fired = [...this.optimized.fired, ...done.map(n => ({ rewrite: folding, op: n.op.name, site: n.site, count: 1 }))]
    // Captured memory lives as long as the plan.
    this.held = [...held, ...externals.filter(e => e.argument === null).map(e => handleOn(e.storage, contiguousView(e.value.dtype, e.value.shape), false))]
    this.watch = watcher?.watch({ backend, traced: traced.graph, graph, externals, passes }) ?? null
    this.whole = this.watch?.graph ?? graph
    this.fit(budget)
    this.msOfPlan = performance.now() - start
    this.updated = new Set(graph.updates.map(u => externals.findIndex(e => e.value === u.external)))
    this.changed = externals.flatMap((e, i) => (e.argument !== null && this.updated.has(i) ? [e.argument] : []))
    this.captured = new Map(externals.flatMap((e, i) => (e.argument === null ? [[e.storage, this.updated.has(i)] as const] : [])))
  }

  /** Plans the graph; with a budget so that a call holds no more bytes. */
  fit(budget: number | null): void {
    const { backend, externals, name, whole, passes } = this
    const rest = partsOf(externals, whole.outputs, [])
    const fixed = externals.map(e => (e.argument === null ? e.storage.block : null))
    const { plan, graph, again } = planWithin(name, whole, backend, fixed, g => layOut(g, backend, passes), budget, totalOf(rest))
    this.release()
    this.plan = plan
    this.again = again
    if (!this.watch) this.graph = graph
    dropped.register(this, plan.dispose, this)
  }

  private release(): void {
    dropped.unregister(this)
    this.plan?.dispose()
  }

  footprint(args: readonly Tensor[]): Footprint {
    return new Footprint(this.name, partsOf(this.externals, this.whole.outputs, args), this.plan, this.again)
  }

  valid(args: readonly Tensor[]): boolean {
    return this.traced.guards.every(g => g.read() === g.value) && this.serves(args)
  }

  /** Whether the plan is right for how these arguments share memory, with each other and with what the code captured. */
  serves(args: readonly Tensor[]): boolean {
    const { pinned, captured } = this
    if (pinned) return args.every((x, i) => x.source === pinned[i].source && x.alive && sameGeometry(x.layout, pinned[i].layout))
    if (args.some(x => captured.get(x.source as Storage) === true)) return false
    // Whether reshape gives a view depends on strides, and of an argument only the contiguous kind is traced.
    return this.changed.map(i => args[i]).every(x => isContiguous(x.layout) && !captured.has(x.source as Storage) && args.filter(y => y.source === x.source).length === 1)
  }

  run(args: readonly Tensor[]): unknown {
    const { graph, grads } = this.traced
    const { externals } = this
    const swap = new Map<Block, Block>()
    const copies: { from: Tensor; to: Tensor }[] = []
    externals.forEach((e, i) => {
      if (e.argument === null) return
      const x = args[e.argument]
      const storage = storageOf('compile', x)
      const plain = isContiguous(x.layout) && x.layout.offset === 0
      const compact = plain ? x : noGrad(() => x.clone())
      if (!plain) copies.push({ from: compact, to: x })
      swap.set(this.plan.placeholders[i], plain ? storage.block : storageOf('compile', compact).block)
      if (this.updated.has(i)) storage.version++
    })
    const storages = graph.outputs.map((v, i) => {
      const placeholder = this.plan.placeholders[externals.length + i]
      relieve(this.backend, placeholder.bytes)
      const block = this.backend.alloc(placeholder.bytes)
      swap.set(placeholder, block)
      return { storage: new Storage(eager, this.backend, block, callSite()), view: contiguousView(v.dtype, v.shape) }
    })
    try {
      if (this.watch) this.watch.run(this.plan, swap)
      else this.plan.prepared.run(swap)
    } catch (error) {
      // Nobody will hold the results.
      for (const { storage } of storages) handleOn(storage, contiguousView('float32', []), false).dispose()
      for (const { from } of copies) from.dispose()
      throw error
    }
    for (const i of this.updated) if (externals[i].argument === null) externals[i].storage.version++
    for (const { from, to } of copies) {
      const i = externals.findIndex(e => e.argument !== null && args[e.argument] === to)
      if (this.updated.has(i)) noGrad(() => copy_(to, from))
      from.dispose()
    }
    for (const { leaf, grad } of grads) leaf.grad = grad
    const { argumentGrads } = this.traced
    const own = storages.length - argumentGrads.length
    const results = storages.map(({ storage, view }, i) => handleOn(storage, view, i < own))
    argumentGrads.forEach((a, i) => addGrad(args[a], results[own + i], i === argumentGrads.length - 1))
    if (this.watch) this.look(this.watch, args, results.slice(0, own))
    if (this.traced.after.length > 0) this.tell(results.slice(0, own))
    let at = 0
    return rebuild(this.result, () => {
      const y = results[at]
      if (this.needsGrad[at]) {
        y.gradFn = forwardOnly
        y.gradVersion = y.source.version
      }
      at++
      return y
    })
  }

  /** Does what the code wants done after each run. */
  private tell(results: readonly Tensor[]): void {
    try {
      const late = this.traced.after.flatMap(act => act() ?? [])
      if (late.length > 0) readAfter(results.map(y => y.source as Storage), Promise.all(late))
    } catch (error) {
      for (const y of results) y.dispose()
      throw error
    }
  }

  /** Results of a call that is at fault are not handed out. */
  private look(watch: Watch, args: readonly Tensor[], results: readonly Tensor[]): void {
    const changed = [...this.updated].map(i => this.externals[i]).map(e => (e.argument === null ? e.storage : (args[e.argument].source as Storage)))
    try {
      watch.check([...results.map(y => y.source as Storage), ...changed])
    } catch (error) {
      for (const y of results) y.dispose()
      throw error
    }
  }

  explain(name: string): Explanation {
    const { traced, optimized, plan, msOfTrace, msOfPlan } = this
    const fired = [...this.fired, ...plan.layout.fired, ...this.again.map(n => ({ rewrite: rematerialise, op: n.op.name, site: n.site, count: 1 }))]
    return new Explanation(name, fired, {
      nodes: [traced.graph.nodes.length, this.graph.nodes.length],
      kernels: [countKernels(traced.graph, this.backend), plan.launches.length],
      ms: { trace: msOfTrace, ...optimized.ms, fuse: plan.layout.msOfFusion, plan: msOfPlan - plan.layout.msOfFusion },
    })
  }

  dispose(): void {
    this.watch?.dispose()
    this.release()
    for (const x of [...this.held, ...(this.pinned ?? [])]) eager.release(x)
  }
}

function needBudget(budget: unknown): number {
  return typeof budget === 'number' && budget >= 0 ? budget : fail('compile', `a budget of ${String(budget)}`, 'say how many bytes a call may hold')
}

/** Gradients of arguments gather as in eager code; of those that are not leaves they flow on. */
function addGrad(x: Tensor, g: Tensor, last: boolean): void {
  if (!x.isLeaf) {
    x.backward({ gradient: g, retainGraph: !last })
    g.dispose()
  } else if (x.grad) {
    noGrad(() => x.grad!.add_(g))
    g.dispose()
  } else x.grad = g
}

/** Results of a compiled function that depend on parameters say so when somebody differentiates them outside. */
const forwardOnlyOp: Op = {
  name: 'compiled',
  infer: () => [],
  vjp: () => fail('backward', 'this value was made by a compiled function, which keeps nothing for a backward pass outside of it', 'put loss.backward() inside the compiled function, or call the function uncompiled'),
  saves: 'nothing',
}
const forwardOnly: GradNode = { op: forwardOnlyOp, params: null, edges: [], inputShapes: [], inputDtypes: [], outputCount: 1, saved: { inputs: [], outputs: [], versions: [], held: [] }, order: 0 }

/** So many sizes of dynamic axes keep their plans. */
const SIZES = 8

/** Plans beyond this many for one function are most likely a mistake, such as a number that changes in every call. */
const MANY = 16

/**
 * The same function, compiled: its first call traces the eager code (a whole training step, `backward()` and `optimizer.step()` included) into a
 * graph; this and later calls run the plan, which allocates nothing but the results. Tensors that the code reads from outside
 * (parameters, optimiser state, random state, learning rate) are read anew in each call, and those it changes are changed.
 * Other sizes, dtypes or plain arguments, or a module switched between train and eval, are traced anew.
 *
 * What JavaScript does beside tensors (console.log, counters) happens only while tracing. Inside of nested compile the outer one rules.
 *
 * @throws LampasError when the code reads values (`item`, `data`) while it is traced.
 * @example
 * const step = compile((x, y) => {
 *   optimizer.zeroGrad()
 *   const loss = nn.functional.crossEntropy(model.forward(x), y)
 *   loss.backward()
 *   optimizer.step()
 *   return loss
 * })
 */
export function compile<A extends unknown[], R>(fn: (...args: A) => R, options: CompileOptions = {}): Compiled<A, R> {
  needFunction('compile', fn)
  needKnown('compile', options, ['name', 'exclude', 'dynamic', 'mode', 'budget', ...watchOptions])
  const { exclude = [], mode = 'fastRun' } = options
  let budget = options.budget === undefined ? null : needBudget(options.budget)
  needRewrites('compile', exclude)
  const plain = compileModes.find(m => m === mode)
  if (!plain && !watchModes.some(m => m === mode)) fail('compile', `there is no mode '${String(mode)}'`, `modes: ${[...compileModes, ...watchModes].join(', ')}`)
  const name = options.name ?? (fn.name || 'the compiled function')
  const watcher = watcherOf(name, options, mode)
  const passes: PassOptions = { exclude, mode: plain ?? 'fastRun' }
  const dynamic = options.dynamic === undefined ? null : new Dynamic(name, options.dynamic, passes)
  let plans = new Map<string, Step[]>()
  const reasons: string[] = []
  let last: { args: readonly unknown[]; step: Step } | null = null
  let traces = 0

  const build = (backend: Backend, args: A, context: string): Step => {
    const start = performance.now()
    const found = dynamic?.instance(args, context, given => record(backend, given as A, false))
    if (last && found?.fresh !== false) {
      reasons.push(difference(last.args, args) ?? 'a module changed between train and eval, a gradient came or went, or changed arguments lie or share memory in another way')
      if (traces === MANY - 1) console.warn(`[compile] ${name} was traced ${MANY} times. The last reason: ${reasons.at(-1)}. help: pass what changes as a tensor, or pad to fixed sizes`)
    }
    const tensors = [...tensorsIn(args)]
    if (found?.fresh) traces++
    const step = found ? planned(backend, args, found, null, performance.now() - start, found.optimized) : attempt(backend, args, null)
    if (step.serves(tensors)) return step
    step.dispose()
    return attempt(backend, args, tensors)
  }

  const record = (backend: Backend, args: A, pinned: boolean): Probe => {
    const trace = new Trace(backend)
    let count = 0
    const given = pinned ? args : (rebuild(args, x => trace.argument(x, count++)) as A)
    const recorded = trace.run(
      () => fn(...given),
      r => {
        checkResult(r)
        return [...tensorsIn(r)]
      },
    )
    return { trace, ...recorded }
  }

  const attempt = (backend: Backend, args: A, pinned: readonly Tensor[] | null): Step => {
    traces++
    const start = performance.now()
    const found = record(backend, args, pinned !== null)
    return planned(backend, args, found, pinned, performance.now() - start, null)
  }

  const planned = (backend: Backend, args: A, { traced, result }: Pick<Probe, 'traced' | 'result'>, pinned: readonly Tensor[] | null, ms: number, ready: Optimized | null): Step =>
    new Step(backend, traced, args.map(remember), result, [...tensorsIn(result)].map(x => x.requiresGrad), pinned && pinned.map(x => eager.hold(x)), passes, ms, name, budget, watcher, ready)

  const checkResult = (r: unknown): void => {
    if (Array.isArray(r) || isPlain(r)) Object.values(r).forEach(checkResult)
    else if (typeof r === 'function' || (typeof r === 'object' && r !== null && !(r instanceof Tensor)))
      throw new LampasError('compile', `${name} returned a ${typeof r === 'function' ? 'function' : r.constructor.name}`, 'return tensors, numbers, arrays or plain objects of them')
  }

  const stepFor = (args: A): { step: Step; tensors: Tensor[] } => {
    const backend = currentBackend()
    const tensors = [...tensorsIn(args)]
    for (const x of tensors)
      if (storageOf('compile', x).backend !== backend) fail('compile', `an argument ${x} is on ${x.device}, the current device is ${backend.info.name}`, `await toDevice(x, '${backend.info.name}'), or make its device current with device('${x.device}')`)
    const context = `${identityOf(backend)}${isGradEnabled() ? '' : ' noGrad'}`
    const kind = `${context} ${args.map(kindOf).join()}`
    const list = plans.get(kind) ?? []
    let step = list.find(s => s.valid(tensors))
    if (!step) {
      step = build(backend, args, context)
      plans.set(kind, [...list, step])
    }
    if (dynamic) keepRecent(kind)
    last = { args: args.map(remember), step }
    return { step, tensors }
  }

  const call = (...args: A): R => {
    if (world() !== eager) return fn(...args)
    watcher?.settle()
    const { step, tensors } = stepFor(args)
    return step.run(tensors) as R
  }

  const memoryOf = (args: A | [] | [{ readonly budget: number }]): Footprint => {
    const [only] = args
    if (args.length === 1 && isPlain(only) && Object.keys(only).join() === 'budget') {
      if (!last) fail('memory', `${name} was not called yet, so there is no plan to change`, 'call it once before, or compile(fn, { budget })')
      budget = needBudget(only.budget)
      for (const s of [...plans.values()].flat()) s.fit(budget)
    } else if (args.length > 0 || (!last && fn.length === 0)) {
      const { step, tensors } = stepFor(args as A)
      return step.footprint(tensors)
    }
    return last?.step.footprint([]) ?? fail('memory', `${name} was not called yet, so its sizes are not known`, 'pass the arguments of a call, or call it once before')
  }

  /** Plans of sizes that were not used for long are let go. */
  const keepRecent = (kind: string): void => {
    const list = plans.get(kind)!
    plans.delete(kind)
    plans.set(kind, list)
    const [oldest] = plans.keys()
    if (plans.size <= SIZES) return
    for (const s of plans.get(oldest)!) s.dispose()
    plans.delete(oldest)
  }

  const compiled: Compiled<A, R> = Object.assign(call, {
    graph: (stage: Stage = 'optimized', how: GraphOptions = {}): GraphDescription => describeGraph(compiled, stage, how),
    info: (): CompileInfo => ({
      traces,
      reasons,
      kernels: last?.step.plan.launches.length ?? 0,
      bytes: [...plans.values()].flat().reduce((n, s) => n + s.plan.bytes, 0),
    }),
    checked: async () => watcher?.checked(),
    profile: () => (watcher ?? fail('profile', `${name} is not profiled`, 'compile(fn, { profile: true })')).profile(last?.step.explain(name).ms ?? {}),
    memory: (...args: A | [] | [{ readonly budget: number }]) => memoryOf(args),
    explain: () => last?.step.explain(name) ?? fail('explain', `${name} was not called yet, so nothing is compiled`, 'call it once before'),
    dispose: () => {
      for (const s of [...plans.values()].flat()) s.dispose()
      plans = new Map()
      dynamic?.dispose()
    },
  })
  const names = parameterNames(fn)
  return letIn(compiled, { name, last: () => last?.step ?? null, versions: () => [...plans.values()].flat(), inputsOf: ({ args }) => args.map((v, i) => [names[i] ?? null, v] as const) })
}
