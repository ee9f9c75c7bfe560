// Linear systems, inverses and determinants.
import { fail } from '../../core/errors.ts'
import { formatShape, normalizeDim, numel, sameShape, type Shape } from '../../core/shape.ts'
import { cast } from '../cast.ts'
import { apply1, define, describe, needTensor, type Described } from '../define.ts'
import { matmul } from '../matmul.ts'
import { diagonal, mT, narrow, permute, reshape, squeeze, unsqueeze } from '../movement.ts'
import { abs, add, clampMin, eq, log, mul, ne, neg, reciprocal, sign, sub, where } from '../pointwise.ts'
import { productOfOthers } from '../products.ts'
import { amax, prod, sum } from '../reduce.ts'
import type { Tensor } from '../tensor.ts'
import { world } from '../world.ts'
import { luOp, solved, svdOp, svdvalsOp, triangular, triangularRight } from './factor.ts'
import { identityLike, iota, lowerPart, needMatrix, needSquare, ruled, sameBatch, sameDType } from './tools.ts'

export interface SideOptions {
  /** false: solve X·A = B. */
  left?: boolean
}

/** Solves with B as a matrix; B may be a vector, or a stack of vectors as many as A has matrices. */
function solveWith(op: string, A: unknown, B: unknown, left: boolean, strict: boolean): [x: Tensor, info: Tensor] {
  const a = needSquare(op, A, 'A')
  const b = needTensor(op, B)
  sameDType(op, a, b)
  const isVector = left && (b.ndim === 1 || (b.ndim === a.ndim - 1 && sameShape(b.shape, a.shape.slice(0, -1))))
  const n = a.shape.at(-1)!
  const columns = isVector ? unsqueeze(b, -1) : needMatrix(op, b, 'B')
  if (columns.shape.at(left ? -2 : -1) !== n) fail(op, `A ${a} and B ${b} do not go together`, `B must be a vector of ${n}, or have ${n} ${left ? 'rows' : 'columns'}`)
  // X·A = B is Aᵀ·Xᵀ = Bᵀ.
  const [f, rhs] = sameBatch(op, left ? a : mT(a), left ? columns : mT(columns))
  const [x, info] = solved(f, rhs, strict ? op : null)
  return [isVector ? squeeze(x, -1) : left ? x : mT(x), info]
}
/**
 * X with A·X = B, for square A [..., n, n] and B [..., n, k] or a vector [n]. Throws when a matrix is singular. As `torch.linalg.solve`.
 *
 * @example
 * linalg.solve(tensor([[2, 0], [0, 4]]), tensor([2, 2])) // → tensor([1.0000, 0.5000])
 */
export const solve: ((A: Tensor, B: Tensor, options?: SideOptions) => Tensor) & Described =
  define('linalg.solve', ['A', 'B', '*', 'left'], ({ A, B, left = true }: { A: Tensor; B: Tensor } & SideOptions) => solveWith('linalg.solve', A, B, left, true)[0])
/**
 * `{result, info}`: as `solve`; for a singular matrix `info` counts from 1 the pivot that is zero, and the result means nothing. As `torch.linalg.solve_ex`.
 *
 * @example
 * linalg.solveEx(tensor([[1, 2], [2, 4]]), tensor([1, 1])).info // → tensor(2)
 */
export const solveEx: ((A: Tensor, B: Tensor, options?: SideOptions & { checkErrors?: boolean }) => { result: Tensor; info: Tensor }) & Described =
  define('linalg.solveEx', ['A', 'B', '*', 'left', 'checkErrors'], ({ A, B, left = true, checkErrors = false }: { A: Tensor; B: Tensor; checkErrors?: boolean } & SideOptions) => {
    const [result, info] = solveWith('linalg.solveEx', A, B, left, checkErrors)
    return { result, info }
  })

export function inverseOf(op: string, input: unknown, strict: boolean): [inverse: Tensor, info: Tensor] {
  const a = needSquare(op, input, 'A')
  const [eye] = sameBatch(op, identityLike(a, a.shape.at(-1)!), a)
  const [inverse, info] = solved(a, eye, strict ? op : null)
  return [inverse, info]
}
/**
 * A⁻¹ of square matrices [..., n, n]. Throws when one is singular. As `torch.linalg.inv`.
 *
 * @example
 * linalg.inv(tensor([[2, 0], [0, 4]]))
 * // tensor([[0.5000, 0.0000],
 * //         [0.0000, 0.2500]])
 */
