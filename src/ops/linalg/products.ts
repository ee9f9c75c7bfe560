// The family of matrix products beyond matmul itself.
import { isFloat } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import { axisOf, broadcastShapes, normalizeDim } from '../../core/shape.ts'
import { define, describe, needTensor, type Described, type Operand } from '../define.ts'
import { blend, bmm, dot, matmul as product, mv, outer, type BlendOptions } from '../matmul.ts'
import { diagonal as diagonalOf, expand, mT, reshape, roll } from '../movement.ts'
import { mul, sub } from '../pointwise.ts'
import { conj } from '../pointwise-record.ts'
import { sum } from '../reduce.ts'
import type { Tensor } from '../tensor.ts'
import { chain } from './powers.ts'

type Product = ((input: Tensor, other: Tensor) => Tensor) & Described

/**
 * Σ conj(xᵢ)·yᵢ of two vectors; of real ones as `dot`. As `torch.vdot`.
 *
 * @example
 * vdot(tensor([1, 2]), tensor([3, 4])) // → tensor(11.)
 */
export const vdot: Product = describe((input: Tensor, other: Tensor) => dot(conj(needTensor('vdot', input)), other), 'vdot', ['input', 'other'])
/**
 * All products xᵢ·yⱼ of two vectors; another name of `outer`. As `torch.ger`.
 *
 * @example
 * ger(tensor([1, 2]), tensor([3, 4])) // → tensor([[3., 4.],
 * //           [6., 8.]])
 */
export const ger: Product = describe((input: Tensor, vec2: Tensor) => outer(input, vec2), 'ger', ['input', 'vec2'])

/**
 * Σ over the last dimensions of both: [..., k] and [---, k] give [..., ---]; a 0-dim tensor scales. As `torch.inner`.
 *
 * @example
 * inner(tensor([1, 2]), tensor([3, 4])) // → tensor(11.)
 */
export const inner: Product = describe((input: Tensor, other: Tensor) => {
  const [x, y] = [needTensor('inner', input), needTensor('inner', other)]
  if (x.ndim === 0 || y.ndim === 0) return mul(x, y)
  if (x.shape.at(-1) !== y.shape.at(-1)) fail('inner', `${x} and ${y}: last sizes ${x.shape.at(-1)} and ${y.shape.at(-1)} differ`, 'both are summed over their last dimension')
  const rows = (t: Tensor): Tensor => reshape(t, [t.shape.slice(0, -1).reduce((a, b) => a * b, 1), t.shape.at(-1)!])
  return reshape(product(rows(x), mT(rows(y))), [...x.shape.slice(0, -1), ...y.shape.slice(0, -1)])
}, 'inner', ['input', 'other'])

type Added = ((input: Operand, a: Tensor, b: Tensor, options?: BlendOptions) => Tensor) & Described
const added = (op: string, names: readonly [string, string], multiply: (a: Tensor, b: Tensor) => Tensor): Added =>
  define(op, ['input', ...names, '*', 'beta', 'alpha'], (args: { input: Operand } & BlendOptions & { [name: string]: unknown }) =>
    blend(op, args.input, multiply(needTensor(op, args[names[0]]), needTensor(op, args[names[1]])), args))
/**
 * beta·input + alpha·(mat · vec). As `torch.addmv`.
 *
 * @example
 * addmv(zeros(2), eye(2), tensor([3, 4]), { alpha: 2 }) // → tensor([6., 8.])
 */
export const addmv: Added = added('addmv', ['mat', 'vec'], mv)
/**
 * beta·input + alpha·(vec1 ⊗ vec2). As `torch.addr`.
 *
 * @example
 * addr(zeros(2, 2), tensor([1, 2]), tensor([3, 4])) // → tensor([[3., 4.],
 * //           [6., 8.]])
 */
export const addr: Added = added('addr', ['vec1', 'vec2'], outer)
/**
 * beta·input + alpha·(batch1[i] · batch2[i]) for each i. As `torch.baddbmm`.
 *
 * @example
 * baddbmm(zeros(4), randn(2, 3, 5), randn(2, 5, 4))   // f32[2,3,4]
 */
export const baddbmm: Added = added('baddbmm', ['batch1', 'batch2'], bmm)
/**
 * beta·input + alpha·Σᵢ batch1[i] · batch2[i]. As `torch.addbmm`.
 *
 * @example
 * addbmm(zeros(3, 4), randn(2, 3, 5), randn(2, 5, 4))   // f32[3,4]
 */
export const addbmm: Added = added('addbmm', ['batch1', 'batch2'], (a, b) => sum(bmm(a, b), 0, { dtype: isFloat(a.dtype) ? null : a.dtype }))

/**
 * The product of matrices in the order that costs least. As `torch.chain_matmul`.
 *
 * @example
 * chainMatmul(randn(10, 100), randn(100, 5), randn(5, 50))   // f32[10,50]
 */
export const chainMatmul: ((...matrices: Tensor[]) => Tensor) & Described = describe((...matrices: Tensor[]) => {
  const list = matrices.flat()
  return list.length === 1 ? list[0] : chain('chainMatmul', list)
}, 'chainMatmul', ['...matrices'])

