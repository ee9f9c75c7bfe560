// A graph that can be changed: a copy of the traced one in which equal nodes are one node, values can be replaced, and everybody who
// reads a value is known. New nodes belong to it only once something that is needed reads them.
import { numel, sameShape, type Shape } from '../../core/shape.ts'
import { dtypeOfNumber, type DType } from '../../core/dtype.ts'
import { castOp } from '../../ops/cast.ts'
import { expandOp, filledBesideOp, filledOp, permuteOp, reshapeOp } from '../../ops/movement-ops.ts'
import type { Op } from '../../ops/op.ts'
import '../../ops/pointwise.ts'
import { pointwiseOps } from '../../ops/pointwise-record.ts'
import type { Graph, GraphNode, Value } from '../graph.ts'
import { Body } from '../loop.ts'
import type { Site } from '../site.ts'

/** A node of the copy: its inputs may be exchanged. */
export interface LiveNode extends GraphNode {
  inputs: Value[]
  /** Op and parameters as text. */
  readonly what: string
  /** The same with the operands; equal keys: equal nodes. */
  key: string
  /** Its place in the order of the program; new nodes take that of the node they stand for. */
  readonly order: number
}

const identities = new WeakMap<object, number>()
let identityCount = 0
const identityOf = (x: object): number => identities.get(x) ?? (identities.set(x, ++identityCount), identityCount)

/** Parameters as text: equal texts mean equal parameters. */
function textOf(p: unknown): string {
  if (typeof p !== 'object' || p === null) return typeof p === 'function' ? `#${identityOf(p)}` : Object.is(p, -0) ? '-0' : `${typeof p}:${String(p)}`
  if (Array.isArray(p)) return `[${p.map(textOf).join()}]`
  if (p instanceof Body) return textOfBody(p)
  return Object.getPrototypeOf(p) === Object.prototype ? `{${Object.entries(p).map(([k, v]) => `${k}=${textOf(v)}`).join()}}` : `#${identityOf(p)}`
}

const bodies = new WeakMap<Body, string>()
/** Equal texts: steps that do the same. */
function textOfBody(body: Body): string {
  const known = bodies.get(body)
  if (known) return known
  const { externals, nodes, outputs } = body.graph
  const ids = new Map(externals.map((v, i) => [v, `x${i}:${v.dtype}[${v.shape.join()}]`]))
  const of = (v: Value): string => ids.get(v) ?? (v.constant === undefined ? `#${identityOf(v)}` : idOf(v))
  const lines = nodes.map((n, k) => {
    n.outputs.forEach((v, i) => ids.set(v, `${k}.${i}`))
    return `${n.inputs.map(of).join()} ${whatOf(n.op, n.params)}`
  })
  const text = `(${lines.join(';')}→${outputs.map(of).join()})`
  bodies.set(body, text)
  return text
}

const idOf = (v: Value): string => {
  if (v.constant !== undefined) return `${v.dtype}${Object.is(v.constant, -0) ? '-0' : String(v.constant)}`
  return v.node === null ? `#${identityOf(v)}` : v.index === 0 ? `${v.node.id}` : `${v.node.id}.${v.index}`
}
/** An op and its parameters as text. */
export const whatOf = (op: Op, params: unknown): string => (params === null ? `${identityOf(op)}` : `${identityOf(op)} ${textOf(params)}`)
function keyOf(what: string, inputs: readonly Value[]): string {
  let key = ''
  for (const v of inputs) key += `${idOf(v)},`
  return `${key} ${what}`
}

export const pointwise = (name: string): Op => pointwiseOps.get(name) as Op
const copies = pointwise('clone').lower
/** Ops that give their operand as it is, in fresh memory. */
export const isCopy = (op: Op): boolean => op.lower === copies

export class Rewriter {
  /** Where new nodes are said to come from: the node being rewritten. */
  at: { readonly order: number; readonly site?: Site } = { order: 0 }
  /** Nodes whose inputs changed, to be looked at again. */
  readonly touched: LiveNode[] = []
  private readonly readers = new Map<Value, Set<LiveNode>>()
  private readonly table = new Map<string, LiveNode>()
  private readonly linked = new Set<LiveNode>()
  private fresh: LiveNode[] = []
  /** What the outputs and then the updates are now. */
  private readonly roots: Value[]
  /** Where each of them stands among the roots. */
  private readonly places = new Map<Value, number[]>()
  private count = 0
  merged = 0

