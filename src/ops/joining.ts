// Joining and splitting under NumPy's names, and what is made of several tensors: grids, products, blocks.
import { promote } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { normalizeDim } from '../core/shape.ts'
import { cast } from './cast.ts'
import { tensor } from './creation.ts'
import { describe, needTensor, tagged, type Described } from './define.ts'
import { indexSelect } from './gather.ts'
import { cat, expand, flatten, narrow, pad, reshape, split, stack, transpose, unsqueeze } from './movement.ts'
import type { Tensor } from './tensor.ts'

type Tensors = readonly Tensor[]
type Join = ((tensors: Tensors) => Tensor) & Described

function listOf(op: string, tensors: Tensors): Tensor[] {
  if (!Array.isArray(tensors) || tensors.length === 0) fail(op, 'expected a list of at least one tensor', `${op}([a, b])`)
  return tensors.map(x => needTensor(op, x))
}
/** Tensors as arguments or as one list. */
const spread = (op: string, given: readonly (Tensor | Tensors)[]): Tensor[] => listOf(op, given.length === 1 && Array.isArray(given[0]) ? (given[0] as Tensors) : (given as Tensors))

/** x with dimensions of size 1 added: [] → [1], [1,1], [1,1,1]; [n] → [n], [1,n], [1,n,1]; [n,m] → …, [n,m,1]. */
const raised = (x: Tensor, rank: 1 | 2 | 3): Tensor =>
  x.ndim >= rank ? x
  : x.ndim === 0 ? reshape(x, new Array<number>(rank).fill(1))
  : x.ndim === 1 ? reshape(x, rank === 2 ? [1, x.numel] : [1, x.numel, 1])
  : unsqueeze(x, 2)

export interface AtLeast extends Described {
  (x: Tensor): Tensor
  (tensors: Tensors): Tensor[]
  (x: Tensor, y: Tensor, ...more: Tensor[]): Tensor[]
}
const atLeast = (name: string, rank: 1 | 2 | 3): AtLeast => {
  const all = (...given: (Tensor | Tensors)[]): Tensor | Tensor[] => {
    const list = spread(name, given).map(x => raised(x, rank))
    return given.length === 1 && !Array.isArray(given[0]) ? list[0] : list
  }
  return tagged(all, name, ['tensors']) as AtLeast
}
/**
 * Of a tensor, or of several: at least one dimension. As `torch.atleast_1d`.
 *
 * @example
 * atleast1d(tensor(1)) // → tensor([1.])
 */
export const atleast1d: AtLeast = atLeast('atleast1d', 1)
/**
 * At least two dimensions, new ones in front. As `torch.atleast_2d`.
 *
 * @example
 * atleast2d(tensor([1, 2])).shape // → [ 1, 2 ]
 */
export const atleast2d: AtLeast = atLeast('atleast2d', 2)
/**
 * At least three dimensions: a vector goes to the middle one, a matrix to the first two. As `torch.atleast_3d`.
 *
 * @example
 * atleast3d(tensor([1, 2])).shape // → [ 1, 2, 1 ]
 */
export const atleast3d: AtLeast = atLeast('atleast3d', 3)

type Cat = ((tensors: Tensors, dim?: number) => Tensor) & Described
const same = (name: string): Cat => describe((tensors: Tensors, dim?: number) => cat(tensors, dim), name, ['tensors', 'dim'])
/**
 * As `cat`. As `torch.concat`.
 *
 * @example
 * concat([tensor([1]), tensor([2])]) // → tensor([1., 2.])
 */
export const concat: Cat = same('concat')
/**
 * As `cat`. As `torch.concatenate`.
 *
 * @example
 * concatenate([tensor([1]), tensor([2])]) // → tensor([1., 2.])
 */
export const concatenate: Cat = same('concatenate')

/**
 * Joins side by side: vectors along dimension 0, others along dimension 1. As `torch.hstack`.
 *
 * @example
 * hstack([tensor([[1], [2]]), tensor([[3], [4]])]) // → tensor([[1., 3.],
 * //           [2., 4.]])
 */
export const hstack: Join = describe((tensors: Tensors) => {
  const xs = listOf('hstack', tensors).map(x => raised(x, 1))
  return cat(xs, xs[0].ndim === 1 ? 0 : 1)
}, 'hstack', ['tensors'])
/**
 * Joins one below the other, vectors as rows. As `torch.vstack`.
 *
 * @example
 * vstack([tensor([1, 2]), tensor([3, 4])]) // → tensor([[1., 2.],
 * //           [3., 4.]])
 */
export const vstack: Join = describe((tensors: Tensors) => cat(listOf('vstack', tensors).map(x => raised(x, 2)), 0), 'vstack', ['tensors'])
/**
 * As `vstack`. As `torch.row_stack`.
 *
 * @example
 * rowStack([tensor([1, 2]), tensor([3, 4])]) // → tensor([[1., 2.],
 * //           [3., 4.]])
 */
