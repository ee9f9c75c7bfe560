// Pooling: a reduction over sliding windows, which are a view.
import { fail } from '../core/errors.ts'
import { arange, ones } from './creation.ts'
import { define, type Described } from './define.ts'
import { firstMax, winners } from './first-max.ts'
import { pad, reshape } from './movement.ts'
import { div } from './pointwise.ts'
import { mean, sum } from './reduce.ts'
import { flatPositions, geometry, lastFirst, taps, widen, windows, type Geometry, type Size } from './spatial.ts'
import type { Tensor } from './tensor.ts'

export interface MaxPoolOptions {
  /** Default: the kernel size. */
  stride?: Size | null
  /** Filled with −∞ on both sides; at most half the kernel. */
  padding?: Size
  dilation?: Size
  /** Let windows begin inside and end outside. */
  ceilMode?: boolean
  /** Also give where each value was found: `[values, indices]`, int32 positions in the flattened spatial dimensions. */
  returnIndices?: boolean
}
export interface AvgPoolOptions {
  stride?: Size | null
  /** Zeros on both sides. */
  padding?: Size
  ceilMode?: boolean
  /** Whether padding counts in the divisor. */
  countIncludePad?: boolean
  /** Divides by this in place of the size of the window; two and three dimensions only. */
  divisorOverride?: number | null
}
type Pool<O, R> = (x: Tensor, kernelSize: Size | (O & { kernelSize: Size }), stride?: Size | null | O, padding?: Size | O, options?: O) => R
type WithIndices = MaxPoolOptions & { returnIndices: true }
type MaxPool = ((x: Tensor, kernelSize: Size, options: WithIndices) => [values: Tensor, indices: Tensor]) & Pool<MaxPoolOptions & { returnIndices?: false }, Tensor> & Described
type AvgPool = Pool<AvgPoolOptions, Tensor> & Described

/** For each window the positions of its taps in the flattened spatial dimensions. */
function positions(x: Tensor, g: Geometry): Tensor {
  const sizes = g.axes.map(axis => x.shape[axis])
  const lines = sizes.map((size, i) => arange(-g.padding[i], size + g.padding[i] + g.extra[i]))
  return windows(flatPositions(lines, sizes), { ...g, axes: g.axes.map((_, i) => i) })
}

function maxPool(n: number): MaxPool {
  const op = `maxPool${n}d`
  return define(op, ['input', 'kernelSize', 'stride', 'padding', 'dilation', 'ceilMode', 'returnIndices'], (a: { input: Tensor; kernelSize: Size } & MaxPoolOptions) => {
    const g = geometry(op, a.input, n, a)
    const w = windows(widen(a.input, g, -Infinity), g)
    const y = firstMax(w, taps(w, n))
    return a.returnIndices ? [y, winners(w, positions(a.input, g), n)] : y
  })
}

function avgPool(n: number): AvgPool {
  const op = `avgPool${n}d`
  return define(op, ['input', 'kernelSize', 'stride', 'padding', 'ceilMode', 'countIncludePad', ...(n > 1 ? ['divisorOverride'] : [])], (a: { input: Tensor; kernelSize: Size } & AvgPoolOptions) => {
    const g = geometry(op, a.input, n, a)
    const w = windows(widen(a.input, g, 0), g)
    const dims = taps(w, n)
    const divisor = a.divisorOverride ?? null
    if (divisor === 0) fail(op, 'divisorOverride is 0', 'give a number that is not 0, or leave it out')
    if (divisor !== null) return div(sum(w, dims), divisor)
    if (!g.extra.some(Boolean) && (a.countIncludePad !== false || !g.padding.some(Boolean))) return mean(w, dims)
    // The divisor differs from window to window: count by pooling ones.
    const size = g.axes.map(axis => a.input.shape[axis])
    const counted = a.countIncludePad === false ? ones(size) : pad(ones(size), lastFirst(g.padding, p => [p, p]), { value: 1 })
    const flat: Geometry = { ...g, axes: g.axes.map((_, i) => i), padding: a.countIncludePad === false ? g.padding : g.padding.map(() => 0) }
    const count = windows(widen(counted, flat, 0), flat)
    return div(sum(w, dims), reshape(sum(count, taps(count, n)), w.shape.slice(w.ndim - 2 * n, w.ndim - n)))
  })
}

/**
 * Largest value of each window: [N, C, L] → [N, C, L']. As `torch.nn.functional.max_pool1d`.
 *
 * @example
 * F.maxPool1d(tensor([[[1, 3, 2, 5, 4]]]), 2) // → tensor([[[3., 5.]]])
 */
export const maxPool1d: MaxPool = maxPool(1)
/**
 * Largest value of each window: [N, C, H, W] → [N, C, H', W']; of equal ones the first takes the gradient. With `returnIndices` also where it
 * was: `[values, indices]`. As `torch.nn.functional.max_pool2d`.
 *
 * @example
 * const image = arange(16).to('float32').reshape(1, 1, 4, 4)
 * F.maxPool2d(image, 2) // → tensor([[[[ 5.,  7.],
 * //             [13., 15.]]]])
 * F.maxPool2d(image, 2, { returnIndices: true })[1] // → tensor([[[[ 5,  7],
 * //             [13, 15]]]])
 */
export const maxPool2d: MaxPool = maxPool(2)
/**
 * Largest value of each window over three dimensions. As `torch.nn.functional.max_pool3d`.
 *
 * @example
 * F.maxPool3d(randn(1, 2, 4, 4, 4), 2).shape // → [ 1, 2, 2, 2, 2 ]
 */
export const maxPool3d: MaxPool = maxPool(3)
/**
 * Mean of each window: [N, C, L] → [N, C, L']. As `torch.nn.functional.avg_pool1d`.
 *
 * @example
 * F.avgPool1d(tensor([[[1, 3, 2, 6, 4]]]), 2, { ceilMode: true }) // → tensor([[[2., 4., 4.]]])
 */
export const avgPool1d: AvgPool = avgPool(1)
/**
 * Mean of each window: [N, C, H, W] → [N, C, H', W']. As `torch.nn.functional.avg_pool2d`.
 *
 * @example
 * F.avgPool2d(arange(16).to('float32').reshape(1, 1, 4, 4), 2) // → tensor([[[[ 2.5000,  4.5000],
 * //             [10.5000, 12.5000]]]])
 */
export const avgPool2d: AvgPool = avgPool(2)
/**
 * Mean of each window over three dimensions. As `torch.nn.functional.avg_pool3d`.
 *
 * @example
 * F.avgPool3d(ones(1, 1, 2, 2, 2), 2) // → tensor([[[[[1.]]]]])
 */
export const avgPool3d: AvgPool = avgPool(3)