export const inv: ((A: Tensor) => Tensor) & Described = describe((A: Tensor) => inverseOf('linalg.inv', A, true)[0], 'linalg.inv', ['A'])
/**
 * `{inverse, info}`: as `inv`; `info` tells singular matrices. As `torch.linalg.inv_ex`.
 *
 * @example
 * linalg.invEx(tensor([[1, 2], [2, 4]])).info // → tensor(2)
 */
export const invEx: ((A: Tensor, options?: { checkErrors?: boolean }) => { inverse: Tensor; info: Tensor }) & Described =
  define('linalg.invEx', ['A', '*', 'checkErrors'], ({ A, checkErrors = false }: { A: Tensor; checkErrors?: boolean }) => {
    const [inverse, info] = inverseOf('linalg.invEx', A, checkErrors)
    return { inverse, info }
  })

export interface TriangularOptions extends SideOptions {
  /** Which triangle of A is read; it must be said. */
  upper: boolean
  /** Take the diagonal of A as ones. */
  unitriangular?: boolean
}
/**
 * X with A·X = B for a triangular A [..., n, n]; B is [..., n, k]. A zero on the diagonal gives infinities. As `torch.linalg.solve_triangular`.
 *
 * @example
 * linalg.solveTriangular(tensor([[2, 0], [1, 1]]), tensor([[2], [3]]), { upper: false }) // → tensor([[1.],
 * //           [2.]])
 */
export const solveTriangular: ((A: Tensor, B: Tensor, options: TriangularOptions) => Tensor) & Described =
  define('linalg.solveTriangular', ['A', 'B', '*', 'upper', 'left', 'unitriangular'], ({ A, B, upper, left = true, unitriangular = false }: { A: Tensor; B: Tensor } & TriangularOptions) => {
    const op = 'linalg.solveTriangular'
    const [a, b] = [needSquare(op, A, 'A'), needMatrix(op, B, 'B')]
    if (typeof upper !== 'boolean') fail(op, 'which triangle of A counts is not said', '{ upper: true } or { upper: false }')
    sameDType(op, a, b)
    if (a.shape.at(-1) !== b.shape.at(left ? -2 : -1)) fail(op, `A ${a} and B ${b} do not go together`, `B needs ${a.shape.at(-1)} ${left ? 'rows' : 'columns'}`)
    const [f, rhs] = sameBatch(op, a, b)
    return (left ? triangular : triangularRight)(f, rhs, upper, unitriangular)
  })

/** A number, or a tensor with one for each matrix. */
export type Threshold = number | Tensor | null
export interface RankOptions {
  /** Singular values up to this count as zero… */
  atol?: Threshold
  /** …and so do those up to this part of the largest one. Default: the larger size times the precision of the dtype, or 0 when `atol` is given. */
  rtol?: Threshold
  /** The matrices are symmetric; only their lower triangle is read. */
  hermitian?: boolean
}
const perMatrix = (t: number | Tensor): number | Tensor => (typeof t === 'number' ? t : unsqueeze(t, -1))
/** What values of size `s` [..., k] (largest anywhere) must exceed not to count as zero: [..., 1]. */
export function threshold(s: Tensor, shape: Shape, { atol, rtol }: RankOptions): Tensor {
  const least = atol ?? 0
  const eps = Math.max(shape.at(-2)!, shape.at(-1)!) * (s.dtype === 'float64' ? 2 ** -52 : 2 ** -23)
  const part = rtol ?? (typeof least === 'number' ? (least > 0 ? 0 : eps) : where(least.gt(0), 0, eps))
  const largest = s.shape.at(-1) === 0 ? sum(s, -1, { keepdim: true }) : amax(s, -1, { keepdim: true })
  return clampMin(mul(largest, perMatrix(part)), perMatrix(least))
}

// dA for m ≤ n; otherwise the same of the transpose (Golub & Pereyra 1973).
const pinvRule = ruled('linalg.pinv', (g, p, [a]) => {
  const rule = (h: Tensor, q: Tensor, x: Tensor): Tensor => {
    const [ht, qt] = [mT(h), mT(q)]
    const k = matmul(ht, q)
    const kq = matmul(k, qt)
    return add(sub(sub(kq, mT(matmul(q, k))), matmul(matmul(x, q), kq)), matmul(matmul(qt, q), sub(ht, matmul(k, x))))
  }
  return [a.shape.at(-2)! <= a.shape.at(-1)! ? rule(g, p, a) : mT(rule(mT(g), mT(p), mT(a)))]
})
function pinvOf(op: string, A: unknown, o: RankOptions): Tensor {
  const a = needMatrix(op, A, 'A')
  if (o.hermitian) needSquare(op, a, 'A')
  const x = a.detach()
  const [u, s, vh] = world().apply(svdOp, [o.hermitian ? add(lowerPart(x), mT(lowerPart(x, -1))) : x], { full: false })
  const inverse = where(s.gt(threshold(s, a.shape, o)), reciprocal(s), 0)
  return pinvRule(matmul(mul(mT(vh), unsqueeze(inverse, -2)), mT(u)), [a], null)
}
/**
 * The Moore–Penrose inverse [..., n, m] of matrices [..., m, n]; small singular values count as zero. As `torch.linalg.pinv`.
 *
 * @example
 * linalg.pinv(randn(5, 3))   // f32[3,5]
 */