/**
 * Kronecker product: each element of x times the whole of y. As `torch.kron`.
 *
 * @example
 * kron(eye(2), tensor([[1, 2]])) // → tensor([[1., 2., 0., 0.],
 * //           [0., 0., 1., 2.]])
 */
export const kron: Product = describe((input: Tensor, other: Tensor) => {
  const [x, y] = [needTensor('kron', input), needTensor('kron', other)]
  const rank = Math.max(x.ndim, y.ndim)
  const padded = (t: Tensor): number[] => [...new Array<number>(rank - t.ndim).fill(1), ...t.shape]
  const [a, b] = [padded(x), padded(y)]
  return reshape(mul(reshape(x, a.flatMap(n => [n, 1])), reshape(y, b.flatMap(n => [1, n]))), a.map((n, i) => n * b[i]))
}, 'kron', ['input', 'other'])

// (a × b)ᵢ = aᵢ₊₁·bᵢ₊₂ − aᵢ₊₂·bᵢ₊₁, counted round.
function crossProduct(op: string, a: Tensor, b: Tensor, axis: number): Tensor {
  if (a.shape[axis] !== 3 || b.shape[axis] !== 3) fail(op, `${a} and ${b} have sizes ${a.shape[axis]} and ${b.shape[axis]} along dimension ${axis}`, 'both must be 3')
  const shape = broadcastShapes(op, [a.shape, b.shape])
  const turned = (x: Tensor, by: number): Tensor => roll(expand(x, shape), -by, axis)
  return sub(mul(turned(a, 1), turned(b, 2)), mul(turned(a, 2), turned(b, 1)))
}

const sameRank = (op: string, x: Tensor, y: Tensor): void => {
  if (needTensor(op, x).ndim !== needTensor(op, y).ndim) fail(op, `${x} and ${y} have ${x.ndim} and ${y.ndim} dimensions`, 'unsqueeze one of them')
}
/**
 * Vector product of vectors of three elements along `dim`; without it, along the first dimension of size 3. As `torch.cross`.
 *
 * @example
 * cross(tensor([1, 0, 0]), tensor([0, 1, 0])) // → tensor([0., 0., 1.])
 */
export const cross: ((input: Tensor, other: Tensor, dim?: number | { dim?: number | null } | null) => Tensor) & Described = define('cross', ['input', 'other', 'dim'], ({ input, other, dim }: { input: Tensor; other: Tensor; dim?: number | null }) => {
  sameRank('cross', input, other)
  const axis = dim === undefined || dim === null ? input.shape.findIndex((n: number, i: number) => n === 3 && other.shape[i] === 3) : axisOf('cross', dim, input.ndim)
  if (axis < 0) fail('cross', `${input} and ${other} have no dimension of size 3`, 'vectors of three elements are multiplied')
  return crossProduct('cross', input, other, axis)
})
/**
 * Vector product of vectors of three elements along `dim`, the last by default. As `torch.linalg.cross`.
 *
 * @example
 * linalg.cross(tensor([1, 0, 0]), tensor([0, 1, 0])) // → tensor([0., 0., 1.])
 */
export const linalgCross: ((input: Tensor, other: Tensor, options?: { dim?: number }) => Tensor) & Described = define('linalg.cross', ['input', 'other', '*', 'dim'], ({ input, other, dim = -1 }: { input: Tensor; other: Tensor; dim?: number }) => {
  sameRank('linalg.cross', input, other)
  return crossProduct('linalg.cross', input, other, axisOf('linalg.cross', dim, input.ndim))
})

/**
 * Σ x·y along `dim`, the last by default, with broadcasting. As `torch.linalg.vecdot`.
 *
 * @example
 * linalg.vecdot(tensor([[1, 2], [3, 4]]), tensor([1, 1])) // → tensor([3., 7.])
 */
export const vecdot: ((x: Tensor, y: Tensor, options?: { dim?: number }) => Tensor) & Described = define('linalg.vecdot', ['x', 'y', '*', 'dim'], ({ x, y, dim = -1 }: { x: Tensor; y: Tensor; dim?: number }) => {
  const terms = mul(needTensor('linalg.vecdot', x), needTensor('linalg.vecdot', y))
  return sum(terms, normalizeDim('linalg.vecdot', dim, terms.ndim))
})

/**
 * Diagonals of matrices [..., m, n], the last two dimensions by default. A view. As `torch.linalg.diagonal`.
 *
 * @example
 * linalg.diagonal(tensor([[1, 2], [3, 4]])) // → tensor([1., 4.])
 */
export const diagonal: ((A: Tensor, options?: { offset?: number; dim1?: number; dim2?: number }) => Tensor) & Described =
  define('linalg.diagonal', ['A', '*', 'offset', 'dim1', 'dim2'], ({ A, offset = 0, dim1 = -2, dim2 = -1 }: { A: Tensor; offset?: number; dim1?: number; dim2?: number }) => diagonalOf(A, offset, dim1, dim2))
/**
 * Matrix product; the same as `matmul` outside of linalg. As `torch.linalg.matmul`.
 *
 * @example
 * linalg.matmul(randn(2, 3), randn(3, 4))   // f32[2,4]
 */
export const matmul: ((input: Tensor, other: Tensor) => Tensor) & Described = describe((input: Tensor, other: Tensor) => product(input, other), 'linalg.matmul', ['input', 'other'])
