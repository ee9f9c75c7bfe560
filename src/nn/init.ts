// Initial values. The distributions are PyTorch's; the fans of a weight [out, in, …kernel] are in·kernel and out·kernel.
// Sources: Glorot & Bengio 2010 (xavier), He et al. 2015 (kaiming), Saxe et al. 2014 (orthogonal).
import { fail } from '../core/errors.ts'
import { withDefaults } from '../core/options.ts'
import { numel } from '../core/shape.ts'
import type { Generator, Tensor } from '../ops/index.ts'
import { full } from '../ops/index.ts'
import { copy_, fill_ } from '../ops/inplace.ts'
import { normal_ as drawNormal, uniform_ as drawUniform } from '../ops/random.ts'
import { filling } from './skip.ts'

export interface DrawOptions {
  /** Source of random numbers; default: the device's own, seeded by `manualSeed`. */
  generator?: Generator
}
export type Nonlinearity = 'linear' | 'conv1d' | 'conv2d' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu'
export interface KaimingOptions extends DrawOptions {
  /** Negative slope of the leaky ReLU that follows. Default 0. */
  a?: number
  /** Keep the variance of values (`fanIn`, the default) or of gradients (`fanOut`). */
  mode?: 'fanIn' | 'fanOut'
  nonlinearity?: Nonlinearity
}

/** Fills with uniform numbers of [from, to). As `torch.nn.init.uniform_`. */
export const uniform_ = (x: Tensor, from = 0, to = 1, o: DrawOptions = {}): Tensor => filling(x, () => drawUniform(x, from, to, o))
/** Fills with normal numbers. As `torch.nn.init.normal_`. */
export const normal_ = (x: Tensor, mean = 0, std = 1, o: DrawOptions = {}): Tensor => filling(x, () => drawNormal(x, mean, std, o))
/** Fills with one value. As `torch.nn.init.constant_`. */
export const constant_ = (x: Tensor, value: number): Tensor => filling(x, () => fill_(x, value))
/** Fills with zeros. As `torch.nn.init.zeros_`. */
export const zeros_ = (x: Tensor): Tensor => constant_(x, 0)
/** Fills with ones. As `torch.nn.init.ones_`. */
export const ones_ = (x: Tensor): Tensor => constant_(x, 1)

/** The factor that a nonlinearity asks of the standard deviation. As `torch.nn.init.calculate_gain`. */
export function calculateGain(nonlinearity: Nonlinearity, negativeSlope = 0.01): number {
  switch (nonlinearity) {
    case 'linear': case 'conv1d': case 'conv2d': case 'sigmoid': return 1
    case 'tanh': return 5 / 3
    case 'relu': return Math.SQRT2
    case 'leakyRelu': return Math.sqrt(2 / (1 + negativeSlope ** 2))
    case 'selu': return 3 / 4
    default: return fail('calculateGain', `there is no nonlinearity '${String(nonlinearity)}'`, 'linear, conv1d, conv2d, sigmoid, tanh, relu, leakyRelu, selu')
  }
}

/** Inputs that reach one output value, and outputs that one input value reaches. */
export function fans(x: Tensor, op = 'fans'): { fanIn: number; fanOut: number } {
  if (x.ndim < 2) fail(op, `a fan needs at least two dimensions, got ${x}`, 'give a weight [out, in, …kernel]; biases are often zeros_')
  const taps = numel(x.shape.slice(2))
  return { fanIn: x.shape[1] * taps, fanOut: x.shape[0] * taps }
}

type Kaiming = Required<Omit<KaimingOptions, 'generator'>>
function kaimingStd(op: string, x: Tensor, options: Partial<Kaiming>): number {
  const { a, mode, nonlinearity } = withDefaults<Kaiming>(op, options, { a: 0, mode: 'fanIn', nonlinearity: 'leakyRelu' })
  if (mode !== 'fanIn' && mode !== 'fanOut') fail(op, `there is no mode '${String(mode)}'`, "'fanIn' or 'fanOut'")
  return calculateGain(nonlinearity, a) / Math.sqrt(fans(x, op)[mode])
}
const xavierStd = (op: string, x: Tensor, gain: number): number => {
  const { fanIn, fanOut } = fans(x, op)
  return gain * Math.sqrt(2 / (fanIn + fanOut))
}

/** Uniform with variance gain²/fan. As `torch.nn.init.kaiming_uniform_`. */
export function kaimingUniform_(x: Tensor, { generator, ...options }: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd('kaimingUniform_', x, options)
  return uniform_(x, -bound, bound, { generator })
}
/** Normal with variance gain²/fan. As `torch.nn.init.kaiming_normal_`. */
export const kaimingNormal_ = (x: Tensor, { generator, ...options }: KaimingOptions = {}): Tensor => normal_(x, 0, kaimingStd('kaimingNormal_', x, options), { generator })
/** Uniform with variance 2·gain²/(fanIn + fanOut). As `torch.nn.init.xavier_uniform_`. */
export function xavierUniform_(x: Tensor, gain = 1, options: DrawOptions = {}): Tensor {
  const bound = Math.sqrt(3) * xavierStd('xavierUniform_', x, gain)
  return uniform_(x, -bound, bound, options)
}
/** Normal with variance 2·gain²/(fanIn + fanOut). As `torch.nn.init.xavier_normal_`. */
export const xavierNormal_ = (x: Tensor, gain = 1, options: DrawOptions = {}): Tensor => normal_(x, 0, xavierStd('xavierNormal_', x, gain), options)

/** Normal numbers of the given mean and deviation, restricted to [a, b]. As `torch.nn.init.trunc_normal_`. */
export function truncNormal_(x: Tensor, mean = 0, std = 1, a = -2, b = 2, options: DrawOptions = {}): Tensor {
  if (!(a < b) || !(std > 0)) fail('truncNormal_', `bounds ${a} and ${b} with std ${std}`, 'give a < b and std > 0')
  return filling(x, () => {
    // The inverse of the distribution function, at uniform numbers between its values at the bounds.
    const spread = std * Math.SQRT2
    const [low, high] = [a, b].map(v => full([], (v - mean) / spread, { device: x.device }).erf())
    const u = drawUniform(x, 0, 1, options).mul(high.sub(low)).add(low)
    return copy_(x, u.erfinv().mul(spread).add(mean).clamp(a, b))
  })
}
