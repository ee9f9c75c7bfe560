// One entry of the tape. Floor 3 only stores it; autograd makes and walks it.
import type { DType } from '../core/dtype.ts'
import type { Shape } from '../core/shape.ts'
import type { Op } from './op.ts'
import type { Tensor } from './tensor.ts'

/** Where a gradient flows: to an output of another entry, or into a leaf. */
export type Edge = { readonly node: GradNode; readonly index: number } | { readonly leaf: Tensor } | null

export interface SavedValues {
  readonly inputs: readonly Tensor[]
  readonly outputs: readonly Tensor[]
  /** Of inputs, then outputs: the version of their memory when they were saved. */
  readonly versions: readonly number[]
  /** Handles to give back when the values are no longer needed. */
  readonly held: readonly Tensor[]
}

export interface GradNode {
  readonly op: Op
  readonly params: unknown
  readonly edges: readonly Edge[]
  readonly inputShapes: readonly Shape[]
  readonly inputDtypes: readonly DType[]
  readonly outputCount: number
  /** Null after `backward()` freed them. */
  saved: SavedValues | null
  /** Grows with every entry: an entry is younger than those it reads from. */
  readonly order: number
}
