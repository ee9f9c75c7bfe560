// What layers over spatial dimensions share: sizes per axis, sliding windows, flat positions.
import { isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { contiguousStrides, formatShape, type Shape } from '../core/shape.ts'
import { apply1, needTensor } from './define.ts'
import { pad, reshape, windowsOp } from './movement.ts'
import { add, clampBoth, mul } from './pointwise.ts'
import type { Tensor } from './tensor.ts'

/** One whole number, or one for each spatial dimension. */
export type Size = number | Shape

/** One whole number ≥ `least` for each of n spatial dimensions. */
export const perAxis = (op: string, name: string, v: number | Shape, n: number, least = 0): Shape => {
  const out = typeof v === 'number' ? new Array<number>(n).fill(v) : v.length === 1 ? new Array<number>(n).fill(v[0]) : v
  if (out.length !== n || !out.every(Number.isInteger)) fail(op, `${name} ${formatShape(out)} does not fit ${n} spatial dimension${n > 1 ? 's' : ''}`, `give one whole number or ${n}`)
  if (out.some(m => m < least)) fail(op, `${name} is ${formatShape(out)}`, `give whole numbers ≥ ${least}`)
  return out
}

export interface Geometry {
  readonly kernel: Shape
  readonly stride: Shape
  readonly dilation: Shape
  readonly padding: Shape
  /** Extra at the high end, for windows that `ceilMode` lets hang over. */
  readonly extra: Shape
  readonly axes: readonly number[]
}

/** A floating tensor [batch, channels, …n spatial], the batch may be absent and may be empty, nothing else may. */
export function needSpatial(op: string, x: Tensor, n: number): void {
  if (!isFloat(needTensor(op, x).dtype)) fail(op, `expected a float tensor, got ${x}`, "convert it: x.to('float32')")
  if (x.ndim !== n + 1 && x.ndim !== n + 2) fail(op, `expected ${n + 1} or ${n + 2} dimensions, got ${x}`, `[batch, channels, …${n} spatial]`)
  if (x.shape.slice(-n - 1).includes(0)) fail(op, `${x} has no values to take windows of`, 'only the batch may be empty')
}

/** PyTorch writes "the kernel size" also as an empty list. */
const strideOr = (stride: Size | null | undefined, kernel: Size): Size => (stride === null || stride === undefined || (typeof stride !== 'number' && stride.length === 0) ? kernel : stride)

export function geometry(op: string, x: Tensor, n: number, a: { kernelSize: Size; stride?: Size | null; padding?: Size; dilation?: Size; ceilMode?: boolean }): Geometry {
  needSpatial(op, x, n)
  const kernel = perAxis(op, 'kernelSize', a.kernelSize, n, 1)
  const stride = perAxis(op, 'stride', strideOr(a.stride, kernel), n, 1)
  const dilation = perAxis(op, 'dilation', a.dilation ?? 1, n, 1)
  const padding = perAxis(op, 'padding', a.padding ?? 0, n)
  padding.forEach((p, i) => {
    if (p > kernel[i] / 2) fail(op, `padding ${formatShape(padding)} is more than half the kernel ${formatShape(kernel)}`, 'a window must touch the input')
  })
  const axes = kernel.map((_, i) => x.ndim - n + i)
  const extra = axes.map((axis, i) => {
    const size = x.shape[axis] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1
    if (size < (a.ceilMode ? 1 - stride[i] : 0)) fail(op, `kernel ${formatShape(kernel)} is larger than the padded input ${x}`, 'use a smaller kernel or add padding')
    if (!a.ceilMode) return 0
    let last = Math.ceil(size / stride[i])
    // A window may not begin in the padding at the end.
    if (last * stride[i] >= x.shape[axis] + padding[i]) last--
    return Math.max(0, last * stride[i] - size)
  })
  return { kernel, stride, dilation, padding, extra, axes }
}

export const widen = (x: Tensor, g: Geometry, value: number): Tensor =>
  g.padding.some(Boolean) || g.extra.some(Boolean) ? pad(x, lastFirst(g.padding, (p, i) => [p, p + g.extra[i]]), { value }) : x
/** (low, high) pairs in the order that `pad` takes them. */
export const lastFirst = (padding: Shape, pair: (p: number, i: number) => number[]): number[] => padding.map(pair).reverse().flat()

export const windows = (x: Tensor, g: Geometry): Tensor => apply1(windowsOp, [x], { axes: g.axes, size: g.kernel, stride: g.stride, dilation: g.dilation })
export const taps = (x: Tensor, n: number): number[] => Array.from({ length: n }, (_, i) => x.ndim - n + i)

/**
 * Flat positions in a grid of `sizes` of its lines given one by one along each axis: int32 of the lines' lengths.
 * What lies outside counts as the nearest element.
 */
export const flatPositions = (lines: readonly Tensor[], sizes: Shape): Tensor => {
  const steps = contiguousStrides(sizes)
  const inside = lines.map((line, i) => reshape(mul(clampBoth(line, 0, sizes[i] - 1), steps[i]), lines.map((l, j) => (i === j ? l.numel : 1))))
  return inside.reduce((a, b) => add(a, b))
}

