// A view says where the elements of a tensor lie in a block of memory: element (i, j, …) is at
// offset + i·strides[0] + j·strides[1] + …, counted in elements. Strides may be 0 (broadcast) or negative (flip).
// All movement ops are functions from view to view: no kernel, no copy.
import type { DType } from './dtype.ts'
import { contiguousStrides, numel, type Shape } from './shape.ts'

export interface View {
  readonly dtype: DType
  readonly shape: Shape
  readonly strides: readonly number[]
  readonly offset: number
}

export const contiguousView = (dtype: DType, shape: Shape): View => ({ dtype, shape, strides: contiguousStrides(shape), offset: 0 })

/** Row-major without gaps, so it can be read as one run of memory. Axes of size 1 do not matter. */
export function isContiguous(v: View): boolean {
  let step = 1
  for (let i = v.shape.length - 1; i >= 0; i--) {
    if (v.shape[i] === 1) continue
    if (v.strides[i] !== step) return v.shape.includes(0)
    step *= v.shape[i]
  }
  return true
}

export const permuteView = (v: View, order: readonly number[]): View => ({
  ...v,
  shape: order.map(d => v.shape[d]),
  strides: order.map(d => v.strides[d]),
})

/** `shape` must be a broadcast target of `v.shape`. */
export function expandView(v: View, shape: Shape): View {
  const lead = shape.length - v.shape.length
  return { ...v, shape, strides: shape.map((_, i) => (i < lead || v.shape[i - lead] === 1 ? 0 : v.strides[i - lead])) }
}

/** Elements start, start+step, … of one axis, `length` of them. */
export const sliceView = (v: View, axis: number, start: number, step: number, length: number): View => ({
  ...v,
  shape: v.shape.with(axis, length),
  strides: v.strides.with(axis, v.strides[axis] * step),
  offset: v.offset + (length > 0 ? start * v.strides[axis] : 0),
})

export const selectView = (v: View, axis: number, index: number): View => ({
  ...v,
  shape: v.shape.toSpliced(axis, 1),
  strides: v.strides.toSpliced(axis, 1),
  offset: v.offset + index * v.strides[axis],
})

/** The same elements in the same order under another shape, or null when strides cannot say it and a copy is needed. */
export function reshapeView(v: View, shape: Shape): View | null {
  if (isContiguous(v)) return { ...v, shape, strides: contiguousStrides(shape) }
  if (numel(shape) === 0) return { ...v, shape, strides: contiguousStrides(shape) }
  const oldShape: number[] = []
  const oldStrides: number[] = []
  v.shape.forEach((s, i) => {
    if (s !== 1) {
      oldShape.push(s)
      oldStrides.push(v.strides[i])
    }
  })
  const strides = new Array<number>(shape.length).fill(1)
  let o = 0
  let n = 0
  while (n < shape.length && o < oldShape.length) {
    // The smallest groups of old and new axes with the same product.
    let oEnd = o + 1
    let nEnd = n + 1
    let oSize = oldShape[o]
    let nSize = shape[n]
    while (oSize !== nSize) {
      if (nSize < oSize) nSize *= shape[nEnd++]
      else oSize *= oldShape[oEnd++]
    }
    for (let k = o; k < oEnd - 1; k++) if (oldStrides[k] !== oldStrides[k + 1] * oldShape[k + 1]) return null
    let step = oldStrides[oEnd - 1]
    for (let k = nEnd - 1; k >= n; k--) {
      strides[k] = step
      step *= shape[k]
    }
    o = oEnd
    n = nEnd
  }
  return { ...v, shape, strides }
}

/**
 * Sliding windows over the axes `axes`: axis a of size S becomes T = (S - dilation·(K-1) - 1) / stride + 1 window positions,
 * and the K taps of each window become new trailing axes, in the order of `axes`.
 */
export function windowsView(v: View, axes: readonly number[], size: Shape, stride: Shape, dilation: Shape): View {
  const shape = [...v.shape]
  const strides = [...v.strides]
  axes.forEach((a, i) => {
    shape[a] = windowCount(v.shape[a], size[i], stride[i], dilation[i])
    strides[a] = v.strides[a] * stride[i]
    shape.push(size[i])
    strides.push(v.strides[a] * dilation[i])
  })
  return { ...v, shape, strides }
}

export const windowCount = (n: number, size: number, stride: number, dilation: number): number =>
  Math.max(0, Math.floor((n - dilation * (size - 1) - 1) / stride) + 1)

/** Lowest and highest element that the view touches, or null when it is empty. */
export function extent(v: View): [number, number] | null {
  let lo = v.offset
  let hi = v.offset
  for (let i = 0; i < v.shape.length; i++) {
    if (v.shape[i] === 0) return null
    const span = (v.shape[i] - 1) * v.strides[i]
    if (span < 0) lo += span
    else hi += span
  }
  return [lo, hi]
}

export const sameGeometry = (a: View, b: View): boolean =>
  a.offset === b.offset && a.shape.length === b.shape.length && a.shape.every((s, i) => s === b.shape[i] && (s === 1 || a.strides[i] === b.strides[i]))

/**
 * The same iteration space with the fewest axes: axes of size 1 are dropped and neighbours that every operand walks without a
 * gap are joined. `strides[k]` belongs to operand k. The result has at least one axis.
 */
export function collapse(shape: Shape, strides: readonly (readonly number[])[]): { shape: number[]; strides: number[][] } {
  const outShape: number[] = []
  const outStrides: number[][] = strides.map(() => [])
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 1) continue
    const last = outShape.length - 1
    if (last >= 0 && strides.every((s, k) => outStrides[k][last] === s[i] * shape[i])) {
      outShape[last] *= shape[i]
      strides.forEach((s, k) => (outStrides[k][last] = s[i]))
    } else {
      outShape.push(shape[i])
      strides.forEach((s, k) => outStrides[k].push(s[i]))
    }
  }
  if (outShape.length === 0) {
    outShape.push(1)
    outStrides.forEach(s => s.push(0))
  }
  return { shape: outShape, strides: outStrides }
}
