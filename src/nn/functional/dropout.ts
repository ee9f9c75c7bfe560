// Dropout (Srivastava et al. 2014), scaled in training so that nothing need be done afterwards.
import { fail } from '../../core/errors.ts'
import { define, type Described } from '../../ops/define.ts'
import { mul, randLike, type Generator, type Tensor } from '../../ops/index.ts'

export interface DropoutOptions {
  /** Probability of 0. Default ½. */
  p?: number
  /** Default true; false gives the input back. */
  training?: boolean
  generator?: Generator
}
type Dropout = ((x: Tensor, p?: number | DropoutOptions, options?: DropoutOptions) => Tensor) & Described

/** `like` has the shape of the mask: values that share an element of it fall together. */
const drop = (name: string, like: (x: Tensor) => Tensor): Dropout =>
  define(name, ['input', 'p', 'training', 'generator'], ({ input: x, p = 0.5, training = true, generator }: { input: Tensor } & DropoutOptions) => {
    if (!(p >= 0 && p <= 1)) fail(name, `p is ${p}`, 'give a probability between 0 and 1')
    if (!training || p === 0) return x
    return p === 1 ? mul(x, 0) : mul(x, randLike(like(x).detach(), { generator }).ge(p).mul(1 / (1 - p)))
  })

/** Sets values to 0 with probability p and divides the others by 1 − p. As `torch.nn.functional.dropout`. */
export const dropout: Dropout = drop('dropout', x => x)
/** As `dropout`, but whole channels of [N, C, …] fall together. As `torch.nn.functional.dropout2d`. */
export const dropout2d: Dropout = drop('dropout2d', x => x.shape.slice(2).reduce((y, _, i) => y.narrow(i + 2, 0, 1), x))
