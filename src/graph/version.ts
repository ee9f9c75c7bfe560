// A traced function with its plan: for which arguments it is right, what it says of itself, and how a call runs it.
import type { Backend, Block } from '../backend/backend.ts'
import { fail } from '../core/errors.ts'
import { bytesOf } from '../core/dtype.ts'
import { numel } from '../core/shape.ts'
import { contiguousView, isContiguous, sameGeometry } from '../core/view.ts'
import { noGrad } from '../autograd/mode.ts'
import { Storage, handleOn, readAfter, storageOf, callSite } from '../eager/storage.ts'
import { take } from '../eager/pressure.ts'
import { eager } from '../eager/world.ts'
import type { GradNode } from '../ops/gradnode.ts'
import { copy_ } from '../ops/inplace.ts'
import type { Op } from '../ops/op.ts'
import type { Tensor } from '../ops/tensor.ts'
import { rebuild } from './arguments.ts'
import type { CacheEntry } from './cached.ts'
import { consume } from './donate.ts'
import type { Graph, GraphNode, Value } from './graph.ts'
import type { Version } from './insight.ts'
import { Explanation } from './passes/explain.ts'
import { foldConstants } from './passes/fold.ts'
import { folding, rematerialise } from './passes/folding.ts'
import { optimize, type Fired, type Optimized, type PassOptions } from './passes/index.ts'
import type { Footprint } from './footprint.ts'
import { extras } from './late.ts'
import { countKernels, layOut, makePlan, type Layout, type Plan } from './plan.ts'
import type { Planned } from './remat.ts'
import type { External, Traced } from './trace.ts'
import { addsOtherwise } from './sums.ts'
import type { Watch, Watcher } from './watch.ts'

/** What gives the plans back of compiled functions that were dropped without `dispose()`. */
const dropped = new FinalizationRegistry<() => void>(release => release())

