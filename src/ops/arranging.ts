// Other names and further ways of arranging: axes by other names, quarter turns, diagonals, any strides, sums back to a shape.
import { fail } from '../core/errors.ts'
import { formatShape, normalizeDim, numel, sameShape, type Shape } from '../core/shape.ts'
import { isContiguous } from '../core/view.ts'
import { apply1, describe, needTensor, type Described } from './define.ts'
import { gather, zeros } from './gather.ts'
import { contiguous, diagonal, expand, flatten, flip, flipView, fresh, movedim, narrow, pad, permute, reshape, transpose, view } from './movement.ts'
import { coordinates, wrap } from './places.ts'
import { conj } from './complex.ts'
import { add, clone } from './pointwise.ts'
import { numeric, sum } from './reduce.ts'
import { asStridedOp, stridedIn, writeStridedOp } from './strided.ts'
import type { Tensor } from './tensor.ts'

type Ints = number | readonly number[]
type Like = ((x: Tensor, other: Tensor) => Tensor) & Described
type Plain = ((x: Tensor) => Tensor) & Described

/**
 * `view` to the shape of another tensor. As `torch.Tensor.view_as`.
 *
 * @example
 * arange(4).viewAs(zeros(2, 2)) // → tensor([[0, 1],
 * //           [2, 3]])
 */
export const viewAs: Like = describe((x: Tensor, other: Tensor) => view(x, needTensor('viewAs', other).shape), 'viewAs', ['input', 'other'])
/**
 * `reshape` to the shape of another tensor. As `torch.Tensor.reshape_as`.
 *
 * @example
 * arange(4).reshapeAs(zeros(2, 2)) // → tensor([[0, 1],
 * //           [2, 3]])
 */
export const reshapeAs: Like = describe((x: Tensor, other: Tensor) => reshape(x, needTensor('reshapeAs', other).shape), 'reshapeAs', ['input', 'other'])
/**
 * `expand` to the shape of another tensor. As `torch.Tensor.expand_as`.
 *
 * @example
 * tensor([1, 2]).expandAs(zeros(2, 2)) // → tensor([[1., 2.],
 * //           [1., 2.]])
 */
export const expandAs: Like = describe((x: Tensor, other: Tensor) => expand(x, needTensor('expandAs', other).shape), 'expandAs', ['input', 'other'])
/**
 * All elements as a vector. As `torch.ravel`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).ravel() // → tensor([1., 2., 3., 4.])
 */
export const ravel: Plain = describe((x: Tensor) => flatten(x), 'ravel', ['input'])

/**
 * All dimensions in reverse order. A view. As `torch.Tensor.T`.
 *
 * @example
 * zeros(2, 3).T().shape // → [ 3, 2 ]
 */
export const T: Plain = describe((x: Tensor) => (x.ndim === 0 ? x : permute(x, x.shape.map((_, i) => x.ndim - 1 - i))), 'T', ['input'])
/**
 * The conjugate transpose of a matrix. As `torch.Tensor.H`.
 *
 * @example
 * zeros(2, 3).H().shape // → [ 3, 2 ]
 */
export const H: Plain = describe((x: Tensor) => {
  if (x.ndim !== 0 && x.ndim !== 2) fail('H', `expected a matrix, got ${x}`, 'mH() takes stacks of matrices')
  return T(conj(x))
}, 'H', ['input'])
type Swap = ((x: Tensor, dim0: number, dim1: number) => Tensor) & Described
/**
 * As `transpose`. As `torch.swapaxes`.
 *
 * @example
 * zeros(2, 3, 4).swapaxes(0, 2).shape // → [ 4, 3, 2 ]
 */
export const swapaxes: Swap = describe((x: Tensor, axis0: number, axis1: number) => transpose(x, axis0, axis1), 'swapaxes', ['input', 'axis0', 'axis1'])
/**
 * As `transpose`. As `torch.swapdims`.
 *
 * @example
 * zeros(2, 3, 4).swapdims(0, 2).shape // → [ 4, 3, 2 ]
 */
export const swapdims: Swap = describe((x: Tensor, dim0: number, dim1: number) => transpose(x, dim0, dim1), 'swapdims', ['input', 'dim0', 'dim1'])
/**
 * As `movedim`. As `torch.moveaxis`.
 *
 * @example
 * zeros(2, 3, 4).moveaxis(0, -1).shape // → [ 3, 4, 2 ]
 */
export const moveaxis: ((x: Tensor, source: Ints, destination: Ints) => Tensor) & Described = describe((x: Tensor, source: Ints, destination: Ints) => movedim(x, source, destination), 'moveaxis', ['input', 'source', 'destination'])

const atLeast = (op: string, x: Tensor, n: number): Tensor => (needTensor(op, x).ndim >= n ? x : fail(op, `expected at least ${n} dimension${n > 1 ? 's' : ''}, got ${x}`, 'unsqueeze first'))
/**
 * Upside down: dimension 0 reversed. As `torch.flipud`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).flipud() // → tensor([[3., 4.],
 * //           [1., 2.]])
 */
