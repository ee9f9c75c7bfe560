// Kernels: plain data that describes work over views of memory. A backend runs each kind; nothing here knows how.
// `inputs` and `outputs` are geometry only: the blocks that they lie in are handed to the backend beside the kernel, in the
// same order. Outputs are written in full; where an output must keep what was there (`scatter`), the kind says so.
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
  readonly override?: Override
}

/**
 * A function in a language of a device that may be called in place of a map's program: `entry` of `wgsl`, from float32 to float32. Its arguments are
 * the outputs of `operands`, a program over the same inputs and params.
 */
export interface Override {
  readonly wgsl: string
  readonly entry: string
  readonly operands: Program
}

/**
 * Maps of one program, each over operands of its own, in shapes of its own: inputs are those of the first map, then those of the second, and so are
 * outputs. No map reads or writes what another one writes. The positions that a program asks for are those within its map.
 */
export interface BatchKernel extends Base, Body {
  readonly kind: 'batch'
}

/** The maps of a batch. */
export function mapsOf({ program, params, inputs, outputs }: BatchKernel): MapKernel[] {
  const [n, m] = [program.inputs.length, program.outputs.length]
  return Array.from({ length: outputs.length / m }, (_, k) =>
    ({ kind: 'map', program, params, inputs: inputs.slice(k * n, (k + 1) * n), outputs: outputs.slice(k * m, (k + 1) * m) }))
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

/** A scalar program with the values of its params. */
export interface Body {
  readonly program: Program
  readonly params: readonly number[]
}

/**
 * One stage of a `rows` kernel. Its program reads values by number: first come the kernel's inputs, then the results of the stages so far.
 * Without `reduce` each output of the program is a value for every element; with it, output k is reduced over the row by `reduce[k]`
 * (not argmax, argmin) and gives one value a row. A stage whose program reads only values of the latter kind, or inputs that are the same along
 * the row, and does not reduce computes once a row, and so do its results.
 */
export interface Stage extends Body {
  readonly reduce: readonly ReduceOp[] | null
}

/**
 * Maps and reductions over the same rows, row by row: a softmax, a norm, a sum of a formula. The last `axes` axes of every input make a row, those
 * before them say which; an input that is the same along the row has stride 0 there. results[k] is the number of the value that
 * outputs[k] takes: of a value for each element it has the shape of the inputs, of one a row only the axes that say which. An output may lie on
 * the same elements as an input with the same geometry.
 */
export interface RowsKernel extends Base {
  readonly kind: 'rows'
  readonly axes: number
  readonly stages: readonly Stage[]
  readonly results: readonly number[]
}

/**
 * outputs[0][…, i, j] = Σ_k inputs[0][…, i, k] · inputs[1][…, k, j]; float32, batch axes first and equal (stride 0 where broadcast). With an
 * epilogue: its program's input 0 is that sum, the others are inputs[2], inputs[3] … in the shape of the product, and its outputs are the kernel's.
 */
export interface MatmulKernel extends Base {
  readonly kind: 'matmul'
  readonly epilogue?: Body
}

/**
 * Cross-correlation, batched over groups g, over s = 1, 2 or 3 spatial axes:
 * out[g,n,o,t] = Σ_{c,k} x[g,n,c, t·stride + k·dilation − padLow] · w[g,o,c,k], where x is read as if `inputDilation − 1` zeros lay
 * between neighbours and as zero outside. inputs[0] = x [G,N,C,…S], inputs[1] = w [G,O,C,…K], outputs[0] [G,N,O,…T]; T decides how
 * far the windows go, and padLow may be negative. The gradients for x and for w are convolutions of the same kind. An epilogue works
 * as in `matmul`.
 */
export interface ConvKernel extends Base {
  readonly kind: 'conv'
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
  readonly inputDilation: readonly number[]
  readonly padLow: readonly number[]
  readonly epilogue?: Body
}

/**
 * outputs[0][i, j, k] = inputs[0][i, inputs[1][i, j, k], k], j on `axis`: `torch.gather`. The index (int32) has the output's shape, and
 * inputs[0] has that shape too but on `axis`. An index outside 0 … size−1 makes the backend report an error.
 */
export interface GatherKernel extends Base {
  readonly kind: 'gather'
  readonly axis: number
}

export type ScatterOp = 'set' | 'sum' | 'prod' | 'max' | 'min'

/**
 * outputs[0][i, inputs[0][i, j, k], k] ∘= inputs[1][i, j, k], j on `axis`: with `sum`, `torch.scatter_add`. inputs[0] is the index, of the shape of
 * inputs[1]. The output keeps its old values. The order is fixed, ascending j, so with `set` the last one stays. All but `set`: float32,
 * int32; NaN wins in `max` and `min`.
 */
export interface ScatterKernel extends Base {
  readonly kind: 'scatter'
  readonly axis: number
  readonly op: ScatterOp
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

/**
 * Softmax-weighted means: out = P·v with P = softmax(scale·q·kᵀ + mask), batch axes first and equal (stride 0 where broadcast); q […, L, E],
 * k […, S, E], v […, S, V], float32 or float64; only batch axes may be empty. The mask […, L, S] is the last input where there is one: bool says where looking is allowed, a float is
 * added. With `causal` row i sees columns 0 … i. A row that sees nothing gives zeros. No device keeps P.
 * - forward: q, k, v → out, and log Σ e^score of each row [… , L], Infinity where the row sees nothing.
 * - backward: g […, L, V], out, those logarithms, q, k, v → the gradients of Σ g·out for q, k and v.
 */
export interface AttentionKernel extends Base {
  readonly kind: 'attention'
  readonly pass: 'forward' | 'backward'
  readonly scale: number
  readonly causal: boolean
}

/** The operands of a kernel `attention` by name; those of the other pass are undefined. */
export interface AttentionOperands<T> {
  readonly q: T
  readonly k: T
  readonly v: T
  readonly mask: T | undefined
  readonly out: T
  readonly lse: T
  readonly g: T | undefined
  readonly dq: T | undefined
  readonly dk: T | undefined
  readonly dv: T | undefined
}
export function attentionOperands<T>(pass: AttentionKernel['pass'], inputs: readonly T[], outputs: readonly T[]): AttentionOperands<T> {
  if (pass === 'forward') {
    const [q, k, v, mask] = inputs
    const [out, lse] = outputs
    return { q, k, v, mask, out, lse, g: undefined, dq: undefined, dk: undefined, dv: undefined }
  }
  const [g, out, lse, q, k, v, mask] = inputs
  const [dq, dk, dv] = outputs
  return { q, k, v, mask, out, lse, g, dq, dk, dv }
}

export type FactorOp =
  | 'cholesky' | 'lu' | 'permutation' | 'qr' | 'householder' | 'eigh' | 'svd'
  | 'lowerSolve' | 'upperSolve' | 'unitLowerSolve' | 'unitUpperSolve'

/** How many axes of an operand belong to one item; the others are the batch. */
export const factorRanks: { readonly [K in FactorOp]: { readonly inputs: readonly number[]; readonly outputs: readonly number[] } } = {
  cholesky: { inputs: [2], outputs: [2, 0] },
  lu: { inputs: [2], outputs: [2, 1, 0] },
  permutation: { inputs: [1], outputs: [1] },
  qr: { inputs: [2], outputs: [2, 1] },
  householder: { inputs: [2, 1], outputs: [2] },
  eigh: { inputs: [2], outputs: [1, 2] },
  svd: { inputs: [2], outputs: [2, 1, 2] },
  lowerSolve: { inputs: [2, 2], outputs: [2] },
  upperSolve: { inputs: [2, 2], outputs: [2] },
  unitLowerSolve: { inputs: [2, 2], outputs: [2] },
  unitUpperSolve: { inputs: [2, 2], outputs: [2] },
}

/**
 * Dense factorisations of the matrices (m × n, k = min(m, n)) in the last two axes, over equal batch axes; float32 or float64, `int` marks int32.
 * - cholesky: A → L, info (int). A = L·Lᵀ from the lower triangle of A, L is zero above the diagonal. info counts from 1 the first leading minor
 *   that is not positive, from which on L is NaN; 0 when there is none.
 * - lu: A → LU, pivots [k] (int), info (int). As LAPACK's getrf: row i was swapped with row pivots[i] − 1, L has an unseen unit diagonal, and info
 *   counts from 1 the first pivot that is zero.
 * - permutation: pivots [k] (int) → [m] (int): which row of A is row i after the swaps.
 * - qr: A → packed, tau [k]. As LAPACK's geqrf: R on and above the diagonal, below it the vectors v (v_i = 1) of H_i = I − tau_i·v·vᵀ.
 * - householder: packed, tau → the first columns, as many as the output has, of H_0·H_1 ⋯ H_{k−1}.
 * - eigh: A → values [n] ascending, vectors in columns, of the symmetric matrix with A's lower triangle.
 * - svd: A with m ≥ n → A·V, singular values [n] descending, V. In each column of V (and of eigh's vectors) the first
 *   element that is larger in size than half the largest is positive. Where an element is NaN or infinite, so are all results of both: NaN.
 * - the solves: A (n × n), B (n × c) → X with A·X = B, where only the triangle that the name says is read.
 */
export interface FactorKernel extends Base {
  readonly kind: 'factor'
  readonly op: FactorOp
  /** The public op that fails when an info is not 0; null where that is no failure. */
  readonly strict: string | null
}

export type Kernel =
  | MapKernel | BatchKernel | ReduceKernel | RowsKernel | MatmulKernel | ConvKernel | GatherKernel
  | ScatterKernel | FoldKernel | CumulateKernel | SortKernel | AttentionKernel | FactorKernel

export type KernelKind = Kernel['kind']
export type KernelOf<K extends KernelKind> = Extract<Kernel, { kind: K }>
