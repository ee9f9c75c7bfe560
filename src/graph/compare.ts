// Three traces of one function at different sizes, node by node: the same graph but for numbers that formulas of the size give, and that
// graph at any other size.
import { fail } from '../core/errors.ts'
import { storageOf, type Storage } from '../eager/storage.ts'
import { Tensor } from '../ops/tensor.ts'
import { isPlain } from './arguments.ts'
import { formulaFor, type OfSize } from './formula.ts'
import type { Graph, GraphNode, Value } from './graph.ts'
import { Body } from './loop.ts'
import { describeNode } from './passes/index.ts'
import type { External, Trace, Traced } from './trace.ts'

/** One trace, and what the function gave. */
export interface Probe {
  readonly trace: Trace
  readonly traced: Traced
  readonly result: unknown
}

/** What depends on the size: a number, or a list, object or step of a loop with such numbers inside. */
class Varying {
  constructor(readonly at: (n: number) => unknown) {}
}
/** What a template is at a size. */
export const valueAt = (template: unknown, n: number): unknown => (template instanceof Varying ? template.at(n) : template)

const leaveIt = 'leave the axis static, or compute this from a tensor that is an argument'

export class Comparison {
  /** Of values their shapes and numbers, of nodes their parameters, where these depend on the size. */
  private readonly shapes = new Map<Value, Varying>()
  private readonly numbers = new Map<Value, Varying>()
  private readonly params = new Map<GraphNode, Varying>()

  constructor(
    private readonly name: string,
    private readonly sizes: readonly number[],
  ) {}

  private refuse(what: string, values: readonly unknown[], node: GraphNode | null): never {
    const where = node ? ` in ${describeNode(node)}` : ''
    const texts = values.map(v => (typeof v === 'object' && v !== null ? JSON.stringify(v) : String(v)))
    return fail('compile', `${what}${where} is ${texts.join(', ')} where the dynamic axis of ${this.name} has ${this.sizes.join(', ')} elements, which no formula of the size gives`, leaveIt)
  }

  /** What the values at the three sizes are at any: itself where they are equal. */
  solve(what: string, values: readonly unknown[], node: GraphNode | null = null): unknown {
    const [a] = values
    if (values.every(v => Object.is(v, a)) || values.every(v => v instanceof Tensor)) return a
    if (isAll(values, v => typeof v === 'number')) {
      const formula: OfSize | null = formulaFor(this.sizes, values as number[])
      return formula ? new Varying(formula) : this.refuse(what, values, node)
    }
    if (isAll(values, v => Array.isArray(v))) {
      const lists = values as (readonly unknown[])[]
      if (lists.some(l => l.length !== lists[0].length)) this.refuse(`the length of ${what}`, lists.map(l => l.length), node)
      const parts = lists[0].map((_, i) => this.solve(what, lists.map(l => l[i]), node))
      return parts.some(p => p instanceof Varying) ? new Varying(n => parts.map(p => valueAt(p, n))) : a
    }
    if (isAll(values, isPlain)) {
      const objects = values as Record<string, unknown>[]
      const keys = Object.keys(objects[0])
      if (objects.some(o => Object.keys(o).join() !== keys.join())) this.refuse(what, objects.map(o => Object.keys(o).join()), node)
      const parts = keys.map(k => [k, this.solve(k, objects.map(o => o[k]), node)] as const)
      return parts.some(([, p]) => p instanceof Varying) ? new Varying(n => Object.fromEntries(parts.map(([k, p]) => [k, valueAt(p, n)]))) : a
    }
    if (isAll(values, v => v instanceof Body)) {
      const bodies = values as Body[]
      const before = this.shapes.size + this.numbers.size + this.params.size
      this.graphs(bodies.map(b => b.graph))
      const varies = this.shapes.size + this.numbers.size + this.params.size > before
      return varies ? new Varying(n => new Body(this.instance(bodies[0].graph, n).graph, bodies[0].derivative, bodies[0].lean)) : a
    }
    if (isAll(values, v => ArrayBuffer.isView(v)) && (values as Uint8Array[]).every(v => equalWords(v, a as Uint8Array))) return a
    return this.refuse(what, values, node)
  }

  /** Memory that the code reached by itself, or wrote down, must be the same whatever the size. */
  captured(probes: readonly Probe[], graph: Graph): void {
    const lists = probes.map(p => p.traced.externals)
    const gradients = probes.map(({ traced }) => new Map(traced.grads.flatMap(({ grad }, k): [Storage, number][] => (grad ? [[storageOf('compile', grad), k]] : []))))
    const [first] = lists
    const readerOf = (e: External): GraphNode | null => graph.nodes.find(n => n.inputs.includes(e.value)) ?? null
    if (lists.some(l => l.length !== first.length)) this.refuse('how much memory the code uses from outside', lists.map(l => l.length), null)
    first.forEach((e, i) => {
      const same = lists.every((l, k) => {
        const other = l[i]
        if (other.argument !== e.argument) return false
        if (e.argument !== null || other.storage === e.storage) return true
        const [g, h] = [gradients[0].get(e.storage), gradients[k].get(other.storage)]
        if (g !== undefined || h !== undefined) return g === h
        const [v, w] = [probes[0].trace.written(e.storage), probes[k].trace.written(other.storage)]
        return v !== undefined && w !== undefined && equalWords(v, w)
      })
      if (!same) this.refuse(e.literal ? 'a tensor of numbers from the code' : 'memory from outside', lists.map(l => `${l[i].value.dtype}[${l[i].value.shape.join()}]`), readerOf(e))
    })
  }

