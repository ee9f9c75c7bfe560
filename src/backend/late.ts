// Kernels that only some pages need. What runs them is put here by whoever asks for them, so that bundles without those ops are smaller.
import { fail, internal } from '../core/errors.ts'
import type { FactorKernel } from '../ir/kernel.ts'
import type { runKernel } from './reference/kernels.ts'
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

type Loops = typeof runKernel
let fetchLoops: (() => Promise<Loops>) | null = null
let loops: Loops | null = null

/** The loops of the reference, with which wasm computes in float64; it asks for them when it opens. */
export function provideLoops(fetched: () => Promise<Loops>): void {
  fetchLoops = fetched
}

export async function loadLoops(): Promise<void> {
  loops ??= (await fetchLoops?.()) ?? null
}

export const loopsFor = (kind: string): Loops =>
  loops ?? fail(kind, 'lampas/lite does not compute with float64 on wasm', "import from 'lampas', or use the slow device: init({ device: 'reference' })")