export const pinv: ((A: Tensor, rcond?: Threshold | (RankOptions & { rcond?: Threshold }), hermitian?: boolean | RankOptions, options?: RankOptions) => Tensor) & Described =
  define('linalg.pinv', ['A', 'rcond', 'hermitian', '*', 'atol', 'rtol'], ({ A, rcond, rtol = rcond, ...rest }: { A: Tensor; rcond?: Threshold } & RankOptions) => pinvOf('linalg.pinv', A, { ...rest, rtol }))

export interface Lstsq {
  solution: Tensor
  /** Σ of the squared errors of each column of B, when A has more rows than columns; else empty. */
  residuals: Tensor
  rank: Tensor
  singularValues: Tensor
}
/**
 * `{solution, residuals, rank, singularValues}`: X [..., n, k] with the least ‖A·X − B‖, and among those the shortest, for A [..., m, n] and B [..., m, k]
 * or [..., m]. `rcond`: singular values up to this part of the largest count as zero. As `torch.linalg.lstsq`.
 *
 * @example
 * const x = tensor([[1, 0], [1, 1], [1, 2]])
 * const { solution } = linalg.lstsq(x, tensor([1, 3, 5]))   // about [1, 2]: the line 1 + 2t
 */
export const lstsq: ((A: Tensor, B: Tensor, rcond?: number | { rcond?: number; driver?: string | null }, options?: { driver?: string | null }) => Lstsq) & Described =
  define('linalg.lstsq', ['A', 'B', 'rcond', '*', 'driver'], ({ A, B, rcond, driver }: { A: Tensor; B: Tensor; rcond?: number; driver?: string | null }) => {
    const op = 'linalg.lstsq'
    const a = needMatrix(op, A, 'A')
    const b = needTensor(op, B)
    sameDType(op, a, b)
    if (driver && !['gels', 'gelsy', 'gelsd', 'gelss'].includes(driver)) fail(op, `the driver is '${driver}'`, "PyTorch knows 'gels', 'gelsy', 'gelsd' and 'gelss'; here all of them mean the same")
    const isVector = b.ndim === 1 || (b.ndim === a.ndim - 1 && sameShape(b.shape, a.shape.slice(0, -1)))
    const rhs = isVector ? unsqueeze(b, -1) : needMatrix(op, b, 'B')
    if (rhs.shape.at(-2) !== a.shape.at(-2)) fail(op, `A ${a} and B ${b} have different numbers of rows`, 'each row is one equation')
    const [f, columns] = sameBatch(op, a, rhs)
    const x = matmul(pinvOf(op, f, { rtol: rcond }), columns)
    const values = apply1(svdvalsOp, [a.detach()], null)
    const [m, n] = a.shape.slice(-2)
    const errors = sub(matmul(f, x), columns)
    const residuals = m > n ? sum(mul(errors, errors), -2) : narrow(reshape(values, [-1]), 0, 0, 0)
    const rank = sum(values.gt(threshold(values, a.shape, { rtol: rcond })), -1)
    return { solution: isVector ? squeeze(x, -1) : x, residuals, rank, singularValues: values } satisfies Lstsq
  })

/** Which swaps happened, as a sign: [...]. */
const swapSign = (pivots: Tensor, like: Tensor): Tensor => {
  const swaps = sum(ne(pivots, add(iota(pivots, pivots.shape.at(-1)!), 1)), -1)
  return cast(sub(1, mul(swaps.remainder(2), 2)), like.dtype)
}
const luParts = (a: Tensor): [pivot: Tensor, sign: Tensor] => {
  const [lu, pivots] = world().apply(luOp, [a.detach()], { strict: null })
  return [diagonal(lu, 0, -2, -1), swapSign(pivots, a)]
}
const detOf = (a: Tensor): Tensor => {
  const [pivot, swaps] = luParts(a)
  return mul(prod(pivot, -1), swaps)
}
const asMatrix = (x: Tensor): Tensor => unsqueeze(unsqueeze(x, -1), -1)

