// Where things are: binary search, the places where a mask is true, places in a tensor seen as flat. All of it on the device; what must be
// known to go on (a count) is yielded.
import { fail } from '../core/errors.ts'
import { contiguousStrides, numel, type Shape } from '../core/shape.ts'
import { S, type Scalar } from '../ir/scalar.ts'
import { arange } from './creation.ts'
import { cast } from './cast.ts'
import { apply1, beside, lift } from './define.ts'
import { addAt, gatherOp, scatterSetOp, zeros } from './gather.ts'
import { flatten, narrow, select, stack } from './movement.ts'
import { pointwiseOp } from './pointwise-record.ts'
import { clone, floorDivide, onesLike, remainder, sub, where, type ge } from './pointwise.ts'
import type { Op } from './op.ts'
import { amin } from './reduce.ts'
import type { Reading } from './sized.ts'
import { cumsum } from './cumulate.ts'
import type { Tensor } from './tensor.ts'

const stepOp: Op<null> = pointwiseOp('step', 3, { dtype: 'select', value: (stay, place, step) => S.select(stay, place, S.add(place, step)) })

/**
 * For each value the first place along the last dimension of `sorted` that is `past` it, or the length where there is none; int32 of the
 * values' shape. The shapes agree but for the last size. All values halve their range in step, so the lengths are known beforehand.
 */
export function firstPast(sorted: Tensor, values: Tensor, past: typeof ge): Tensor {
  const n = sorted.shape.at(-1)!
  let place = clone(zeros(values, values.shape, 'int32'))
  for (let length = n; length > 0; ) {
    const half = Math.max(1, length >> 1)
    // The element half − 1 places further, seen in what is left of the sequence there.
    const found = apply1(gatherOp, [narrow(sorted, -1, half - 1, n - half + 1), place], { axis: sorted.ndim - 1 })
    place = apply1(stepOp, [past(found, values), place, lift(half, 'step')], null)
    length = length > 1 ? length - half : 0
  }
  return place
}

/** Where a mask, seen as flat, is true: int32 [count], ascending. Each true place goes where the running count says, the others behind all. */
export function* placesOf(mask: Tensor): Reading<Tensor> {
  const flat = flatten(mask)
  const running = cumsum(cast(flat, 'int32'), 0)
  const count = running.numel === 0 ? 0 : (yield select(running, 0, -1))[0]
  const to = where(flat, sub(running, 1), count)
  return narrow(apply1(scatterSetOp, [zeros(running, [count + 1]), to, beside(mask, () => arange(flat.numel))], { axis: 0 }), 0, 0, count)
}

function* sumOf(op: string, counts: Tensor, running: Tensor): Reading<number> {
  const [sum, least] = yield stack([select(running, 0, -1), amin(counts)])
  if (least < 0) fail(op, `one of the repeats is ${least}`, 'repeats are ≥ 0')
  return sum
}

/** Each place as often as its count says: int32 [total]. Without the total it is read. Place number k is how many running counts are ≤ k. */
export function* placesByCount(op: string, counts: Tensor, total?: number): Reading<Tensor> {
  if (counts.dtype !== 'int32' || counts.ndim !== 1) fail(op, `the repeats must be an int32 vector, got ${counts}`, "convert: repeats.to('int32')")
  const running = cumsum(counts, 0)
  if (running.numel === 0) return running
  const size = total ?? (yield* sumOf(op, counts, running))
  return narrow(cumsum(addAt(zeros(running, [size + 1]), running, onesLike(running), 0), 0), 0, 0, size)
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
  // Of a shape without elements there are no places, and 0 divides nothing.
  if (numel(shape) === 0) return shape.map(() => place)
  const steps = contiguousStrides(shape)
  return shape.map((n, d) => {
    const rows = steps[d] === 1 ? place : floorDivide(place, steps[d])
    return d === 0 && n * steps[d] === numel(shape) ? rows : remainder(rows, n)
  })
}
