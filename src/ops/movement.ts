// Shapes and order: views where memory allows, no kernel. Joining and padding write parts of fresh memory.
import { promote } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { axisOf, broadcastShapes, formatShape, normalizeDim, normalizeDims, numel, sameShape, type Shape } from '../core/shape.ts'
import { isContiguous, reshapeView } from '../core/view.ts'
import { cast } from './cast.ts'
import { apply1, define, describe, needTensor, type Described } from './define.ts'
import { catOp, diagonalOp, expandOp, flipOp, padOp, permuteOp, reshapeOp, selectOp, sliceOp, windowsOp } from './movement-ops.ts'
import { clone } from './pointwise.ts'
import type { Tensor } from './tensor.ts'

export * from './movement-ops.ts'

type Ints = number | readonly number[]

const isNumber = (a: Ints): a is number => typeof a === 'number'
const list = (args: readonly Ints[]): readonly number[] => (args.every(isNumber) ? args : args.flatMap(a => (isNumber(a) ? [a] : [...a])))

/** A copy where y still shows the memory of x: what PyTorch gives as a new tensor must not change x when it is written. */
export const fresh = (y: Tensor, x: Tensor): Tensor => (y === x || y.base !== null ? clone(y) : y)

/**
 * The same elements in the same order under another shape; one size may be -1. A view when strides allow, else a copy. As `torch.reshape`.
 * @throws LampasError when the number of elements differs.
 *
 * @example
 * arange(6).reshape(2, -1) // → tensor([[0, 1, 2],
 * //           [3, 4, 5]])
 */
export const reshape: ((x: Tensor, ...shape: Ints[]) => Tensor) & Described = describe((x: Tensor, ...shape: Ints[]) => {
  const target = inferSize(x, list(shape))
  return sameShape(target, x.shape) ? x : apply1(reshapeOp, [x], { shape: target })
}, 'reshape', ['input', 'shape'])

function inferSize(x: Tensor, shape: readonly number[]): readonly number[] {
  const free = shape.indexOf(-1)
  const known = shape.reduce((n, s, i) => (i === free ? n : n * s), 1)
  if (shape.some((s, i) => i !== free && (!Number.isInteger(s) || s < 0))) fail('reshape', `${formatShape(shape)} is not a shape`, 'sizes are whole numbers ≥ 0; one may be -1')
  if (free >= 0 && known === 0) fail('reshape', `in ${formatShape(shape)} the size for -1 could be anything, since the others multiply to 0`, 'give every size')
  const out = free < 0 ? shape : shape.with(free, x.numel / known)
  if (numel(out) !== x.numel || !out.every(Number.isInteger))
    fail('reshape', `${x} has ${x.numel} elements, which do not fill ${formatShape(shape)}${free < 0 ? ` (${known})` : ''}`, 'sizes must multiply to the same count; -1 lets one be worked out')
  return out
}

/**
 * As `reshape`, but never a copy. As `torch.Tensor.view`.
 *
 * @example
 * arange(6).view(3, 2) // → tensor([[0, 1],
 * //           [2, 3],
 * //           [4, 5]])
 */
export const view: ((x: Tensor, ...shape: Ints[]) => Tensor) & Described = describe((x: Tensor, ...shape: Ints[]) => {
  const target = inferSize(x, list(shape))
  if (!reshapeView(x.layout, target)) fail('view', `${x} with strides ${formatShape(x.layout.strides)} cannot be seen as ${formatShape(target)} without a copy`, 'use reshape')
  return reshape(x, target)
}, 'view', ['input', 'shape'])

/**
 * Reorders dimensions: dimension i of the result is `dims[i]` of the input. A view. As `torch.permute`.
 *
 * @example
 * zeros(2, 3, 4).permute(2, 0, 1).shape // → [ 4, 2, 3 ]
 */
