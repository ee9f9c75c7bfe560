// compile(fn): traces eager code once for each kind of arguments and replays it as a plan. The numbers are those of eager code.
import type { Backend, Block } from '../backend/backend.ts'
import { LampasError, fail } from '../core/errors.ts'
import { contiguousView, isContiguous } from '../core/view.ts'
import { isGradEnabled, noGrad } from '../autograd/mode.ts'
import { currentBackend } from '../eager/device.ts'
import { Storage, handleOn, storageOf, tensorsIn, callSite } from '../eager/storage.ts'
import { relieve } from '../eager/pressure.ts'
import { eager } from '../eager/world.ts'
import type { GradNode } from '../ops/gradnode.ts'
import { copy_ } from '../ops/inplace.ts'
import type { Op } from '../ops/op.ts'
import { Tensor } from '../ops/tensor.ts'
import { world } from '../ops/world.ts'
import { makePlan, type Plan } from './plan.ts'
import { Trace, type Traced } from './trace.ts'

export interface CompileOptions {
  /** Name in messages; default: the function's. */
  name?: string
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
  /** Frees all plans. The next call compiles anew. */
  dispose(): void
}

/** One argument list as text; equal texts can share a plan. */
const kindOf = (v: unknown): string => {
  if (v instanceof Tensor) return `${v}${v.requiresGrad ? '∂' : ''}@${v.device}`
  if (Array.isArray(v)) return `[${v.map(kindOf).join()}]`
  if (typeof v === 'object' && v !== null && Object.getPrototypeOf(v) === Object.prototype) return `{${Object.entries(v).map(([k, x]) => `${k}:${kindOf(x)}`).join()}}`
  if (typeof v === 'object' || typeof v === 'function') return identityOf(v)
  return `${typeof v}:${String(v)}`
}

const identities = new WeakMap<object, string>()
let identityCount = 0
const identityOf = (v: object | null): string => {
  if (v === null) return 'null'
  let id = identities.get(v)
  if (!id) identities.set(v, (id = `#${++identityCount}`))
  return id
}

/** What differs between two argument lists, in words. */
function difference(before: readonly unknown[], now: readonly unknown[], path = 'argument'): string | null {
  if (before.length !== now.length) return `${path}s: ${before.length} became ${now.length}`
  for (let i = 0; i < now.length; i++) {
    const [a, b] = [before[i], now[i]]
    const name = `${path} ${i}`
    if (Array.isArray(a) && Array.isArray(b)) {
      const inner = difference(a, b, `${name}, entry`)
      if (inner) return inner
    } else if (isShape(a) && b instanceof Tensor) {
      const axis = a.shape.length === b.ndim ? a.shape.findIndex((n, k) => n !== b.shape[k]) : -1
      if (axis >= 0) return `${name}: axis ${axis} was ${a.shape[axis]} and is ${b.shape[axis]}`
      if (a.kind !== kindOf(b)) return `${name}: ${a.kind} became ${kindOf(b)}`
    } else if (kindOf(a) !== kindOf(b)) return `${name}: ${String(a)} became ${String(b)}`
  }
  return null
}
interface Remembered {
  readonly shape: readonly number[]
  readonly kind: string
}
const isShape = (v: unknown): v is Remembered => typeof v === 'object' && v !== null && 'kind' in v && 'shape' in v
const remember = (v: unknown): unknown => (v instanceof Tensor ? { shape: v.shape, kind: kindOf(v) } : Array.isArray(v) ? v.map(remember) : v)

/** A value with its tensors replaced, one by one, in the order of `tensorsIn`. */
function rebuild(value: unknown, replace: (x: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return replace(value)
  if (Array.isArray(value)) return value.map(v => rebuild(v, replace))
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, rebuild(v, replace)]))
  return value
}

/** A traced function with its plan. */
class Step {
  readonly plan: Plan
  private readonly held: Tensor[]
  private readonly updated: ReadonlySet<number>

  constructor(
    private readonly backend: Backend,
    readonly traced: Traced,
    private readonly result: unknown,
    private readonly needsGrad: readonly boolean[],
  ) {
    const { graph, externals } = traced
    // Captured memory lives as long as the plan.
    this.held = externals.filter(e => e.argument === null).map(e => handleOn(e.storage, contiguousView(e.value.dtype, e.value.shape), false))
    this.plan = makePlan(graph, backend, externals.map(e => (e.argument === null ? e.storage.block : null)))
    this.updated = new Set(graph.updates.map(u => externals.findIndex(e => e.value === u.external)))
  }

  get valid(): boolean {
    return this.traced.guards.every(g => g.read() === g.value)
  }

