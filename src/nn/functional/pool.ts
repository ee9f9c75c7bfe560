// Adaptive average pooling: as many windows as asked, as even as the sizes allow.
import { needSpatial, perAxis } from '../../ops/spatial.ts'
import { define, type Described } from '../../ops/define.ts'
import type { Tensor } from '../../ops/index.ts'
import { resample, runs, shared, type Taps } from './resample.ts'

/** One size, or one for each spatial dimension; null keeps the input's. */
export type OutputSize = number | null | readonly (number | null)[]

/** The sizes asked for, one for each of the last n dimensions of x. */
export function outputSizes(op: string, x: Tensor, outputSize: OutputSize, n: number): readonly number[] {
  needSpatial(op, x, n)
  const sizes = x.shape.slice(-n)
  const asked = outputSize === undefined || outputSize === null || typeof outputSize === 'number' ? [outputSize] : outputSize
  const each = asked.length === 1 ? sizes.map(() => asked[0]) : asked
  return perAxis(op, 'outputSize', each.map((m, i) => m ?? sizes[i] ?? 0), n, 1)
}

/** Window i of m over n positions: ⌊i·n/m⌋ … ⌈(i+1)·n/m⌉ − 1. */
export const adaptiveWindow = (n: number, m: number): { from: (i: number) => number; used: (i: number) => number } => {
  const from = (i: number): number => Math.floor((i * n) / m)
  return { from, used: i => Math.ceil(((i + 1) * n) / m) - from(i) }
}

function averages(n: number, m: number): Taps {
  const { from, used } = adaptiveWindow(n, m)
  const at = runs(m, from, used)
  return { at, weight: shared(at, used, i => 1 / used(i)) }
}

/** One dimension averaged to m positions. */
function average(x: Tensor, axis: number, m: number): Tensor {
  const n = x.shape[axis]
  if (m === n) return x
  if (n % m === 0) return x.reshape(x.shape.toSpliced(axis, 1, m, n / m)).mean(axis + 1)
  return resample(x, axis, averages(n, m))
}

type AdaptivePool = ((x: Tensor, outputSize: OutputSize) => Tensor) & Described
const adaptive = (name: string, n: number): AdaptivePool =>
  define(name, ['input', 'outputSize'], ({ input: x, outputSize }: { input: Tensor; outputSize: OutputSize }) =>
    outputSizes(name, x, outputSize, n).reduce((y, m, i) => average(y, x.ndim - n + i, m), x))

/**
 * Means of `outputSize` windows: [N, C, L] → [N, C, outputSize]. As `torch.nn.functional.adaptive_avg_pool1d`.
 *
 * @example
 * F.adaptiveAvgPool1d(tensor([[[1, 2, 3, 4, 5]]]), 2) // → tensor([[[2., 4.]]])
 */
export const adaptiveAvgPool1d: AdaptivePool = adaptive('adaptiveAvgPool1d', 1)
/**
 * Means of windows: [N, C, H, W] → [N, C, …outputSize]; null keeps a size. As `torch.nn.functional.adaptive_avg_pool2d`.
 *
 * @example
 * F.adaptiveAvgPool2d(arange(16).to('float32').reshape(1, 1, 4, 4), 1) // → tensor([[[[7.5000]]]])
 * F.adaptiveAvgPool2d(randn(2, 3, 7, 5), [4, null]).shape // → [ 2, 3, 4, 5 ]
 */
export const adaptiveAvgPool2d: AdaptivePool = adaptive('adaptiveAvgPool2d', 2)
/**
 * Means of windows over three dimensions; null keeps a size. As `torch.nn.functional.adaptive_avg_pool3d`.
 *
 * @example
 * F.adaptiveAvgPool3d(randn(1, 2, 4, 5, 6), [2, 2, null]).shape // → [ 1, 2, 2, 2, 6 ]
 */
export const adaptiveAvgPool3d: AdaptivePool = adaptive('adaptiveAvgPool3d', 3)
