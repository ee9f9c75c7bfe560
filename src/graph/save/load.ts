// Loading a saved function: its graphs are planned anew for the current device; nothing is traced or rewritten.
import type { Backend, Block } from '../../backend/backend.ts'
import { bytesOf, dtypes, type DType } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import { numel, sameShape, type Shape } from '../../core/shape.ts'
import { wordsIn } from '../../core/storage.ts'
import { contiguousView, isContiguous } from '../../core/view.ts'
import { noGrad } from '../../autograd/mode.ts'
import { currentBackend } from '../../eager/device.ts'
import { take } from '../../eager/pressure.ts'
import { Storage, callSite, handleOn, storageOf } from '../../eager/storage.ts'
import { eager } from '../../eager/world.ts'
import { tensor, type TensorData } from '../../ops/creation.ts'
import { copy_ } from '../../ops/inplace.ts'
import { label } from '../../ops/labels.ts'
import { Tensor } from '../../ops/tensor.ts'
import { ConstantSource, lasting, world } from '../../ops/world.ts'
import { Remembered, isPlain } from '../arguments.ts'
import type { Graph, GraphNode, Value } from '../graph.ts'
import { describeGraph, letIn, type Outside, type Version } from '../insight.ts'
import { makePlan, type Plan } from '../plan.ts'
import type { GraphDescription, Stage } from '../print/description.ts'
import { Site } from '../site.ts'
import { fromJson, needKind, Reader, unpack, type Json } from './file.ts'
import { replayed } from './record.ts'

/** What can be passed for a saved argument. */
export type LoadedArgument = TensorData | Readonly<Record<string, unknown>> | readonly unknown[] | string | null | undefined

export interface LoadedFunction<R = unknown> {
  /** Arguments as those of the saved function: tensors of the same dtypes and shapes, or numbers and lists for them. */
  (...args: LoadedArgument[]): R
  /** The names of its state: parameters, optimiser state, shared variables. */
  readonly state: readonly string[]
  /** A copy of a piece of its state. */
  get(name: string): Tensor
  /** Gives a piece of its state new values of the same shape. */
  set(name: string, value: TensorData): void
  /** Its graph as plain data, of the plan used last. */
  graph(stage?: Stage): GraphDescription
  /** Frees plans and state. */
  dispose(): void
}

export type Fields = { readonly [key: string]: Json }
type Type = readonly [DType, readonly number[]]

/** Stands in a saved value for a tensor. */
export class Hole {
  constructor(readonly type: Type | null) {}
}
const isHole = (v: Json): v is { $tensor: Json } => isPlain(v) && Object.keys(v).length === 1 && '$tensor' in v
export const withHoles = (v: Json): unknown =>
  isHole(v) ? new Hole(v.$tensor as Type | null)
  : Array.isArray(v) ? v.map(withHoles)
  : isPlain(v) && !('$' in v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, withHoles(x as Json)]))
  : fromJson(v)

/** A saved value with something in the place of each tensor, in their order. */
export const fill = (v: unknown, hole: (h: Hole) => unknown): unknown =>
  v instanceof Hole ? hole(v) : Array.isArray(v) ? v.map(x => fill(x, hole)) : isPlain(v) ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, fill(x, hole)])) : v

/** The argument with numbers and lists as tensors where such are wanted, which `into` gathers; null when it does not fit. */
function fitted(want: unknown, given: unknown, into: Tensor[], made: Tensor[]): boolean {
  if (want instanceof Hole) {
    const [dtype, shape] = want.type!
    const easy = typeof given === 'number' || typeof given === 'boolean' || Array.isArray(given) || ArrayBuffer.isView(given)
    if (!(given instanceof Tensor) && !easy) return false
    const x = given instanceof Tensor ? given : tensor(given as TensorData, { dtype })
    if (!(given instanceof Tensor)) made.push(x)
    into.push(x)
    return x.dtype === dtype && sameShape(x.shape, shape)
  }
  if (Array.isArray(want)) return Array.isArray(given) && given.length === want.length && want.every((w, i) => fitted(w, given[i], into, made))
  if (isPlain(want)) return isPlain(given) && Object.keys(given).length === Object.keys(want).length && Object.entries(want).every(([k, w]) => fitted(w, given[k], into, made))
  return Object.is(want, given)
}

const inWords = (v: unknown): string =>
  v instanceof Hole ? `${dtypes[v.type![0]].short}[${v.type![1].join(', ')}]`
  : v instanceof Tensor ? String(v)
  : Array.isArray(v) ? `[${v.map(inWords).join(', ')}]`
  : isPlain(v) ? `{${Object.entries(v).map(([k, x]) => `${k}: ${inWords(x)}`).join(', ')}}`
  : String(v)

/** A plan of the saved function. */
class Loaded implements Version {
  readonly graph: Graph
  readonly externals: readonly Outside[]
  readonly traced: Version['traced']
  readonly args: readonly unknown[]
  readonly result: unknown
  readonly names: readonly (string | null)[]
  readonly wants: readonly unknown[]
  readonly pinned = null
  private made: Plan | null = null
  private readonly returns: unknown