/** A traced function with its plan. */
export class CompiledVersion implements Version {
  plan!: Plan
  graph!: Graph
  externals!: readonly External[]
  private held: readonly Tensor[] = []
  private updated!: ReadonlySet<number>
  /** Memory that the code reached by itself, and whether it changes it. */
  private captured!: ReadonlyMap<Storage, boolean>
  /** The arguments that it changes. */
  private changed!: readonly number[]
  /** Null while the plan is that of an earlier visit, and the passes did not run. */
  private optimized: Optimized | null = null
  private fired!: readonly Fired[]
  private again: readonly GraphNode[] = []
  /** Before anything is computed twice. */
  private whole!: Graph
  private msOfPlan = 0
  private msOfFolding = 0
  private watch: Watch | null = null
  /** The externals that are donated arguments. */
  private donated!: ReadonlySet<number>

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
    /** The arguments whose memory results may take, and which are gone after a call. */
    private readonly given: readonly number[],
    private readonly watcher: Watcher | null,
    ready: Optimized | null = null,
    private readonly entry: CacheEntry | null = null,
  ) {
    const kept = entry?.kept
    if (kept) {
      this.reach([...traced.externals, ...kept.constants], kept.held)
      this.install(makePlan({ ...traced.graph, externals: this.externals.map(e => e.value) }, backend, this.fixed(), kept.layout))
      this.change(kept.updated)
    } else {
      this.work(budget, ready)
      entry?.keep({ layout: this.plan.layout, constants: this.externals.slice(traced.externals.length), updated: this.updated })
    }
  }

  /** Rewrites the traced graph and plans it. */
  private work(budget: number | null, ready: Optimized | null): void {
    const { backend, traced, passes } = this
    this.optimized = ready ?? optimize(traced.graph, passes)
    const start = performance.now()
    const { graph: folded, externals, held, done } = foldConstants(this.optimized, traced.externals, passes)
    this.msOfFolding = performance.now() - start
    this.reach(externals, held)
    // Nobody sees how a donated argument was changed.
    const lasting = (g: Graph): Graph => ({ ...g, updates: g.updates.filter(u => !this.donated.has(g.externals.indexOf(u.external))) })
    const graph = lasting(folded)
    this.graph = graph
    this.fired = [...this.optimized.fired, ...done.map(n => ({ rewrite: folding, op: n.op.name, site: n.site, count: 1 }))]
    this.watch = this.watcher?.watch({ backend, traced: lasting(traced.graph), graph, externals, passes }) ?? null
    this.whole = this.watch?.graph ?? graph
    this.fit(budget)
    this.msOfPlan = performance.now() - start
    this.change(new Set(graph.updates.map(u => externals.findIndex(e => e.value === u.external))))
  }

  /** This, with all that can be told of it: if the plan is that of an earlier visit, it is worked out now. */
  known(): this {
    if (!this.optimized) this.work(null, null)
    return this
  }

  /** The memory that the plan works on. What is captured lives as long as the plan, as do `made` numbers. */
  private reach(externals: readonly External[], made: readonly Tensor[]): void {
    const before = this.held
    this.externals = externals
    this.donated = new Set(externals.flatMap((e, i) => (e.argument !== null && this.given.includes(e.argument) ? [i] : [])))
    this.held = [...made, ...externals.filter(e => e.argument === null).map(e => handleOn(e.storage, contiguousView(e.value.dtype, e.value.shape), false))]
    for (const x of before) eager.release(x)
  }

  /** What of that memory the plan changes. */
  private change(updated: ReadonlySet<number>): void {
    const { externals } = this
    this.updated = updated
    this.changed = externals.flatMap((e, i) => (e.argument !== null && updated.has(i) ? [e.argument] : []))
    this.captured = new Map(externals.flatMap((e, i) => (e.argument === null ? [[e.storage, updated.has(i)] as const] : [])))
  }

  private fixed(): (Block | null)[] {
    return this.externals.map(e => (e.argument === null ? e.storage.block : null))
  }

  /** Plans the graph; with a budget so that a call holds no more bytes. */
  fit(budget: number | null): void {
    const { backend, externals, name, whole, passes } = this
    const fixed = this.fixed()
    const lay = (g: Graph): Layout => layOut(g, backend, passes, this.watch ? [] : [...this.donated])
    const within = (bytes: number): Planned => {
      const { planWithin, partsOf, totalOf } = extras('budgets of memory')
      return planWithin(name, whole, backend, fixed, lay, bytes, totalOf(partsOf(externals, whole.outputs, [])))
    }
    const { plan, graph, again } = budget === null ? { plan: makePlan(whole, backend, fixed, lay(whole)), graph: whole, again: [] } : within(budget)
    this.install(plan)
    this.again = again
    if (!this.watch) this.graph = graph
  }

  private install(plan: Plan): void {
    this.release()
    this.plan = plan
    dropped.register(this, plan.dispose, this)
  }

  private release(): void {
    dropped.unregister(this)
    this.plan?.dispose()
  }

  footprint(args: readonly Tensor[]): Footprint {
    const { Footprint, partsOf } = extras('footprints of memory')
    const { name, externals, whole, plan, again } = this.known()
    return new Footprint(name, partsOf(externals, whole.outputs, args), plan, again)
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
    const memory = externals.map((e, i) => {
      if (e.argument === null) return e.storage
      const x = args[e.argument]
      const storage = storageOf('compile', x)
      const plain = isContiguous(x.layout) && x.layout.offset === 0 && (!this.donated.has(i) || isAlone(storage, e.value, args))
      const compact = plain ? x : noGrad(() => x.clone())
      if (!plain) copies.push({ from: compact, to: x })
      if (this.updated.has(i)) storage.version++
      const own = storageOf('compile', compact)
      swap.set(this.plan.placeholders[i], own.block)
      return own
    })
    const storages = graph.outputs.map((v, i) => {
      const view = contiguousView(v.dtype, v.shape)
      const taken = this.plan.layout.donated.get(i)
      if (taken !== undefined) return { storage: memory[taken], view }
      const placeholder = this.plan.placeholders[externals.length + i]
      const block = take(this.backend, placeholder.bytes)
      swap.set(placeholder, block)
      return { storage: new Storage(eager, this.backend, block, callSite()), view }
    })
    try {
      if (this.watch) this.watch.run(this.plan, swap)
      else this.plan.prepared.run(swap)
    } catch (error) {
      // Nobody will hold the results.
      for (const { storage } of storages) handleOn(storage, contiguousView('float32', []), false).dispose()
      for (const { from } of copies) from.dispose()
      this.consume(args)
      throw error
    }
    const { argumentGrads } = this.traced
    const own = storages.length - argumentGrads.length
    const results = storages.map(({ storage, view }, i) => handleOn(storage, view, i < own))
    for (const i of this.updated) if (externals[i].argument === null) externals[i].storage.version++
    for (const { from, to } of copies) {
      const i = externals.findIndex(e => e.argument !== null && args[e.argument] === to)
      if (this.updated.has(i)) noGrad(() => copy_(to, from))
      from.dispose()
    }
    for (const { leaf, grad } of grads) leaf.grad = grad
    argumentGrads.forEach((a, i) => addGrad(args[a], results[own + i], i === argumentGrads.length - 1))
    this.consume(args)
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

  /** Donated arguments are gone. */
  private consume(args: readonly Tensor[]): void {
    for (const i of this.given) consume(args[i], this.name)
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

  rewritten(count: number): Graph {
    const { traced, optimized, passes } = this.known()
    return count < optimized!.fired.length ? optimize(traced.graph, passes, undefined, count).graph : this.graph
  }

  explain(name: string): Explanation {
    const { traced, plan, msOfTrace, msOfPlan, entry } = this.known()
    const optimized = this.optimized!
    const { inside } = traced
    const fired = [...this.fired, ...inside.flatMap(b => b.optimized.fired), ...plan.layout.fired, ...this.again.map(n => ({ rewrite: rematerialise, op: n.op.name, site: n.site, count: 1 }))]
    return new Explanation(name, fired, {
      nodes: [traced.graph.nodes.length, this.graph.nodes.length],
      kernels: [countKernels(traced.graph, this.backend), plan.launches.length],
      ms: { trace: msOfTrace, ...optimized.ms, fuse: plan.layout.msOfFusion, plan: msOfPlan - plan.layout.msOfFusion },
      msOf: Object.fromEntries([...optimized.msOf, [folding.name, this.msOfFolding], ...plan.layout.msOfRules]),
      cached: !!entry?.kept,
      reorders: addsOtherwise(traced.graph, optimized.graph) || inside.some(b => b.derivative || addsOtherwise(b.graph, b.optimized.graph)),
    })
  }

  dispose(): void {
    this.watch?.dispose()
    this.release()
    for (const x of [...this.held, ...(this.pinned ?? [])]) eager.release(x)
  }
}

/** Whether an argument has its memory to itself, all of it. */
const isAlone = (storage: Storage, { dtype, shape }: Value, args: readonly Tensor[]): boolean =>
  storage.refs === 1 && storage.block.bytes === bytesOf(dtype, numel(shape)) && args.filter(x => x.source === storage).length === 1

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
const noTape = (): never =>
  fail('backward', 'this value was made by a compiled function, which keeps nothing for a backward pass outside of it', 'put loss.backward() inside the compiled function, or call the function uncompiled')
const forwardOnlyOp: Op = { name: 'compiled', infer: () => [], vjp: noTape, saves: 'nothing' }
const forwardOnly: GradNode = {
  op: forwardOnlyOp, params: null, edges: [], inputShapes: [], inputDtypes: [], outputCount: 1, saved: { inputs: [], outputs: [], versions: [], held: [] }, order: 0,
  get hooks() {
    return null
  },
  set hooks(_) {
    noTape()
  },
}