export const permute: ((x: Tensor, ...dims: Ints[]) => Tensor) & Described = describe((x: Tensor, ...dims: Ints[]) => {
  const order = list(dims).map(d => normalizeDim('permute', d, x.ndim))
  if (order.length !== x.ndim || new Set(order).size !== order.length) fail('permute', `dims ${formatShape(order)} do not name each of the ${x.ndim} dimensions of ${x} once`, 'give every dimension exactly once')
  return apply1(permuteOp, [x], { order })
}, 'permute', ['input', 'dims'])

/**
 * Swaps two dimensions. A view. As `torch.transpose`.
 *
 * @example
 * tensor([[1, 2, 3]]).transpose(0, 1) // → tensor([[1.],
 * //           [2.],
 * //           [3.]])
 */
export const transpose: ((x: Tensor, dim0: number, dim1: number) => Tensor) & Described = describe((x: Tensor, dim0: number, dim1: number) => {
  const order = x.shape.map((_, i) => i)
  const [a, b] = [normalizeDim('transpose', dim0, x.ndim), normalizeDim('transpose', dim1, x.ndim)]
  if (x.ndim === 0) return x
  ;[order[a], order[b]] = [b, a]
  return apply1(permuteOp, [x], { order })
}, 'transpose', ['input', 'dim0', 'dim1'])

/**
 * Transpose of a matrix (or a tensor of fewer dimensions, unchanged). As `torch.t`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).t() // → tensor([[1., 3.],
 * //           [2., 4.]])
 */
export const t: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => {
  if (x.ndim > 2) fail('t', `expected at most 2 dimensions, got ${x}`, 'use mT() or permute')
  return x.ndim < 2 ? x : transpose(x, 0, 1)
}, 't', ['input'])

/**
 * Transpose of the last two dimensions. As `torch.Tensor.mT`.
 *
 * @example
 * zeros(5, 2, 3).mT().shape // → [ 5, 3, 2 ]
 */
export const mT: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => {
  if (x.ndim === 1) fail('mT', `expected a matrix or a stack of them, got ${x}`, 'unsqueeze first')
  return x.ndim === 0 ? x : transpose(x, -2, -1)
}, 'mT', ['input'])

/**
 * Moves dimensions to other positions, the rest keep their order. As `torch.movedim`.
 *
 * @example
 * zeros(2, 3, 4).movedim(0, -1).shape // → [ 3, 4, 2 ]
 */
export const movedim: ((x: Tensor, source: Ints, destination: Ints) => Tensor) & Described = describe((x: Tensor, source: Ints, destination: Ints) => {
  const from = list([source]).map(d => normalizeDim('movedim', d, x.ndim))
  const to = list([destination]).map(d => normalizeDim('movedim', d, x.ndim))
  if (from.length !== to.length) fail('movedim', `${from.length} sources but ${to.length} destinations`, 'give as many of each')
  if (new Set(from).size !== from.length || new Set(to).size !== to.length) fail('movedim', 'a dimension is named twice', 'name each once')
  const order = new Array<number>(x.ndim).fill(-1)
  to.forEach((d, i) => (order[d] = from[i]))
  const rest = x.shape.map((_, i) => i).filter(i => !from.includes(i))
  return permute(x, order.map(d => (d < 0 ? rest.shift()! : d)))
}, 'movedim', ['input', 'source', 'destination'])

/**
 * Repeats dimensions of size 1 without copying; -1 keeps a size. A view. As `torch.Tensor.expand`.
 *
 * @example
 * tensor([[1], [2]]).expand(-1, 3) // → tensor([[1., 1., 1.],
 * //           [2., 2., 2.]])
 */
export const expand: ((x: Tensor, ...shape: Ints[]) => Tensor) & Described = describe((x: Tensor, ...shape: Ints[]) => {
  const want = list(shape)
  const lead = want.length - x.ndim
  const target = want.map((n, i) => (n === -1 && i >= lead ? x.shape[i - lead] : n))
  if (lead < 0 || target.some(n => !Number.isInteger(n) || n < 0) || x.shape.some((n, i) => n !== 1 && n !== target[i + lead]))
    fail('expand', `${x} does not expand to ${formatShape(want)}`, 'only sizes of 1 can be repeated, and new dimensions come first')
  return sameShape(target, x.shape) ? x : apply1(expandOp, [x], { shape: target })
}, 'expand', ['input', 'sizes'])