  constructor(o: Fields, readonly backend: Backend, memory: readonly Tensor[], literals: readonly boolean[], reader: Reader) {
    const values = new Map<string, Value>()
    const value = (id: Json): Value => values.get(id as string) ?? fail('loadFunction', `the file is damaged: value ${String(id)} is read before it is made`)
    this.externals = (o.externals as readonly Fields[]).map((e, i): Outside => {
      const [dtype, shape] = e.type as unknown as Type
      const v: Value = { dtype: needKind(dtype), shape, node: null, index: 0 }
      values.set(`x${i}`, v)
      const held = 'memory' in e ? memory[e.memory as number] : null
      return { value: v, argument: 'argument' in e ? (e.argument as number) : null, storage: held && (held.source as Storage), literal: 'memory' in e && literals[e.memory as number], trained: held?.requiresGrad ?? false }
    })
    const nodes = (o.nodes as readonly Fields[]).map((n): GraphNode => {
      const types = (n.types as unknown as readonly Type[]).map(([dtype, shape]) => ({ dtype: needKind(dtype), shape }))
      const inputs = (n.inputs as readonly Json[]).map((x): Value => {
        if (typeof x === 'string') return value(x)
        const { constant, dtype } = x as Fields
        return { dtype: dtype as DType, shape: [], node: null, index: 0, constant: fromJson(constant) as number | boolean }
      })
      const outputs: Value[] = []
      const site = typeof n.site === 'string' ? Site.of(n.site, (n.calls as string | null) ?? null) : undefined
      const node: GraphNode = { id: n.id as number, op: replayed(n.op as string, reader.recording(n), types), params: n.params, inputs, outputs, site }
      types.forEach((t, index) => outputs.push({ ...t, node, index }))
      outputs.forEach((v, i) => values.set(i === 0 ? `n${node.id}` : `n${node.id}.${i}`, v))
      return node
    })
    const updates = (o.updates as readonly (readonly [Json, Json])[]).map(([external, v]) => ({ external: value(external), value: value(v) }))
    this.graph = { nodes, externals: this.externals.map(e => e.value), outputs: (o.outputs as readonly Json[]).map(value), updates }
    this.traced = { graph: this.graph, externals: this.externals, argumentGrads: [] }
    const inputs = (o.inputs as readonly Fields[])
    this.names = inputs.map(i => i.name as string | null)
    this.wants = inputs.map(i => withHoles(i.value))
    this.args = this.wants.map(w => fill(w, h => new Remembered(h.type![0], h.type![1], inWords(h))))
    this.returns = withHoles(o.result)
    this.result = fill(this.returns, () => new Tensor(contiguousView('float32', []), new ConstantSource(0)))
  }

  get plan(): Plan {
    return (this.made ??= makePlan(this.graph, this.backend, this.externals.map(e => e.storage?.block ?? null)))
  }

  run(args: readonly Tensor[]): unknown {
    const { plan, graph, externals, backend } = this
    const swap = new Map<Block, Block>()
    const updated = new Set(graph.updates.map(u => u.external))
    const copies: { from: Tensor; to: Tensor | null }[] = []
    externals.forEach(({ argument, value }, i) => {
      if (argument === null) return
      const x = args[argument]
      const plain = isContiguous(x.layout) && x.layout.offset === 0 && !updated.has(value)
      const compact = plain ? x : noGrad(() => x.clone())
      if (!plain) copies.push({ from: compact, to: updated.has(value) ? x : null })
      swap.set(plan.placeholders[i], storageOf('loaded', compact).block)
    })
    const results = graph.outputs.map((v, i) => {
      const bytes = bytesOf(v.dtype, numel(v.shape))
      const block = take(backend, bytes)
      swap.set(plan.placeholders[externals.length + i], block)
      return { storage: new Storage(eager, backend, block, callSite()), view: contiguousView(v.dtype, v.shape) }
    })
    plan.prepared.run(swap)
    for (const e of externals) if (e.storage && updated.has(e.value)) e.storage.version++
    for (const { from, to } of copies) {
      if (to) noGrad(() => copy_(to, from))
      from.dispose()
    }
    const tensors = results.map(({ storage, view }) => handleOn(storage, view))
    let at = 0
    return fill(this.returns, () => tensors[at++])
  }

  dispose(): void {
    this.made?.dispose()
    this.made = null
  }
}

/** A tensor of values that the file has. */
export function tensorIn(m: Fields, data: Uint8Array): Tensor {
  const dtype = needKind(m.dtype as DType)
  const shape = m.shape as Shape
  const from = m.at as number
  const size = bytesOf(dtype, numel(shape))
  if (from + size > data.length) fail('loadFunction', `the file is damaged: it ends before the values of '${String(m.name)}'`, 'save the function again')
  const words = wordsIn(dtype, data.slice(from, from + size).buffer as ArrayBuffer).subarray(0, numel(shape) * (dtype === 'complex64' ? 2 : 1))
  const x = world().create(words, dtype, shape)
  label(x, String(m.name))
  return m.kind === 'parameter' ? x.requiresGrad_() : x
}

