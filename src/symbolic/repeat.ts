// A loop as one node of a graph: the step is traced once. The derivative is a loop of the same kind that runs backwards over the states
// that were kept.
import { isDifferentiable } from '../core/dtype.ts'
import { LampasError, internal } from '../core/errors.ts'
import { sameShape } from '../core/shape.ts'
import { contiguousView } from '../core/view.ts'
import { grad } from '../autograd/engine.ts'
import { enableGrad, isGradEnabled } from '../autograd/mode.ts'
import { edgeOf } from '../autograd/tape.ts'
import { handleOn } from '../eager/storage.ts'
import type { Value } from '../graph/graph.ts'
import { Body, loopOp, type LoopParams } from '../graph/loop.ts'
import '../graph/passes/loops.ts'
import { apply1 } from '../ops/define.ts'
import type { GradNode } from '../ops/gradnode.ts'
import { add, cat, flip, narrow, unsqueeze, where, zeros, zerosLike, type Tensor } from '../ops/index.ts'
import { expandOp } from '../ops/movement-ops.ts'
import { world, type World } from '../ops/world.ts'
import { blank } from './expression.ts'
import { Inner } from './inner.ts'

/** From entries of the sequences, states and further arguments to the results. */
type StepOf = (args: readonly Tensor[]) => readonly Tensor[]

type Layout = Pick<LoopParams, 'stateOf' | 'keep'>
export interface LoopSpec extends Pick<LoopParams, 'steps' | 'offsets' | 'states' | 'guard'> {
  /** What becomes of so many results; null: this loop cannot be one node. */
  readonly layout: (results: number) => Layout | null
  /** The loop, and its derivative, must keep few values. */
  readonly lean?: boolean
}
interface Origin {
  /** In the place of values of the trace around the loop that steps use besides, it takes those behind its own. */
  readonly step: StepOf
  /** Leaves that steps use by themselves; they are the last inputs too, for their gradients. */
  readonly leaves: readonly Tensor[]
  readonly lean: boolean
}

const derivativeOf = ({ step: given, leaves, lean }: Origin): Body['derivative'] => (grads, { params: p, inputs, outputs, needs }) => {
  const { steps, offsets, states, stateOf } = p
  const count = offsets.length
  const own = inputs.length - leaves.length
  const tensors = inputs.map((x, i) => ({ x, i, wanted: needs[i] && isDifferentiable(x.dtype) }))
  const [entries, initial, rest] = [tensors.slice(0, count), tensors.slice(count, count + states), tensors.slice(count + states)]
  const carried = initial.filter(s => isDifferentiable(s.x.dtype))
  const [wantedEntries, wantedRest] = [entries.filter(e => e.wanted), rest.filter(r => r.wanted)]
  const kept = p.keep.every(n => n > 0) ? outputs : over(given, inputs, { ...p, lean, layout: () => ({ stateOf, keep: p.keep.map(() => steps) }) })
  /** What each step began with, and the cotangents of what it gave, from the last step to the first. */
  const back = (x: Tensor, from = 0): Tensor => flip(narrow(x, 0, from, steps), 0)
  // Where steps that run come after others that do not, the first of them begins with the first state.
  const ran = p.guard >= 0 && p.guard < count ? narrow(inputs[p.guard], 0, offsets[p.guard], steps - 1) : null
  const before = initial.map((s, i) => {
    const first = unsqueeze(s.x, 0)
    if (steps === 1) return first
    const rows = narrow(kept[stateOf.indexOf(i)], 0, 0, steps - 1)
    return cat([first, ran ? where(ran.reshape([steps - 1, ...s.x.shape.map(() => 1)]), rows, first) : rows])
  })
  const stacked = [...grads.keys()].filter(i => grads[i] && p.keep[i] > 0)
  const sequences = [...entries.map((e, i) => back(e.x, offsets[i])), ...before.map(x => back(x)), ...stacked.map(i => back(grads[i]!))]
  const starts = [
    ...carried.map(s => grads.find((g, i) => g && p.keep[i] === 0 && stateOf[i] === s.i - count) ?? zerosLike(s.x)),
    ...wantedRest.map(r => zerosLike(r.x)),
  ]
  const again = isGradEnabled()
  const step: StepOf = args => {
    let at = 0
    const take = (n: number): readonly Tensor[] => args.slice(at, (at += n))
    const [entry, was, gs, cots, sums, others] = [take(count), take(states), take(stacked.length), take(carried.length), take(wantedRest.length), take(rest.length)]
    const deep = again || args.some(a => a.requiresGrad)
    const leaf = (x: Tensor): Tensor => (x.requiresGrad ? apply1(expandOp, [x], { shape: x.shape }) : isDifferentiable(x.dtype) ? x.detach().requiresGrad_() : x)
    const xs = enableGrad(() => [...entry, ...was, ...others].map(leaf))
    const ys = enableGrad(() => given(xs))
    const flows = ys.map((y, i) => {
      const cot = carried.findIndex(s => s.i - count === stateOf[i])
      const parts = [...(stacked.includes(i) ? [gs[stacked.indexOf(i)]] : []), ...(stateOf[i] >= 0 && cot >= 0 ? [cots[cot]] : [])]
      return y.requiresGrad && parts.length ? { y, g: parts.length === 2 ? add(parts[0], parts[1]) : parts[0] } : null
    }).filter(f => f !== null)
    const wanted = [...wantedEntries, ...carried, ...wantedRest].map(w => (w.i < own ? xs[w.i] : leaves[w.i - own]))
    const found = flows.length ? grad(flows.map(f => f.y), wanted, { gradOutputs: flows.map(f => f.g), createGraph: deep, retainGraph: true, allowUnused: true }) : []
    const all = wanted.map((x, i) => found[i] ?? zerosLike(x))
    const tail = wantedEntries.length + carried.length
    return [...all.slice(0, tail), ...all.slice(tail).map((g, i) => add(sums[i], g))]
  }
  const found = over(step, [...sequences, ...starts, ...rest.map(r => r.x)], {
    steps,
    offsets: sequences.map(() => 0),
    states: starts.length,
    guard: p.guard,
    lean,
    layout: () => ({ stateOf: [...wantedEntries.map(() => -1), ...starts.map((_, i) => i)], keep: [...wantedEntries.map(() => steps), ...starts.map(() => 0)] }),
  })
  const order = [...wantedEntries, ...carried, ...wantedRest]
  return tensors.map(({ x, i }) => {
    const g = found[order.findIndex(w => w.i === i)]
    return !g || !needs[i] ? null : i < count ? placed(flip(g, 0), x, offsets[i]) : g
  })
}

