// A loop as one op: the step is a graph of its own, and lowering writes its kernels down for every entry of the sequences, each on its
// slice. Its inputs are sequences, first states, and what is the same in every step; its results the states and what steps gave.
import { numel } from '../core/shape.ts'
import { contiguousView, expandView, selectView, sliceView } from '../core/view.ts'
import { program, S } from '../ir/scalar.ts'
import type { Tensor } from '../ops/tensor.ts'
import { copyInto, fillWith } from '../ops/lowering.ts'
import { matmulOp } from '../ops/matmul.ts'
import type { Arg, Lowering, Op, Saved } from '../ops/op.ts'
import { pointwiseOps } from '../ops/pointwise-record.ts'
import { maxOp, minOp, prodOp, sumOp } from '../ops/reduce.ts'
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
  /**
   * Which argument of a step, one bool, says whether it runs; −1: all do. A step that does not run leaves states as they are and gives zeros. Those
   * that run follow one another, and all values are wanted of a result, or that of a state in the end.
   */
  readonly guard: number
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

const entry = (x: Arg, at: number): Arg => ({ view: selectView(x.view, 0, at), slot: x.slot })

export const loopOp: Op<LoopParams> = {
  name: 'scan',
  infer: (_, { body, keep }) => body.graph.outputs.map((v, i) => ({ dtype: v.dtype, shape: keep[i] > 0 ? [keep[i], ...v.shape] : v.shape })),
  lower(k, inputs, params, results) {
    const { body: { graph }, steps, offsets, states, stateOf, keep, guard } = params
    const outs = results.map(r => k.alloc(r.dtype, r.shape))
    const nodes = liveNodes(graph)
    if (guard >= 0) return (!k.when || (k.waitsLong && isLight(nodes)) ? lowerMasked : lowerGuarded)(k, inputs, params, outs)
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

/** Elements of a value so small that a step may be done in vain. */
const SMALL = 2 ** 13
const harmless = new Set<Op>([sumOp, prodOp, maxOp, minOp, matmulOp] as Op[])
/** Whether nothing is large, and nothing can fail. */
const isLight = (nodes: Graph['nodes']): boolean =>
  nodes.every(({ op, outputs }) => (op.view || pointwiseOps.get(op.name) === op || harmless.has(op)) && outputs.every(v => numel(v.shape) <= SMALL))

const flag = S.input(0, 'bool')
const places = program([S.select(flag, S.add(S.index(), 1), 0)], ['bool'])
const isOdd = program([S.ne(S.and(S.input(0, 'int32'), 1), 0)], ['int32'])

/**
 * Each step under its flag. A state lies in two rows that steps read and write by turns, both of which hold the first one before; so the row
 * that the last step wrote has the state in the end, however many ran.
 */
function lowerGuarded(k: Lowering, inputs: readonly Arg[], { body: { graph }, steps, offsets, states, stateOf, keep, guard }: LoopParams, outs: readonly Arg[]): Arg[] {
  const nodes = liveNodes(graph)
  const count = offsets.length
  const initial = inputs.slice(count, count + states)
  const carried = guard - count
  const flags = carried < 0 ? { ...inputs[guard], view: sliceView(inputs[guard].view, 0, offsets[guard], 1, steps) } : k.alloc('bool', [steps + 1])
  if (carried >= 0) {
    fillWith(k, flags, 0)
    copyInto(k, initial[carried], entry(flags, 0))
  }
  const turns = initial.map((x, i) => {
    if (i === carried) return flags
    const rows = k.alloc(x.view.dtype, [2, ...x.view.shape])
    copyInto(k, { ...x, view: expandView(x.view, rows.view.shape) }, rows)
    return rows
  })
  outs.forEach((out, i) => keep[i] > 0 && fillWith(k, out, 0))
  const stateAt = (i: number, t: number): Arg => entry(turns[i], i === carried ? t : t % 2)
  for (let t = 0; t < steps; t++) {
    const step = (): void => {
      const ys = lowerBody(k, graph, nodes, [...offsets.map((o, i) => entry(inputs[i], t + o)), ...initial.map((_, i) => stateAt(i, t)), ...inputs.slice(count + states)])
      ys.forEach((y, i) => {
        if (stateOf[i] >= 0) copyInto(k, y, stateAt(stateOf[i], t + 1))
        if (keep[i] > 0) copyInto(k, y, entry(outs[i], t))
      })
    }
    k.when!(entry(flags, t), step)
  }
  if (keep.every(n => n > 0)) return [...outs]
  const [ran, last, odd] = [k.alloc('int32', [steps]), k.alloc('int32', []), k.alloc('bool', [])]
  k.run({ kind: 'map', program: places, params: [] }, [{ ...flags, view: sliceView(flags.view, 0, 0, 1, steps) }], [ran])
  k.run({ kind: 'reduce', op: 'max' }, [ran], [last])
  k.run({ kind: 'map', program: isOdd, params: [] }, [last], [odd])
  return outs.map((out, i) => {
    if (keep[i] > 0) return out
    if (stateOf[i] === carried) return entry(flags, steps)
    const rows = turns[stateOf[i]]
    return pointwiseOps.get('where')!.lower!(k, [odd, entry(rows, 1), entry(rows, 0)], null, [out.view])[0]
  })
}

/** All steps run; what those behind the end give is passed over. */
function lowerMasked(k: Lowering, inputs: readonly Arg[], { body: { graph }, steps, offsets, states, stateOf, keep, guard }: LoopParams, outs: readonly Arg[]): Arg[] {
  const nodes = liveNodes(graph)
  const count = offsets.length
  let now = inputs.slice(count, count + states)
  for (let t = 0; t < steps; t++) {
    const args = [...offsets.map((o, i) => entry(inputs[i], t + o)), ...now, ...inputs.slice(count + states)]
    const chosen = (y: Arg, other: Arg): Arg => pointwiseOps.get('where')!.lower!(k, [args[guard], y, other], null, [y.view])[0]
    const next = [...now]
    lowerBody(k, graph, nodes, args).forEach((y, i) => {
      if (stateOf[i] >= 0) next[stateOf[i]] = chosen(y, now[stateOf[i]])
      if (keep[i] > 0) copyInto(k, chosen(y, { view: contiguousView(y.view.dtype, []), slot: {}, constant: 0 }), entry(outs[i], t))
    })
    now = next
  }
  outs.forEach((out, i) => keep[i] === 0 && copyInto(k, now[stateOf[i]], out))
  return [...outs]
}
