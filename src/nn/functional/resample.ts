// Reading an axis at other places than its own: each new position is a weighted sum of a few old ones. Interpolation, adaptive pooling and the
// like differ only in which ones and how much. The taps are known beforehand from sizes, so they are constants; each axis is done by itself.
import { indexSelect, tensor, type Tensor } from '../../ops/index.ts'

/** For each new position the old positions that it reads, as many for each. */
export interface Taps {
  readonly at: readonly (readonly number[])[]
  /** Factor of each; absent where there is one tap, taken as it is. */
  readonly weight?: readonly (readonly number[])[]
}

/** Rows of `count` positions, the first `used(i)` of which are `from(i)` … ; the rest repeat the last, so that every row is as long. */
export function runs(m: number, from: (i: number) => number, used: (i: number) => number): number[][] {
  const count = Math.max(...Array.from({ length: m }, (_, i) => used(i)))
  return Array.from({ length: m }, (_, i) => Array.from({ length: count }, (_, l) => from(i) + Math.min(l, used(i) - 1)))
}

/** Weights for `runs`: the last position's weight is shared among its repeats, so that no factor is 0 and ∞ stays ∞. */
export const shared = (at: readonly (readonly number[])[], used: (i: number) => number, weight: (i: number, l: number) => number): number[][] =>
  at.map((row, i) => row.map((_, l) => (l < used(i) - 1 ? weight(i, l) : weight(i, used(i) - 1) / (row.length - used(i) + 1))))

/** The taps themselves: the axis becomes two, [positions, taps]. */
export function tapped(x: Tensor, axis: number, { at }: Taps): Tensor {
  const flat = at.flat()
  const rows = flat.length === x.shape[axis] && flat.every((v, i) => v === i) ? x : indexSelect(x, axis, tensor(Int32Array.from(flat)))
  return rows.reshape(x.shape.toSpliced(axis, 1, at.length, at[0].length))
}

/** The weighted sums. */
export function resample(x: Tensor, axis: number, taps: Taps): Tensor {
  const rows = tapped(x, axis, taps)
  if (!taps.weight) return rows.reshape(x.shape.with(axis, taps.at.length))
  const weight = tensor(taps.weight.flat(), { dtype: x.dtype === 'float64' ? x.dtype : 'float32', shape: [taps.at.length, taps.at[0].length, ...x.shape.slice(axis + 1).map(() => 1)] })
  return rows.mul(weight).sum(axis + 1).to(x.dtype)
}