/**
 * As `expand`, with the rules of broadcasting. As `torch.broadcast_to`.
 *
 * @example
 * broadcastTo(tensor([1, 2]), [2, 2]) // → tensor([[1., 2.],
 * //           [1., 2.]])
 */
export const broadcastTo: ((x: Tensor, shape: Shape) => Tensor) & Described = describe((x: Tensor, shape: Shape) => expand(x, shape), 'broadcastTo', ['input', 'shape'])

/**
 * Drops dimensions of size 1: all, or those named. As `torch.squeeze`.
 *
 * @example
 * zeros(1, 3, 1).squeeze().shape // → [ 3 ]
 * zeros(1, 3, 1).squeeze(0).shape // → [ 3, 1 ]
 */
export const squeeze: ((x: Tensor, dim?: Ints) => Tensor) & Described = describe((x: Tensor, dim?: Ints) => {
  const dims = normalizeDims('squeeze', dim, x.ndim)
  return reshape(x, x.shape.filter((n, i) => n !== 1 || !dims.includes(i)))
}, 'squeeze', ['input', 'dim'])

/**
 * Puts a dimension of size 1 at `dim`. As `torch.unsqueeze`.
 *
 * @example
 * tensor([1, 2]).unsqueeze(1).shape // → [ 2, 1 ]
 */
export const unsqueeze: ((x: Tensor, dim: number) => Tensor) & Described = describe((x: Tensor, dim: number) => reshape(x, x.shape.toSpliced(normalizeDim('unsqueeze', dim, x.ndim + 1), 0, 1)), 'unsqueeze', ['input', 'dim'])

/**
 * Joins dimensions startDim … endDim into one. As `torch.flatten`.
 *
 * @example
 * zeros(2, 3, 4).flatten(1).shape // → [ 2, 12 ]
 */
export const flatten: ((x: Tensor, startDim?: number, endDim?: number) => Tensor) & Described = describe((x: Tensor, startDim = 0, endDim = -1) => {
  if (x.ndim === 0) return reshape(x, 1)
  const [a, b] = [normalizeDim('flatten', startDim, x.ndim), normalizeDim('flatten', endDim, x.ndim)]
  if (a > b) fail('flatten', `startDim ${startDim} comes after endDim ${endDim} in ${x}`, 'swap them')
  return reshape(x, [...x.shape.slice(0, a), numel(x.shape.slice(a, b + 1)), ...x.shape.slice(b + 1)])
}, 'flatten', ['input', 'startDim', 'endDim'])

/**
 * Splits one dimension into several sizes. As `torch.unflatten`.
 *
 * @example
 * zeros(2, 12).unflatten(1, [3, -1]).shape // → [ 2, 3, 4 ]
 */
export const unflatten: ((x: Tensor, dim: number, sizes: Shape) => Tensor) & Described = describe((x: Tensor, dim: number, sizes: Shape) => {
  const a = normalizeDim('unflatten', dim, x.ndim)
  const free = sizes.indexOf(-1)
  const full = free < 0 ? sizes : sizes.with(free, x.shape[a] / sizes.reduce((n, s) => (s === -1 ? n : n * s), 1))
  return reshape(x, x.shape.toSpliced(a, 1, ...full))
}, 'unflatten', ['input', 'dim', 'sizes'])

/** Reversed along dimensions, as a view. */
export const flipView = (x: Tensor, dims: Ints): Tensor => apply1(flipOp, [x], { axes: normalizeDims('flip', dims, x.ndim) })
/**
 * Reverses the order along dimensions. As `torch.flip`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).flip(1) // → tensor([[2., 1.],
 * //           [4., 3.]])
 */
export const flip: ((x: Tensor, dims: Ints) => Tensor) & Described = describe((x: Tensor, dims: Ints) => {
  if (dims === undefined) fail('flip', 'the dimensions are missing', 'flip(x, 0)')
  return clone(flipView(x, dims))
}, 'flip', ['input', 'dims'])

