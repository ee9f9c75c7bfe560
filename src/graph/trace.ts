// Tracing: the symbolic world. Ops become nodes instead of running. Memory that the trace reads from outside is captured, and
// in-place changes are made functional: each memory has a current value, a write through a view replaces part of it, and what is
// different at the end becomes an update. So the very same eager code, backward() and optimiser included, is the graph.
import type { Backend } from '../backend/backend.ts'
import type { DType, Words } from '../core/dtype.ts'
import { LampasError, fail } from '../core/errors.ts'
import { numel, sameShape, type Shape } from '../core/shape.ts'
import { contiguousView, isContiguous, sameGeometry, type View } from '../core/view.ts'
import { afterOp, afterWrite, beforeOp, beforeWrite } from '../autograd/tape.ts'
import { backward } from '../autograd/engine.ts'
import { backendNamed } from '../eager/device.ts'
import { type Storage, storageOf } from '../eager/storage.ts'
import { eager } from '../eager/world.ts'
import { cast } from '../ops/cast.ts'
import { zeros } from '../ops/creation.ts'
import { calledFunction, nameCalls } from '../ops/define.ts'
import { expandOp } from '../ops/movement.ts'
import { label, labelOf } from '../ops/labels.ts'
import type { Arg, Lowering, Op } from '../ops/op.ts'
import { asStridedOp, stridedIn, writeStridedOp } from '../ops/strided.ts'
import { Tensor, gradWatch } from '../ops/tensor.ts'
import { ConstantSource, enterWorld, lasting, type BackwardOptions, type Source, type World } from '../ops/world.ts'
import type { Graph, GraphNode, Value } from './graph.ts'
import { optimize, type Optimized, type PassOptions } from './passes/index.ts'
import { Site } from './site.ts'

/** A memory inside the trace, and what is in it now. */
class SymbolicSource implements Source {
  version = 0
  constructor(
    readonly world: World,
    public current: Value,
    /** How the tensor that the memory was made for lies in it. */
    readonly home: View,
  ) {}
}

/** What a symbolic tensor shows, as of a version of its memory. */
interface SymbolicHandle {
  value: Value
  version: number
  poison: LampasError | null
  freed: boolean
}

/** Memory from outside: an argument of the traced function, or captured. */
export interface External {
  readonly value: Value
  readonly storage: Storage
  /** Which argument; null for captured memory, which the compiled function keeps alive. */
  readonly argument: number | null
  /** Captured memory that the code wrote down as numbers, the same in every run. */
  readonly literal: boolean
  /** Captured as a tensor that requires a gradient. */
  readonly trained: boolean
}

export interface Guard {
  readonly read: () => unknown
  readonly value: unknown
}

/** A step of a loop or a side of a branch: as the code was written, and as it is run. */
export interface Inside {
  readonly graph: Graph
  readonly optimized: Optimized
  /** Whether it is one of a derivative. */
  readonly derivative: boolean
}

export interface Traced {
  readonly graph: Graph
  /** The steps and sides inside of it, at any depth. */
  readonly inside: readonly Inside[]
  readonly externals: readonly External[]
  readonly guards: readonly Guard[]
  /** What is to be done after each run: values to show, conditions to check. */
  readonly after: readonly (() => void | Promise<void>)[]
  /** Arguments that gathered a gradient; the last outputs of the graph are what to add to their `grad`, in this order. */
  readonly argumentGrads: readonly number[]
  /** What `grad` of each leaf touched is after a step. */
  readonly grads: readonly { readonly leaf: Tensor; readonly grad: Tensor | null; readonly before: Tensor | null }[]
}

/** Changes whenever hooks on modules come or go: modules without any do not know of them, and so cannot tell a trace. */
export const moduleHooks = { state: 0 }

/** Finds out how an op lays out its results, by lowering it onto nothing. */
const dry: Lowering = {
  alloc: (dtype, shape): Arg => ({ view: contiguousView(dtype, shape), slot: {} }),
  run: () => {},
}

let nodeCount = 0

export class Trace implements World {
  private readonly nodes: GraphNode[] = []
  private readonly externals: { readonly external: External; readonly source: SymbolicSource }[] = []
  private readonly captured = new Map<Storage, SymbolicSource>()
  /** Memory for numbers that the code wrote down, and these. */
  private readonly constants = new Map<Storage, Words>()
  private readonly guards: Guard[] = []
  private readonly after: (() => void | Promise<void>)[] = []
  private readonly gradWritten = new Map<Tensor, Tensor | null>()
  private readonly gradRead = new Set<Tensor>()
  private readonly arguments: Tensor[] = []
  private over = false