  constructor(
    private readonly source: Graph,
    /** Whether equal nodes become one. */
    private readonly merging: boolean,
  ) {
    const copy = new Map<Value, Value>()
    const of = (v: Value): Value => copy.get(v) ?? v
    // Only nodes that are needed come along.
    const needed = new Set<GraphNode>()
    const stack = [...source.outputs, ...source.updates.map(u => u.value)]
    for (let v = stack.pop(); v; v = stack.pop()) {
      if (!v.node || needed.has(v.node)) continue
      needed.add(v.node)
      stack.push(...v.node.inputs)
    }
    source.nodes.forEach((n, order) => {
      if (!needed.has(n)) return
      this.at = { order, site: n.site }
      const before = this.fresh.length
      const made = this.node(n.op, n.inputs.map(of), n.params, n.outputs)
      if (this.fresh.length === before) this.merged++
      n.outputs.forEach((v, i) => copy.set(v, made.outputs[i]))
    })
    this.roots = [...source.outputs.map(of), ...source.updates.map(u => of(u.value))]
    this.roots.forEach((v, i) => this.addPlaces(v, [i]))
    for (const v of this.roots) this.link(v)
    this.forget()
  }

  get nodes(): Iterable<LiveNode> {
    return this.linked
  }
  get size(): number {
    return this.linked.size
  }
  isLive(n: LiveNode): boolean {
    return this.linked.has(n)
  }
  readersOf(v: Value): ReadonlySet<LiveNode> {
    return this.readers.get(v) ?? nobody
  }
  isRoot(v: Value): boolean {
    return this.places.has(v)
  }
  /** True when one node, and nothing outside, reads the value. */
  isPrivate(v: Value): boolean {
    return this.readersOf(v).size === 1 && !this.isRoot(v)
  }

  // Making

  private node(op: Op, inputs: readonly Value[], params: unknown, metas: readonly { dtype: DType; shape: Shape }[]): LiveNode {
    const what = whatOf(op, params)
    const key = keyOf(what, inputs)
    const known = this.merging ? this.table.get(key) : undefined
    if (known) return known
    const outputs: Value[] = []
    const node: LiveNode = { id: this.count++, op, params, inputs: [...inputs], outputs, what, key, site: this.at.site, order: this.at.order }
    metas.forEach((m, index) => outputs.push({ dtype: m.dtype, shape: m.shape, node, index }))
    this.table.set(key, node)
    this.fresh.push(node)
    return node
  }

  /** All results of an op. */
  makeAll<P>(op: Op<P>, inputs: readonly Value[], params: P): readonly Value[] {
    return this.node(op as Op, inputs, params, op.infer(inputs, params)).outputs
  }
  /** The value of an op; of an equal node that is there already if there is one. */
  make<P>(op: Op<P>, inputs: readonly Value[], params: P): Value {
    return this.makeAll(op, inputs, params)[0]
  }
  pointwise(name: string, ...inputs: readonly (Value | number)[]): Value {
    return this.make(pointwise(name), inputs.map(x => (typeof x === 'number' ? this.number(x) : x)), null)
  }
  number(x: number | boolean): Value {
    return { dtype: dtypeOfNumber(x), shape: [], node: null, index: 0, constant: x }
  }
  /** A number has every shape. */
  reshape(v: Value, shape: Shape): Value {
    if (v.constant !== undefined) return v
    const from = v.node?.op === (reshapeOp as Op) ? v.node.inputs[0] : v
    return sameShape(v.shape, shape) ? v : sameShape(from.shape, shape) ? from : this.make(reshapeOp, [from], { shape })
  }
  expand(v: Value, shape: Shape): Value {
    if (v.constant !== undefined || sameShape(v.shape, shape)) return v
    return this.make(expandOp, [v.node?.op === (expandOp as Op) ? v.node.inputs[0] : v], { shape })
  }
  /** One number everywhere, which takes the memory of one. */
  filled(value: number, { dtype, shape }: { dtype: DType; shape: Shape }): Value {
    return this.expand(this.make(filledOp, [], { shape: shape.map(() => 1), value, dtype }), shape)
  }
  /** x in the place of `like`: of its shape; null when the dtype is another. */
  fit(x: Value, like: Value): Value | null {
    if (x.constant !== undefined) return this.filled(Number(x.constant), like)
    return x.dtype === like.dtype && (sameShape(x.shape, like.shape) || broadcasts(x.shape, like.shape)) ? this.expand(x, like.shape) : null
  }

