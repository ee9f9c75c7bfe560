// Work on numbers that the code wrote down is done once, when the function is compiled, on the device that runs it and by the same kernels.
import { numel } from '../../core/shape.ts'
import { contiguousView, isContiguous } from '../../core/view.ts'
import { noGrad } from '../../autograd/mode.ts'
import { inScope, handleOn, storageOf } from '../../eager/storage.ts'
import { eager } from '../../eager/world.ts'
import { filledBesideOp, filledOp } from '../../ops/movement-ops.ts'
import type { Op } from '../../ops/op.ts'
import { clone } from '../../ops/pointwise.ts'
import { Tensor } from '../../ops/tensor.ts'
import { ConstantSource, enterWorld } from '../../ops/world.ts'
import { liveNodes, type Graph, type GraphNode, type Value } from '../graph.ts'
import type { External } from '../trace.ts'
import { folding } from './folding.ts'
import type { Optimized, PassOptions } from './index.ts'
import type { LiveNode } from './rewriter.ts'

/** Results beyond this many elements are cheaper to compute than to keep. */
const MOST = 2 ** 20

export interface Folded {
  readonly graph: Graph
  readonly externals: readonly External[]
  /** What holds the results; to be released with the plan. */
  readonly held: readonly Tensor[]
  /** The nodes that were worked out. */
  readonly done: readonly GraphNode[]
}

/** A number everywhere is made where it is used. */
const isFill = (n: GraphNode): boolean => n.op === (filledOp as Op) || n.op === (filledBesideOp as Op)

export function foldConstants({ graph }: Optimized, externals: readonly External[], { exclude = [], mode }: PassOptions): Folded {
  const nothing = { graph, externals, held: [], done: [] }
  if (mode === 'fastCompile' || exclude.includes(folding.name)) return nothing
  const literal = new Map(externals.filter(e => e.literal).map(e => [e.value, e]))
  const nodes = liveNodes(graph)
  const known = new Set<GraphNode>()
  const isKnown = (v: Value): boolean => (v.node ? known.has(v.node) : v.constant !== undefined || literal.has(v))
  for (const n of nodes) if (n.inputs.every(isKnown)) known.add(n)
  if (known.size === 0) return nothing
  // What others read of it; a view stays a view, of what is worked out.
  const wanted = new Set<Value>()
  const want = (v: Value): void => {
    let at = v
    while (at.node && known.has(at.node) && at.node.op.view && at.node.inputs.length === 1) [at] = at.node.inputs
    if (at.node && known.has(at.node) && !isFill(at.node) && numel(at.shape) <= MOST && numel(at.shape) > 0) wanted.add(at)
  }
  for (const n of nodes) if (!known.has(n)) n.inputs.forEach(want)
  for (const v of [...graph.outputs, ...graph.updates.map(u => u.value)]) want(v)
  if (wanted.size === 0) return nothing

  const made = evaluate([...wanted], literal)
  const place = new Map<Value, Value>()
  const more = [...wanted].map((v, i): External => {
    const value: Value = { dtype: v.dtype, shape: v.shape, node: null, index: 0 }
    place.set(v, value)
    return { value, storage: storageOf('compile', made[i]), argument: null, literal: true, trained: false }
  })
  const of = (v: Value): Value => place.get(v) ?? v
  for (const n of nodes) (n as LiveNode).inputs = n.inputs.map(of)
  const all = [...externals, ...more]
  const folded: Graph = { nodes, externals: all.map(e => e.value), outputs: graph.outputs.map(of), updates: graph.updates.map(u => ({ ...u, value: of(u.value) })) }
  return { graph: { ...folded, nodes: liveNodes(folded) }, externals: all, held: made, done: [...wanted].map(v => v.node!) }
}

/** The values as tensors, each in memory of its own. */
function evaluate(wanted: readonly Value[], literal: ReadonlyMap<Value, External>): Tensor[] {
  const before = enterWorld(eager)
  try {
    const body = (): Tensor[] => {
      const tensors = new Map<Value, Tensor>()
      const of = (v: Value): Tensor => {
        const found = tensors.get(v)
        if (found) return found
        const known = literal.get(v)
        if (known) tensors.set(v, handleOn(known.storage, contiguousView(v.dtype, v.shape)))
        else if (!v.node) tensors.set(v, new Tensor(contiguousView(v.dtype, v.shape), new ConstantSource(v.constant!)))
        else eager.apply(v.node.op, v.node.inputs.map(of), v.node.params).forEach((y, i) => tensors.set(v.node!.outputs[i], y))
        return tensors.get(v)!
      }
      return wanted.map(v => {
        const y = of(v)
        const whole = isContiguous(y.layout) && y.layout.offset === 0 && storageOf('compile', y).room(y.dtype) === numel(y.shape)
        return eager.hold(whole ? y : clone(y))
      })
    }
    return noGrad(() => inScope(body, held => held, 'it was folded'))
  } finally {
    enterWorld(before)
  }
}