/** Elements start … start+length−1 of a dimension. A view. */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  const axis = axisOf('narrow', dim, x.ndim)
  if (!Number.isInteger(start) || !Number.isInteger(length)) fail('narrow', `start ${String(start)} and length ${String(length)} must be whole numbers`, 'to pick at positions that a tensor holds use indexSelect')
  const from = start < 0 ? start + x.shape[axis] : start
  if (from < 0 || length < 0 || from + length > x.shape[axis]) fail('narrow', `${start} … ${start + length} is outside dimension ${dim} of ${x}`, `its size is ${x.shape[axis]}`)
  return apply1(sliceOp, [x], { axis, start: from, step: 1, length })
}

/**
 * One position of a dimension, which disappears. A view. As `torch.select`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).select(1, 0) // → tensor([1., 3.])
 */
export const select: ((x: Tensor, dim: number, index: number) => Tensor) & Described = describe((x: Tensor, dim: number, index: number) => {
  if (x.ndim === 0) fail('select', 'a 0-dim tensor has no dimension to select from', 'use item()')
  const axis = normalizeDim('select', dim, x.ndim)
  if (!Number.isInteger(index) || index < -x.shape[axis] || index >= x.shape[axis]) fail('select', `index ${index} is outside dimension ${dim} of ${x}`, `its size is ${x.shape[axis]}`)
  return apply1(selectOp, [x], { axis, index: index < 0 ? index + x.shape[axis] : index })
}, 'select', ['input', 'dim', 'index'])

/**
 * Elements of a diagonal, as the last dimension. A view. As `torch.diagonal`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).diagonal() // → tensor([1., 4.])
 */
export const diagonal: ((x: Tensor, offset?: number, dim1?: number, dim2?: number) => Tensor) & Described = describe((x: Tensor, offset = 0, dim1 = 0, dim2 = 1) => {
  const [a, b] = [normalizeDim('diagonal', dim1, x.ndim), normalizeDim('diagonal', dim2, x.ndim)]
  if (!Number.isInteger(offset)) fail('diagonal', `the offset is ${String(offset)}`, 'give a whole number')
  if (x.ndim < 2 || a === b) fail('diagonal', `expected two different dimensions, got ${dim1} and ${dim2} of ${x}`, 'a diagonal needs a matrix')
  return apply1(diagonalOp, [x], { offset, a, b })
}, 'diagonal', ['input', 'offset', 'dim1', 'dim2'])

/**
 * Pieces of `size` along a dimension (the last may be smaller), or of the given sizes. Views. As `torch.split`.
 *
 * @example
 * arange(5).split(2).map(String) // → [ 'i32[2]', 'i32[2]', 'i32[1]' ]
 */
export const split: ((x: Tensor, size: Ints, dim?: number) => Tensor[]) & Described = describe((x: Tensor, size: Ints, dim = 0) => {
  const axis = axisOf('split', dim, x.ndim)
  const n = x.shape[axis]
  if (typeof size === 'number' && !(size > 0) && !(size === 0 && n === 0)) fail('split', `the size of a piece is ${size}`, 'give a whole number ≥ 1')
  const sizes = typeof size === 'number' ? Array.from({ length: Math.max(1, Math.ceil(n / (size || 1))) }, (_, i) => Math.min(size, n - i * size)) : size
  if (sizes.reduce((a, b) => a + b, 0) !== n || sizes.some(k => k < 0)) fail('split', `sizes ${formatShape(sizes)} do not add up to ${n}, dimension ${dim} of ${x}`, 'they are ≥ 0 and cover it')
  let at = 0
  return sizes.map(length => narrow(x, axis, (at += length) - length, length))
}, 'split', ['input', 'splitSize', 'dim'])

/**
 * At most `chunks` pieces of equal size (the last may be smaller). Views. As `torch.chunk`.
 *
 * @example
 * arange(6).chunk(3).map(String) // → [ 'i32[2]', 'i32[2]', 'i32[2]' ]
 */
