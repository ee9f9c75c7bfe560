// One entry of the tape. Floor 3 only stores it; autograd makes and walks it.
import type { Shape } from '../core/shape.ts'
import type { Op } from './op.ts'
import type { Tensor } from './tensor.ts'

/** Where a gradient flows: to an output of another entry, or into a leaf. */
export type Edge = { readonly node: GradNode; readonly index: number } | { readonly leaf: Tensor } | null

export interface GradNode {
  readonly op: Op
  readonly params: unknown
  readonly edges: readonly Edge[]
  readonly inputShapes: readonly Shape[]
  readonly outputShapes: readonly Shape[]
  /** Handles on the values that the derivative rule reads; null after `backward()` freed them. */
  saved: { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[]; readonly versions: readonly number[] } | null
  /** Grows with every entry: a child is always older than its parent. */
  readonly order: number
}
