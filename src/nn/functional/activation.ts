// Activations that live in nn.functional alone.
import { fail } from '../../core/errors.ts'
import { define, describe, needTensor, type Described } from '../../ops/define.ts'
import { add, div, expm1, ge, gt, le, leakyRelu, logicalAnd, lt, mul, randLike, relu, sub, tanh, where, type Generator, type Tensor } from '../../ops/index.ts'

/**
 * x where |x| > lambd, else 0. As `torch.nn.functional.hardshrink`.
 *
 * @example
 * F.hardshrink(tensor([-2, 0.25, 2])) // → tensor([-2.,  0.,  2.])
 */
export const hardshrink: ((x: Tensor, lambd?: number) => Tensor) & Described = describe((x: Tensor, lambd = 0.5) => where(logicalAnd(ge(x, -lambd), le(x, lambd)), 0, x), 'hardshrink', ['input', 'lambd'])

/**
 * x moved towards 0 by lambd, and 0 where it would cross. As `torch.nn.functional.softshrink`.
 *
 * @example
 * F.softshrink(tensor([-2, 0.25, 2])) // → tensor([-1.5000,  0.0000,  1.5000])
 */
export const softshrink: ((x: Tensor, lambd?: number) => Tensor) & Described = describe((x: Tensor, lambd = 0.5) => {
  if (!(lambd >= 0)) fail('softshrink', `lambd is ${lambd}`, 'give a number ≥ 0')
  return where(gt(x, lambd), sub(x, lambd), where(lt(x, -lambd), add(x, lambd), 0))
}, 'softshrink', ['input', 'lambd'])

/**
 * x − tanh(x). As `torch.nn.functional.tanhshrink`.
 *
 * @example
 * F.tanhshrink(tensor([-2, 0.25, 2])) // → tensor([-1.0360,  0.0051,  1.0360])
 */
export const tanhshrink: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => sub(x, tanh(x)), 'tanhshrink', ['input'])

/**
 * x where x > threshold, else value. As `torch.nn.functional.threshold`.
 *
 * @example
 * F.threshold(tensor([-2, 0.25, 2]), 0.5, -1) // → tensor([-1., -1.,  2.])
 */
export const threshold: ((x: Tensor, threshold: number, value: number) => Tensor) & Described = describe((x: Tensor, at: number, value: number) => where(le(x, at), value, x), 'threshold', ['input', 'threshold', 'value'])

/**
 * max(x, 0) + min(0, α(e^(x/α) − 1)) (Barron 2017). As `torch.nn.functional.celu`.
 *
 * @example
 * F.celu(tensor([-2, 0.25, 2])) // → tensor([-0.8647,  0.2500,  2.0000])
 */
export const celu: ((x: Tensor, alpha?: number) => Tensor) & Described = describe((x: Tensor, alpha = 1) => {
  if (alpha === 0) fail('celu', 'alpha is 0', 'give another number')
  const below = where(gt(x, 0), 0, x)
  return add(relu(x), mul(expm1(div(below, alpha)), alpha))
}, 'celu', ['input', 'alpha'])

/**
 * x where x > 0, else weight·x; weight has one element, or one for each channel (dimension 1). As `torch.nn.functional.prelu`.
 *
 * @example
 * F.prelu(tensor([-2, 0, 2]), tensor([0.25])) // → tensor([-0.5000,  0.0000,  2.0000])
 */
export const prelu: ((x: Tensor, weight: Tensor) => Tensor) & Described = describe((x: Tensor, weight: Tensor) => {
  const count = needTensor('prelu', weight).numel
  if (count === 1) return where(gt(x, 0), x, mul(x, weight.reshape([])))
  const channels = x.ndim > 1 ? x.shape[1] : 1
  if (x.ndim === 0 || count !== channels || weight.ndim !== 1) fail('prelu', `the weight ${weight} does not fit ${x}`, x.ndim === 0 ? 'a 0-dim input takes a weight of one element' : `give one element, or [${channels}], one for each channel`)
  const slope = weight.reshape(x.shape.map((_, i) => (i === 1 ? count : 1)))
  return where(gt(x, 0), x, mul(x, slope))
}, 'prelu', ['input', 'weight'])

export interface RreluOptions {
  /** Least slope. Default 1/8. */
  lower?: number
  /** Largest slope. Default 1/3. */
  upper?: number
  /** Draw a slope for each element; else the middle one is used. Default false. */
  training?: boolean
  generator?: Generator
}
/**
 * leakyRelu with slopes drawn uniformly from lower … upper (Xu et al. 2015). As `torch.nn.functional.rrelu`.
 *
 * @example
 * F.rrelu(tensor([-2, 0, 2]), 0.1, 0.3) // → tensor([-0.4000,  0.0000,  2.0000])
 */
export const rrelu: ((x: Tensor, lower?: number | RreluOptions, upper?: number, training?: boolean) => Tensor) & Described = define('rrelu', ['input', 'lower', 'upper', 'training', '*', 'generator'], ({ input, lower = 1 / 8, upper = 1 / 3, training = false, generator }: { input: Tensor } & RreluOptions) => {
  if (!(lower <= upper)) fail('rrelu', `lower is ${lower} and upper is ${upper}`, 'lower must not be larger')
  if (!training) return leakyRelu(input, (lower + upper) / 2)
  const slope = add(mul(randLike(input, { generator }), upper - lower), lower)
  return where(ge(input, 0), input, mul(input, slope.detach()))
})
