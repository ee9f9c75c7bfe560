// Shapes: sizes per axis, row-major order, NumPy broadcasting.
import { fail } from './errors.ts'

export type Shape = readonly number[]

export const numel = (shape: Shape): number => {
  let n = 1
  for (const s of shape) n *= s
  return n
}

/** Row-major strides in elements. */
export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step
    step *= Math.max(shape[i], 1)
  }
  return strides
}

export const sameShape = (a: Shape, b: Shape): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** The shape that all given shapes broadcast to; throws when two sizes differ and neither is 1. */
export function broadcastShapes(op: string, shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map(s => s.length))
  const out = new Array<number>(rank).fill(1)
  for (const s of shapes)
    for (let i = 0; i < s.length; i++) {
      const at = rank - s.length + i
      if (s[i] === out[at] || s[i] === 1) continue
      if (out[at] !== 1)
        fail(op, `shapes ${shapes.map(formatShape).join(' and ')} do not broadcast: axis ${at} has sizes ${out[at]} and ${s[i]}`, 'sizes must be equal or 1, counted from the last axis; use reshape or unsqueeze')
      out[at] = s[i]
    }
  return out
}

export const formatShape = (shape: Shape): string => `[${shape.join(',')}]`

/** `dim` counted from the front; throws when it is outside `-rank … rank-1`. A 0-dim tensor allows 0 and -1. */
export function normalizeDim(op: string, dim: number, rank: number): number {
  const n = Math.max(rank, 1)
  if (dim === undefined) fail(op, 'the dimension is missing', `say which of the ${n} it works along, such as -1 for the last`)
  if (!Number.isInteger(dim) || dim < -n || dim >= n)
    fail(op, `dim ${dim} is outside ${-n} … ${n - 1} for a tensor of ${rank} dimension${rank === 1 ? '' : 's'}`, 'negative dims count from the end')
  return dim < 0 ? dim + n : dim
}

/** As `normalizeDim`, for work along a dimension that must be there. */
export function axisOf(op: string, dim: number, rank: number): number {
  if (rank === 0) fail(op, 'a 0-dim tensor has no dimensions to work along', 'reshape it to [1] first')
  return normalizeDim(op, dim, rank)
}

/** Several dims, sorted and without repeats; `undefined` or `null` means all. */
export function normalizeDims(op: string, dim: number | readonly number[] | null | undefined, rank: number): number[] {
  if (dim === undefined || dim === null) {
    const all: number[] = []
    for (let i = 0; i < rank; i++) all.push(i)
    return all
  }
  if (typeof dim === 'number') {
    const axis = normalizeDim(op, dim, rank)
    return rank === 0 ? [] : [axis]
  }
  const list = [...dim].map(d => normalizeDim(op, d, rank))
  if (new Set(list).size !== list.length) fail(op, `dims ${formatShape(list)} name an axis twice`, 'name each axis once')
  return rank === 0 ? [] : list.sort((a, b) => a - b)
}
