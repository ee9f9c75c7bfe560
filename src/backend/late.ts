// Kernels that only some pages need. What runs them is put here by whoever asks for them, so that bundles without those ops are smaller.
import { internal } from '../core/errors.ts'
import type { FactorKernel } from '../ir/kernel.ts'
import type { Target, Work } from './webgpu/wgsl.ts'

export interface Factoring {
  /** Results in row-major order from inputs in row-major order. */
  reference(kernel: FactorKernel, values: readonly ArrayLike<number>[]): Float64Array[]
  webgpu(kernel: FactorKernel, slots: readonly number[], target: Target): Work
}

let given: Factoring | null = null

export function provideFactoring(factoring: Factoring): void {
  given = factoring
}

export const factoring = (): Factoring => given ?? internal('factorisations were not loaded')
