// Dropout (Srivastava et al. 2014), scaled in training so that nothing need be done afterwards.
import { fail } from '../../core/errors.ts'
import { define, needTensor, type Described } from '../../ops/define.ts'
import { copy_ } from '../../ops/inplace.ts'
import { mul, randLike, type Generator, type Tensor } from '../../ops/index.ts'

export interface DropoutOptions {
  /** Probability of 0. Default ½. */
  p?: number
  /** Default true; false gives the input back. */
  training?: boolean
  /** Change the input itself. */
  inplace?: boolean
  generator?: Generator
}
export type Dropout = ((x: Tensor, p?: number | DropoutOptions, training?: boolean | DropoutOptions, options?: DropoutOptions) => Tensor) & Described

/** A dropout; `change` makes the result from x and what stays: true with probability 1 − p. */
export const dropping = (name: string, like: (x: Tensor) => Tensor, change: (x: Tensor, stays: Tensor, p: number) => Tensor, p0 = 0.5): Dropout =>
  define(name, ['input', 'p', 'training', 'inplace', '*', 'generator'], ({ input: x, p = p0, training = true, inplace = false, generator }: { input: Tensor } & DropoutOptions) => {
    needTensor(name, x)
    if (!(p >= 0 && p <= 1)) fail(name, `p is ${p}`, 'give a probability between 0 and 1')
    if (!training || p === 0) return x
    const y = p === 1 ? mul(x, 0) : change(x, randLike(like(x).detach(), { generator }).ge(p), p)
    return inplace ? copy_(x, y) : y
  })

const scaled = (x: Tensor, stays: Tensor, p: number): Tensor => mul(mul(x, stays), 1 / (1 - p))
/** One element for each channel of [N, C, …]; where there are fewer than `batched` dimensions, of [C, …]. */
export const perChannel = (batched: number) => (x: Tensor): Tensor => {
  const kept = x.ndim < batched ? 1 : 2
  return x.shape.reduce((y, _, i) => (i < kept ? y : y.narrow(i, 0, Math.min(1, x.shape[i]))), x)
}

/**
 * Sets values to 0 with probability p and divides the others by 1 − p. As `torch.nn.functional.dropout`.
 *
 * @example
 * F.dropout(ones(1000), 0.2).gt(0).to('float32').mean() // close to 0.8
 */
export const dropout: Dropout = dropping('dropout', x => x, scaled)
/**
 * As `dropout`, but whole channels of [N, C, L] or [C, L] fall together. As `torch.nn.functional.dropout1d`.
 *
 * @example
 * F.dropout1d(ones(2, 3, 5), 0.5).shape // → [ 2, 3, 5 ]
 */
export const dropout1d: Dropout = dropping('dropout1d', perChannel(3), scaled)
/**
 * As `dropout`, but whole channels of [N, C, …] fall together. As `torch.nn.functional.dropout2d`.
 *
 * @example
 * F.dropout2d(ones(2, 3, 4, 4), 0.5).shape // → [ 2, 3, 4, 4 ]
 */
export const dropout2d: Dropout = dropping('dropout2d', perChannel(0), scaled)
/**
 * As `dropout`, but whole channels of [N, C, D, H, W] or [C, D, H, W] fall together. As `torch.nn.functional.dropout3d`.
 *
 * @example
 * F.dropout3d(ones(2, 3, 2, 4, 4), 0.5).shape // → [ 2, 3, 2, 4, 4 ]
 */
export const dropout3d: Dropout = dropping('dropout3d', perChannel(5), scaled)
