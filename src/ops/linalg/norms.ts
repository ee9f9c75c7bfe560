// Norms of vectors and matrices, and what is measured by singular values.
import { isComplex, isDifferentiable, needDType, type DType } from '../../core/dtype.ts'
import { fail } from '../../core/errors.ts'
import { normalizeDim, normalizeDims } from '../../core/shape.ts'
import { cast } from '../cast.ts'
import { apply1, define, needTensor, type Described } from '../define.ts'
import { movedim, reshape, select } from '../movement.ts'
import { abs, div, eq, isnan, logicalOr, mul, ne, pow, sign, where } from '../pointwise.ts'
import { amax, amin, sum, type Dims } from '../reduce.ts'
import type { Tensor } from '../tensor.ts'
import { eighOp, svdvalsOp } from './factor.ts'
import { inverseOf, threshold, type RankOptions, type Threshold } from './solve.ts'
import { needMatrix, needSquare, ruled } from './tools.ts'
import { world } from '../world.ts'

export interface NormOptions {
  dim?: Dims
  keepdim?: boolean
  /** Convert before the norm is taken. */
  dtype?: DType | null
}

function floats(op: string, input: unknown, dtype?: DType | null): Tensor {
  const x = needTensor(op, input)
  if (dtype) needDType(op, dtype)
  const y = dtype ? cast(x, dtype) : x
  if (!isDifferentiable(y.dtype)) fail(op, `expected a float or complex tensor, got ${y}`, "convert it: x.to('float32')")
  return y
}

const withOnes = (x: Tensor, axes: readonly number[]): number[] => x.shape.map((n, i) => (axes.includes(i) ? 1 : n))

interface PNorm {
  readonly p: number
  readonly axes: readonly number[]
}
// Where the norm has a kink the derivative is 0, or shared by the largest elements.
const pNormRule = ruled<PNorm>('linalg.vectorNorm', (g0, y0, [x], { params: { p, axes } }) => {
  const shape = withOnes(x, axes)
  const [g, y] = [reshape(g0, shape), reshape(y0, shape)]
  if (p === 0) return [null]
  if (p === 1) return [mul(g, sign(x))]
  if (p === 2) return [mul(g, where(eq(y, 0), 0, div(x, y)))]
  const size = abs(x)
  if (Math.abs(p) === Infinity) {
    const hit = cast(logicalOr(eq(size, y), isnan(size)), x.dtype)
    return [mul(sign(x), mul(div(g, axes.length ? sum(hit, axes, { keepdim: true }) : hit), hit))]
  }
  if (p < 1) return [mul(mul(mul(sign(x), where(eq(x, 0), 0, pow(size, p - 1))), g), pow(y, 1 - p))]
  const slope = p < 2 ? mul(sign(x), pow(size, p - 1)) : mul(x, pow(size, p - 2))
  return [mul(slope, where(eq(y, 0), 0, div(g, pow(y, p - 1))))]
})

function pNorm(op: string, input: Tensor, p: number, axes: readonly number[], keepdim = false): Tensor {
  const x = isComplex(input.dtype) ? abs(input) : input
  const size = abs(x.detach())
  const over = (f: typeof sum, v: Tensor): Tensor => (axes.length ? f(v, axes) : v)
  const empty = axes.some(a => x.shape[a] === 0)
  if (empty && (p < 0 || p === Infinity)) fail(op, `the norm of order ${p} of no elements is not defined: ${x}`, 'the reduced dimensions must not be empty')
  const y =
    p === Infinity ? over(amax, size)
    : p === -Infinity ? over(amin, size)
    : p === 0 ? over(sum, cast(ne(size, 0), x.dtype))
    : p === 1 ? over(sum, size)
    : p === 2 ? over(sum, mul(size, size)).sqrt()
    : pow(over(sum, pow(size, p)), 1 / p)
  const norm = pNormRule(y, [x], { p, axes })
  return keepdim ? reshape(norm, withOnes(x, axes)) : norm
}

