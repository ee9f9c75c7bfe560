// Random numbers of further distributions, each a function of uniform ones (Devroye, "Non-Uniform Random Variate Generation", 1986), so
// that one seed gives the same on every device and no value is read back.
import { isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import { cast } from './cast.ts'
import { describe, needTensor, type Described } from './define.ts'
import { copy_ } from './inplace.ts'
import { add, div, exp, floor, log, lt, mul, sqrt, sub, tan, where } from './pointwise.ts'
import { drawn, integerOp, randn, uniformOp, type RandomOptions } from './random.ts'
import { igammac } from './special-incomplete.ts'
import type { Tensor } from './tensor.ts'

type Fill<A extends readonly unknown[]> = ((x: Tensor, ...args: [...Partial<A>, RandomOptions?]) => Tensor) & Described

/** In (0, 1]: its logarithm is finite. */
const positive = (shape: Shape, o: RandomOptions): Tensor => drawn(uniformOp, shape, [1, -1], o)

/** An in-place filler; numbers come first, then options. */
function filler<A extends readonly number[]>(name: string, names: readonly string[], defaults: A, allowed: (...args: A) => boolean, range: string, draw: (shape: Shape, o: RandomOptions, ...args: A) => Tensor): Fill<A> {
  const body = (x: Tensor, ...given: (number | RandomOptions | undefined)[]): Tensor => {
    const options = given.find(v => typeof v === 'object') ?? {}
    const args = defaults.map((d, i) => (typeof given[i] === 'number' ? given[i] : d)) as unknown as A
    if (!allowed(...args)) fail(name, `${names.map((n, i) => `${n} is ${args[i]}`).join(', ')}`, range)
    return copy_(needTensor(name, x), draw(x.shape, options as RandomOptions, ...args))
  }
  return describe(body, name, ['input', ...names, '*', 'generator']) as Fill<A>
}

/** Fills x with numbers of density λ·e^(−λt), in place. As `torch.Tensor.exponential_`. */
export const exponential_: Fill<[lambd: number]> = filler('exponential_', ['lambd'], [1], l => l > 0, 'the rate must be above 0', (shape, o, l) => div(log(positive(shape, o)), -l))
/** Fills x with numbers of the Cauchy distribution, in place. As `torch.Tensor.cauchy_`. */
export const cauchy_: Fill<[median: number, sigma: number]> = filler('cauchy_', ['median', 'sigma'], [0, 1], (_, s) => s > 0, 'sigma must be above 0', (shape, o, median, s) =>
  add(mul(tan(mul(sub(drawn(uniformOp, shape, [0, 1], o), 0.5), Math.PI)), s), median))
/** Fills x with how many trials of chance p it takes to succeed: 1, 2, …, in place. As `torch.Tensor.geometric_`. */
export const geometric_: Fill<[p: number]> = filler('geometric_', ['p'], [0.5], p => p > 0 && p < 1, 'the chance must lie between 0 and 1', (shape, o, p) => add(floor(div(log(positive(shape, o)), Math.log1p(-p))), 1))
/** Fills x with e to the power of normal numbers, in place. As `torch.Tensor.log_normal_`. */
export const logNormal_: Fill<[mean: number, std: number]> = filler('logNormal_', ['mean', 'std'], [1, 2], (_, s) => s > 0, 'the standard deviation must be above 0', (shape, o, mean, std) => exp(add(mul(randn([...shape], o), std), mean)))
/** Fills x with 1 by chance p and 0 otherwise, in place. As `torch.Tensor.bernoulli_`. */
export const bernoulli_: Fill<[p: number]> = filler('bernoulli_', ['p'], [0.5], p => p >= 0 && p <= 1, 'the chance must lie from 0 to 1', (shape, o, p) => lt(drawn(uniformOp, shape, [0, 1], o), p))
/** Fills x with whole numbers from … to − 1, in place; floats by default up to 2²⁴, which they still tell apart. As `torch.Tensor.random_`. */
export const random_: ((x: Tensor, from?: number, to?: number, options?: RandomOptions) => Tensor) & Described = describe((x: Tensor, from?: number, to?: number, options: RandomOptions = {}) => {
  const [low, high] = from === undefined ? [0, isFloat(needTensor('random_', x).dtype) ? 2 ** 24 : x.dtype === 'uint8' ? 256 : 2 ** 31 - 1] : to === undefined ? [0, from] : [from, to]
  if (!(high > low)) fail('random_', `to ${high} is not above from ${low}`, 'random_(from, to) draws from … to − 1')
  return copy_(x, drawn(integerOp, x.shape, [low, high - low], options))
}, 'random_', ['input', 'from', 'to', '*', 'generator'])

/**
 * Whole numbers low … high − 1 of x's shape and dtype. As `torch.randint_like`.
 * @example randintLike(ones(3), 0, 10).shape // → [ 3 ]
 */
export const randintLike: ((x: Tensor, low: number, high?: number, options?: RandomOptions) => Tensor) & Described = describe((x: Tensor, low: number, high?: number, options: RandomOptions = {}) => {
  const [from, to] = high === undefined ? [0, low] : [low, high]
  if (!(to > from)) fail('randintLike', `high ${to} is not above low ${from}`, 'randintLike(x, low, high) draws low … high − 1')
  return cast(drawn(integerOp, needTensor('randintLike', x).shape, [from, to - from], options), options.dtype ?? x.dtype)
}, 'randintLike', ['input', 'low', 'high', '*', 'dtype', 'device', 'requiresGrad', 'generator'])

/** Halvings that tell apart all counts that float32 does. */
const HALVINGS = 25

/**
 * Counts of a Poisson distribution whose rates are the elements of x, in x's dtype, by bisection of the distribution function
 * P(X ≤ k) = Γ(k + 1, λ) / k!. As `torch.poisson`.
 *
 * @example
 * poisson(full([100], 4))
 */
export const poisson: ((x: Tensor, options?: RandomOptions) => Tensor) & Described = describe((x: Tensor, options: RandomOptions = {}) => {
  if (!isFloat(needTensor('poisson', x).dtype)) fail('poisson', `rates must be floats, got ${x}`, "convert: x.to('float32')")
  const rate = cast(x.detach(), 'float32')
  const u = drawn(uniformOp, x.shape, [0, 1], options)
  // The answer lies above `low` and at or below `high`; beyond ten deviations no float32 u can lead.
  let low = sub(mul(rate, 0), 1)
  let high = add(floor(add(rate, mul(sqrt(rate), 10))), 20)
  for (let i = 0; i < HALVINGS; i++) {
    const middle = floor(mul(add(low, high), 0.5))
    const within = lt(u, igammac(add(middle, 1), rate))
    const open = lt(add(low, 1), high)
    low = where(open.logicalAnd(within.logicalNot()), middle, low)
    high = where(open.logicalAnd(within), middle, high)
  }
  return cast(high, x.dtype)
}, 'poisson', ['input', '*', 'generator'])