export const chunk: ((x: Tensor, chunks: number, dim?: number) => Tensor[]) & Described = describe((x: Tensor, chunks: number, dim = 0) => {
  if (!(chunks > 0)) fail('chunk', `${chunks} chunks`, 'give a whole number ≥ 1')
  const size = x.shape[normalizeDim('chunk', dim, x.ndim)]
  return split(x, size === 0 ? Array<number>(chunks).fill(0) : Math.ceil(size / chunks), dim)
}, 'chunk', ['input', 'chunks', 'dim'])

/**
 * All positions of a dimension as separate tensors. Views. As `torch.unbind`.
 *
 * @example
 * const [a, b] = tensor([[1, 2], [3, 4]]).unbind()
 * b // → tensor([3., 4.])
 */
export const unbind: ((x: Tensor, dim?: number) => Tensor[]) & Described = describe((x: Tensor, dim = 0) => {
  if (x.ndim === 0) fail('unbind', `${x} has no dimension to take apart`, 'give a tensor of at least one dimension')
  return Array.from({ length: x.shape[normalizeDim('unbind', dim, x.ndim)] }, (_, i) => select(x, dim, i))
}, 'unbind', ['input', 'dim'])

/**
 * Sliding windows of one dimension; the window becomes the last dimension. A view. As `torch.Tensor.unfold`.
 *
 * @example
 * arange(5).unfold(0, 3, 1) // → tensor([[0, 1, 2],
 * //           [1, 2, 3],
 * //           [2, 3, 4]])
 */
export const unfold: ((x: Tensor, dimension: number, size: number, step: number) => Tensor) & Described = describe((x: Tensor, dimension: number, size: number, step: number) => {
  const axis = normalizeDim('unfold', dimension, x.ndim)
  const n = x.shape[axis] ?? 1
  if (!Number.isInteger(size) || size < 0 || size > n || !Number.isInteger(step) || step < 1) fail('unfold', `windows of ${size} every ${step} do not fit dimension ${dimension} of ${x}`, 'size is at most the dimension, step at least 1')
  if (x.ndim === 0) return narrow(reshape(x, 1), 0, 0, size)
  // The transpose of windows wants the windowed axis last, before the taps.
  return movedim(apply1(windowsOp, [movedim(x, axis, -1)], { axes: [x.ndim - 1], size: [size], stride: [step], dilation: [1] }), -2, axis)
}, 'unfold', ['input', 'dimension', 'size', 'step'])

/**
 * Joins tensors along an existing dimension. As `torch.cat`.
 *
 * @example
 * cat([tensor([[1, 2]]), tensor([[3, 4]])], 1) // → tensor([[1., 2., 3., 4.]])
 */
export const cat: ((tensors: readonly Tensor[], dim?: number) => Tensor) & Described = describe((tensors: readonly Tensor[], dim = 0) => {
  if (!Array.isArray(tensors) || tensors.length === 0) fail('cat', 'expected a list of at least one tensor', 'cat([a, b], dim)')
  const xs = tensors.map(x => needTensor('cat', x)).filter((x, _, all) => !(x.ndim === 1 && x.numel === 0 && all.some(y => y.ndim !== 1)))
  const axis = normalizeDim('cat', dim, xs[0].ndim)
  for (const x of xs)
    if (x.ndim !== xs[0].ndim || x.ndim === 0 || x.shape.some((n, i) => i !== axis && n !== xs[0].shape[i]))
      fail('cat', `${xs.map(String).join(', ')} do not join along dim ${dim}`, 'all other sizes must be equal and 0-dim tensors need stack')
  const dtype = xs.map(x => x.dtype).reduce(promote)
  return apply1(catOp, xs.map(x => cast(x, dtype)), { axis })
}, 'cat', ['tensors', 'dim'])

/**
 * Joins tensors of one shape along a new dimension. As `torch.stack`.
 *
 * @example
 * stack([tensor([1, 2]), tensor([3, 4])]) // → tensor([[1., 2.],
 * //           [3., 4.]])
 */