/** An empty list means all dimensions, as no list does. */
const allOr = (op: string, dim: Dims | undefined, rank: number): number[] => normalizeDims(op, Array.isArray(dim) && dim.length === 0 ? null : dim, rank)

/**
 * (Σ|x|ᵖ)^(1/p) over dimensions (default: all), p = `ord`; also ±Infinity, and 0, which counts. As `torch.linalg.vector_norm`.
 *
 * @example
 * linalg.vectorNorm(tensor([3, 4])) // → tensor(5.)
 */
export const vectorNorm: ((x: Tensor, ord?: number | (NormOptions & { ord?: number }), dim?: Dims | NormOptions, keepdim?: boolean | NormOptions, options?: NormOptions) => Tensor) & Described =
  define('linalg.vectorNorm', ['x', 'ord', 'dim', 'keepdim', '*', 'dtype'], ({ x, ord = 2, dim, keepdim, dtype }: { x: Tensor; ord?: number } & NormOptions) => {
    const op = 'linalg.vectorNorm'
    if (typeof ord !== 'number') fail(op, `the order is ${String(ord)}`, 'give a number; matrixNorm knows \'fro\' and \'nuc\'')
    const y = floats(op, x, dtype)
    return pNorm(op, y, ord, allOr(op, dim, y.ndim), keepdim)
  })

export type MatrixOrder = 'fro' | 'nuc' | number
function matrixNormOf(op: string, a: Tensor, ord: MatrixOrder, dim: readonly number[], keepdim = false): Tensor {
  const axes = dim.map(d => normalizeDim(op, d, a.ndim))
  if (axes.length !== 2 || axes[0] === axes[1]) fail(op, `dim [${dim.join()}] of ${a}`, 'two different dimensions hold the matrices')
  if (ord === 'fro') return pNorm(op, a, 2, axes, keepdim)
  const kept = (y: Tensor): Tensor => (keepdim ? reshape(y, withOnes(a, axes)) : y)
  const extreme = (n: number): typeof amax => (n > 0 ? amax : amin)
  if (ord === 'nuc' || Math.abs(ord) === 2) {
    const s = apply1(svdvalsOp, [needMatrix(op, movedim(a, axes, [-2, -1]))], null)
    return kept(ord === 'nuc' ? sum(s, -1) : extreme(ord)(s, -1))
  }
  if (Math.abs(ord) !== 1 && Math.abs(ord) !== Infinity) return fail(op, `the order is ${String(ord)}`, "orders of matrices: 'fro', 'nuc', ±1, ±2, ±Infinity")
  // The greatest (or least) column or row by sum of sizes.
  const [added, left] = Math.abs(ord) === 1 ? axes : axes.toReversed()
  return kept(extreme(ord)(sum(abs(a), added), left > added ? left - 1 : left))
}
/**
 * Norm of the matrices in two dimensions (default: the last): 'fro', 'nuc', ±1, ±2, ±Infinity. As `torch.linalg.matrix_norm`.
 *
 * @example
 * linalg.matrixNorm(tensor([[1, 2], [3, 4]]), Infinity) // → tensor(7.)
 */
export const matrixNorm: ((A: Tensor, ord?: MatrixOrder | (NormOptions & { ord?: MatrixOrder }), dim?: readonly number[] | NormOptions, keepdim?: boolean | NormOptions, options?: NormOptions) => Tensor) & Described =
  define('linalg.matrixNorm', ['A', 'ord', 'dim', 'keepdim', '*', 'dtype'], ({ A, ord = 'fro', dim = [-2, -1], keepdim, dtype }: { A: Tensor; ord?: MatrixOrder; dim?: readonly number[]; keepdim?: boolean; dtype?: DType }) => {
    const a = floats('linalg.matrixNorm', A, dtype)
    if (a.ndim < 2) fail('linalg.matrixNorm', `${a} is no matrix`, 'vectorNorm takes any tensor')
    return matrixNormOf('linalg.matrixNorm', a, ord, dim, keepdim)
  })

