// One entry of the tape. Floor 3 only stores it; autograd makes and walks it.
import type { DType } from '../core/dtype.ts'
import type { Shape } from '../core/shape.ts'
import type { Op } from './op.ts'
import type { Tensor } from './tensor.ts'

/** Where a gradient flows: to an output of another entry, or into a leaf. */
export type Edge = { readonly node: GradNode; readonly index: number } | { readonly leaf: Tensor } | null

/** Is called with the gradients of an entry's outputs, or of a leaf (the only one), which the walk owns. */
export type GradHook = (grads: (Tensor | null)[], at: GradNode | Tensor) => void

/** What is to be done with gradients on their way. Never changed: others take its place, so that a trace can tell. */
export interface Hooks {
  /** Before they flow on: may put others in their places. */
  readonly before: readonly GradHook[]
  /** When they are final; of a leaf, when its `grad` has them. */
  readonly after: readonly GradHook[]
}

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
  hooks: Hooks | null
  /** Grows with every entry: an entry is younger than those it reads from. */
  readonly order: number
}