export const flipud: Plain = describe((x: Tensor) => flip(atLeast('flipud', x, 1), 0), 'flipud', ['input'])
/**
 * Left to right: dimension 1 reversed. As `torch.fliplr`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).fliplr() // → tensor([[2., 1.],
 * //           [4., 3.]])
 */
export const fliplr: Plain = describe((x: Tensor) => flip(atLeast('fliplr', x, 2), 1), 'fliplr', ['input'])

/**
 * k quarter turns in the plane of two dimensions, from the first towards the second. As `torch.rot90`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).rot90() // → tensor([[2., 4.],
 * //           [1., 3.]])
 */
export const rot90: ((x: Tensor, k?: number, dims?: readonly [number, number]) => Tensor) & Described = describe((x: Tensor, k = 1, dims: readonly [number, number] = [0, 1]) => {
  const [a, b] = dims.map(d => normalizeDim('rot90', d, atLeast('rot90', x, 2).ndim))
  if (dims.length !== 2 || a === b || !Number.isInteger(k)) fail('rot90', `${String(k)} quarter turns in the plane ${formatShape(dims)}`, 'give a whole number and two different dimensions')
  const turns = ((k % 4) + 4) % 4
  if (turns === 2) return flip(x, [a, b])
  return clone(turns === 0 ? x : turns === 1 ? transpose(flipView(x, b), a, b) : transpose(flipView(x, a), a, b))
}, 'rot90', ['input', 'k', 'dims'])

/**
 * As `narrow`, but a copy. As `torch.narrow_copy`.
 *
 * @example
 * arange(5).narrowCopy(0, 1, 3) // → tensor([1, 2, 3])
 */
export const narrowCopy: ((x: Tensor, dim: number, start: number, length: number) => Tensor) & Described = describe((x: Tensor, dim: number, start: number, length: number) => clone(narrow(x, dim, start, length)), 'narrowCopy', ['input', 'dim', 'start', 'length'])

/**
 * As `pad` with a value: (low, high) pairs from the last dimension backwards. As `torch.constant_pad_nd`.
 *
 * @example
 * constantPadNd(tensor([1, 2]), [1, 2], 9) // → tensor([9., 1., 2., 9., 9.])
 */
export const constantPadNd: ((x: Tensor, pad: readonly number[], value?: number) => Tensor) & Described = describe((x: Tensor, sizes: readonly number[], value = 0) => pad(x, sizes, 'constant', value), 'constantPadNd', ['input', 'pad', 'value'])

/**
 * Any view of the memory that x lies in: element (i, j, …) is `storageOffset + i·stride[0] + j·stride[1] + …` elements from its start. The
 * memory is that of the tensor of which x is a view. Elements may be shown more than once; their gradients add up. As `torch.as_strided`.
 *
 * @example
 * arange(5).asStrided([3, 3], [1, 1]) // → tensor([[0, 1, 2],
 * //           [1, 2, 3],
 * //           [2, 3, 4]])
 */
export const asStrided: ((x: Tensor, size: Shape, stride: Shape, storageOffset?: number | null) => Tensor) & Described = describe((x: Tensor, size: Shape, stride: Shape, storageOffset?: number | null) => {
  const base = needTensor('asStrided', x).base ?? x
  // A result may lie in memory in another order than PyTorch's, which is always row-major.
  const home = isContiguous(base.layout) ? base : contiguous(base)
  const whole = (list: Shape): boolean => Array.isArray(list) && list.every(n => Number.isInteger(n) && n >= 0)
  if (!whole(size) || !whole(stride) || size.length !== stride.length) fail('asStrided', `size ${String(size)} and stride ${String(stride)}`, 'give as many whole numbers ≥ 0 of each')
  const offset = storageOffset ?? (home === base ? x.layout.offset - base.layout.offset : 0)
  const last = numel(size) === 0 ? -1 : size.reduce((at, n, i) => at + (n - 1) * stride[i], offset)
  if (!Number.isInteger(offset) || offset < 0 || last >= home.numel) fail('asStrided', `size ${formatShape(size)} and stride ${formatShape(stride)} from ${String(offset)} reach element ${last} of ${home}`, `it has ${home.numel} elements`)
  return apply1(asStridedOp, [home], stridedIn(home.layout, { dtype: x.dtype, shape: size, strides: stride, offset: home.layout.offset + offset }))
}, 'asStrided', ['input', 'size', 'stride', 'storageOffset'])

/** A copy of x in which the part that `show` gives is replaced. */
export function withPart(op: string, x: Tensor, src: Tensor, show: (x: Tensor) => Tensor): Tensor {
  const whole = contiguous(needTensor(op, x))
  const part = show(whole)
  if (!sameShape(needTensor(op, src).shape, part.shape)) fail(op, `src ${src} does not fit into ${part}, the part of ${x} that it replaces`, 'the shapes must be equal')
  if (src.dtype !== x.dtype) fail(op, `src ${src} and input ${x} have different dtypes`, `convert src: src.to('${x.dtype}')`)
  return apply1(writeStridedOp, [whole, src], stridedIn(whole.layout, part.layout))
}

