// A parameter is a leaf tensor that a module trains. It holds its memory itself, so that no scope around its making frees it.
import { fail } from '../core/errors.ts'
import { Tensor } from '../ops/index.ts'
import { world } from '../ops/world.ts'

/**
 * A tensor that a module finds among its fields and an optimiser trains. It shares the memory of `data` and has no history.
 * Any float dtype and shape. As `torch.nn.Parameter`.
 *
 * @throws LampasError when `data` is not a float tensor and `requiresGrad` is true.
 * @example
 * class Scale extends nn.Module {
 *   factor = new nn.Parameter(ones([8]))
 *   forward(x) { return x.mul(this.factor) }
 * }
 * new Scale().parameters().length // → 1
 */
export class Parameter extends Tensor {
  /** The handle from which this one was made: collected together with it. */
  protected readonly held: Tensor

  constructor(data: Tensor, requiresGrad = true) {
    if (!(data instanceof Tensor)) fail('Parameter', `expected a tensor, got ${data === null ? 'null' : typeof data}`, 'new nn.Parameter(zeros([n]))')
    const held = world().hold(data)
    super(held.layout, held.source)
    this.handle = held.handle
    this.held = held
    if (requiresGrad) this.requiresGrad_()
  }
}
