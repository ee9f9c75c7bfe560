// Whether a graph adds as another one does. Devices add in the order in which numbers lie in memory, so that a sum of what lies otherwise, be
// it the same numbers, may be rounded otherwise: a rewrite that spares a copy of a transposed matrix changes no number of it, but its sums.
import { contiguousView, type View } from '../core/view.ts'
import type { Lowering } from '../ops/op.ts'
import { liveNodes, type Graph } from './graph.ts'
import { lowerBody } from './loop.ts'

/** Kernels that add nothing up, or in an order that indices say. */
const orderless = new Set(['map', 'batch', 'gather', 'scatter', 'sort', 'max', 'min', 'argmax', 'argmin'])

const textOf = ({ dtype, shape, strides }: View): string => `${dtype}[${shape.flatMap((n, i) => (n === 1 ? [] : [`${n}:${strides[i]}`])).join()}]`

/** The kernels of nodes that add up, each with how its operands lie. */
function sumsOf(graph: Graph, nodes: Graph['nodes']): Set<string> {
  const found = new Set<string>()
  const look: Lowering = {
    alloc: (dtype, shape) => ({ view: contiguousView(dtype, shape), slot: {} }),
    run(spec, inputs, outputs) {
      const kind = spec.kind === 'reduce' ? spec.op : spec.kind
      if (!orderless.has(kind)) found.add(`${kind} ${[...inputs, ...outputs].map(x => textOf(x.view)).join(' ')}`)
    },
    when: (_, make) => make(),
  }
  lowerBody(look, graph, nodes, graph.externals.map(v => ({ view: contiguousView(v.dtype, v.shape), slot: v })))
  return found
}

/** Whether what was rewritten adds something up that was not added up before, or did not lie so. What was folded since counts too. */
export function addsOtherwise(before: Graph, after: Graph): boolean {
  const known = sumsOf(before, liveNodes(before))
  return [...sumsOf(after, after.nodes)].some(sum => !known.has(sum))
}
