// x.at(…): one grammar for indexing, PyTorch's. Numbers select, strings slice ('1:3', ':', '::2', '...'), null adds a dimension, an int32 tensor
// or an array picks positions, a bool tensor masks. Only a mask that is read under, or stands beside other picks, has its count read.
import { isComplex } from '../core/dtype.ts'
import { asFaultOf, fail } from '../core/errors.ts'
import { axisOf, broadcastShapes, formatShape, numel, type Shape } from '../core/shape.ts'
import { cast } from './cast.ts'
import { arange, storable, tensor } from './creation.ts'
import { cumsum } from './cumulate.ts'
import { apply1, beside, define, lift, needTensor, tagged, type Described, type Operand } from './define.ts'
import { addAt, constant, gather, gatherOp, indexSelect, scatterSetOp, spreadIndex, zeros } from './gather.ts'
import { copy_ } from './inplace.ts'
import { cat, expand, flatten, narrow as slab, permute, reshape, select, sliceOp, unsqueeze } from './movement.ts'
import { coordinates, placeOf, placesOf, wrap } from './places.ts'
import { add, eq, mul, where } from './pointwise.ts'
import { needMask } from './selecting.ts'
import { readLater, readNow, type Later, type Reading } from './sized.ts'
import { Tensor, type NestedArray } from './tensor.ts'
import { world } from './world.ts'

/** One entry of an index. */
export type Index = number | boolean | string | null | Tensor | readonly NestedArray[]

/** An index tensor or a mask, and the first dimension that it picks from. */
interface Pick {
  readonly dim: number
  readonly index: Tensor
}
interface Placed {
  /** The basic part applied: a view. */
  readonly x: Tensor
  readonly picks: readonly Pick[]
}