export const stack: ((tensors: readonly Tensor[], dim?: number) => Tensor) & Described = describe((tensors: readonly Tensor[], dim = 0) => {
  if (!Array.isArray(tensors) || tensors.length === 0) fail('stack', 'expected a list of at least one tensor', 'stack([a, b], dim)')
  const first = needTensor('stack', tensors[0])
  for (const x of tensors) if (!sameShape(x.shape, first.shape)) fail('stack', `${x} and ${first} have different shapes`, 'stack needs equal shapes; cat joins along an existing dimension')
  const axis = normalizeDim('stack', dim, first.ndim + 1)
  return cat(tensors.map(x => unsqueeze(x, axis)), axis)
}, 'stack', ['tensors', 'dim'])

/**
 * Repeats the whole tensor `repeats[i]` times along dimension i; more repeats than dimensions add some in front. As `torch.Tensor.repeat`.
 *
 * @example
 * tensor([1, 2]).repeat(2, 2) // → tensor([[1., 2., 1., 2.],
 * //           [1., 2., 1., 2.]])
 */
export const repeat: ((x: Tensor, ...repeats: Ints[]) => Tensor) & Described = describe((x: Tensor, ...repeats: Ints[]) => {
  const r = list(repeats)
  if (r.length < x.ndim) fail('repeat', `${r.length} repeats for ${x}`, 'give one for each dimension')
  if (r.some(n => !Number.isInteger(n) || n < 0)) fail('repeat', `the repeats are ${formatShape(r)}`, 'give whole numbers ≥ 0')
  const shape = [...new Array<number>(r.length - x.ndim).fill(1), ...x.shape]
  const paired = reshape(x, shape.flatMap(n => [1, n]))
  return fresh(reshape(expand(paired, shape.flatMap((n, i) => [r[i], n])), shape.map((n, i) => n * r[i])), x)
}, 'repeat', ['input', 'repeats'])

/**
 * As `repeat`, but fewer repeats than dimensions count from the last. As `torch.tile`.
 *
 * @example
 * tensor([[1], [2]]).tile(3) // → tensor([[1., 1., 1.],
 * //           [2., 2., 2.]])
 */
export const tile: ((x: Tensor, ...dims: Ints[]) => Tensor) & Described = describe((x: Tensor, ...dims: Ints[]) => {
  const r = list(dims)
  return repeat(x, [...new Array<number>(Math.max(0, x.ndim - r.length)).fill(1), ...r])
}, 'tile', ['input', 'dims'])

/**
 * Moves elements along dimensions (default: of the flattened tensor), what falls off comes in at the other end. As `torch.roll`.
 *
 * @example
 * arange(5).roll(2) // → tensor([3, 4, 0, 1, 2])
 */
export const roll: ((x: Tensor, shifts: Ints, dims?: Ints) => Tensor) & Described = describe((x: Tensor, shifts: Ints, dims?: Ints) => {
  const [by, along] = [list([shifts]), list([dims ?? []])]
  if (by.length === 0) fail('roll', 'there are no shifts', 'give one, or one for each of dims')
  if (along.length === 0 && by.length === 1) return reshape(roll(flatten(x), by, 0), x.shape)
  if (by.length !== along.length) fail('roll', `${by.length} shifts for ${along.length} dims`, 'give one shift for each dimension')
  const y = along.reduce((y, d, i) => {
    const n = y.shape[normalizeDim('roll', d, y.ndim)] ?? 1
    const at = n === 0 ? 0 : (((-by[i] % n) + n) % n)
    return at === 0 ? y : cat([narrow(y, d, at, n - at), narrow(y, d, 0, at)], d)
  }, x)
  return fresh(y, x)
}, 'roll', ['input', 'shifts', 'dims'])

/**
 * All tensors expanded to their common shape. As `torch.broadcast_tensors`.
 *
 * @example
 * broadcastTensors(zeros(2, 1), zeros(3)).map(String) // → [ 'f32[2,3]', 'f32[2,3]' ]
 */
export const broadcastTensors: ((...tensors: Tensor[]) => Tensor[]) & Described = describe((...tensors: Tensor[]) => {
  const shape = broadcastShapes('broadcastTensors', tensors.map(x => x.shape))
  return tensors.map(x => expand(x, shape))
}, 'broadcastTensors', ['tensors'])