  /** Nodes, operands, parameters and shapes of graphs that must be alike. */
  graphs(graphs: readonly Graph[]): void {
    const [first] = graphs
    graphs.forEach((g, k) => {
      const at = first.nodes.findIndex((n, i) => g.nodes[i]?.op !== n.op)
      if (at >= 0 || g.nodes.length !== first.nodes.length) {
        const [n, m] = [first.nodes[Math.max(0, at)], g.nodes[at < 0 ? first.nodes.length : at]]
        fail('compile', `${this.name} does other things where its dynamic axis has ${this.sizes[k]} elements than with ${this.sizes[0]}: ${m ? describeNode(m) : 'nothing more'}, not ${n ? describeNode(n) : 'nothing'}`, leaveIt)
      }
    })
    const ids = graphs.map(g => new Map(g.externals.map((v, i) => [v, i])))
    const meet = (vs: readonly Value[], node: GraphNode | null): void => {
      this.note(this.shapes, vs[0], this.solve('the shape', vs.map(v => v.shape), node))
      if (vs.some(v => v.dtype !== vs[0].dtype)) this.refuse('the dtype', vs.map(v => v.dtype), node)
    }
    first.externals.forEach((_, i) => meet(graphs.map(g => g.externals[i]), null))
    const use = (vs: readonly Value[], node: GraphNode | null): void => {
      if (vs.every(v => v.constant !== undefined)) {
        meet(vs, node)
        this.note(this.numbers, vs[0], this.solve('a number', vs.map(v => v.constant), node))
      } else if (new Set(vs.map((v, k) => ids[k].get(v) ?? -1)).size > 1) this.refuse('which operand is read', vs.map((v, k) => ids[k].get(v) ?? v.constant), node)
    }
    first.nodes.forEach((node, i) => {
      const nodes = graphs.map(g => g.nodes[i])
      node.inputs.forEach((_, k) => use(nodes.map(n => n.inputs[k]), node))
      this.note(this.params, node, this.solve('a parameter', nodes.map(n => n.params), node))
      node.outputs.forEach((v, k) => {
        meet(nodes.map(n => n.outputs[k]), node)
        ids.forEach((map, g) => map.set(nodes[g].outputs[k], ids[0].get(v) ?? map.size))
      })
    })
    if (graphs.some(g => g.outputs.length !== first.outputs.length || g.updates.length !== first.updates.length)) this.refuse('how many results there are', graphs.map(g => g.outputs.length + g.updates.length), null)
    first.outputs.forEach((_, i) => use(graphs.map(g => g.outputs[i]), null))
    first.updates.forEach((_, i) => {
      use(graphs.map(g => g.updates[i].external), null)
      use(graphs.map(g => g.updates[i].value), null)
    })
  }

  private note<K>(map: Map<K, Varying>, key: K, template: unknown): void {
    if (template instanceof Varying) map.set(key, template)
  }

  /** The first graph at another size. */
  instance(graph: Graph, n: number): { graph: Graph; valueOf: (v: Value) => Value } {
    const values = new Map<Value, Value>()
    const shaped = (v: Value): Value => {
      const shape = this.shapes.get(v)
      return shape ? { ...v, shape: shape.at(n) as readonly number[] } : { ...v }
    }
    const of = (v: Value): Value => {
      let found = values.get(v)
      if (!found) {
        const number = this.numbers.get(v)
        values.set(v, (found = number ? { ...shaped(v), constant: number.at(n) as number } : shaped(v)))
      }
      return found
    }
    const externals = graph.externals.map(of)
    const nodes = graph.nodes.map(node => {
      const outputs: Value[] = []
      const params = this.params.get(node)
      const made: GraphNode = { ...node, params: params ? params.at(n) : node.params, inputs: node.inputs.map(of), outputs }
      for (const v of node.outputs) {
        const y = { ...shaped(v), node: made }
        outputs.push(y)
        values.set(v, y)
      }
      return made
    })
    return { graph: { nodes, externals, outputs: graph.outputs.map(of), updates: graph.updates.map(u => ({ external: of(u.external), value: of(u.value) })) }, valueOf: of }
  }
}

const isAll = (values: readonly unknown[], is: (v: unknown) => boolean): boolean => values.every(is)

function equalWords(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const [x, y] = [a, b].map(v => new Uint8Array(v.buffer, v.byteOffset, v.byteLength))
  return x.length === y.length && x.every((byte, i) => byte === y[i])
}
