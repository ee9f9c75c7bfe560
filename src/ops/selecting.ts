// Ops whose result is as large as values say: elements under a mask, positions of what is not 0, repeats, one-hot rows. Only counts are read.
import { fail } from '../core/errors.ts'
import { broadcastShapes, normalizeDim } from '../core/shape.ts'
import { apply1, needTensor, type Described } from './define.ts'
import { gather, indexSelect, scatterSetOp, zeros } from './gather.ts'
import { expand, flatten, reshape, stack, unsqueeze } from './movement.ts'
import { coordinates, placesByCount, placesOf } from './places.ts'
import { clone, ne, onesLike } from './pointwise.ts'
import { amax, amin } from './reduce.ts'
import { sized, type Later, type Reading } from './sized.ts'
import type { Tensor } from './tensor.ts'

/** A function and its twin that awaits. */
type Pair<F extends (...args: never[]) => unknown> = readonly [F & Described, Later<F>]

/** Throws unless the mask is one. */
export function needMask(op: string, mask: Tensor): Tensor {
  if (needTensor(op, mask).dtype !== 'bool') fail(op, `the mask must be bool, got ${mask}`, 'compare first: x.gt(0)')
  return mask
}

function* matrixOf(x: Tensor): Reading<Tensor> {
  const places = yield* placesOf(ne(x, 0))
  return x.ndim > 0 ? stack(coordinates(places, x.shape), 1) : zeros(places, [places.numel, 0])
}
function* vectorsOf(x: Tensor): Reading<Tensor[]> {
  return coordinates(yield* placesOf(ne(x, 0)), x.ndim > 0 ? x.shape : [1])
}

export interface NonzeroMethod {
  (options?: { asTuple?: false }): Tensor
  (options: { asTuple: true }): Tensor[]
}
export interface NonzeroAsyncMethod {
  (options?: { asTuple?: false }): Promise<Tensor>
  (options: { asTuple: true }): Promise<Tensor[]>
}
export interface Nonzero extends Described {
  (x: Tensor, options?: { asTuple?: false }): Tensor
  (x: Tensor, options: { asTuple: true }): Tensor[]
}
export interface NonzeroAsync extends Described {
  (x: Tensor, options?: { asTuple?: false }): Promise<Tensor>
  (x: Tensor, options: { asTuple: true }): Promise<Tensor[]>
}
const nonzeros: Pair<(x: Tensor, options?: { asTuple?: boolean }) => Tensor | Tensor[]> = sized('nonzero', ['input', '*', 'asTuple'], ({ input, asTuple }: { input: Tensor; asTuple?: boolean }) =>
  (asTuple ? vectorsOf : matrixOf)(needTensor('nonzero', input)))
/**
 * Coordinates of the elements that are not 0, int32 [count, dims] in row-major order; with `asTuple` a vector for each dimension. Their number
 * is read, so on webgpu call `nonzeroAsync`. As `torch.nonzero`.
 *
 * @example
 * tensor([0, 3, 0, 5]).nonzero() // → tensor([[1],
 * //           [3]])
 * tensor([[0, 3], [5, 0]]).nonzero({ asTuple: true }).map(String) // → [ 'i32[2]', 'i32[2]' ]
 */
export const nonzero: Nonzero = nonzeros[0] as Nonzero
/**
 * As `nonzero`, on every device.
 *
 * @example
 * await tensor([0, 3, 0, 5]).nonzeroAsync() // → tensor([[1],
 * //           [3]])
 */
export const nonzeroAsync: NonzeroAsync = nonzeros[1] as NonzeroAsync

const argwheres: Pair<(x: Tensor) => Tensor> = sized('argwhere', ['input'], ({ input }: { input: Tensor }) => matrixOf(needTensor('argwhere', input)))
/**
 * Coordinates of the elements that are not 0, int32 [count, dims]. On webgpu: `argwhereAsync`. As `torch.argwhere`.
 *
 * @example
 * tensor([[0, 3], [5, 0]]).argwhere() // → tensor([[0, 1],
 * //           [1, 0]])
 */
export const argwhere: (typeof argwheres)[0] = argwheres[0]
/**
 * As `argwhere`, on every device.
 *
 * @example
 * await tensor([[0, 3], [5, 0]]).argwhereAsync() // → tensor([[0, 1],
 * //           [1, 0]])
 */
export const argwhereAsync: (typeof argwheres)[1] = argwheres[1]

const maskedSelects: Pair<(x: Tensor, mask: Tensor) => Tensor> = sized('maskedSelect', ['input', 'mask'], function* ({ input, mask }: { input: Tensor; mask: Tensor }) {
  needMask('maskedSelect', mask)
  const shape = broadcastShapes('maskedSelect', [needTensor('maskedSelect', input).shape, mask.shape])
  return gather(flatten(expand(input, shape)), 0, yield* placesOf(expand(mask, shape)))
})
/**
 * Elements where the mask is true, as a vector in row-major order; x and mask broadcast. Their number is read: on webgpu `maskedSelectAsync`.
 * As `torch.masked_select`.
 *
 * @example
 * const x = tensor([1, -2, 3])
 * x.maskedSelect(x.gt(0)) // → tensor([1., 3.])
 */
