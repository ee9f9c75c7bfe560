// Kernels: plain data that describes work over views of memory. A backend runs each kind; nothing here knows how.
// `inputs` and `outputs` are geometry only: the blocks that they lie in are handed to the backend beside the kernel, in the
// same order. Outputs are written in full; where an output must keep what was there (`scatterAdd`), the kind says so.
import type { View } from '../core/view.ts'
import type { Program } from './scalar.ts'

interface Base {
  readonly inputs: readonly View[]
  readonly outputs: readonly View[]
}

/**
 * outputs[k][i] = program over inputs[·][i], for every index i. All views have one shape (a broadcast input has stride 0).
 * An output may lie on the same elements as an input with the same geometry (in-place work); other overlaps are not allowed.
 */
export interface MapKernel extends Base {
  readonly kind: 'map'
  readonly program: Program
  /** Values of the program's params. They are not part of the key: the same program runs with others. */
  readonly params: readonly number[]
}

export type ReduceOp = 'sum' | 'prod' | 'max' | 'min' | 'argmax' | 'argmin'

/**
 * inputs[0] has the kept axes first, then the reduced ones; outputs[0] has the kept axes. `sum prod`: float32, int32. `max min`
 * also bool; NaN wins. `argmax argmin` give int32: the row-major position among the reduced axes of the first extreme (or of
 * the first NaN). Over no elements: sum 0, prod 1, max -Infinity (int32: its lowest value, bool: false), min the opposite.
 */
export interface ReduceKernel extends Base {
  readonly kind: 'reduce'
  readonly op: ReduceOp
}

/** outputs[0][…, i, j] = Σ_k inputs[0][…, i, k] · inputs[1][…, k, j]; float32, batch axes first and equal (stride 0 where broadcast). */
export interface MatmulKernel extends Base {
  readonly kind: 'matmul'
}

/**
 * Cross-correlation, batched over groups g, over s = 1, 2 or 3 spatial axes:
 * out[g,n,o,t] = Σ_{c,k} x[g,n,c, t·stride + k·dilation − padLow] · w[g,o,c,k], where x is read as if `inputDilation − 1` zeros lay
 * between neighbours and as zero outside. inputs[0] = x [G,N,C,…S], inputs[1] = w [G,O,C,…K], outputs[0] [G,N,O,…T]; T decides how
 * far the windows go, and padLow may be negative. The gradients for x and for w are convolutions of the same kind.
 */
export interface ConvKernel extends Base {
  readonly kind: 'conv'
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
  readonly inputDilation: readonly number[]
  readonly padLow: readonly number[]
}

/**
 * outputs[0][i, j, k] = inputs[0][i, inputs[1][i, j, k], k], j on `axis`: `torch.gather`. The index (int32) has the output's shape, and
 * inputs[0] has that shape too but on `axis`. An index outside 0 … size−1 makes the backend report an error.
 */
export interface GatherKernel extends Base {
  readonly kind: 'gather'
  readonly axis: number
}

/**
 * outputs[0][i, inputs[0][i, j, k], k] += inputs[1][i, j, k]: `torch.scatter_add`. inputs[0] is the index, of the shape of inputs[1]. The
 * output keeps its old values. The order of additions is fixed: ascending j.
 */
export interface ScatterAddKernel extends Base {
  readonly kind: 'scatterAdd'
  readonly axis: number
}

/**
 * The transpose of sliding windows. inputs[0] is […outer, T1…Ts, K1…Ks], outputs[0] […outer, S1…Ss]:
 * out[o, p] = Σ over t, k with t·stride + k·dilation = p of in[o, t, k]. float32.
 */
export interface FoldKernel extends Base {
  readonly kind: 'fold'
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
}

export type CumulateOp = 'sum' | 'prod' | 'max' | 'min'

/** Running result along the last axis, inclusive; `reverse` runs from the end. */
export interface CumulateKernel extends Base {
  readonly kind: 'cumulate'
  readonly op: CumulateOp
  readonly reverse: boolean
}

/** Sorts along the last axis, stable, NaN greatest: outputs[0] the values, outputs[1] their former positions (int32). */
export interface SortKernel extends Base {
  readonly kind: 'sort'
  readonly descending: boolean
}

export type Kernel =
  | MapKernel | ReduceKernel | MatmulKernel | ConvKernel | GatherKernel
  | ScatterAddKernel | FoldKernel | CumulateKernel | SortKernel

export type KernelKind = Kernel['kind']
export type KernelOf<K extends KernelKind> = Extract<Kernel, { kind: K }>