  run(args: readonly Tensor[]): unknown {
    const { externals, graph, grads } = this.traced
    const swap = new Map<Block, Block>()
    const copies: { from: Tensor; to: Tensor }[] = []
    externals.forEach((e, i) => {
      if (e.argument === null) return
      const x = args[e.argument]
      const storage = storageOf('compile', x)
      const plain = isContiguous(x.layout) && x.layout.offset === 0
      const compact = plain ? x : x.detach().clone()
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
    this.plan.prepared.run(swap)
    for (const i of this.updated) if (externals[i].argument === null) externals[i].storage.version++
    for (const { from, to } of copies) {
      const i = externals.findIndex(e => e.argument !== null && args[e.argument] === to)
      if (this.updated.has(i)) copy_(to, from)
      from.dispose()
    }
    for (const { leaf, grad } of grads) leaf.grad = grad
    const results = storages.map(({ storage, view }) => handleOn(storage, view))
    const { argumentGrads } = this.traced
    argumentGrads.forEach((a, i) => addGrad(args[a], results[results.length - argumentGrads.length + i]))
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

  dispose(): void {
    this.plan.dispose()
    for (const x of this.held) eager.release(x)
  }
}

/** Gradients of arguments gather as in eager code. */
function addGrad(x: Tensor, g: Tensor): void {
  if (x.grad) noGrad(() => x.grad!.add_(g))
  else x.grad = g
}

/** Results of a compiled function that depend on parameters say so when somebody differentiates them outside. */
const forwardOnlyOp: Op = {
  name: 'compiled',
  infer: () => [],
  vjp: () => fail('backward', 'this value was made by a compiled function, which keeps nothing for a backward pass outside of it', 'put loss.backward() inside the compiled function, or call the function uncompiled'),
  saves: 'nothing',
}
const forwardOnly: GradNode = { op: forwardOnlyOp, params: null, edges: [], inputShapes: [], outputCount: 1, saved: { inputs: [], outputs: [], versions: [], held: [] }, order: 0 }

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
  const name = options.name ?? (fn.name || 'the compiled function')
  let plans = new Map<string, Step[]>()
  const reasons: string[] = []
  let last: { args: unknown; step: Step } | null = null
  let traces = 0

  const build = (backend: Backend, args: A): Step => {
    traces++
    if (last) {
      reasons.push(difference(last.args as unknown[], args) ?? 'a module changed between train and eval, or a gradient came or went')
      if (traces === MANY) console.warn(`[compile] ${name} was traced ${MANY} times. The last reason: ${reasons.at(-1)}. help: pass what changes as a tensor, or pad to fixed sizes`)
    }
    const trace = new Trace(backend)
    let count = 0
    const symbolic = rebuild(args, x => trace.argument(x, count++)) as A
    const { traced, result } = trace.run(
      () => fn(...symbolic),
      r => {
        checkResult(r)
        return [...tensorsIn(r)]
      },
    )
    return new Step(backend, traced, result, [...tensorsIn(result)].map(x => x.requiresGrad))
  }

  const checkResult = (r: unknown): void => {
    if (typeof r === 'function' || (typeof r === 'object' && r !== null && !Array.isArray(r) && !(r instanceof Tensor) && Object.getPrototypeOf(r) !== Object.prototype))
      throw new LampasError('compile', `${name} returned a ${typeof r === 'function' ? 'function' : r!.constructor.name}`, 'return tensors, numbers, arrays or plain objects of them')
  }

  const call = (...args: A): R => {
    if (world() !== eager) return fn(...args)
    const backend = currentBackend()
    const tensors = [...tensorsIn(args)]
    for (const x of tensors)
      if (storageOf('compile', x).backend !== backend) fail('compile', `an argument ${x} is on ${x.device}, the current device is ${backend.info.name}`, `await toDevice(x, '${backend.info.name}'), or make its device current with device('${x.device}')`)
    const kind = `${identityOf(backend)}${isGradEnabled() ? '' : ' noGrad'} ${args.map(kindOf).join()}`
    const list = plans.get(kind) ?? []
    let step = list.find(s => s.valid)
    if (!step) {
      step = build(backend, args)
      plans.set(kind, [...list, step])
    }
    last = { args: remember(args), step }
    return step.run(tensors) as R
  }

  return Object.assign(call, {
    info: (): CompileInfo => ({
      traces,
      reasons,
      kernels: last?.step.plan.launches.length ?? 0,
      bytes: [...plans.values()].flat().reduce((n, s) => n + s.plan.bytes, 0),
    }),
    dispose: () => {
      for (const s of [...plans.values()].flat()) s.dispose()
      plans = new Map()
    },
  })
}