  constructor(
    private readonly device: Backend,
    /** What it has in common with the traces inside of it: how they are rewritten, and their graphs. */
    readonly shared: { readonly passes?: PassOptions; readonly inside?: Inside[] } = {},
  ) {}

  /** The graph of a step or a side, rewritten. */
  rewritten(graph: Graph, derivative: boolean): Graph {
    const optimized = optimize(graph, this.shared.passes ?? {})
    this.shared.inside?.push({ graph, optimized, derivative })
    return optimized.graph
  }

  /** Makes a tensor that stands for argument `index`. */
  argument(x: Tensor, index: number): Tensor {
    const source = this.external(storageOf('compile', x), x.dtype, x.shape, index, x.requiresGrad)
    const y = this.show(source, contiguousView(x.dtype, x.shape), source.current)
    if (x.requiresGrad) y.requiresGrad_().hooks = x.hooks
    this.arguments.push(y)
    return y
  }

  /** The numbers that the code wrote down in this memory. */
  written(storage: Storage): Words | undefined {
    return this.constants.get(storage)
  }

  /** Runs code for which values of this trace, flat ones, lie in memory from outside; what it writes there is forgotten behind it. */
  protected instead<T>(memories: readonly Storage[], values: readonly Tensor[], make: () => T): T {
    const before = memories.map(m => this.captured.get(m))
    memories.forEach((m, i) => {
      const value = this.valueOf('compile', this.inside(values[i]))
      this.captured.set(m, new SymbolicSource(this, value, contiguousView(value.dtype, value.shape)))
    })
    try {
      return make()
    } finally {
      before.forEach((source, i) => (source ? this.captured.set(memories[i], source) : this.captured.delete(memories[i])))
    }
  }

  private external(storage: Storage, dtype: DType, shape: Shape, argument: number | null, trained: boolean): SymbolicSource {
    const value: Value = { dtype, shape, node: null, index: 0 }
    const source = new SymbolicSource(this, value, contiguousView(dtype, shape))
    this.externals.push({ external: { value, storage, argument, literal: this.constants.has(storage), trained }, source })
    return source
  }

  /** Runs `body` in this world and tells what it did; `outputs` picks the tensors to return from its result. */
  run<T>(body: () => T, outputsOf: (result: T) => readonly Tensor[]): { traced: Traced; result: T } {
    const before = enterWorld(this)
    const watchBefore = gradWatch.hook
    gradWatch.hook = (leaf, write) => this.watchGrad(leaf, write)
    this.observe(() => moduleHooks.state)
    try {
      const result = nameCalls(body)
      if (result instanceof Promise) {
        // What it rejects with comes from being traced; the error below says so.
        result.catch(() => {})
        fail('compile', 'the function is async, but a trace runs through without waiting', 'read values outside of the compiled function: const loss = step(x); await loss.item()')
      }
      gradWatch.hook = watchBefore
      const argumentGrads = this.arguments.flatMap((x, i) => (x.grad ? [i] : []))
      const outputs = [...outputsOf(result), ...argumentGrads.map(i => this.arguments[i].grad!)].map(t => this.valueOf('return', this.inside(t)))
      const grads = [...this.gradWritten].map(([leaf, before]) => ({ leaf, grad: this.keepGrad(leaf), before }))
      const updates = this.externals.flatMap(({ external: { value, storage }, source }) =>
        source.current === value || this.constants.has(storage) ? [] : [{ external: value, value: source.current }])
      const externals = this.externals.map(e => e.external)
      const graph: Graph = { nodes: this.nodes, externals: externals.map(e => e.value), outputs, updates }
      return { traced: { graph, inside: this.shared.inside ?? [], externals, guards: this.guards, after: this.after, argumentGrads, grads }, result }
    } catch (error) {
      gradWatch.hook = watchBefore
      for (const [leaf, grad] of this.gradWritten) leaf.grad = grad
      throw error
    } finally {
      gradWatch.hook = watchBefore
      enterWorld(before)
      this.over = true
    }
  }

  // Values and memory

  private show(source: SymbolicSource, layout: View, value: Value): Tensor {
    const x = new Tensor(layout, source)
    const handle: SymbolicHandle = { value, version: source.version, poison: null, freed: false }
    x.handle = handle
    return x
  }