export const maskedSelect: (typeof maskedSelects)[0] = maskedSelects[0]
/**
 * As `maskedSelect`, on every device.
 *
 * @example
 * const x = tensor([1, -2, 3])
 * await x.maskedSelectAsync(x.gt(0)) // → tensor([1., 3.])
 */
export const maskedSelectAsync: (typeof maskedSelects)[1] = maskedSelects[1]

export interface RepeatInterleaveOptions {
  dim?: number | null
  /** The sum of the repeats, which then need not be read. */
  outputSize?: number
}
interface RepeatArgs extends RepeatInterleaveOptions {
  input: Tensor
  repeats?: number | Tensor
}
type RepeatInterleave = (x: Tensor, repeats?: number | Tensor | RepeatInterleaveOptions, dim?: number | null | RepeatInterleaveOptions, options?: RepeatInterleaveOptions) => Tensor
const repeated: Pair<RepeatInterleave> = sized('repeatInterleave', ['input', 'repeats', 'dim', '*', 'outputSize'], function* ({ input, repeats, dim, outputSize }: RepeatArgs) {
  const op = 'repeatInterleave'
  if (repeats === undefined) return yield* placesByCount(op, needTensor(op, input), outputSize)
  const along = dim === undefined || dim === null ? 0 : normalizeDim(op, dim, input.ndim)
  const x = dim === undefined || dim === null || input.ndim === 0 ? flatten(input) : input
  if (typeof repeats === 'number') {
    if (!Number.isInteger(repeats) || repeats < 0) fail(op, `${repeats} repeats`, 'give a whole number ≥ 0, or a tensor of them')
    return clone(reshape(expand(unsqueeze(x, along + 1), x.shape.toSpliced(along + 1, 0, repeats)), x.shape.with(along, x.shape[along] * repeats)))
  }
  const n = x.shape[along]
  if (repeats.ndim > 1 || (repeats.numel !== n && repeats.numel !== 1)) fail(op, `${repeats} repeats for dimension ${along} of ${x}`, `give one number, or ${n}`)
  return indexSelect(x, along, yield* placesByCount(op, expand(flatten(repeats), [n]), outputSize))
})
/**
 * Each element `repeats` times in a row along a dimension (default: of the flattened tensor). A tensor of repeats, one an element, is summed
 * and read unless `outputSize` tells the sum: on webgpu `repeatInterleaveAsync`. As `torch.repeat_interleave`.
 *
 * @example
 * tensor([1, 2]).repeatInterleave(2) // → tensor([1., 1., 2., 2.])
 * tensor([1, 2]).repeatInterleave(tensor([3, 1], { dtype: 'int32' }), 0) // → tensor([1., 1., 1., 2.])
 */
export const repeatInterleave: (typeof repeated)[0] = repeated[0]
/**
 * As `repeatInterleave`, on every device.
 *
 * @example
 * await tensor([1, 2]).repeatInterleaveAsync(tensor([3, 1], { dtype: 'int32' }), 0) // → tensor([1., 1., 1., 2.])
 */
export const repeatInterleaveAsync: (typeof repeated)[1] = repeated[1]

const oneHots: Pair<(x: Tensor, numClasses?: number | { numClasses?: number }) => Tensor> = sized('oneHot', ['input', 'numClasses'], function* ({ input: x, numClasses = -1 }: { input: Tensor; numClasses?: number }): Reading<Tensor> {
  if (needTensor('oneHot', x).dtype !== 'int32') fail('oneHot', `the classes must be int32, got ${x}`, "convert: x.to('int32')")
  let n = numClasses
  if (n === -1) {
    if (x.numel === 0) fail('oneHot', `of no classes (${x}) the largest is not known`, 'give numClasses')
    const [low, high] = yield stack([amin(x), amax(x)])
    if (low < 0) fail('oneHot', `the class ${low} is negative`, 'classes count from 0')
    n = high + 1
  }
  if (!Number.isInteger(n) || n < 1) fail('oneHot', `numClasses is ${n}`, 'give the number of classes')
  const at = unsqueeze(x, -1)
  return apply1(scatterSetOp, [zeros(x, [...x.shape, n]), at, onesLike(at)], { axis: x.ndim })
})
/**
 * Rows of 0 and 1: a 1 at the position that each class names. int32 [..., numClasses]. Without `numClasses` the largest class is read: on
 * webgpu `oneHotAsync`. As `torch.nn.functional.one_hot`.
 *
 * @example
 * oneHot(tensor([2, 0], { dtype: 'int32' }), 3) // → tensor([[0, 0, 1],
 * //           [1, 0, 0]])
 */
export const oneHot: (typeof oneHots)[0] = oneHots[0]
/**
 * As `oneHot`, on every device.
 *
 * @example
 * await oneHotAsync(tensor([2, 0], { dtype: 'int32' })) // → tensor([[0, 0, 1],
 * //           [1, 0, 0]])
 */
export const oneHotAsync: (typeof oneHots)[1] = oneHots[1]
