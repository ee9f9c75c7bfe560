// Limits on gradients, parameters as one vector, without reading anything back; modules without initial values.
import { noGrad } from '../autograd/mode.ts'
import { fail } from '../core/errors.ts'
import { cat, zeros, type Tensor } from '../ops/index.ts'
import { copy_ } from '../ops/inplace.ts'
import { world } from '../ops/world.ts'

export { skipInit } from './skip.ts'

export interface ClipNormOptions {
  /** p of the norm; Infinity takes the largest value. Default 2. */
  normType?: number
}

const gradients = (parameters: Tensor | Iterable<Tensor>): Tensor[] => [...(Symbol.iterator in parameters ? parameters : [parameters])].flatMap(p => (p.grad ? [p.grad] : []))

/**
 * Scales all gradients together so that their common norm is at most `maxNorm`, in place. Returns the norm before (0-dim float32, not read).
 * As `torch.nn.utils.clip_grad_norm_`.
 *
 * @example
 * const model = new nn.Linear(4, 1)
 * model.forward(ones(2, 4)).square().sum().backward()
 * nn.utils.clipGradNorm_(model.parameters(), 1)
 * await nn.utils.getTotalNorm(model.parameters().map(p => p.grad)).item() < 1.001 // → true
 */
export function clipGradNorm_(parameters: Tensor | Iterable<Tensor>, maxNorm: number, { normType = 2 }: ClipNormOptions = {}): Tensor {
  if (!(maxNorm >= 0)) fail('clipGradNorm_', `maxNorm is ${maxNorm}`, 'give a number ≥ 0')
  const grads = gradients(parameters)
  if (grads.length === 0) return zeros([])
  return noGrad(() => {
    const [total] = world().tidy(() => {
      const norm = cat(grads.map(g => g.reshape(-1))).norm(normType)
      const factor = norm.add(1e-6).reciprocal().mul(maxNorm).clamp({ max: 1 })
      for (const g of grads) g.mul_(factor)
      return [norm]
    })
    return total
  })
}

/** Limits every value of the gradients to ±clipValue, in place. As `torch.nn.utils.clip_grad_value_`. */
export function clipGradValue_(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  if (!(clipValue >= 0)) fail('clipGradValue_', `clipValue is ${clipValue}`, 'give a number ≥ 0')
  noGrad(() => {
    for (const g of gradients(parameters)) copy_(g, g.clamp(-clipValue, clipValue))
  })
}

/** The norm of all tensors together (0-dim, not read). As `torch.nn.utils.get_total_norm`. */
export function getTotalNorm(tensors: Tensor | Iterable<Tensor>, { normType = 2 }: ClipNormOptions = {}): Tensor {
  const all = [...(Symbol.iterator in tensors ? tensors : [tensors])]
  return all.length === 0 ? zeros([]) : cat(all.map(x => x.reshape(-1))).norm(normType)
}

/** Parameters one behind the other, as a vector. As `torch.nn.utils.parameters_to_vector`. */
export const parametersToVector = (parameters: Iterable<Tensor>): Tensor => cat([...parameters].map(p => p.reshape(-1)))

/** The values of a vector, one piece for each parameter, in place. As `torch.nn.utils.vector_to_parameters`. */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>): void {
  const all = [...parameters]
  const total = all.reduce((n, p) => n + p.numel, 0)
  if (vector.ndim !== 1 || vector.numel !== total) fail('vectorToParameters', `${vector} does not hold the ${total} values of the parameters`, 'it comes from parametersToVector of the same parameters')
  noGrad(() => {
    let at = 0
    for (const p of all) {
      copy_(p, vector.detach().narrow(0, at, p.numel).reshape(p.shape))
      at += p.numel
    }
  })
}
