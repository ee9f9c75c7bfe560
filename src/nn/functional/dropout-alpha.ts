// Dropout that keeps mean and variance of what SELU gives (Klambauer et al. 2017): what falls goes to SELU's lower end, then all is scaled back.
import { add, mul, where, type Tensor } from '../../ops/index.ts'
import { dropping, perChannel, type Dropout } from './dropout.ts'

/** −scale·α of SELU. */
const LOW = -1.7580993408473766

function alpha(x: Tensor, stays: Tensor, p: number): Tensor {
  const a = 1 / Math.sqrt((1 - p) * (1 + p * LOW * LOW))
  return add(mul(where(stays, x, LOW), a), -a * p * LOW)
}

/**
 * For networks of SELUs: values fall with probability p, mean and variance stay. As `torch.nn.functional.alpha_dropout`.
 *
 * @example
 * F.alphaDropout(randn(4, 4), 0.2).shape // → [ 4, 4 ]
 */
export const alphaDropout: Dropout = dropping('alphaDropout', x => x, alpha)
/**
 * As `alphaDropout`, but whole channels of [N, C, …] fall together. As `torch.nn.functional.feature_alpha_dropout`.
 *
 * @example
 * F.featureAlphaDropout(randn(2, 3, 4, 4), 0.2).shape // → [ 2, 3, 4, 4 ]
 */
export const featureAlphaDropout: Dropout = dropping('featureAlphaDropout', perChannel(0), alpha)
