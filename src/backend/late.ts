// Kernels that only some pages need. What runs them is put here by whoever asks for them, so that bundles without those ops are smaller.
import { fail, internal } from '../core/errors.ts'
import type { AttentionKernel, FactorKernel, Kernel } from '../ir/kernel.ts'
import type { runKernel } from './reference/kernels.ts'
import type { Target, Work } from './webgpu/wgsl.ts'

/** What runs the kernels of one kind. */
interface Late<K extends Kernel> {
  /** Results in row-major order from inputs in row-major order. */
  reference(kernel: K, values: readonly ArrayLike<number>[]): Float64Array[]
  webgpu(kernel: K, slots: readonly number[], target: Target): Work
}
export type Factoring = Late<FactorKernel>
export type Attending = Late<AttentionKernel>

let givenFactoring: Factoring | null = null
let givenAttending: Attending | null = null

export function provideFactoring(factoring: Factoring): void {
  givenFactoring = factoring
}
export function provideAttending(attending: Attending): void {
  givenAttending = attending
}

export const factoring = (): Factoring => givenFactoring ?? internal('factorisations were not loaded')
export const attending = (): Attending => givenAttending ?? internal('attention was not loaded')

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
