// Gives Tensor its hooks. `lampas/lite` goes without.
import { attach } from '../ops/attach.ts'
import type { MethodsOf } from '../ops/methods.ts'
import { Tensor } from '../ops/tensor.ts'
import { registerHook, registerPostAccumulateGradHook, retainGrad } from './hooks.ts'

const methods = { registerHook, registerPostAccumulateGradHook, retainGrad }
attach(Object.entries(methods))
Object.defineProperty(Tensor.prototype, 'retainsGrad', {
  get(this: Tensor) {
    return !this.isLeaf && this.hooks !== null
  },
})

declare module '../ops/tensor.ts' {
  interface Tensor extends MethodsOf<typeof methods> {
    /** Whether `retainGrad()` was called on this tensor, which is no leaf. As `torch.Tensor.retains_grad`. */
    readonly retainsGrad: boolean
  }
}