// d det = Σ cofactors · dA. Of a regular matrix the cofactors are det·A⁻ᵀ; of a singular one they come from A = U·S·Vh, where no division
// is needed. Each formula gets harmless matrices in the place of those that it is not for.
const detRule = ruled('linalg.det', (g, d, [a]) => {
  const n = a.shape.at(-1)!
  const singular = eq(asMatrix(d), 0)
  const eye = identityLike(a, n)
  const [inverse] = solved(where(singular, eye, a), sameBatch('linalg.det', eye, a)[0], null)
  const [u, s, vh] = world().apply(svdOp, [where(singular, a, mul(eye, add(iota(a, n), 1)))], { full: false })
  const flip = asMatrix(detOf(matmul(u, vh)))
  const cofactors = where(singular, mul(matmul(mul(u, unsqueeze(productOfOthers(s, [s.ndim - 1]), -2)), vh), flip), mul(mT(inverse), asMatrix(d)))
  return [mul(asMatrix(g), cofactors)]
})
/**
 * Determinants [...] of square matrices [..., n, n]. As `torch.linalg.det`.
 *
 * @example
 * linalg.det(tensor([[3, 0], [0, 2]])) // → tensor(6.)
 */
export const det: ((A: Tensor) => Tensor) & Described = describe((A: Tensor) => {
  const a = needSquare('linalg.det', A, 'A')
  return detRule(detOf(a), [a], null)
}, 'linalg.det', ['A'])

const logdetRule = ruled('linalg.slogdet', (g, _, [a]) => {
  const n = a.shape.at(-1)!
  const [inverse] = solved(mT(a), sameBatch('linalg.slogdet', identityLike(a, n), a)[0], null)
  return [mul(asMatrix(g), inverse)]
})
/**
 * `{sign, logabsdet}` of the determinants of square matrices; logabsdet is −∞ where the determinant is 0. As `torch.linalg.slogdet`.
 *
 * @example
 * const { sign, logabsdet } = linalg.slogdet(tensor([[-1, 0], [0, 1]]))
 * sign // → tensor(-1.)
 */
export const slogdet: ((A: Tensor) => { sign: Tensor; logabsdet: Tensor }) & Described = describe((A: Tensor) => {
  const a = needSquare('linalg.slogdet', A, 'A')
  const [pivot, swaps] = luParts(a)
  return { sign: mul(prod(sign(pivot), -1), swaps), logabsdet: logdetRule(sum(log(abs(pivot)), -1), [a], null) }
}, 'linalg.slogdet', ['A'])

/**
 * log det of square matrices; NaN where the determinant is negative. As `torch.logdet`.
 *
 * @example
 * logdet(eye(3)) // → tensor(0.)
 */
export const logdet: ((input: Tensor) => Tensor) & Described = describe((input: Tensor) => {
  const { sign: s, logabsdet } = slogdet(input)
  return where(eq(s, -1), NaN, logabsdet)
}, 'logdet', ['input'])

/**
 * The inverse of A from its Cholesky factor: A = L·Lᵀ, or Uᵀ·U with `upper`. As `torch.cholesky_inverse`.
 *
 * @example
 * const L = linalg.cholesky(tensor([[4, 2], [2, 5]]))
 * choleskyInverse(L)   // the inverse of [[4, 2], [2, 5]]
 */
export const choleskyInverse: ((input: Tensor, upper?: boolean | { upper?: boolean }) => Tensor) & Described = define('choleskyInverse', ['input', 'upper'], ({ input, upper = false }: { input: Tensor; upper?: boolean }) => {
  const f = needSquare('choleskyInverse', input)
  const x = f.detach()
  const l = upper ? mT(x) : x
  const half = triangular(l, sameBatch('choleskyInverse', identityLike(x, x.shape.at(-1)!), x)[0], false)
  return choleskyInverseRule(matmul(mT(half), half), [f], { upper })
})
const choleskyInverseRule = ruled<{ upper: boolean }>('choleskyInverse', (g, y, [f], { params: { upper } }) => {
  const both = matmul(y, matmul(add(g, mT(g)), y))
  return [neg(upper ? matmul(f, both) : matmul(both, f))]
})
/**
 * X with A·X = B from the Cholesky factor of A: A = L·Lᵀ, or Uᵀ·U with `upper`. As `torch.cholesky_solve`.
 *
 * @example
 * const L = linalg.cholesky(tensor([[4, 2], [2, 5]]))
 * choleskySolve(tensor([[6], [7]]), L)   // [[1], [1]]
 */
