// compile(fn): traces eager code once for each kind of arguments and replays it as a plan. The numbers are those of eager code.
import type { Backend, Progress } from '../backend/backend.ts'
import { LampasError, fail, needFunction } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { isGradEnabled } from '../autograd/mode.ts'
import { currentBackend } from '../eager/device.ts'
import { storageOf, tensorsIn } from '../eager/storage.ts'
import { eager } from '../eager/world.ts'
import { Tensor } from '../ops/tensor.ts'
import { world } from '../ops/world.ts'
import { planCache, type CacheEntry } from './cached.ts'
import { difference, identityOf, isPlain, kindOf, rebuild, remember } from './arguments.ts'
import { describeGraph, letIn, parameterNames } from './insight.ts'
import type { GraphDescription, GraphOptions, Stage } from './print/description.ts'
import type { Probe } from './compare.ts'
import { Donations } from './donate.ts'
import type { DynamicAxes } from './dynamic.ts'
import { extras } from './late.ts'
import type { Explanation } from './passes/explain.ts'
import { rematerialise } from './passes/folding.ts'
import { allBut, compileModes, isOptional, needRewrites, type CompileMode, type Optimized, type PassOptions } from './passes/index.ts'
import type { Footprint } from './footprint.ts'
import { Trace } from './trace.ts'
import type { Profile } from './modes/profile.ts'
import { CompiledVersion } from './version.ts'
import { watchModes, watchOptions, watcherOf, type WatchMode, type WatchOptions } from './watch.ts'

export interface CompileOptions extends WatchOptions {
  /** Name in messages; default: the function's. */
  name?: string
  /** Rewrites that are not to be applied, by the names that `rewrites()` lists. */
  exclude?: readonly string[]
  /**
   * Rewrites that are applied only where they are named, since they may lose digits, NaN or infinities: 'collect-terms-of-floats', 'collect-factors-of-floats'.
   * With mode 'fastCompile' any others that are applied all the same; 'fusion' means all of its rules.
   */
  include?: readonly string[]
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
   * Arguments that the caller does without afterwards, by place or name; parts of lists and objects by a path: `[0]`, `['state']`, `['state.m', '1.0']`.
   * Results are computed in their memory where one fits; the tensors are gone after the call, and to use them is an error. Memory that other
   * tensors show too is copied first.
   */
  donate?: readonly (number | string)[]
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
  /**
   * Makes a call with these arguments ready: traces and plans, and on webgpu compiles the shaders side by side, where the first call would compile
   * them one after another. `progress` hears how many are done. Other devices need nothing more.
   *
   * @example
   * await step.warm([x, y], (done, all) => console.log(`${done} of ${all} shaders`))
   */
  warm(args: A, progress?: Progress): Promise<void>
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

function needBudget(budget: unknown, exclude: readonly string[]): number {
  if (exclude.includes(rematerialise.name)) fail('compile', `${rematerialise.name} is excluded, by which a budget is met`, 'leave one of them out')
  return typeof budget === 'number' && budget >= 0 ? budget : fail('compile', `a budget of ${String(budget)}`, 'say how many bytes a call may hold')
}

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
  needKnown('compile', options, ['name', 'exclude', 'include', 'dynamic', 'mode', 'budget', 'donate', ...watchOptions])
  const { exclude = [], include = [], mode = 'fastRun' } = options
  let budget = options.budget === undefined ? null : needBudget(options.budget, exclude)
  needRewrites('compile', exclude)
  needRewrites('compile', include, 'include')
  const usual = include.filter(n => !isOptional(n))
  if (usual.length > 0 && mode !== 'fastCompile') fail('compile', `include: [${usual.join(', ')}] with mode '${mode}', which applies all rewrites but optional ones`, "leave it out, or give mode: 'fastCompile'")
  const plain = compileModes.find(m => m === mode)
  if (!plain && !watchModes.some(m => m === mode)) fail('compile', `there is no mode '${String(mode)}'`, `modes: ${[...compileModes, ...watchModes].join(', ')}`)
  const name = options.name ?? (fn.name || 'the compiled function')
  const watcher = watcherOf(name, options, mode)
  const passes: PassOptions = mode === 'fastCompile' && include.length > 0 ? { exclude: [...allBut(include), ...exclude], include } : { exclude, include, mode: plain ?? 'fastRun' }
  const dynamic = options.dynamic === undefined ? null : new (extras('dynamic axes').Dynamic)(name, options.dynamic, passes)
  const donations = options.donate === undefined ? null : new Donations(name, options.donate, parameterNames(fn))
  let plans = new Map<string, CompiledVersion[]>()
  const reasons: string[] = []
  let last: { args: readonly unknown[]; step: CompiledVersion } | null = null
  let traces = 0

  const build = (backend: Backend, args: A, context: string): CompiledVersion => {
    const start = performance.now()
    const found = dynamic?.instance(args, context, given => record(backend, given as A, false))
    if (last && found?.fresh !== false) {
      reasons.push(difference(last.args, args) ?? 'a module changed between train and eval, a hook or a gradient came or went, or changed arguments lie or share memory in another way')
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
    const trace = new Trace(backend, { passes, inside: [] })
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

  const attempt = (backend: Backend, args: A, pinned: readonly Tensor[] | null): CompiledVersion => {
    traces++
    const start = performance.now()
    const found = record(backend, args, pinned !== null)
    const ms = performance.now() - start
    const entry = budget === null && !watcher ? planCache()?.entry({ backend, ...found, passes, given: donations?.among(args) ?? [] }) : null
    return planned(backend, args, found, pinned, ms, null, entry)
  }

  const planned = (backend: Backend, args: A, { traced, result }: Pick<Probe, 'traced' | 'result'>, pinned: readonly Tensor[] | null, ms: number, ready: Optimized | null, entry?: CacheEntry | null): CompiledVersion =>
    new CompiledVersion(backend, traced, args.map(remember), result, [...tensorsIn(result)].map(x => x.requiresGrad), pinned && pinned.map(x => eager.hold(x)), passes, ms, name, budget, donations?.among(args) ?? [], watcher, ready, entry)

  const checkResult = (r: unknown): void => {
    if (Array.isArray(r) || isPlain(r)) Object.values(r).forEach(checkResult)
    else if (typeof r === 'function' || (typeof r === 'object' && r !== null && !(r instanceof Tensor)))
      throw new LampasError('compile', `${name} returned a ${typeof r === 'function' ? 'function' : r.constructor.name}`, 'return tensors, numbers, arrays or plain objects of them')
  }

  const stepFor = (args: A): { step: CompiledVersion; tensors: Tensor[] } => {
    const backend = currentBackend()
    const tensors = tensorsIn(args)
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
    if (last?.step !== step) last = { args: args.map(remember), step }
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
      budget = needBudget(only.budget, exclude)
      for (const s of [...plans.values()].flat()) s.known().fit(budget)
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
    warm: async (args: A, progress?: Progress) => stepFor(args).step.plan.prepared.warm?.(progress),
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
  return letIn(compiled, { name, last: () => last?.step.known() ?? null, versions: () => [...plans.values()].flat().map(s => s.known()), inputsOf: ({ args }) => args.map((v, i) => [names[i] ?? null, v] as const) })
}