  /** The number that the value is everywhere, or null when that is not known. */
  literal(v: Value): number | null {
    if (v.constant !== undefined) return Number(v.constant)
    if (!v.node) return null
    const { op, params, inputs } = v.node
    if (op === filledOp || op === filledBesideOp) return (params as { value: number }).value
    if (op === zerosLike) return 0
    if (op === onesLike) return 1
    if (op === reshapeOp || op === expandOp || op === permuteOp || isCopy(op)) return this.literal(inputs[0])
    if (op !== (castOp as Op)) return null
    // Numbers that every dtype holds.
    const x = this.literal(inputs[0])
    return x === 0 || x === 1 ? x : null
  }

  // Replacing

  /** All readers of `from` read `to` from now on. */
  replace(from: Value, to: Value): void {
    const pending: [Value, Value][] = [[from, to]]
    for (let next = pending.pop(); next; next = pending.pop()) {
      const [a, b] = next
      if (a === b) continue
      this.link(b)
      for (const reader of this.readersOf(a)) {
        this.untable(reader)
        reader.inputs = reader.inputs.map(v => (v === a ? b : v))
        this.addReader(b, reader)
        reader.key = keyOf(reader.what, reader.inputs)
        const twin = this.merging ? this.table.get(reader.key) : undefined
        if (twin && twin !== reader && this.linked.has(twin)) {
          reader.outputs.forEach((v, i) => pending.push([v, twin.outputs[i]]))
          this.merged++
        } else this.table.set(reader.key, reader)
        this.touched.push(reader)
      }
      this.readers.delete(a)
      const places = this.places.get(a)
      if (places) {
        for (const i of places) this.roots[i] = b
        this.places.delete(a)
        this.addPlaces(b, places)
      }
      this.unlink(a)
    }
  }

  /** Nodes that were made and then not used. */
  forget(): void {
    if (this.fresh.length === 0) return
    for (const n of this.fresh) if (!this.linked.has(n)) this.untable(n)
    this.fresh = []
  }

  private untable(n: LiveNode): void {
    if (this.table.get(n.key) === n) this.table.delete(n.key)
  }
  private addPlaces(v: Value, places: readonly number[]): void {
    const known = this.places.get(v)
    if (known) known.push(...places)
    else this.places.set(v, [...places])
  }
  private addReader(v: Value, n: LiveNode): void {
    const set = this.readers.get(v)
    if (set) set.add(n)
    else this.readers.set(v, new Set([n]))
  }

  private link(v: Value): void {
    const stack = [v]
    for (let next = stack.pop(); next; next = stack.pop()) {
      const n = next.node as LiveNode | null
      if (!n || this.linked.has(n)) continue
      this.linked.add(n)
      this.table.set(n.key, n)
      this.touched.push(n)
      for (const x of n.inputs) this.addReader(x, n)
      stack.push(...n.inputs)
    }
  }
  /** Lets go of the node that makes v, and of what only it needed. */
  private unlink(v: Value): void {
    const stack = [v]
    for (let next = stack.pop(); next; next = stack.pop()) {
      const n = next.node as LiveNode | null
      if (!n || !this.linked.has(n) || n.outputs.some(y => this.readersOf(y).size > 0 || this.isRoot(y))) continue
      this.linked.delete(n)
      this.untable(n)
      for (const x of n.inputs) {
        this.readers.get(x)?.delete(n)
        stack.push(x)
      }
    }
  }

  /** The graph as it is now, in an order near that of the program. */
  finish(): Graph {
    const nodes: GraphNode[] = []
    const seen = new Set<GraphNode>()
    const visit = (n: LiveNode): void => {
      const stack: { n: LiveNode; next: number }[] = [{ n, next: 0 }]
      while (stack.length) {
        const top = stack[stack.length - 1]
        if (seen.has(top.n)) stack.pop()
        else if (top.next < top.n.inputs.length) {
          const below = top.n.inputs[top.next++].node as LiveNode | null
          if (below && !seen.has(below)) stack.push({ n: below, next: 0 })
        } else {
          seen.add(top.n)
          nodes.push(top.n)
          stack.pop()
        }
      }
    }
    for (const n of [...this.linked].sort((a, b) => a.order - b.order || a.id - b.id)) visit(n)
    const { externals, outputs, updates } = this.source
    const count = outputs.length
    return { nodes, externals, outputs: this.roots.slice(0, count), updates: updates.map(({ external }, i) => ({ external, value: this.roots[count + i] })) }
  }
}

const nobody: ReadonlySet<LiveNode> = new Set()
const zerosLike = pointwise('zerosLike')
const onesLike = pointwise('onesLike')

export const broadcasts = (from: Shape, to: Shape): boolean => from.length <= to.length && from.every((n, i) => n === 1 || n === to[to.length - from.length + i]) && (numel(to) > 0 || numel(from) <= 1 || sameShape(from, to.slice(to.length - from.length)))
