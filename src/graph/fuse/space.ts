// Index spaces of kernels, and which element of one a reader in another asks for. All is affine: an index of the producer is a start plus a
// multiple of each index of the consumer.
import { numel, type Shape } from '../../core/shape.ts'

/** Where elements lie: without a shape, which is that of the space. */
export interface Strided {
  readonly strides: readonly number[]
  readonly offset: number
}

/** producer[b] = start[b] + Σ_a by[a][b] · consumer[a] */
export interface IndexMap {
  readonly start: readonly number[]
  readonly by: readonly (readonly number[])[]
}

/** Axes with more than one element, those with the largest steps first. */
const descending = (shape: Shape, strides: readonly number[]): number[] =>
  [...shape.keys()].filter(b => shape[b] > 1).sort((a, b) => strides[b] - strides[a])

/** Whether these places are 0, 1, 2, …, each taken by one index. */
export function isDense(shape: Shape, { strides, offset }: Strided): boolean {
  let step = 1
  for (const b of descending(shape, strides).reverse()) {
    if (strides[b] !== step) return false
    step *= shape[b]
  }
  return offset === 0
}

/** The same in row-major order. */
export function isRowMajor(shape: Shape, { strides, offset }: Strided): boolean {
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 1) continue
    if (strides[i] !== step) return false
    step *= shape[i]
  }
  return offset === 0
}

/** A consumer's axis in two parts: `inner` elements of the second. */
export interface Split {
  readonly axis: number
  readonly inner: number
}

/** What to split so that no axis of the reader walks over the end of an axis of the producer; null where that cannot be. */
export function splitFor(shape: Shape, read: Strided, from: Shape, places: Strided): Split | null {
  const order = descending(from, places.strides)
  for (let a = 0; a < shape.length; a++) {
    let rest = Math.abs(read.strides[a])
    if (shape[a] === 1 || rest === 0) continue
    for (const b of order) {
      const digit = Math.floor(rest / places.strides[b])
      rest -= digit * places.strides[b]
      if (digit === 0) continue
      // Only an axis that goes along one of the producer's can be split where that ends.
      const inner = from[b] / digit
      if (rest === 0 && inner > 1 && inner < shape[a] && Number.isInteger(inner) && shape[a] % inner === 0) return { axis: a, inner }
      break
    }
  }
  return null
}

export const splitStrides = (strides: readonly number[], { axis, inner }: Split): number[] => strides.toSpliced(axis, 1, strides[axis] * inner, strides[axis])
export const splitShape = (shape: Shape, { axis, inner }: Split): number[] => shape.toSpliced(axis, 1, shape[axis] / inner, inner)

/** Which index of the producer, whose elements lie densely at `places`, each index of the reader asks for; null when that is not affine. */
export function locate(shape: Shape, read: Strided, from: Shape, places: Strided): IndexMap | null {
  const order = descending(from, places.strides)
  let rest = read.offset
  shape.forEach((n, a) => (rest += Math.min(0, (n - 1) * read.strides[a])))
  if (rest < 0) return null
  const start = new Array<number>(from.length).fill(0)
  for (const b of order) {
    start[b] = Math.floor(rest / places.strides[b])
    rest -= start[b] * places.strides[b]
  }
  const last = [...start]
  const by = shape.map((n, a) => {
    const digits = new Array<number>(from.length).fill(0)
    const sign = Math.sign(read.strides[a])
    let left = n === 1 ? 0 : Math.abs(read.strides[a])
    for (const b of order) {
      const digit = Math.floor(left / places.strides[b])
      left -= digit * places.strides[b]
      if (digit === 0) continue
      digits[b] = sign * digit
      last[b] += (n - 1) * digit
      if (sign < 0) start[b] += (n - 1) * digit
    }
    return digits
  })
  return rest === 0 && from.every((n, b) => last[b] < n) ? { start, by } : null
}

/** What a producer's operand is in the reader's space. */
export const moved = ({ strides, offset }: Strided, { start, by }: IndexMap): { strides: number[]; offset: number } => ({
  strides: by.map(digits => digits.reduce((sum, d, b) => sum + d * strides[b], 0)),
  offset: start.reduce((sum, s, b) => sum + s * strides[b], offset),
})

/** Whether no two indices, of these axes, are at one place. */
export function isInjective(shape: Shape, strides: readonly number[], axes: readonly number[]): boolean {
  let span = 0
  for (const a of axes.filter(a => shape[a] > 1).sort((a, b) => Math.abs(strides[a]) - Math.abs(strides[b]))) {
    if (Math.abs(strides[a]) <= span) return false
    span += (shape[a] - 1) * Math.abs(strides[a])
  }
  return true
}

export const sameMap = (a: IndexMap, b: IndexMap): boolean =>
  a.start.every((s, i) => s === b.start[i]) && a.by.every((digits, i) => digits.every((d, k) => d === b.by[i][k]))

export const count = (shape: Shape, from: number, to?: number): number => numel(shape.slice(from, to))