/** Plans of loaded functions that were dropped without `dispose()`. */
const dropped = new FinalizationRegistry<readonly Loaded[]>(list => list.forEach(v => v.dispose()))

/**
 * The function that `saveFunction` wrote down, on the current device, with state of its own: `f.get(name)`, `f.set(name, value)`. It takes the
 * kinds of arguments that the saved one was called with, and gives what that gave, to the bit on the same device.
 *
 * @throws LampasError when the bytes are damaged or of another version of the format.
 * @example
 * const count = symbolic.shared(0, { name: 'count' })
 * const f = symbolic.func({ outputs: count, updates: [[count, count.add(1)]] })
 * f()
 * const g = loadFunction(await saveFunction(f))
 * g() // → tensor(1.)
 * g.get('count') // → tensor(2.)
 */
export function loadFunction<R = Tensor>(bytes: Uint8Array | ArrayBuffer): LoadedFunction<R> {
  const { header, data } = unpack(bytes)
  const name = String(header.name)
  const backend = currentBackend()
  if ('call' in header) fail('loadFunction', 'these bytes are a call, with its arguments', 'loadCall(bytes) gives both')
  const memory = (header.memory as readonly Fields[]).map(m => lasting(() => tensorIn(m, data)))
  const kinds = (header.memory as readonly Fields[]).map(m => ({ name: String(m.name), literal: m.kind === 'literal' }))
  const reader = new Reader(header)
  const versions = (header.versions as readonly Fields[]).map(v => new Loaded(v, backend, memory, kinds.map(k => k.literal), reader))
  const defaults = (header.defaults as readonly Json[]).map(fromJson)
  const { names } = versions[0]
  let last = versions[0]
  let gone = false

  /** Functions of expressions take inputs by position and, in a last plain object, by name. */
  const bound = (args: readonly unknown[]): readonly unknown[] => {
    if (header.named !== true) return args
    const end = args.at(-1)
    const named = isPlain(end) ? end : {}
    const listed = isPlain(end) ? args.slice(0, -1) : args
    if (listed.length > names.length) fail(name, `${listed.length} inputs were given`, `it takes ${names.length}`)
    for (const key of Object.keys(named)) if (!names.includes(key)) fail(name, `there is no input '${key}'`, `inputs: ${names.join(', ')}`)
    return names.map((n, i) => (i < listed.length ? listed[i] : n !== null && Object.hasOwn(named, n) ? named[n] : defaults[i]))
  }
  const call = (...args: LoadedArgument[]): R => {
    if (world() !== eager) fail(name, 'a loaded function was called while another one is compiled', 'call it outside of compile')
    if (gone) fail(name, 'it was disposed', 'load it again')
    const given = bound(args)
    for (const v of versions) {
      const [tensors, made]: [Tensor[], Tensor[]] = [[], []]
      try {
        if (!fitted(v.wants, given, tensors, made)) continue
        for (const x of tensors) if (storageOf(name, x).backend !== backend) fail(name, `an argument ${x} is on ${x.device}, the function is on ${backend.info.name}`, `await toDevice(x, '${backend.info.name}')`)
        last = v
        return v.run(tensors) as R
      } finally {
        for (const x of made) x.dispose()
      }
    }
    return fail(name, `it was saved without a plan for ${inWords(given)}`, `it takes ${versions.map(v => inWords(v.wants)).join(' or ')}; call the original with such arguments before saving it`)
  }
  const piece = (key: string): Tensor => {
    const i = kinds.findIndex(k => k.name === key && !k.literal)
    return i >= 0 ? memory[i] : fail(name, `there is no state '${key}'`, `state: ${kinds.filter(k => !k.literal).map(k => k.name).join(', ') || 'none'}`)
  }
  const loaded: LoadedFunction<R> = Object.assign(call, {
    state: kinds.filter(k => !k.literal).map(k => k.name),
    get: (key: string): Tensor => noGrad(() => piece(key).clone()),
    set: (key: string, value: TensorData): void => {
      const x = piece(key)
      const next = tensor(value, { dtype: x.dtype })
      if (!sameShape(next.shape, x.shape)) fail(name, `the state '${key}' is ${x}, the new value is ${next}`, 'the shape must stay')
      noGrad(() => copy_(x, next))
    },
    graph: (stage?: Stage): GraphDescription => describeGraph(loaded, stage ?? null),
    dispose: (): void => {
      gone = true
      dropped.unregister(loaded)
      for (const v of versions) v.dispose()
      for (const x of memory) eager.release(x)
    },
  })
  dropped.register(loaded, versions, loaded)
  return letIn(loaded, { name, named: header.named === true, last: () => last, versions: () => versions, inputsOf: v => v.args.map((a, i) => [names[i] ?? null, a, defaults[i]] as const) })
}