const SLICE = /^\s*(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?$/

function slice(x: Tensor, axis: number, text: string): Tensor {
  const match = SLICE.exec(text)
  if (!match) fail('at', `'${text}' is not a slice`, "write 'start:stop' or 'start:stop:step', ':' for all, '...' for all dimensions left")
  const n = x.shape[axis]
  const step = match[3] === undefined ? 1 : Number(match[3])
  if (step < 1) fail('at', `the step of '${text}' is ${step}`, 'steps are ≥ 1; flip(x, dim) turns a dimension around')
  const bound = (s: string | undefined, otherwise: number): number => (s === undefined ? otherwise : Math.min(Math.max(Number(s) < 0 ? Number(s) + n : Number(s), 0), n))
  const start = bound(match[1], 0)
  const length = Math.max(0, Math.ceil((bound(match[2], n) - start) / step))
  return length === n && step === 1 ? x : apply1(sliceOp, [x], { axis, start, step, length })
}

const firstLeaf = (x: NestedArray | readonly NestedArray[]): number | boolean | undefined => (typeof x === 'object' ? firstLeaf(x[0]) : x)

/** The tensor that an entry stands for, if it picks. */
function pickOf(i: Index): Tensor | null {
  if (typeof i === 'boolean') return tensor(i)
  const at = i instanceof Tensor ? i : Array.isArray(i) ? tensor(i as NestedArray[], { dtype: typeof firstLeaf(i as NestedArray[]) === 'boolean' ? 'bool' : 'int32' }) : null
  if (at && at.dtype !== 'int32' && at.dtype !== 'bool') fail('at', `an index must be int32 or bool, got ${at}`, "convert it: index.to('int32')")
  return at
}

function resolve(x: Tensor, index: readonly Index[]): Placed {
  const picks = index.map(pickOf)
  const taken = index.reduce((n: number, i, k) => n + (i === null || i === '...' ? 0 : picks[k]?.dtype === 'bool' ? picks[k].ndim : 1), 0)
  if (taken > needTensor('at', x).ndim) fail('at', `${taken} ind${taken === 1 ? 'ex' : 'ices'} for ${x}`, x.ndim === 0 ? 'a 0-dim tensor takes none; its value: item()' : `it has ${x.ndim} dimension${x.ndim === 1 ? '' : 's'}`)
  if (index.filter(i => i === '...').length > 1) fail('at', "more than one '...'", 'it may stand once')
  let y = x
  let dim = 0
  const found: Pick[] = []
  index.forEach((i, k) => {
    const pick = picks[k]
    if (pick?.dtype === 'bool') {
      // A single truth takes a new dimension of size 1, or none of it.
      if (pick.ndim === 0) y = unsqueeze(y, dim)
      else if (pick.shape.some((n, d) => n !== y.shape[dim + d])) fail('at', `mask ${pick} does not fit dimensions ${dim} … of ${y}`, 'a mask needs the sizes of the dimensions that it covers')
      found.push({ dim, index: pick.ndim === 0 ? reshape(pick, 1) : pick })
      dim += Math.max(1, pick.ndim)
    } else if (pick) found.push({ dim: dim++, index: pick })
    else if (i === null) y = unsqueeze(y, dim++)
    else if (i === '...') dim += x.ndim - taken
    else if (typeof i === 'number') y = select(y, dim, i)
    else y = slice(y, dim++, i as string)
  })
  return { x: y, picks: found }
}

/** Several picked dimensions as one: the flat positions in it, and where it is. */
interface Joined {
  /** x with the picked dimensions next to each other, and how to undo that. */
  readonly x: Tensor
  readonly order: readonly number[]
  /** The same with them joined. */
  readonly rows: Tensor
  readonly axis: number
  /** int32 vector of positions along it. */
  readonly at: Tensor
  /** The shape that all indices share. */
  readonly shape: Shape
}

function* joined({ x, picks }: Placed): Reading<Joined> {
  const columns: Pick[] = []
  for (const { dim, index } of picks) {
    if (index.dtype !== 'bool') columns.push({ dim, index })
    else coordinates(yield* placesOf(index), index.shape).forEach((column, d) => columns.push({ dim: dim + d, index: column }))
  }
  const shape = broadcastShapes('at', columns.map(c => c.index.shape))
  const dims = columns.map(c => c.dim)
  const rest = [...x.shape.keys()].filter(d => !dims.includes(d))
  // The picked dimensions stay in place when they are neighbours, else they come first.
  const axis = dims.every((d, i) => i === 0 || d === dims[i - 1] + 1) ? dims[0] : 0
  const order = rest.toSpliced(axis, 0, ...dims)
  const y = order.every((d, i) => d === i) ? x : permute(x, order)
  const sizes = dims.map(d => x.shape[d])
  const at = flatten(expand(placeOf(columns.map(c => c.index), sizes), shape))
  return { x: y, order, rows: reshape(y, y.shape.toSpliced(axis, dims.length, numel(sizes))), axis, at, shape }
}

function* taking(x: Tensor, index: readonly Index[]): Reading<Tensor> {
  const placed = resolve(x, index)
  if (placed.picks.length === 0) return placed.x
  const { rows, axis, at, shape } = yield* joined(placed)
  return reshape(indexSelect(rows, axis, at), rows.shape.toSpliced(axis, 1, ...shape))
}

/** Reads at once, and frees what is made on the way to the result. */
function alone(op: string, reading: () => Reading<Tensor>): Tensor {
  try {
    return world().tidy(() => [readNow(op, reading())])[0]
  } catch (error) {
    throw asFaultOf(op, error)
  }
}

type At = (x: Tensor, ...index: Index[]) => Tensor
/**
 * Part of a tensor: `x.at(0)`, `x.at(':', '1:3')`, `x.at('...', -1)`, `x.at(rows)`, `x.at(mask)`. Numbers and slices give views; tensors
 * and arrays give copies. Under a mask the count is read, so on webgpu call `atAsync`. As PyTorch's `x[…]`.
 *
 * @example
 * const x = arange(12).reshape(3, 4)
 * x.at('1:', -1) // → tensor([ 7, 11])
 * x.at([2, 0], ':2') // → tensor([[8, 9],
 * //           [0, 1]])
 */
export const at: At & Described = tagged((x: Tensor, ...index: Index[]) => beside(x, () => alone('at', () => taking(x, index))), 'at', ['input', 'index'])
/**
 * As `at`, on every device.
 *
 * @example
 * const x = arange(4)
 * await x.atAsync(x.gt(1)) // → tensor([2, 3])
 */
export const atAsync: Later<At> = tagged((x: Tensor, ...index: Index[]) => beside(x, () => readLater(taking(x, index))), 'atAsync', ['input', 'index'])

/** `value` as PyTorch fits it into a part: leading dimensions of size 1 are dropped, then it broadcasts. */
function fitted(op: string, value: Tensor, shape: Shape): Tensor {
  const extra = value.ndim - shape.length
  const v = extra > 0 && value.shape.slice(0, extra).every(n => n === 1) ? reshape(value, value.shape.slice(extra)) : value
  if (v.ndim > shape.length || v.shape.some((n, i) => n !== 1 && n !== shape[shape.length - v.ndim + i])) fail(op, `${value} does not fit into the part ${formatShape(shape)}`, 'sizes must be equal or 1, counted from the last dimension')
  return expand(v, shape)
}

/** The basic part of x with `value` written at (or added to) what is picked of it. */
function* written(op: string, placed: Placed, value: Operand, accumulate: boolean): Reading<Tensor> {
  const given = lift(value, op)
  // A number in the place of a tensor gets memory: kernels that scatter read it there.
  const v = given.constant === undefined ? cast(given, placed.x.dtype) : constant(placed.x, storable(given.constant, placed.x.dtype), [])
  if (placed.picks.length === 1 && placed.picks[0].index.dtype === 'bool') return underMask(op, placed.x, placed.picks[0], v, accumulate)
  const { x, order, rows, axis, at: places, shape } = yield* joined(placed)
  const source = reshape(fitted(op, v, rows.shape.toSpliced(axis, 1, ...shape)), rows.shape.with(axis, places.numel))
  const index = spreadIndex(places, rows.shape, axis)
  const y = accumulate ? addAt(rows, index, source, axis) : apply1(scatterSetOp, [rows, index, source], { axis })
  return permute(reshape(y, x.shape), order.map((_, i) => order.indexOf(i)))
}

/** With a mask alone nothing is read: the element at its k-th true place takes value number k, where there is more than one. */
function underMask(op: string, x: Tensor, { dim, index: mask }: Pick, value: Tensor, accumulate: boolean): Tensor {
  const [before, after] = [x.shape.slice(0, dim), x.shape.slice(dim + mask.ndim)]
  const hit = reshape(mask, [...mask.shape, ...after.map(() => 1)])
  const counted = value.ndim - after.length - 1
  const n = counted < 0 ? 1 : value.shape[counted]
  const fill = fitted(op, value, [...before, n, ...after])
  const rows = n === 1 ? reshape(fill, [...before, ...mask.shape.map(() => 1), ...after]) : reshape(inOrder(fill, mask, dim), x.shape)
  return cast(where(hit, accumulate ? add(x, rows) : rows, x), x.dtype)
}

/** values[k] where the mask is true for the k-th time, zeros elsewhere. A count other than that of the values is an index that faults. */
function inOrder(values: Tensor, mask: Tensor, axis: number): Tensor {
  const running = cumsum(cast(flatten(mask), 'int32'), 0)
  const n = values.shape[axis]
  const fits = running.numel > 0 ? eq(select(running, 0, -1), n) : constant(mask, Number(n === 0), [])
  const index = where(fits, mul(running, cast(flatten(mask), 'int32')), -1)
  const shape = values.shape.with(axis, running.numel)
  return apply1(gatherOp, [cat([zeros(values, values.shape.with(axis, 1)), values], axis), spreadIndex(index, shape, axis)], { axis })
}

function* setting(x: Tensor, index: Index | readonly Index[], value: Operand): Reading<Tensor> {
  const placed = resolve(x, Array.isArray(index) ? (index as readonly Index[]) : [index as Index])
  if (placed.picks.length > 0) copy_(placed.x, yield* written('setAt', placed, value, false))
  else copy_(placed.x, value instanceof Tensor ? fitted('setAt', value, placed.x.shape) : value)
  return x
}

type SetAt = (x: Tensor, index: Index | readonly Index[], value: Operand) => Tensor
/**
 * Writes into part of a tensor, in place: `x.setAt([0, '1:3'], value)`. Of several values for one position the last stays. Only where a mask
 * stands beside other tensors is its count read. As PyTorch's `x[…] = value`. Returns x.
 *
 * @example
 * const x = zeros(2, 3)
 * x.setAt([':', 1], 5) // → tensor([[0., 5., 0.],
 * //           [0., 5., 0.]])
 * x.setAt(x.gt(1), tensor([7, 8])) // → tensor([[0., 7., 0.],
 * //           [0., 8., 0.]])
 */
export const setAt: SetAt & Described = tagged((x: Tensor, index: Index | readonly Index[], value: Operand) => beside(x, () => alone('setAt', () => setting(x, index, value))), 'setAt', ['input', 'index', 'value'])
/**
 * As `setAt`, on every device.
 *
 * @example
 * await zeros(3).setAtAsync(tensor([true, false, true]), tensor([1, 2])) // → tensor([1., 0., 2.])
 */
export const setAtAsync: Later<SetAt> = tagged((x: Tensor, index: Index | readonly Index[], value: Operand) => beside(x, () => readLater(setting(x, index, value))), 'setAtAsync', ['input', 'index', 'value'])

interface PutArgs {
  input: Tensor
  /** Null stands for a whole dimension. */
  indices: readonly (Tensor | null | undefined)[]
  values: Tensor
  accumulate?: boolean
}
function* putting(op: string, { input, indices, values, accumulate = false }: PutArgs): Reading<Tensor> {
  if (!Array.isArray(indices) || indices.length === 0) fail(op, 'expected a list of index tensors', `${op}(x, [rows, columns], values)`)
  const v = needTensor(op, values)
  if (v.dtype !== needTensor(op, input).dtype) fail(op, `values ${v} and input ${input} have different dtypes`, `convert them: values.to('${input.dtype}')`)
  return yield* written(op, resolve(input, indices.map((i: Tensor | null | undefined) => i ?? ':')), v, accumulate)
}
type IndexPut = (x: Tensor, indices: PutArgs['indices'], values: Tensor, accumulate?: boolean | { accumulate?: boolean }) => Tensor
const putNames = ['input', 'indices', 'values', 'accumulate']
/**
 * A copy of x with `values` at the positions that index tensors (one a dimension) or a mask name, or added there. As `torch.index_put`.
 *
 * @example
 * zeros(3).indexPut([tensor([0, 0], { dtype: 'int32' })], tensor([1, 2]), true) // → tensor([3., 0., 0.])
 */
export const indexPut: IndexPut & Described = define('indexPut', putNames, (a: PutArgs) => readNow('indexPut', putting('indexPut', a)))
/**
 * As `indexPut`, on every device.
 *
 * @example
 * await zeros(3).indexPutAsync([tensor([true, false, true])], tensor([1, 2])) // → tensor([1., 0., 2.])
 */
export const indexPutAsync: Later<IndexPut> = define('indexPutAsync', putNames, (a: PutArgs) => readLater(putting('indexPut', a)))
/**
 * Elements at positions of the flattened tensor; negative ones count from its end. As `torch.take`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).take(tensor([0, -1], { dtype: 'int32' })) // → tensor([1., 4.])
 */
export const take: ((x: Tensor, index: Tensor) => Tensor) & Described = define('take', ['input', 'index'], ({ input, index }: { input: Tensor; index: Tensor }) => reshape(gather(flatten(input), 0, wrap(flatten(index), input.numel)), index.shape))

/**
 * Elements start … start+length−1 of a dimension. A view; where `start` is a 0-dim int32 tensor, a copy, for which nothing is read. As
 * `torch.narrow`.
 *
 * @example
 * arange(5).narrow(0, 1, 3) // → tensor([1, 2, 3])
 */
export const narrow: ((x: Tensor, dim: number, start: number | Tensor, length: number) => Tensor) & Described = define('narrow', ['input', 'dim', 'start', 'length'], ({ input: x, dim, start, length }: { input: Tensor; dim: number; start: number | Tensor; length: number }) => {
  if (!(start instanceof Tensor)) return slab(needTensor('narrow', x), dim, start, length)
  const n = x.shape[axisOf('narrow', dim, needTensor('narrow', x).ndim)]
  if (start.dtype !== 'int32' || start.numel !== 1) fail('narrow', `the start is ${start}`, 'give a number or a 0-dim int32 tensor')
  if (!Number.isInteger(length) || length < 0 || length > n) fail('narrow', `length ${String(length)} does not fit dimension ${dim} of ${x}`, `its size is ${n}`)
  return indexSelect(x, dim, add(arange(length), wrap(flatten(start), n)))
})

/**
 * x with `value` (a number or a 0-dim tensor) where the mask is true; x and mask broadcast. As `torch.masked_fill`.
 *
 * @example
 * const x = tensor([1, -2, 3])
 * x.maskedFill(x.lt(0), 0) // → tensor([1., 0., 3.])
 */
export const maskedFill: ((x: Tensor, mask: Tensor, value: Operand) => Tensor) & Described = define('maskedFill', ['input', 'mask', 'value'], ({ input, mask, value }: { input: Tensor; mask: Tensor; value: Operand }) => {
  const v = lift(value, 'maskedFill')
  if (v.ndim > 0) fail('maskedFill', `the value is ${v}`, 'give a number or a 0-dim tensor; where(mask, value, x) takes others')
  if (isComplex(v.dtype) && !isComplex(needTensor('maskedFill', input).dtype)) fail('maskedFill', `the complex value ${v} does not go into ${input}`, 'convert the input first')
  broadcastShapes('maskedFill', [needTensor('maskedFill', input).shape, needMask('maskedFill', mask).shape])
  return cast(where(mask, value, input), input.dtype)
})
