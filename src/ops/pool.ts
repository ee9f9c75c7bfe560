// Pooling: a reduction over sliding windows, which are a view.
import { fail } from '../core/errors.ts'
import { formatShape, type Shape } from '../core/shape.ts'
import { perAxis } from './conv.ts'
import { ones } from './creation.ts'
import { apply1, define, needFloat, type Described } from './define.ts'
import { pad, reshape, windowsOp } from './movement.ts'
import { div } from './pointwise.ts'
import { firstMax, mean, sum } from './reduce.ts'
import type { Tensor } from './tensor.ts'

export interface MaxPoolOptions {
  /** Default: the kernel size. */
  stride?: number | Shape
  /** Filled with −∞ on both sides; at most half the kernel. */
  padding?: number | Shape
  dilation?: number | Shape
  /** Let windows begin inside and end outside. */
  ceilMode?: boolean
}
export interface AvgPoolOptions {
  stride?: number | Shape
  /** Zeros on both sides. */
  padding?: number | Shape
  ceilMode?: boolean
  /** Whether padding counts in the divisor. */
  countIncludePad?: boolean
}
type Pool<O> = ((x: Tensor, kernelSize: number | Shape | (O & { kernelSize: number | Shape }), stride?: number | Shape | O, padding?: number | Shape | O, options?: O) => Tensor) & Described

interface Geometry {
  readonly kernel: Shape
  readonly stride: Shape
  readonly dilation: Shape
  readonly padding: Shape
  /** Extra at the high end, for windows that `ceilMode` lets hang over. */
  readonly extra: Shape
  readonly axes: readonly number[]
}

function geometry(op: string, x: Tensor, n: number, a: { kernelSize: number | Shape; ceilMode?: boolean } & MaxPoolOptions): Geometry {
  needFloat(op, x)
  if (x.ndim !== n + 1 && x.ndim !== n + 2) fail(op, `expected ${n + 1} or ${n + 2} dimensions, got ${x}`, `[batch, channels, …${n} spatial]`)
  const kernel = perAxis(op, 'kernelSize', a.kernelSize, n, 1)
  const stride = perAxis(op, 'stride', a.stride ?? a.kernelSize, n, 1)
  const dilation = perAxis(op, 'dilation', a.dilation ?? 1, n, 1)
  const padding = perAxis(op, 'padding', a.padding ?? 0, n)
  padding.forEach((p, i) => {
    if (p > kernel[i] / 2) fail(op, `padding ${formatShape(padding)} is more than half the kernel ${formatShape(kernel)}`, 'a window must touch the input')
  })
  const axes = kernel.map((_, i) => x.ndim - n + i)
  const extra = axes.map((axis, i) => {
    const size = x.shape[axis] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1
    if (size < 0) fail(op, `kernel ${formatShape(kernel)} is larger than the padded input ${x}`, 'use a smaller kernel or add padding')
    if (!a.ceilMode) return 0
    let last = Math.ceil(size / stride[i])
    // A window may not begin in the padding at the end.
    if (last * stride[i] >= x.shape[axis] + padding[i]) last--
    return Math.max(0, last * stride[i] - size)
  })
  return { kernel, stride, dilation, padding, extra, axes }
}

const widen = (x: Tensor, g: Geometry, value: number): Tensor =>
  g.padding.some(Boolean) || g.extra.some(Boolean) ? pad(x, lastFirst(g.padding, (p, i) => [p, p + g.extra[i]]), { value }) : x
/** (low, high) pairs in the order that `pad` takes them. */
const lastFirst = (padding: Shape, pair: (p: number, i: number) => number[]): number[] => padding.map(pair).reverse().flat()

const windows = (x: Tensor, g: Geometry): Tensor => apply1(windowsOp, [x], { axes: g.axes, size: g.kernel, stride: g.stride, dilation: g.dilation })
const taps = (x: Tensor, n: number): number[] => Array.from({ length: n }, (_, i) => x.ndim - n + i)

function maxPool(n: number): Pool<MaxPoolOptions> {
  const op = `maxPool${n}d`
  return define(op, ['input', 'kernelSize', 'stride', 'padding', 'dilation', 'ceilMode'], (a: { input: Tensor; kernelSize: number | Shape } & MaxPoolOptions) => {
    const g = geometry(op, a.input, n, a)
    const w = windows(widen(a.input, g, -Infinity), g)
    return firstMax(w, taps(w, n))
  })
}

function avgPool(n: number): Pool<AvgPoolOptions> {
  const op = `avgPool${n}d`
  return define(op, ['input', 'kernelSize', 'stride', 'padding', 'ceilMode', 'countIncludePad'], (a: { input: Tensor; kernelSize: number | Shape } & AvgPoolOptions) => {
    const g = geometry(op, a.input, n, a)
    const w = windows(widen(a.input, g, 0), g)
    const dims = taps(w, n)
    if (!g.extra.some(Boolean) && (a.countIncludePad !== false || !g.padding.some(Boolean))) return mean(w, dims)
    // The divisor differs from window to window: count by pooling ones.
    const size = g.axes.map(axis => a.input.shape[axis])
    const counted = a.countIncludePad === false ? ones(size) : pad(ones(size), lastFirst(g.padding, p => [p, p]), { value: 1 })
    const flat: Geometry = { ...g, axes: g.axes.map((_, i) => i), padding: a.countIncludePad === false ? g.padding : g.padding.map(() => 0) }
    const count = windows(widen(counted, flat, 0), flat)
    return div(sum(w, dims), reshape(sum(count, taps(count, n)), w.shape.slice(w.ndim - 2 * n, w.ndim - n)))
  })
}

/** Largest value of each window: [N, C, L] → [N, C, L']. As `torch.nn.functional.max_pool1d`. */
export const maxPool1d: Pool<MaxPoolOptions> = maxPool(1)
/** Largest value of each window: [N, C, H, W] → [N, C, H', W']. As `torch.nn.functional.max_pool2d`. */
export const maxPool2d: Pool<MaxPoolOptions> = maxPool(2)
/** Largest value of each window over three dimensions. As `torch.nn.functional.max_pool3d`. */
export const maxPool3d: Pool<MaxPoolOptions> = maxPool(3)
/** Mean of each window: [N, C, L] → [N, C, L']. As `torch.nn.functional.avg_pool1d`. */
export const avgPool1d: Pool<AvgPoolOptions> = avgPool(1)
/** Mean of each window: [N, C, H, W] → [N, C, H', W']. As `torch.nn.functional.avg_pool2d`. */
export const avgPool2d: Pool<AvgPoolOptions> = avgPool(2)
/** Mean of each window over three dimensions. As `torch.nn.functional.avg_pool3d`. */
export const avgPool3d: Pool<AvgPoolOptions> = avgPool(3)