/**
 * Vector norm, or matrix norm where two dimensions or a matrix order are given; by default the 2-norm of all elements. As `torch.linalg.norm`.
 *
 * @example
 * linalg.norm(tensor([[3, 4], [6, 8]]), { dim: 1 }) // → tensor([ 5., 10.])
 */
export const norm: ((A: Tensor, ord?: MatrixOrder | null | (NormOptions & { ord?: MatrixOrder | null }), dim?: Dims | NormOptions, keepdim?: boolean | NormOptions, options?: NormOptions) => Tensor) & Described =
  define('linalg.norm', ['A', 'ord', 'dim', 'keepdim', '*', 'dtype'], ({ A, ord, dim, keepdim, dtype }: { A: Tensor; ord?: MatrixOrder | null } & NormOptions) => {
    const op = 'linalg.norm'
    const a = floats(op, A, dtype)
    if (ord === undefined || ord === null) return pNorm(op, a, 2, allOr(op, dim, a.ndim), keepdim)
    const none = dim === undefined || dim === null
    if (none && a.ndim !== 1 && a.ndim !== 2) fail(op, `an order without dim is for vectors and matrices, got ${a}`, 'say the dimension, or two of them')
    const axes = none ? [...a.shape.keys()] : normalizeList(op, dim, a.ndim)
    if (axes.length === 2) return matrixNormOf(op, a, ord, axes, keepdim)
    if (typeof ord !== 'number') return fail(op, `'${ord}' is an order for matrices, got ${a} and dim ${String(dim ?? 'none')}`, 'give two dimensions')
    return pNorm(op, a, ord, axes, keepdim)
  })
/** In the order in which they were given: rows and columns are not the same. */
const normalizeList = (op: string, dim: number | readonly number[], rank: number): number[] => (typeof dim === 'number' ? [dim] : [...dim]).map(d => normalizeDim(op, d, rank))

/**
 * How much an inverse may magnify errors: ‖A‖·‖A⁻¹‖ of square matrices; of any by singular values where `p` is null (2), 2 or −2. As `torch.linalg.cond`.
 *
 * @example
 * linalg.cond(tensor([[4, 0], [0, 2]])) // → tensor(2.)
 */
export const cond: ((A: Tensor, p?: MatrixOrder | null | { p?: MatrixOrder | null }) => Tensor) & Described = define('linalg.cond', ['A', 'p'], ({ A, p = 2 }: { A: Tensor; p?: MatrixOrder | null }) => {
  const op = 'linalg.cond'
  const a = needMatrix(op, A, 'A')
  if (p === null || p === 2 || p === -2) {
    const s = apply1(svdvalsOp, [a], null)
    const [most, least] = [select(s, -1, 0), select(s, -1, -1)]
    return p === -2 ? div(least, most) : div(most, least)
  }
  const [inverse, info] = inverseOf(op, a, false)
  return where(ne(info, 0), Infinity, mul(matrixNormOf(op, a, p, [-2, -1]), matrixNormOf(op, inverse, p, [-2, -1])))
})

/**
 * How many singular values of matrices [..., m, n] are not as good as zero: int32 [...]. As `torch.linalg.matrix_rank`.
 *
 * @example
 * linalg.matrixRank(tensor([[1, 2], [2, 4]])) // → tensor(1)
 */
export const matrixRank: ((A: Tensor, tol?: Threshold | (RankOptions & { tol?: Threshold }), hermitian?: boolean | RankOptions, options?: RankOptions) => Tensor) & Described =
  define('linalg.matrixRank', ['A', 'tol', 'hermitian', '*', 'atol', 'rtol'], ({ A, tol, hermitian, atol = tol, rtol = tol === undefined || tol === null ? undefined : 0 }: { A: Tensor; tol?: Threshold } & RankOptions) => {
    const op = 'linalg.matrixRank'
    const a = (hermitian ? needSquare : needMatrix)(op, A, 'A').detach()
    const s = hermitian ? abs(world().apply(eighOp, [a], { upper: false })[0]) : apply1(svdvalsOp, [a], null)
    return sum(s.gt(threshold(s, a.shape, { atol, rtol })), -1)
  })
