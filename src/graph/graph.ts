// The graph: nodes of the same ops that run eagerly. A value is one output of a node, or comes from outside.
import type { DType } from '../core/dtype.ts'
import type { Shape } from '../core/shape.ts'
import type { Op } from '../ops/op.ts'
import type { Site } from './site.ts'

export interface Value {
  readonly dtype: DType
  readonly shape: Shape
  /** The node that makes it; null for what comes from outside: an argument or captured memory. */
  readonly node: GraphNode | null
  /** Which output of the node. */
  readonly index: number
  /** A plain number among the operands. */
  readonly constant?: number | boolean
}

export interface GraphNode {
  readonly id: number
  readonly op: Op
  readonly params: unknown
  readonly inputs: readonly Value[]
  readonly outputs: readonly Value[]
  /** The user's line that built it. */
  readonly site?: Site
}

/** A traced step: what to compute, and which memory takes new values at the end. */
export interface Graph {
  readonly nodes: readonly GraphNode[]
  /** Values that come from outside, in the order of the plan's external memory. */
  readonly externals: readonly Value[]
  readonly outputs: readonly Value[]
  /** external ← value, all at once after the outputs are computed. */
  readonly updates: readonly { readonly external: Value; readonly value: Value }[]
}

/** The nodes that outputs and updates need, in their old order. */
export function liveNodes(graph: Graph): GraphNode[] {
  const live = new Set<GraphNode>()
  const stack = [...graph.outputs, ...graph.updates.map(u => u.value)].map(v => v.node)
  while (stack.length) {
    const node = stack.pop()
    if (!node || live.has(node)) continue
    live.add(node)
    for (const v of node.inputs) stack.push(v.node)
  }
  return graph.nodes.filter(n => live.has(n))
}