export const rowStack: Join = describe((tensors: Tensors) => vstack(tensors), 'rowStack', ['tensors'])
/**
 * Joins along the third dimension. As `torch.dstack`.
 *
 * @example
 * dstack([tensor([1, 2]), tensor([3, 4])]).shape // → [ 1, 2, 2 ]
 */
export const dstack: Join = describe((tensors: Tensors) => cat(listOf('dstack', tensors).map(x => raised(x, 3)), 2), 'dstack', ['tensors'])
/**
 * Joins along dimension 1, vectors as columns. As `torch.column_stack`.
 *
 * @example
 * columnStack([tensor([1, 2]), tensor([3, 4])]) // → tensor([[1., 3.],
 * //           [2., 4.]])
 */
export const columnStack: Join = describe((tensors: Tensors) => cat(listOf('columnStack', tensors).map(x => (x.ndim < 2 ? reshape(x, [x.numel, 1]) : x)), 1), 'columnStack', ['tensors'])

/**
 * Pieces of the given sizes along a dimension. Views. As `torch.split_with_sizes`.
 *
 * @example
 * arange(5).splitWithSizes([2, 3]).map(String) // → [ 'i32[2]', 'i32[3]' ]
 */
export const splitWithSizes: ((x: Tensor, splitSizes: readonly number[], dim?: number) => Tensor[]) & Described = describe((x: Tensor, splitSizes: readonly number[], dim?: number) => split(x, splitSizes, dim), 'splitWithSizes', ['input', 'splitSizes', 'dim'])

type Cuts = number | readonly number[]
function cutAt(op: string, x: Tensor, cuts: Cuts, dim: number, even: boolean): Tensor[] {
  const axis = normalizeDim(op, dim, needTensor(op, x).ndim)
  const n = x.shape[axis]
  if (typeof cuts === 'number') {
    if (!Number.isInteger(cuts) || cuts < 1 || (even && n % cuts !== 0)) fail(op, `${cuts} equal sections of dimension ${axis} of ${x}`, even ? `give a divisor of ${n}, or the places to cut at` : 'give a whole number ≥ 1')
    return split(x, Array.from({ length: cuts }, (_, i) => Math.floor(n / cuts) + Number(i < n % cuts)), axis)
  }
  if (!Array.isArray(cuts) || !cuts.every(Number.isInteger)) fail(op, `sections ${String(cuts)}`, 'give their number, or a list of the places to cut at')
  const at = [0, ...cuts.map((c: number) => Math.min(Math.max(c < 0 ? c + n : c, 0), n)), n]
  return at.slice(1).map((end, i) => narrow(x, axis, at[i], Math.max(0, end - at[i])))
}
/**
 * Pieces as equal as can be, or cut at the given places. Views. As `torch.tensor_split`.
 *
 * @example
 * arange(5).tensorSplit(2).map(String) // → [ 'i32[3]', 'i32[2]' ]
 */
export const tensorSplit: ((x: Tensor, indicesOrSections: Cuts, dim?: number) => Tensor[]) & Described = describe((x: Tensor, indicesOrSections: Cuts, dim = 0) => cutAt('tensorSplit', x, indicesOrSections, dim, false), 'tensorSplit', ['input', 'indicesOrSections', 'dim'])

const splitter = (name: string, least: number, axis: (x: Tensor) => number): ((x: Tensor, indicesOrSections: Cuts) => Tensor[]) & Described => describe((x: Tensor, indicesOrSections: Cuts) => {
  if (needTensor(name, x).ndim < least) fail(name, `expected at least ${least} dimension${least > 1 ? 's' : ''}, got ${x}`, 'use tensorSplit')
  return cutAt(name, x, indicesOrSections, axis(x), true)
}, name, ['input', 'indicesOrSections'])
/**
 * Equal pieces (or cut at places) side by side: of dimension 1, of a vector dimension 0. Views. As `torch.hsplit`.
 *
 * @example
 * zeros(2, 4).hsplit(2).map(String) // → [ 'f32[2,2]', 'f32[2,2]' ]
 */
export const hsplit: ReturnType<typeof splitter> = splitter('hsplit', 1, x => (x.ndim === 1 ? 0 : 1))
/**
 * Equal pieces of dimension 0. Views. As `torch.vsplit`.
 *
 * @example
 * zeros(4, 2).vsplit([1]).map(String) // → [ 'f32[1,2]', 'f32[3,2]' ]
 */
export const vsplit: ReturnType<typeof splitter> = splitter('vsplit', 2, () => 0)
/**
 * Equal pieces of dimension 2. Views. As `torch.dsplit`.
 *
 * @example
 * zeros(1, 2, 4).dsplit(2).map(String) // → [ 'f32[1,2,2]', 'f32[1,2,2]' ]
 */
export const dsplit: ReturnType<typeof splitter> = splitter('dsplit', 3, () => 2)

