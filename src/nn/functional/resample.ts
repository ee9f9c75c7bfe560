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
  let count = 0
  for (let i = 0; i < m; i++) count = Math.max(count, used(i))
  return Array.from({ length: m }, (_, i) => Array.from({ length: count }, (_, l) => from(i) + Math.min(l, used(i) - 1)))
}

/** Weights for `runs`: the last position's weight is shared among its repeats, so that no factor is 0 and ∞ stays ∞. */
export const shared = (at: readonly (readonly number[])[], used: (i: number) => number, weight: (i: number, l: number) => number): number[][] =>
  at.map((row, i) => row.map((_, l) => (l < used(i) - 1 ? weight(i, l) : weight(i, used(i) - 1) / (row.length - used(i) + 1))))

/** Elements of x along an axis at the given positions. In order and equally often each they need no index, and no scattering in the derivative. */
function picked(x: Tensor, axis: number, positions: readonly number[]): Tensor {
  const times = positions.length / x.shape[axis]
  if (!Number.isInteger(times) || !positions.every((v, i) => v === Math.floor(i / times))) return indexSelect(x, axis, tensor(Int32Array.from(positions)))
  if (times === 1) return x
  const shape = x.shape.toSpliced(axis + 1, 0, times)
  return x.unsqueeze(axis + 1).expand(shape).reshape(x.shape.with(axis, positions.length))
}

/** The taps themselves: the axis becomes two, [positions, taps]. */
export const tapped = (x: Tensor, axis: number, { at }: Taps): Tensor => picked(x, axis, at.flat()).reshape(x.shape.toSpliced(axis, 1, at.length, at[0].length))

/** The weighted sums. */
export function resample(x: Tensor, axis: number, taps: Taps): Tensor {
  const rows = tapped(x, axis, taps)
  if (!taps.weight) return rows.reshape(x.shape.with(axis, taps.at.length))
  const weight = tensor(taps.weight.flat(), { dtype: x.dtype === 'float64' ? x.dtype : 'float32', shape: [taps.at.length, taps.at[0].length, ...x.shape.slice(axis + 1).map(() => 1)] })
  return rows.mul(weight).sum(axis + 1).to(x.dtype)
}
