// Distances between tensors, and between all rows of two matrices.
import { fail } from '../core/errors.ts'
import { normalizeDim } from '../core/shape.ts'
import { apply1, define, needFloat, needTensor, type Described, type Operand } from './define.ts'
import { matrixNorm } from './linalg/norms.ts'
import { matmul } from './matmul.ts'
import { mT, unsqueeze } from './movement.ts'
import { namedNorms, pNorm } from './norm.ts'
import { abs, add, div, eq, gt, mul, relu, root, square, sub, where } from './pointwise.ts'
import { needDifferentiable, reduceOp, spread, sum } from './reduce.ts'
import type { Tensor } from './tensor.ts'

namedNorms.set('nuc', (x, axes) => matrixNorm(x, 'nuc', axes))

/**
 * p-norm of the difference of two tensors, broadcast against each other. As `torch.dist`.
 *
 * @example
 * dist(tensor([0, 0]), tensor([3, 4])) // → tensor(5.)
 */
export const dist: ((x: Tensor, other: Tensor, p?: number | { p?: number }) => Tensor) & Described =
  define('dist', ['input', 'other', 'p'], ({ input, other, p = 2 }: { input: Tensor; other: Tensor; p?: number }) => {
    const d = sub(needTensor('dist', input), needTensor('dist', other))
    needDifferentiable('dist', d)
    return pNorm(d, p, [...d.shape.keys()])
  })

// Unlike in `amax`, each of several equal differences has the whole gradient.
const largestOp = reduceOp('largest', 'max', ([g], { params: { axes }, inputs: [x], outputs: [y] }) => [g && mul(spread(g, x.shape, axes), eq(x, spread(y, x.shape, axes)))], 'both')

/** p-norm over the last dimension of differences, with the gradients of PyTorch's distances: 0 where there is no distance. */
export function distances(difference: Tensor, p: number): Tensor {
  const axes = [difference.ndim - 1]
  if (difference.shape.at(-1) === 0) return sum(difference, -1)
  return p === Infinity ? apply1(largestOp, [abs(difference)], { axes }) : pNorm(difference, p, axes)
}

const modes = ['use_mm_for_euclid_dist_if_necessary', 'use_mm_for_euclid_dist', 'donot_use_mm_for_euclid_dist'] as const
export interface CdistOptions {
  p?: number
  /** Whether Euclidean distances may be taken from a matrix product, |a|² + |b|² − 2ab, which is faster and less exact. By default from 26 rows on. */
  computeMode?: (typeof modes)[number]
}
/**
 * p-distance of each row of the first to each row of the second: [..., n, k] and [..., m, k] give [..., n, m]. As `torch.cdist`.
 *
 * @example
 * cdist(tensor([[0, 0], [3, 0]]), tensor([[3, 4]])) // → tensor([[5.],
 * //           [4.]])
 */
export const cdist: ((x1: Tensor, x2: Tensor, p?: number | CdistOptions, computeMode?: CdistOptions['computeMode']) => Tensor) & Described =
  define('cdist', ['x1', 'x2', 'p', 'computeMode'], ({ x1, x2, p = 2, computeMode = modes[0] }: { x1: Tensor; x2: Tensor } & CdistOptions) => {
    for (const x of [x1, x2]) {
      needFloat('cdist', needTensor('cdist', x))
      if (x.ndim < 2) fail('cdist', `expected matrices or stacks of them, got ${x}`, 'unsqueeze first')
    }
    const [n, m] = [x1.shape.at(-2)!, x2.shape.at(-2)!]
    if (x1.shape.at(-1) !== x2.shape.at(-1)) fail('cdist', `rows of ${x1} and ${x2} differ in length`, 'the last sizes must be equal')
    if (!(p >= 0)) fail('cdist', `p is ${p}`, 'give a number ≥ 0 or Infinity')
    if (!modes.includes(computeMode)) fail('cdist', `there is no computeMode '${String(computeMode)}'`, modes.join(', '))
    const byProduct = p === 2 && (computeMode === modes[1] || (computeMode === modes[0] && (n > 25 || m > 25)))
    if (!byProduct) return distances(sub(unsqueeze(x1, -2), unsqueeze(x2, -3)), p)
    const squares = (x: Tensor): Tensor => sum(square(x), -1, true)
    return root(relu(sub(add(squares(x1), mT(squares(x2))), mul(matmul(x1, mT(x2)), 2))))
  })

/**
 * Slices of `dim` whose p-norm is above `maxnorm`, scaled down to it. As `torch.renorm`.
 *
 * @example
 * tensor([[3, 4], [0.3, 0.4]]).renorm(2, 0, 1) // → tensor([[0.6000, 0.8000],
 * //           [0.3000, 0.4000]])
 */
export const renorm: ((x: Tensor, p: number, dim: number, maxnorm: number) => Tensor) & Described =
  define('renorm', ['input', 'p', 'dim', 'maxnorm'], ({ input, p, dim, maxnorm }: { input: Tensor; p: number; dim: number; maxnorm: number }) => {
    needFloat('renorm', needTensor('renorm', input))
    const axis = normalizeDim('renorm', dim, input.ndim)
    if (input.ndim < 2) fail('renorm', `expected at least 2 dimensions, got ${input}`, 'unsqueeze first')
    if (!(p > 0) || !(maxnorm >= 0)) fail('renorm', `p is ${p} and maxnorm ${maxnorm}`, 'p > 0 and maxnorm ≥ 0')
    const axes = [...input.shape.keys()].filter(i => i !== axis)
    const size = spread(pNorm(input, p, axes), input.shape, axes)
    const scale: Operand = div(maxnorm, add(size, 1e-7))
    return mul(input, where(gt(size, maxnorm), scale, 1))
  })
