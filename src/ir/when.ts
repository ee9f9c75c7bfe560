// Kernels of a branch: they run only where its condition holds.
import type { View } from '../core/view.ts'
import type { Kernel } from './kernel.ts'

/**
 * Runs `kernel` if inputs[0], one bool, is true as it comes; else its outputs stay as they were. The other operands are those of the kernel. Only
 * lists that are prepared have it.
 */
export interface WhenKernel {
  readonly kind: 'when'
  readonly kernel: Kernel
  readonly inputs: readonly View[]
  readonly outputs: readonly View[]
}

/** What a plan launches. */
export type PlannedKernel = Kernel | WhenKernel

/** The kernel that does the work. */
export const innerOf = (kernel: PlannedKernel): Kernel => (kernel.kind === 'when' ? kernel.kernel : kernel)