  /** x as a tensor of this trace; memory from outside is captured when it is first met. */
  private inside(x: Tensor): Tensor {
    if (x.source instanceof SymbolicSource || x.source instanceof ConstantSource) return x
    const storage = storageOf('compile', x)
    let source = this.captured.get(storage)
    if (!source) {
      if (storage.backend !== this.device)
        fail('compile', `the code uses ${x} on ${x.device}, and runs on ${this.device.info.name}, the current device`, `bring it there before: await toDevice(x, '${this.device.info.name}'), or make the other current: device('${x.device}')`)
      // Seen through a view first, memory is captured as a plain run of elements.
      const room = storage.room(x.dtype)
      const whole = numel(x.shape) === room && isContiguous(x.layout) && x.layout.offset === 0
      source = this.external(storage, x.dtype, whole ? x.shape : [room], null, x.requiresGrad)
      this.captured.set(storage, source)
    }
    const y = new Tensor(x.layout, source)
    const stale: SymbolicHandle = { value: source.current, version: -1, poison: null, freed: false }
    y.handle = stale
    return y
  }

  /** The value that x shows now. */
  private valueOf(op: string, x: Tensor): Value {
    if (x.source instanceof ConstantSource) return { dtype: x.dtype, shape: x.shape, node: null, index: 0, constant: x.constant }
    const source = x.source as SymbolicSource
    const handle = x.handle as SymbolicHandle
    if (handle.poison !== null) throw handle.poison
    if (handle.freed) throw new LampasError(op, `${x} was used after it was freed: it was disposed`, 'keep it out of the scope, or clone() what must live longer')
    if (source.world !== this) throw new LampasError(op, `${x} is a value of another compiled step that is over`, 'return it from the compiled function to use it outside')
    if (handle.version === source.version) return handle.value
    handle.value = shows(x.layout, source.home) ? source.current : this.node(asStridedOp, [source.current], stridedIn(source.home, x.layout), [{ dtype: x.dtype, shape: x.shape }])[0]
    handle.version = source.version
    return handle.value
  }

  private node<P>(op: Op<P>, inputs: readonly Value[], params: P, metas: readonly { dtype: DType; shape: Shape }[]): readonly Value[] {
    const outputs: Value[] = []
    const node: GraphNode = { id: nodeCount++, op: op as Op, params, inputs, outputs, site: Site.here(calledFunction()) }
    metas.forEach((m, index) => outputs.push({ dtype: m.dtype, shape: m.shape, node, index }))
    this.nodes.push(node)
    return outputs
  }

  // World

  apply<P>(op: Op<P>, inputs: readonly Tensor[], params: P): Tensor[] {
    const pending = beforeOp(op, inputs)
    const metas = op.infer(inputs, params)
    const local = inputs.map(x => this.inside(x))
    const values = local.map(x => this.valueOf(op.name, x))
    const view = op.view && local[0].source instanceof SymbolicSource ? op.view(local[0].layout, params) : null
    const made = this.node(op, values, params, metas)
    let outputs: Tensor[]
    if (view) {
      const y = this.show(local[0].source as SymbolicSource, view, made[0])
      y.base = inputs[0].base ?? inputs[0]
      y.gradVersion = y.base.source.version
      outputs = [y]
    } else {
      const args = op.lower!(dry, local.map((x): Arg => ({ view: x.layout, slot: x.source, constant: x.constant })), params, metas)
      outputs = made.map((v, i) => this.show(new SymbolicSource(this, v, args[i].view), args[i].view, v))
    }
    if (pending) afterOp(pending, op, inputs, outputs, params)
    return outputs
  }

  assign<P>(op: Op<P>, targets: readonly Tensor[], inputs: readonly Tensor[], params: P): void {
    const pending = targets.map(t => beforeWrite(op, t, inputs))
    const metas = op.infer(inputs, params)
    const values = this.node(op, inputs.map(x => this.valueOf(op.name, this.inside(x))), params, metas)
    targets.forEach((t, i) => this.write(t, this.fit(values[i], t)))
    const sources = new Set(targets.map(t => t.source).filter(s => !(s instanceof SymbolicSource)))
    for (const s of sources) s.version++
    targets.forEach((t, i) => afterWrite(pending[i], op, t, inputs, params))
  }

  /** The value in the target's dtype and shape. */
  private fit(value: Value, target: Tensor): Value {
    let v = value
    if (v.dtype !== target.dtype) {
      const whole = contiguousView(v.dtype, v.shape)
      const x = this.show(new SymbolicSource(this, v, whole), whole, v)
      v = this.valueOf('cast', cast(x, target.dtype))
    }
    return sameShape(v.shape, target.shape) ? v : this.node(expandOp, [v], { shape: target.shape }, [{ dtype: v.dtype, shape: target.shape }])[0]
  }