export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular'
export interface PadOptions {
  mode?: PadMode
  value?: number
}
type Pad = (x: Tensor, pad: readonly number[], mode?: PadMode | PadOptions, value?: number | PadOptions) => Tensor

/** What stands before (or behind) a dimension of size n when it grows by `count`. */
const margins: Record<Exclude<PadMode, 'constant'>, (x: Tensor, axis: number, count: number, before: boolean) => Tensor> = {
  reflect: (x, axis, count, before) => flipView(narrow(x, axis, before ? 1 : x.shape[axis] - 1 - count, count), axis),
  replicate: (x, axis, count, before) => expand(narrow(x, axis, before ? 0 : x.shape[axis] - 1, 1), x.shape.with(axis, count)),
  circular: (x, axis, count, before) => narrow(x, axis, before ? x.shape[axis] - count : 0, count),
}
const widest = { reflect: (n: number) => n - 1, replicate: (n: number) => (n > 0 ? Infinity : 0), circular: (n: number) => n }

/**
 * Grows dimensions: `pad` lists (low, high) pairs from the last one backwards; negative sizes cut off. The margin is `value`, or what
 * `mode` says: `reflect`, `replicate`, `circular`. As `torch.nn.functional.pad`.
 *
 * @example
 * pad(tensor([[1, 2, 3]]), [1, 1]) // → tensor([[0., 1., 2., 3., 0.]])
 * pad(tensor([[1, 2, 3]]), [1, 1], 'reflect') // → tensor([[2., 1., 2., 3., 2.]])
 */
export const pad: Pad & Described = define('pad', ['input', 'pad', 'mode', 'value'], ({ input, pad: sizes, mode = 'constant', value = 0 }: { input: Tensor; pad: readonly number[] } & PadOptions) => {
  if (!Array.isArray(sizes) || sizes.length % 2 || sizes.length / 2 > needTensor('pad', input).ndim || !sizes.every(Number.isInteger))
    fail('pad', `${Array.isArray(sizes) ? formatShape(sizes as number[]) : String(sizes)} does not pair up with the dimensions of ${input}`, 'give (low, high) for the last dimension first')
  if (mode !== 'constant' && !Object.hasOwn(margins, mode)) fail('pad', `'${String(mode)}' is not a mode`, `modes: constant, ${Object.keys(margins).join(', ')}`)
  const at = (i: number, side: 0 | 1): number => sizes[2 * (input.ndim - 1 - i) + side] ?? 0
  const cut = input.shape.reduce((y, n, axis) => {
    const [low, high] = [Math.min(0, at(axis, 0)), Math.min(0, at(axis, 1))]
    return low || high ? narrow(y, axis, -low, n + low + high) : y
  }, input)
  const low = input.shape.map((_, i) => Math.max(0, at(i, 0)))
  const high = input.shape.map((_, i) => Math.max(0, at(i, 1)))
  if (!low.some(Boolean) && !high.some(Boolean)) return clone(cut)
  if (mode === 'constant') return apply1(padOp, [cut], { low, high, value })
  return low.reduce((y, l, axis) => {
    const h = high[axis]
    if (l === 0 && h === 0) return y
    const n = y.shape[axis]
    if (Math.max(l, h) > widest[mode](n)) fail('pad', `${formatShape([l, h])} around dimension ${axis} of ${input} is too wide for mode '${mode}'`, `at most ${widest[mode](n)} on a side`)
    const side = (count: number, before: boolean): Tensor[] => (count > 0 ? [margins[mode](y, axis, count, before)] : [])
    return cat([...side(l, true), y, ...side(h, false)], axis)
  }, cut)
})

/**
 * The tensor itself when it lies in row-major order without gaps, else a copy that does. As `torch.Tensor.contiguous`.
 *
 * @example
 * zeros(2, 3).t().contiguous().isContiguous() // → true
 */
export const contiguous: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => (isContiguous(x.layout) ? x : clone(x)), 'contiguous', ['input'])
