// The op record: everything that Lampas knows about an op. From one record follow eager and traced execution on every backend,
// gradients of any order, and its row in the test matrix.
import type { DType } from '../core/dtype.ts'
import type { Shape } from '../core/shape.ts'
import type { View } from '../core/view.ts'
import type { Kernel } from '../ir/kernel.ts'
import type { Tensor } from './tensor.ts'

/** What an op may know of an operand before it runs. A tensor is its own Meta. */
export interface Meta {
  readonly dtype: DType
  readonly shape: Shape
  /** The value, when the operand is a plain number rather than a tensor. */
  readonly constant?: number | boolean
}

/** A view together with the memory it looks into; what the memory is (a block, a slot of a plan) only the lowering knows. */
export interface Arg {
  readonly view: View
  readonly slot: object
  readonly constant?: number | boolean
}

type WithoutViews<K> = K extends Kernel ? Omit<K, 'inputs' | 'outputs'> : never
export type KernelSpec = WithoutViews<Kernel>

/** The kernel that a spec means over given arguments. */
export function withViews(spec: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): Kernel {
  const views = { inputs: inputs.map(viewOf), outputs: outputs.map(viewOf) }
  return Object.assign(spec, views) as Kernel
}
const viewOf = (a: Arg): View => a.view

/** How an op asks for its work: memory and kernels. Eager runs them at once; a plan writes them down. */
export interface Lowering {
  /** Fresh contiguous memory of unspecified content. */
  alloc(dtype: DType, shape: Shape): Arg
  /** One kernel over the views of `inputs` and `outputs`. The kernel object now belongs to the lowering. */
  run(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void
  /** Kernels that `make` asks for run only if the condition, one bool, holds; else their outputs are left as they are, and `make` need not be called. Plans can do that. */
  when?(condition: Arg, make: () => void): void
  /** Whether a kernel that waits for a condition costs more than one that does a little in vain. */
  readonly waitsLong?: boolean
}

/** What a derivative rule sees. Values are there only if the op saves them; shapes always are. */
export interface Saved<P> {
  readonly params: P
  /** Inputs as tensors, when `saves` includes them. */
  readonly inputs: readonly Tensor[]
  /** Outputs as tensors, when `saves` includes them. */
  readonly outputs: readonly Tensor[]
  readonly shapes: readonly Shape[]
  /** Which inputs want a gradient. */
  readonly needs: readonly boolean[]
}

export type Saves = 'nothing' | 'inputs' | 'outputs' | 'both'

/** Inputs on which the op is tested: it is called as `fn(...args)`; arrays under `tensor` become tensors. */
export interface Sample {
  readonly shapes: readonly Shape[]
  /** Range from which test values are drawn, for all inputs or one by one. */
  readonly range?: readonly [number, number] | readonly (readonly [number, number])[]
  readonly dtypes?: readonly DType[]
  readonly args?: readonly unknown[]
}

export interface Op<P = unknown> {
  readonly name: string
  /** Shapes and dtypes of the results; throws a LampasError when the inputs do not fit. */
  infer(inputs: readonly Meta[], params: P): Meta[]
  /** Movement ops: the result as a view of the first input, or null when a copy is needed. */
  view?(x: View, params: P): View | null
  /** The kernels; returns the results. `results` is what `infer` said of them. */
  lower?(k: Lowering, inputs: readonly Arg[], params: P, results: readonly Meta[]): Arg[]
  /** The same, writing into given memory, for ops whose kernels allow that outputs and inputs coincide. */
  lowerInto?(k: Lowering, inputs: readonly Arg[], params: P, targets: readonly Arg[]): void
  /**
   * Cotangents of the inputs from those of the outputs (null: the output was not used), in ops, so that any order works. A result may
   * have the broadcast shape; it is summed to the input's shape in one central place. Absent: the op has no gradient.
   */
  vjp?(grads: readonly (Tensor | null)[], saved: Saved<P>): (Tensor | null)[]
  readonly saves: Saves
  readonly samples?: readonly Sample[]
}
