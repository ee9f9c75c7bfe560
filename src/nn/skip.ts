// Modules without initial values, for those that get others at once.
import { noGrad } from '../autograd/mode.ts'
import type { Tensor } from '../ops/index.ts'
import type { Module } from './module.ts'

let skipping = false

/** Fills a tensor, unless the module that it belongs to goes without. */
export const filling = (x: Tensor, fill: () => Tensor): Tensor => (skipping ? x : noGrad(fill))

/**
 * A module whose parameters nobody has filled: nothing of `nn.init` runs in its constructor, nor in those of modules inside, so it is there sooner.
 * What the parameters hold is whatever was in memory before; give them values by `loadStateDict` or `copy_`. As `torch.nn.utils.skip_init`.
 *
 * @example
 * const layer = nn.utils.skipInit(nn.Linear, 2, 1)
 * await layer.loadStateDict({ weight: tensor([[1, 2]]), bias: tensor([3]) })
 * layer.forward(tensor([1, 1])).detach() // → tensor([6.])
 */
export function skipInit<M extends Module, A extends unknown[]>(Kind: new (...args: A) => M, ...args: A): M {
  const before = skipping
  skipping = true
  try {
    return new Kind(...args)
  } finally {
    skipping = before
  }
}