/**
 * Matrices with x's last dimension on a diagonal, zeros elsewhere; dim1 and dim2 are those of the matrices. As `torch.diag_embed`.
 *
 * @example
 * diagEmbed(tensor([1, 2])) // → tensor([[1., 0.],
 * //           [0., 2.]])
 */
export const diagEmbed: ((x: Tensor, offset?: number, dim1?: number, dim2?: number) => Tensor) & Described = describe((x: Tensor, offset = 0, dim1 = -2, dim2 = -1) => {
  const rank = atLeast('diagEmbed', x, 1).ndim + 1
  const [a, b] = [normalizeDim('diagEmbed', dim1, rank), normalizeDim('diagEmbed', dim2, rank)]
  if (a === b) fail('diagEmbed', `dim1 and dim2 are both ${a}`, 'give two different dimensions')
  if (!Number.isInteger(offset)) fail('diagEmbed', `the offset is ${String(offset)}`, 'give a whole number')
  const n = x.shape[x.ndim - 1] + Math.abs(offset)
  const rest = x.shape.slice(0, -1)
  const shape = Array.from({ length: rank }, (_, i) => (i === a || i === b ? n : rest.shift()!))
  return withPart('diagEmbed', zeros(x, shape), x, whole => diagonal(whole, offset, a, b))
}, 'diagEmbed', ['input', 'offset', 'dim1', 'dim2'])

type Diag = ((x: Tensor, diagonal?: number) => Tensor) & Described
/**
 * Of a vector the matrix with it on a diagonal, of a matrix its diagonal (a copy). As `torch.diag`.
 *
 * @example
 * diag(tensor([1, 2])) // → tensor([[1., 0.],
 * //           [0., 2.]])
 * diag(tensor([[1, 2], [3, 4]])) // → tensor([1., 4.])
 */
export const diag: Diag = describe((x: Tensor, offset = 0) => {
  if (needTensor('diag', x).ndim !== 1 && x.ndim !== 2) fail('diag', `expected a vector or a matrix, got ${x}`, 'diagonal and diagEmbed take any number of dimensions')
  return x.ndim === 1 ? diagEmbed(x, offset) : fresh(diagonal(x, offset), x)
}, 'diag', ['input', 'diagonal'])
/**
 * The matrix with all elements of x on a diagonal. As `torch.diagflat`.
 *
 * @example
 * diagflat(tensor([[1], [2]])) // → tensor([[1., 0.],
 * //           [0., 2.]])
 */
export const diagflat: ((x: Tensor, offset?: number) => Tensor) & Described = describe((x: Tensor, offset = 0) => diagEmbed(flatten(x), offset), 'diagflat', ['input', 'offset'])

/**
 * Sums over the dimensions along which `size` was broadcast to x's shape. As `torch.Tensor.sum_to_size`.
 *
 * @example
 * ones(2, 3).sumToSize(3) // → tensor([2., 2., 2.])
 */
export const sumToSize: ((x: Tensor, ...size: Ints[]) => Tensor) & Described = describe((x: Tensor, ...size: Ints[]) => {
  const target = size.flat()
  const lead = needTensor('sumToSize', x).ndim - target.length
  if (lead < 0 || target.some((n, i) => n !== 1 && n !== x.shape[i + lead])) fail('sumToSize', `${formatShape(target)} does not broadcast to ${x}`, 'sizes must be equal or 1, counted from the last dimension')
  const axes = x.shape.flatMap((n, i) => (i < lead || (target[i - lead] === 1 && n !== 1) ? [i] : []))
  return axes.length === 0 ? numeric(x) : reshape(sum(x, axes), target)
}, 'sumToSize', ['input', 'size'])

/**
 * The coordinates of flat positions in a shape, one int32 tensor a dimension. Positions outside the shape fault. As `torch.unravel_index`.
 *
 * @example
 * unravelIndex(tensor([5, 2], { dtype: 'int32' }), [2, 3]) // → [ tensor([1, 0]), tensor([2, 2]) ]
 */
export const unravelIndex: ((indices: Tensor, shape: Shape) => Tensor[]) & Described = describe((indices: Tensor, shape: Shape) => {
  if (needTensor('unravelIndex', indices).dtype !== 'int32') fail('unravelIndex', `the indices must be int32, got ${indices}`, "convert: indices.to('int32')")
  const place = wrap(indices, numel(shape))
  // Zeros that take no memory are read at the places, which faults where they are outside.
  return coordinates(add(place, gather(zeros(place, [numel(shape)]), 0, flatten(place)).reshape(place.shape)), shape)
}, 'unravelIndex', ['indices', 'shape'])
