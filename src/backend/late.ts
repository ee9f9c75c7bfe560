// Kernels that only some pages need. What runs them is put here by whoever asks for them, so that bundles without those ops are smaller. What
// only one device needs is fetched when that opens.
import { fail, internal } from '../core/errors.ts'
import type { KernelKind, KernelOf } from '../ir/kernel.ts'
import type { runKernel } from './reference/kernels.ts'
import type { Lower } from './webgpu/lower.ts'

/** What runs the kernels of one kind. */
interface Code<K extends KernelKind> {
  /** Results in row-major order from inputs in row-major order. */
  reference(kernel: KernelOf<K>, values: readonly ArrayLike<number>[]): Float64Array[]
  webgpu(): Promise<Lower<K>>
}

class Late<K extends KernelKind> {
  private code: Code<K> | null = null
  private lowering: Lower<K> | null = null
  constructor(private readonly kind: K) {}

  provide(code: Code<K>): void {
    this.code = code
  }
  get reference(): Code<K>['reference'] {
    return (this.code ?? internal(`the kernel ${this.kind} was not loaded`)).reference
  }
  async load(): Promise<void> {
    this.lowering ??= (await this.code?.webgpu()) ?? null
  }
  get lower(): Lower<K> {
    return this.lowering ?? fail(this.kind, 'its op was imported after WebGPU was opened, which fetches the kernels that a page needs', "import it before init({ device: 'webgpu' })")
  }
}

export const attention = new Late('attention')
export const factor = new Late('factor')
export const loadLowerings = async (): Promise<void> => void (await Promise.all([attention.load(), factor.load()]))

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
