// What a graph is after lowering: kernels in order, over numbered slots of memory.
import type { View } from '../core/view.ts'
import type { PlannedKernel } from '../ir/when.ts'
import type { GraphNode } from './graph.ts'

/** Memory of one value. */
export class Slot {
  constructor(
    readonly bytes: number,
    /** Index among the graph's externals, then its outputs; -1 for memory of the plan's own. */
    readonly external = -1,
    /** The node that asked for it. */
    readonly node: GraphNode | null = null,
  ) {}
}

export interface Step {
  readonly kernel: PlannedKernel
  /** Of its inputs, then of its outputs. */
  readonly slots: readonly Slot[]
  /** What it computes; empty for a copy of the plan's own. */
  readonly nodes: readonly GraphNode[]
  /** The bool that says whether it runs. */
  readonly when?: { readonly slot: Slot; readonly view: View }
}