export interface MeshgridOptions {
  /** 'ij': the first tensor runs along dimension 0. 'xy': along dimension 1, as in a picture. */
  indexing?: 'ij' | 'xy'
}
const isTensors = (v: unknown): v is Tensor | Tensors => Array.isArray(v) || typeof (v as Tensor | undefined)?.ndim === 'number'
/**
 * Coordinate grids of vectors (or numbers), given as arguments or as a list: tensor i varies along dimension i only. Views. As `torch.meshgrid`.
 *
 * @example
 * const [rows, columns] = meshgrid(arange(2), arange(3))
 * columns // → tensor([[0, 1, 2],
 * //           [0, 1, 2]])
 */
export const meshgrid: ((...tensors: (Tensor | Tensors | MeshgridOptions)[]) => Tensor[]) & Described = tagged((...given: (Tensor | Tensors | MeshgridOptions)[]) => {
  const last = given.at(-1)
  const { indexing = 'ij' } = isTensors(last) ? {} : ((last ?? {}) as MeshgridOptions)
  const xs = spread('meshgrid', given.filter(isTensors))
  if (indexing !== 'ij' && indexing !== 'xy') fail('meshgrid', `indexing is '${String(indexing)}'`, "'ij' or 'xy'")
  for (const x of xs) if (x.ndim > 1) fail('meshgrid', `expected vectors, got ${x}`, 'flatten it first')
  if (xs.some(x => x.dtype !== xs[0].dtype)) fail('meshgrid', `the tensors have different dtypes: ${xs.map(String).join(', ')}`, "convert them: x.to('float32')")
  const shape = xs.map(x => x.numel)
  const grids = xs.map((x, i) => expand(reshape(x, shape.map((n, j) => (i === j ? n : 1))), shape))
  if (indexing === 'ij' || xs.length < 2) return grids
  // The first two change places: their grids are those of the swapped vectors, seen the other way.
  return grids.map(x => transpose(x, 0, 1))
}, 'meshgrid', ['tensors', '*', 'indexing'])

/**
 * Every choice of one element of each vector, as rows: [Π n, count]. As `torch.cartesian_prod`.
 *
 * @example
 * cartesianProd(tensor([1, 2]), tensor([3, 4])) // → tensor([[1., 3.],
 * //           [1., 4.],
 * //           [2., 3.],
 * //           [2., 4.]])
 */
export const cartesianProd: ((...tensors: (Tensor | Tensors)[]) => Tensor) & Described = tagged((...given: (Tensor | Tensors)[]) => {
  const xs = spread('cartesianProd', given)
  for (const x of xs) if (x.ndim !== 1) fail('cartesianProd', `expected vectors, got ${x}`, 'flatten it first')
  return xs.length === 1 ? xs[0] : stack(meshgrid(xs).map(x => flatten(x)), 1)
}, 'cartesianProd', ['tensors'])

/**
 * Every choice of r elements of a vector, in order, as rows; `withReplacement` lets one come again. As `torch.combinations`.
 *
 * @example
 * combinations(tensor([1, 2, 3])) // → tensor([[1., 2.],
 * //           [1., 3.],
 * //           [2., 3.]])
 */
export const combinations: ((x: Tensor, r?: number, withReplacement?: boolean) => Tensor) & Described = describe((x: Tensor, r = 2, withReplacement = false) => {
  if (needTensor('combinations', x).ndim !== 1) fail('combinations', `expected a vector, got ${x}`, 'flatten it first')
  if (!Number.isInteger(r) || r < 1) fail('combinations', `${r} elements at a time`, 'give a whole number ≥ 1')
  const rows: number[][] = []
  const choose = (row: readonly number[], from: number): void => {
    if (row.length === r) rows.push([...row])
    else for (let i = from; i < x.numel; i++) choose([...row, i], withReplacement ? i : i + 1)
  }
  choose([], 0)
  return reshape(indexSelect(x, 0, tensor(Int32Array.from(rows.flat()))), [rows.length, r])
}, 'combinations', ['input', 'r', 'withReplacement'])

/**
 * A block matrix with the given matrices (vectors are rows) on its diagonal, zeros elsewhere. As `torch.block_diag`.
 *
 * @example
 * blockDiag(tensor([[1, 2]]), tensor([[3]])) // → tensor([[1., 2., 0.],
 * //           [0., 0., 3.]])
 */
export const blockDiag: ((...tensors: (Tensor | Tensors)[]) => Tensor) & Described = tagged((...given: (Tensor | Tensors)[]) => {
  const blocks = spread('blockDiag', given).map(x => raised(x, 2))
  for (const x of blocks) if (x.ndim > 2) fail('blockDiag', `expected matrices, got ${x}`, 'take its matrices apart with unbind')
  const dtype = blocks.map(x => x.dtype).reduce(promote)
  const width = blocks.reduce((n, x) => n + x.shape[1], 0)
  let before = 0
  return cat(blocks.map(x => {
    const row = pad(cast(x, dtype), [before, width - before - x.shape[1]])
    before += x.shape[1]
    return row
  }), 0)
}, 'blockDiag', ['tensors'])
