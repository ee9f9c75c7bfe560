// Moving values between devices: a read and a write.
import { fail } from '../core/errors.ts'
import { wordsIn } from '../core/storage.ts'
import { Tensor } from '../ops/tensor.ts'
import { eager } from './world.ts'

/**
 * The same values on another device, as a new leaf; the tensor itself when it is there already. To 'meta' goes the shape alone. As
 * `torch.Tensor.to(device)`.
 *
 * @example
 * (await toDevice(tensor([1, 2]), 'meta')).shape // → [ 2 ]
 */
export async function toDevice(x: Tensor, device: string): Promise<Tensor> {
  if (!(x instanceof Tensor)) fail('toDevice', 'expected a tensor', 'toDevice(x, name); for a model: await model.toDevice(name)')
  if (x.device === device) return x
  const words = device === 'meta' ? wordsIn(x.dtype, new ArrayBuffer(0)) : await eager.read(x)
  const y = eager.create(words, x.dtype, x.shape, device)
  return x.requiresGrad ? y.requiresGrad_() : y
}