  private write(target: Tensor, value: Value): void {
    const local = this.inside(target)
    const source = local.source as SymbolicSource
    source.current = shows(local.layout, source.home)
      ? value
      : this.node(writeStridedOp, [source.current, value], stridedIn(source.home, local.layout), [source.current])[0]
    source.version++
    const handle = local.handle as SymbolicHandle
    // What lies otherwise in memory is read from there, where it is added up in the order of eager code.
    if (!isContiguous(local.layout)) return
    handle.value = value
    handle.version = source.version
  }

  create(data: Words, dtype: DType, shape: Shape, device?: string): Tensor {
    const x = eager.create(data, dtype, shape, device)
    const held = eager.hold(x)
    eager.release(x)
    // A literal of the traced code: changes made to it are not kept for the next call.
    this.constants.set(held.source as Storage, data.slice())
    return held
  }

  outside<T>(make: () => T): T {
    const before = enterWorld(eager)
    try {
      return make()
    } finally {
      enterWorld(before)
    }
  }

  observe(read: () => unknown): void {
    this.guards.push({ read, value: read() })
  }

  afterwards(act: () => void | Promise<void>): void {
    this.after.push(act)
  }

  backward(x: Tensor, options: BackwardOptions): void {
    backward(x, options)
  }

  read(x: Tensor): never {
    if (this.over) fail('data', `${x} is a value of a compiled step that is over`, 'return it from the compiled function to use it outside')
    return fail('compile', 'a value was read (item, data, toArray, or a mask as index) while the function was being traced, when there are no values yet', 'return the tensor and read it outside, use where() in place of if, or leave this function eager')
  }

  readSync(x: Tensor): never {
    return this.read(x)
  }

  on<T>(device: string, make: () => T): T {
    if (device !== 'symbolic' && backendNamed(device) !== this.device)
      fail('compile', `the code uses tensors on ${device}, and runs on ${this.device.info.name}, the current device`, `bring them there before: await toDevice(x, '${this.device.info.name}'), or make the other current: device('${device}')`)
    return make()
  }

  currentDevice(): object {
    return this.device
  }

  homeOf(): object {
    return this.device
  }

  deviceOf(): string {
    return 'symbolic'
  }

  alias(x: Tensor): Tensor {
    const local = this.inside(x)
    return local.source instanceof SymbolicSource ? this.show(local.source, local.layout, this.valueOf('alias', local)) : local
  }

  hold(x: Tensor): Tensor {
    return this.alias(x)
  }

  replace(x: Tensor, y: Tensor): void {
    x.handle = y.handle
  }

  poisoned(x: Tensor, why: LampasError): Tensor {
    const y = this.alias(x)
    ;(y.handle as SymbolicHandle).poison = why
    return y
  }

  owned(x: Tensor): Tensor {
    return x
  }

  release(x: Tensor): void {
    if (x.source instanceof SymbolicSource) (x.handle as SymbolicHandle).freed = true
    else eager.release(x)
  }

  alive(x: Tensor): boolean {
    return x.source instanceof SymbolicSource ? !(x.handle as SymbolicHandle).freed : eager.alive(x)
  }

  tidy<T extends readonly (Tensor | null)[]>(body: () => T): T {
    return body()
  }

  // Gradients of leaves outlive the step, as they do eagerly.

  private watchGrad(leaf: Tensor, write: boolean): void {
    if (leaf.source instanceof SymbolicSource) return
    if (write) {
      if (!this.gradWritten.has(leaf)) this.gradWritten.set(leaf, leaf.peekGrad())
    } else if (!this.gradWritten.has(leaf) && !this.gradRead.has(leaf)) {
      this.gradRead.add(leaf)
      this.guards.push({ read: () => leaf.peekGrad(), value: leaf.peekGrad() })
    }
  }

  /** A gradient made in the trace gets memory of its own, which each run fills. */
  private keepGrad(leaf: Tensor): Tensor | null {
    const g = leaf.peekGrad()
    if (!g || !(g.source instanceof SymbolicSource)) return g
    const value = this.valueOf('grad', g)
    const kept = lasting(() => zeros(g.shape, { dtype: g.dtype }))
    const name = labelOf(leaf.source)
    if (name !== null) label(kept, `${name}.grad`)
    this.write(kept, value)
    leaf.grad = kept
    return kept
  }
}

/** True when a view with this layout is all that the memory holds. */
const shows = (layout: View, home: View): boolean => layout.dtype === home.dtype && sameShape(layout.shape, home.shape) && sameGeometry(layout, home)
