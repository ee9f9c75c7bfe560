// Where things are: binary search, the places where a mask is true, places in a tensor seen as flat. All of it on the device; what must be
// known to go on (a count) is yielded.
import { fail } from '../core/errors.ts'
import { contiguousStrides, numel, type Shape } from '../core/shape.ts'
import { S, type Scalar } from '../ir/scalar.ts'
import { arange } from './creation.ts'
import { cast } from './cast.ts'
import { apply1, lift } from './define.ts'
import { gather } from './gather.ts'
import { filledOp, flatten, select, stack } from './movement.ts'
import { pointwiseOp } from './pointwise-record.ts'
import { add, floorDivide, ge, gt, remainder, where } from './pointwise.ts'
import type { Op } from './op.ts'
import { amin } from './reduce.ts'
import type { Reading } from './sized.ts'
import { cumsum } from './cumulate.ts'
import type { Tensor } from './tensor.ts'

/**
 * For each value the first place along the last dimension of `sorted` that is `past` it, or the length where there is none; int32 of the
 * values' shape. The shapes agree but for the last size. All values halve their range in step, so the lengths are known beforehand.
 */
export function firstPast(sorted: Tensor, values: Tensor, past: typeof ge): Tensor {
  let place = apply1(filledOp, [], { shape: values.shape, value: 0, dtype: 'int32' })
  for (let length = sorted.shape.at(-1)!; length > 0; ) {
    const half = Math.max(1, length >> 1)
    const found = past(gather(sorted, -1, half > 1 ? add(place, half - 1) : place), values)
    place = where(found, place, add(place, half))
    length = length > 1 ? length - half : 0
  }
  return place
}

/** Where a mask, seen as flat, is true: int32 [count], ascending. Place number k is the first at which the running count reaches k. */
export function* placesOf(mask: Tensor): Reading<Tensor> {
  const running = cumsum(cast(flatten(mask), 'int32'), 0)
  const count = running.numel === 0 ? 0 : (yield select(running, 0, -1))[0]
  return firstPast(running, arange(1, count + 1), ge)
}

/** Each place as often as its count says: int32 [total]. Without the total it is read. */
export function* placesByCount(op: string, counts: Tensor, total?: number): Reading<Tensor> {
  if (counts.dtype !== 'int32' || counts.ndim !== 1) fail(op, `the repeats must be an int32 vector, got ${counts}`, "convert: repeats.to('int32')")
  const running = cumsum(counts, 0)
  if (running.numel === 0) return running
  let size = total
  if (size === undefined) {
    const [sum, least] = yield stack([select(running, 0, -1), amin(counts)])
    if (least < 0) fail(op, `one of the repeats is ${least}`, 'repeats are ≥ 0')
    size = sum
  }
  return firstPast(running, arange(size), gt)
}

const wrapped = (i: Scalar, n: Scalar): Scalar => S.select(S.lt(i, 0), S.add(i, n), i)
const wrapOp: Op<null> = pointwiseOp('wrap', 2, { dtype: 'same', value: wrapped })
const placeOp: Op<null> = pointwiseOp('place', 3, {
  dtype: 'same',
  value: (place, i, n) => {
    const at = wrapped(i, n)
    const bad = S.or(S.lt(place, 0), S.or(S.lt(at, 0), S.ge(at, n)))
    return S.select(bad, -1, S.add(S.mul(place, n), at))
  },
})

/** Negative indices count from the end of n positions. */
export const wrap = (index: Tensor, n: number): Tensor => apply1(wrapOp, [index, lift(n, 'wrap')], null)

/** One index a dimension as a place in the flat tensor; -1, at which a kernel faults, where one of them is outside. */
export const placeOf = (index: readonly Tensor[], shape: Shape): Tensor =>
  index.slice(1).reduce((place, i, d) => apply1(placeOp, [place, i, lift(shape[d + 1], 'place')], null), wrap(index[0], shape[0]))

/** The coordinates of flat places: one int32 tensor a dimension. */
export const coordinates = (place: Tensor, shape: Shape): Tensor[] => {
  const steps = contiguousStrides(shape)
  return shape.map((n, d) => {
    const rows = steps[d] === 1 ? place : floorDivide(place, steps[d])
    return d === 0 && n * steps[d] === numel(shape) ? rows : remainder(rows, n)
  })
}
