// A loop as one op: the step is a graph of its own, and lowering writes its kernels down for every entry of the sequences, each on its
// slice. Its inputs are sequences, first states, and what is the same in every step; its results the states and what steps gave.
import { contiguousView, selectView } from '../core/view.ts'
import type { Tensor } from '../ops/tensor.ts'
import { copyInto } from '../ops/lowering.ts'
import type { Arg, Lowering, Op, Saved } from '../ops/op.ts'
import { liveNodes, type Graph, type Value } from './graph.ts'

type Derivative<P> = (grads: readonly (Tensor | null)[], saved: Saved<P>) => (Tensor | null)[]

/** What a step does, or one side of a branch. */
export class Body<P = LoopParams> {
  constructor(
    readonly graph: Graph,
    readonly derivative: Derivative<P>,
    /** It must not be made faster by keeping more values. */
    readonly lean = false,
  ) {}
}

export interface LoopParams {
  readonly steps: number
  /** Of each sequence the entry that the first step gets. */
  readonly offsets: readonly number[]
  /** How many states follow the sequences among the inputs. */
  readonly states: number
  /** Of each result the state that it becomes, or −1. */
  readonly stateOf: readonly number[]
  /** Of each result how many values from the end are wanted, one after the other; 0: the last one alone. */
  readonly keep: readonly number[]
  readonly body: Body
}

/** Lowers a body on given arguments. */
export function lowerBody(k: Lowering, body: Graph, nodes: Graph['nodes'], inputs: readonly Arg[]): Arg[] {
  const args = new Map<Value, Arg>(body.externals.map((v, i) => [v, inputs[i]]))
  const argOf = (v: Value): Arg => args.get(v) ?? { view: contiguousView(v.dtype, v.shape), slot: v, constant: v.constant }
  for (const node of nodes) {
    const given = node.inputs.map(argOf)
    const view = given.length === 1 && given[0].constant === undefined ? (node.op.view?.(given[0].view, node.params) ?? null) : null
    const results = view ? [{ view, slot: given[0].slot }] : node.op.lower!(k, given, node.params, node.outputs)
    node.outputs.forEach((v, i) => args.set(v, results[i]))
  }
  return body.outputs.map(argOf)
}

export const loopOp: Op<LoopParams> = {
  name: 'scan',
  infer: (_, { body, keep }) => body.graph.outputs.map((v, i) => ({ dtype: v.dtype, shape: keep[i] > 0 ? [keep[i], ...v.shape] : v.shape })),
  lower(k, inputs, { body: { graph }, steps, offsets, states, stateOf, keep }, results) {
    const outs = results.map(r => k.alloc(r.dtype, r.shape))
    const nodes = liveNodes(graph)
    const entry = (x: Arg, at: number): Arg => ({ view: selectView(x.view, 0, at), slot: x.slot })
    const count = offsets.length
    let now = inputs.slice(count, count + states)
    for (let t = 0; t < steps; t++) {
      const ys = lowerBody(k, graph, nodes, [...offsets.map((o, i) => entry(inputs[i], t + o)), ...now, ...inputs.slice(count + states)])
      const next = [...now]
      ys.forEach((y, i) => {
        const from = steps - Math.max(1, keep[i])
        const target = t < from ? null : keep[i] > 0 ? entry(outs[i], t - from) : outs[i]
        if (target) copyInto(k, y, target)
        if (stateOf[i] >= 0) next[stateOf[i]] = target ?? y
      })
      now = next
    }
    return outs
  },
  vjp: (grads, saved) => saved.params.body.derivative(grads, saved),
  saves: 'both',
}
