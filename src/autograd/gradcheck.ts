// Derivatives against finite differences, as `torch.autograd.gradcheck`: outputs are projected on fixed random cotangents, and each input
// is moved along a few fixed random directions, so one number is compared for each input and direction.
import { isComplex, isDifferentiable, type TypedArray } from '../core/dtype.ts'
import { LampasError, fail } from '../core/errors.ts'
import { needKnown } from '../core/options.ts'
import { viewAsComplex, viewAsReal } from '../ops/complex.ts'
import { tensor } from '../ops/creation.ts'
import { sum } from '../ops/reduce.ts'
import { Tensor } from '../ops/tensor.ts'
import { grad } from './engine.ts'
import { enableGrad, noGrad } from './mode.ts'

export interface GradcheckOptions {
  /** How far inputs are moved. Default 1e-3, which suits float32. */
  eps?: number
  /** Absolute difference that is allowed. Default 1e-2. */
  atol?: number
  /** Difference that is allowed in relation to the size of the derivative. Default 1e-2. */
  rtol?: number
}

/** A function under test: from tensors to one or several. */
export type Differentiable = (...inputs: Tensor[]) => Tensor | readonly Tensor[]

const DIRECTIONS = 3

/** Complex numbers are checked part by part. */
const parts = (y: Tensor): Tensor => (isComplex(y.dtype) ? viewAsReal(y) : y)
const count = (x: Tensor): number => x.numel * (isComplex(x.dtype) ? 2 : 1)
/** A tensor like x of other numbers. */
function filled(x: Tensor, data: TypedArray): Tensor {
  const y = isComplex(x.dtype) ? viewAsComplex(tensor(data, { shape: [...x.shape, 2] })).detach() : tensor(data, { shape: x.shape, dtype: x.dtype })
  return x.requiresGrad ? y.requiresGrad_() : y
}
const differentiable = (ys: Tensor | readonly Tensor[]): Tensor[] => (ys instanceof Tensor ? [ys] : [...ys]).filter(y => isDifferentiable(y.dtype))

/**
 * Compares the gradients of `fn` at `inputs` (those that require one) with central differences. Resolves to true, or rejects with the first
 * difference. Values should lie away from kinks. The reference device computes in float64, so there `atol` and `rtol` may be as small as 1e-5. As `torch.autograd.gradcheck`.
 *
 * @example
 * await gradcheck(x => x.sin().mul(x), [tensor([0.3, -1.2], { requiresGrad: true })])
 */
export async function gradcheck(fn: Differentiable, inputs: readonly Tensor[], options: GradcheckOptions = {}): Promise<true> {
  needKnown('gradcheck', options, ['eps', 'atol', 'rtol'])
  const { eps = 1e-3, atol = 1e-2, rtol = 1e-2 } = options
  const wanted = [...inputs.keys()].filter(i => inputs[i].requiresGrad)
  if (wanted.length === 0) fail('gradcheck', 'no input requires a gradient', 'mark those to check with {requiresGrad: true}')
  const values = await Promise.all(inputs.map(x => x.data()))
  const cotangents = new Map<number, Float32Array>()

  /** Σ outputs·cotangents at the inputs, one of them moved. */
  const project = (xs: readonly Tensor[]): Tensor => {
    const outputs = differentiable(fn(...xs)).map(parts)
    if (outputs.length === 0) fail('gradcheck', 'the function gives no float or complex tensor', 'return what depends on the inputs')
    return outputs
      .map((y, i) => {
        const c = cotangents.get(i) ?? direction(y.numel, i)
        cotangents.set(i, c)
        return sum(y.mul(tensor(c, { shape: y.shape })))
      })
      .reduce((a, b) => a.add(b))
  }
  const at = (i: number, moved: Float32Array): Tensor =>
    project(inputs.map((x, k) => filled(x, k === i ? moved : values[k])))

  const analytic = enableGrad(() => {
    const leaves = inputs.map(x => (x.requiresGrad ? x.detach().clone().requiresGrad_() : x))
    const total = project(leaves)
    if (!total.requiresGrad) fail('gradcheck', 'the outputs do not depend on the inputs', 'check for detach() and noGrad() inside')
    return grad(total, wanted.map(i => leaves[i]), { allowUnused: true })
  })
  for (const [k, i] of wanted.entries()) {
    const slope = Float32Array.from((await analytic[k]?.data()) ?? new Float32Array(count(inputs[i])))
    for (let round = 0; round < DIRECTIONS; round++) {
      const v = direction(count(inputs[i]), 1000 * (i + 1) + round)
      const [up, down] = [eps, -eps].map(h => Float32Array.from(values[i], (value, n) => value + h * v[n]))
      // Subtracted where it was computed, which on the reference is in float64, and by the steps that were left after rounding.
      const numeric = (await at(i, up).sub(at(i, down)).item()) / (2 * eps)
      const exact = slope.reduce((total, g, n) => total + (g * (up[n] - down[n])) / (2 * eps), 0)
      if (!(Math.abs(exact - numeric) <= atol + rtol * Math.abs(numeric)))
        throw new LampasError('gradcheck', `the derivative by input ${i} (${inputs[i]}) along direction ${round} is ${exact}, by differences it is ${numeric}`, 'look at the derivative rules that the function uses, or change eps, atol, rtol')
    }
  }
  return true
}

/**
 * The same for second derivatives: checks the gradient function of `fn`, by the inputs and by the cotangents. As
 * `torch.autograd.gradgradcheck`.
 */
export async function gradgradcheck(fn: Differentiable, inputs: readonly Tensor[], options: GradcheckOptions = {}): Promise<true> {
  const probe = noGrad(() => fn(...inputs))
  const cotangents = differentiable(probe).map((y, i) => filled(y, direction(count(y), 500 + i)).requiresGrad_())
  const slopes: Differentiable = (...all) => {
    const [xs, cs] = [all.slice(0, inputs.length), all.slice(inputs.length)]
    const wanted = xs.filter(x => x.requiresGrad)
    const found: (Tensor | null)[] = enableGrad(() => grad(differentiable(fn(...xs)), wanted, { gradOutputs: cs, createGraph: true, allowUnused: true }))
    return found.filter(g => g !== null)
  }
  return gradcheck(slopes, [...inputs, ...cotangents], options)
}

/** Fixed pseudorandom numbers in [-1, 1) (Marsaglia's xorshift), not of the user's stream. */
function direction(n: number, seed: number): Float32Array {
  let s = (seed + 1) * 0x9e3779b1
  return Float32Array.from({ length: n }, () => {
    s ^= s << 13
    s ^= s >>> 17
    s ^= s << 5
    return s / 2 ** 31
  })
}