export const choleskySolve: ((B: Tensor, L: Tensor, upper?: boolean | { upper?: boolean }) => Tensor) & Described =
  define('choleskySolve', ['input', 'input2', 'upper'], ({ input, input2, upper = false }: { input: Tensor; input2: Tensor; upper?: boolean }) => {
    const op = 'choleskySolve'
    const [b, f] = [needMatrix(op, input, 'B'), needSquare(op, input2, 'L')]
    if (b.shape.at(-2) !== f.shape.at(-1)) fail(op, `B ${b} and the factor ${f} do not go together`, `B needs ${f.shape.at(-1)} rows`)
    const [l, rhs] = sameBatch(op, upper ? mT(f) : f, b)
    return triangular(mT(l), triangular(l, rhs, false), true)
  })

/**
 * The inverse of A as a map from its last dimensions to its first `ind`: `tensordot(tensorinv(A, ind), A, ind)` is an identity. As `torch.linalg.tensorinv`.
 *
 * @example
 * linalg.tensorinv(eye(6).reshape(2, 3, 6))   // f32[6,2,3]
 */
export const tensorinv: ((A: Tensor, ind?: number | { ind?: number }) => Tensor) & Described = define('linalg.tensorinv', ['A', 'ind'], ({ A, ind = 2 }: { A: Tensor; ind?: number }) => {
  const op = 'linalg.tensorinv'
  const { shape } = needTensor(op, A)
  const [rows, columns] = [shape.slice(0, ind), shape.slice(ind)]
  if (!(ind > 0) || numel(rows) !== numel(columns)) fail(op, `the first ${ind} sizes of ${A} multiply to ${numel(rows)}, the others to ${numel(columns)}`, 'they must be equal, and ind at least 1')
  return reshape(inverseOf(op, reshape(A, [numel(rows), numel(columns)]), true)[0], [...columns, ...rows])
})
/**
 * X with tensordot(A, X, X.ndim) = B; `dims` of A are moved to its end first. As `torch.linalg.tensorsolve`.
 *
 * @example
 * linalg.tensorsolve(eye(6).reshape(2, 3, 6), randn(2, 3))   // f32[6]
 */
export const tensorsolve: ((A: Tensor, B: Tensor, dims?: readonly number[] | { dims?: readonly number[] }) => Tensor) & Described =
  define('linalg.tensorsolve', ['A', 'B', 'dims'], ({ A, B, dims = [] }: { A: Tensor; B: Tensor; dims?: readonly number[] | null }) => {
    const op = 'linalg.tensorsolve'
    const last = (dims ?? []).map(d => normalizeDim(op, d, needTensor(op, A).ndim))
    const a = permute(A, [...[...A.shape.keys()].filter(d => !last.includes(d)), ...last])
    const shape = a.shape.slice(needTensor(op, B).ndim)
    const n = B.numel
    if (numel(shape) !== n || a.numel !== n * n) fail(op, `A ${A} does not map tensors of shape ${formatShape(shape)} to B ${B}`, 'the sizes of A are those of B, then those of the result, equally many elements')
    return reshape(solve(reshape(a, [n, n]), reshape(B, [n])), shape)
  })

/**
 * `{solution, clonedCoefficient}` with A·X = b for a triangular A. As `torch.triangular_solve`.
 *
 * @example
 * triangularSolve(tensor([[2], [3]]), tensor([[2, 0], [1, 1]]), { upper: false }).solution   // [[1], [2]]
 */
export const triangularSolve: ((input: Tensor, A: Tensor, upper?: boolean | { upper?: boolean; transpose?: boolean; unitriangular?: boolean }, transpose?: boolean, unitriangular?: boolean) => { solution: Tensor; clonedCoefficient: Tensor }) & Described =
  define('triangularSolve', ['input', 'A', 'upper', 'transpose', 'unitriangular'], ({ input, A, upper = true, transpose = false, unitriangular = false }: { input: Tensor; A: Tensor; upper?: boolean; transpose?: boolean; unitriangular?: boolean }) => ({
    solution: solveTriangular(transpose ? mT(needMatrix('triangularSolve', A, 'A')) : A, input, { upper: upper !== transpose, unitriangular }),
    clonedCoefficient: needTensor('triangularSolve', A).clone(),
  }))