/** Gradients of the entries that steps have read, among zeros for the others. */
function placed(g: Tensor, x: Tensor, from: number): Tensor {
  const [n, size] = [g.shape[0], x.shape[0]]
  const gap = (length: number): Tensor[] => (length > 0 ? [zeros([length, ...x.shape.slice(1)], { dtype: g.dtype })] : [])
  return n === size ? g : cat([...gap(from), g, ...gap(size - from - n)])
}

const over = (step: StepOf, inputs: readonly Tensor[], spec: LoopSpec): Tensor[] => repeated(step, inputs, spec, true) ?? internal('a loop whose steps could be traced has a derivative that cannot')

/** The leaves from outside of a trace that its results depend on. */
export function leavesOf(results: readonly Tensor[], trace: World): Tensor[] {
  const leaves = new Set<Tensor>()
  const seen = new Set<GradNode>()
  const stack = results.map(edgeOf)
  while (stack.length) {
    const edge = stack.pop()
    if (!edge) continue
    if ('leaf' in edge) {
      if (edge.leaf.source.world !== trace) leaves.add(edge.leaf)
    } else if (!seen.has(edge.node)) {
      seen.add(edge.node)
      stack.push(...edge.node.edges)
    }
  }
  return [...leaves]
}

/**
 * The loop as one node over the inputs (sequences, initial states, further arguments); null where a step cannot stand alone: it changes
 * memory, or its states change their type.
 */
export function repeated(step: StepOf, inputs: readonly Tensor[], spec: LoopSpec, derivative = false): Tensor[] | null {
  const { steps, offsets, states, guard, lean = false } = spec
  const outer: Tensor[] = []
  const trace = new Inner(outer, inputs.length)
  const args = inputs.map((x, i) => trace.argument(blank(x.dtype, i < offsets.length ? x.shape.slice(1) : x.shape), i))
  try {
    const { traced, result } = trace.run(() => enableGrad(() => step(args).map(y => trace.take(y))), ys => ys)
    const layout = spec.layout(result.length)
    const { updates, outputs } = traced.graph
    if (!layout || updates.length > 0) return null
    const fits = (v: Value, state: Tensor | undefined): boolean => !state || (v.dtype === state.dtype && sameShape(v.shape, state.shape))
    if (!outputs.every((v, i) => fits(v, layout.stateOf[i] < 0 ? undefined : inputs[offsets.length + layout.stateOf[i]]))) return null
    for (const { read } of traced.guards) world().observe(read)
    const [given, captured] = [traced.externals.filter(e => e.argument !== null), traced.externals.filter(e => e.argument === null)]
    const tensors = captured.map(({ storage, value }) => handleOn(storage, contiguousView(value.dtype, value.shape), false))
    const leaves = leavesOf(result, trace)
    const again: StepOf = xs => {
      const inner = world()
      if (!(inner instanceof Inner)) return internal('a step of a loop is traced by itself')
      return inner.with(outer, xs.slice(inputs.length), () => step(xs.slice(0, inputs.length)).map(y => inner.take(y)))
    }
    const graph = { ...traced.graph, externals: [...given, ...captured].map(e => e.value) }
    const body = new Body(trace.rewritten(graph, derivative), derivativeOf({ step: again, leaves, lean }), lean)
    const params: LoopParams = { steps, offsets, states, guard, ...layout, body }
    return world().apply(loopOp, [...inputs, ...outer, ...tensors, ...leaves], params)
  } catch (error) {
    if (error instanceof LampasError && !derivative) return null
    throw error
  }
}
