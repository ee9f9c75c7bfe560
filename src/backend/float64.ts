// Importing this module lets wasm compute in float64; `lampas/lite` goes without.
import { provideLoops } from './late.ts'

provideLoops(async () => (await import('./reference/kernels.ts')).runKernel)
