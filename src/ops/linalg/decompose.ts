// torch.linalg's factorisations.
import { fail } from '../../core/errors.ts'
import { apply1, define, describe, needTensor, type Described } from '../define.ts'
import { matmul } from '../matmul.ts'
import { expand, mT, narrow, reshape, unsqueeze } from '../movement.ts'
import { add, mul, sub } from '../pointwise.ts'
import { argsort } from '../sort.ts'
import { Tensor } from '../tensor.ts'
import { world } from '../world.ts'
import { choleskyOp, eighOp, geqrfOp, luOp, permutationT, qrOp, rowOrder, svdOp, svdvalsOp, triangular } from './factor.ts'
import { gatherOp } from '../gather.ts'
import { identityLike, lowerPart, needMatrix, needSquare, sameBatch, sameDType, upperPart } from './tools.ts'

export interface CholeskyOptions {
  /** Give the upper factor U with A = Uᵀ·U. */
  upper?: boolean
}

const factorOf = (op: string, input: unknown, upper = false, strict = true): [factor: Tensor, info: Tensor] => {
  const a = needSquare(op, input)
  const [l, info] = world().apply(choleskyOp, [a], { strict: strict ? op : null })
  return [upper ? mT(l) : l, info]
}
/**
 * L with A = L·Lᵀ for symmetric positive definite matrices [..., n, n]; reads the lower triangle. Throws when one is not. As `torch.linalg.cholesky`.
 *
 * @example
 * const L = linalg.cholesky(tensor([[4, 2], [2, 5]])) // → tensor([[2., 0.],
 * //           [1., 2.]])
 */
export const cholesky: ((input: Tensor, options?: CholeskyOptions) => Tensor) & Described =
  define('linalg.cholesky', ['input', '*', 'upper'], ({ input, upper }: { input: Tensor } & CholeskyOptions) => factorOf('linalg.cholesky', input, upper)[0])
/**
 * `{L, info}`: as `cholesky`, but a matrix that is not positive definite gets the order of its first bad leading minor in `info`, and NaN. As `torch.linalg.cholesky_ex`.
 *
 * @example
 * linalg.choleskyEx(tensor([[1, 2], [2, 1]])).info // → tensor(2)
 */
export const choleskyEx: ((input: Tensor, options?: CholeskyOptions & { checkErrors?: boolean }) => { L: Tensor; info: Tensor }) & Described =
  define('linalg.choleskyEx', ['input', '*', 'upper', 'checkErrors'], ({ input, upper, checkErrors = false }: { input: Tensor; checkErrors?: boolean } & CholeskyOptions) => {
    const [L, info] = factorOf('linalg.choleskyEx', input, upper, checkErrors)
    return { L, info }
  })

export type QrMode = 'reduced' | 'complete' | 'r'
/**
 * `{Q, R}` with A = Q·R, Q with orthonormal columns, R upper triangular, of matrices [..., m, n]. Mode 'r' leaves Q empty. As `torch.linalg.qr`.
 *
 * @example
 * const { Q, R } = linalg.qr(randn(5, 3))
 * Q.matmul(R)   // the matrix again; Q is f32[5,3], R f32[3,3]
 */
export const qr: ((A: Tensor, mode?: QrMode | { mode?: QrMode }) => { Q: Tensor; R: Tensor }) & Described = define('linalg.qr', ['A', 'mode'], ({ A, mode = 'reduced' }: { A: Tensor; mode?: QrMode }) => {
  const a = needMatrix('linalg.qr', A, 'A')
  if (!['reduced', 'complete', 'r'].includes(mode)) fail('linalg.qr', `the mode is '${String(mode)}'`, "modes: 'reduced', 'complete', 'r'")
  const [Q, R] = world().apply(qrOp, [a], { complete: mode === 'complete' })
  return { Q: mode === 'r' ? narrow(reshape(Q.detach(), [-1]), 0, 0, 0) : Q, R }
})
/**
 * `{a, tau}`: R and the Householder vectors of a QR factorisation, packed as LAPACK does. No gradient. As `torch.geqrf`.
 *
 * @example
 * const { a, tau } = geqrf(randn(5, 3))
 * linalg.householderProduct(a, tau)   // Q
 */
export const geqrf: ((input: Tensor) => { a: Tensor; tau: Tensor }) & Described = describe((input: Tensor) => {
  const [a, tau] = world().apply(geqrfOp, [needMatrix('geqrf', input)], null)
  return { a, tau }
}, 'geqrf', ['input'])

/** The parts of a compact product of reflections: H_0 ⋯ H_{k−1} = I − V·T·Vᵀ (Schreiber & Van Loan 1989). */
function compactForm(op: string, input: Tensor, tau: Tensor): [v: Tensor, t: Tensor] {
  const a = needMatrix(op, input, 'A')
  sameDType(op, a, needTensor(op, tau))
  const [m, n] = a.shape.slice(-2)
  const k = tau.shape.at(-1) ?? 0
  if (m < n || k > n || tau.ndim !== a.ndim - 1 || tau.shape.some((s, i) => i < tau.ndim - 1 && s !== a.shape[i]))
    fail(op, `A ${a} and tau ${tau} do not go together`, 'A [..., m, n] with m ≥ n, tau [..., k] with k ≤ n')
  const v = add(lowerPart(narrow(a, -1, 0, k), -1), identityLike(a, m, k))
  const scale = unsqueeze(tau, -1)
  const eye = identityLike(a, k)
  return [v, triangular(add(mul(upperPart(matmul(mT(v), v), 1), scale), eye), mul(eye, scale), true, true)]
}
/**
 * The first n columns of H_0·H_1 ⋯ H_{k−1}, where H_i = I − tau_i·v·vᵀ and v stands below the diagonal of column i of A [..., m, n]. As `torch.linalg.householder_product`.
 *
 * @example
 * const { a, tau } = geqrf(randn(5, 3))
 * linalg.householderProduct(a, tau)   // f32[5,3], with orthonormal columns
 */
export const householderProduct: ((A: Tensor, tau: Tensor) => Tensor) & Described = describe((A: Tensor, tau: Tensor) => {
  const [v, t] = compactForm('linalg.householderProduct', A, tau)
  const [m, n] = A.shape.slice(-2)
  return sub(identityLike(A, m, n), matmul(v, matmul(t, mT(narrow(v, -2, 0, n)))))
}, 'linalg.householderProduct', ['A', 'tau'])
/**
 * Q·other with the whole orthogonal Q that `geqrf` has packed; `left: false` gives other·Q, `transpose` takes Qᵀ. As `torch.ormqr`.
 *
 * @example
 * const { a, tau } = geqrf(randn(5, 3))
 * ormqr(a, tau, randn(5, 2), { transpose: true })   // Qᵀ times the other, f32[5,2]
 */
export const ormqr: ((input: Tensor, tau: Tensor, other: Tensor, left?: boolean | { left?: boolean; transpose?: boolean }, transpose?: boolean) => Tensor) & Described =
  define('ormqr', ['input', 'tau', 'other', 'left', 'transpose'], ({ input, tau, other, left = true, transpose = false }: { input: Tensor; tau: Tensor; other: Tensor; left?: boolean; transpose?: boolean }) => {
    const [v, t] = compactForm('ormqr', input, tau)
    const way = transpose ? mT(t) : t
    return left ? sub(other, matmul(v, matmul(way, matmul(mT(v), other)))) : sub(other, matmul(matmul(matmul(other, v), way), mT(v)))
  })

export interface PivotOptions {
  /** Only `true`: rows are always exchanged for stability. */
  pivot?: boolean
}
function luOf(op: string, input: unknown, pivot = true, strict: string | null = null): Tensor[] {
  const a = needMatrix(op, input, 'A')
  if (!pivot) fail(op, 'pivot is false', 'a factorisation without exchanges of rows is not there, as in PyTorch on a CPU')
  return world().apply(luOp, [a], { strict })
}
/**
 * `{P, L, U}` with A = P·L·U for matrices [..., m, n]: a permutation, a lower triangle with ones on the diagonal, an upper triangle. As `torch.linalg.lu`.
 *
 * @example
 * const { P, L, U } = linalg.lu(tensor([[1, 2], [4, 4]]))
 * U // → tensor([[4., 4.],
 * //           [0., 1.]])
 */
export const lu: ((A: Tensor, options?: PivotOptions) => { P: Tensor; L: Tensor; U: Tensor }) & Described = define('linalg.lu', ['A', '*', 'pivot'], ({ A, pivot }: { A: Tensor } & PivotOptions) => {
  const [LU, pivots] = luOf('linalg.lu', A, pivot)
  return unpack(LU, pivots)
})
function unpack(LU: Tensor, pivots: Tensor): { P: Tensor; L: Tensor; U: Tensor } {
  const [m, n] = LU.shape.slice(-2)
  const k = Math.min(m, n)
  return {
    P: mT(permutationT(pivots, m, LU)),
    L: add(lowerPart(narrow(LU, -1, 0, k), -1), identityLike(LU, m, k)),
    U: upperPart(narrow(LU, -2, 0, k)),
  }
}
/**
 * `{P, L, U}` from what `luFactor` gives. As `torch.lu_unpack`.
 *
 * @example
 * const { LU, pivots } = linalg.luFactor(randn(3, 3))
 * const { P, L, U } = luUnpack(LU, pivots)
 */
export const luUnpack: ((LUData: Tensor, LUPivots: Tensor) => { P: Tensor; L: Tensor; U: Tensor }) & Described = describe((LUData: Tensor, LUPivots: Tensor) => {
  needMatrix('luUnpack', LUData, 'LUData')
  needPivots('luUnpack', LUData, LUPivots)
  return unpack(LUData, LUPivots)
}, 'luUnpack', ['LUData', 'LUPivots'])
/**
 * `{LU, pivots}`: both triangles in one matrix, and for each row the row (from 1) that it was exchanged with. As `torch.linalg.lu_factor`.
 *
 * @example
 * const { LU, pivots } = linalg.luFactor(tensor([[1, 2], [4, 4]]))
 * pivots // → tensor([2, 2])
 */
export const luFactor: ((A: Tensor, options?: PivotOptions) => { LU: Tensor; pivots: Tensor }) & Described = define('linalg.luFactor', ['A', '*', 'pivot'], ({ A, pivot }: { A: Tensor } & PivotOptions) => {
  const [LU, pivots] = luOf('linalg.luFactor', A, pivot)
  return { LU, pivots }
})
/**
 * `{LU, pivots, info}`: as `luFactor`; `info` is 0, or counts from 1 the first pivot that is zero. As `torch.linalg.lu_factor_ex`.
 *
 * @example
 * linalg.luFactorEx(tensor([[1, 2], [2, 4]])).info // → tensor(2)
 */
export const luFactorEx: ((A: Tensor, options?: PivotOptions & { checkErrors?: boolean }) => { LU: Tensor; pivots: Tensor; info: Tensor }) & Described =
  define('linalg.luFactorEx', ['A', '*', 'pivot', 'checkErrors'], ({ A, pivot, checkErrors = false }: { A: Tensor; checkErrors?: boolean } & PivotOptions) => {
    const [LU, pivots, info] = luOf('linalg.luFactorEx', A, pivot, checkErrors ? 'linalg.luFactorEx' : null)
    return { LU, pivots, info }
  })

const needPivots = (op: string, LU: Tensor, pivots: Tensor): void => {
  if (!(pivots instanceof Tensor) || pivots.dtype !== 'int32' || pivots.shape.at(-1) !== Math.min(...LU.shape.slice(-2)))
    fail(op, `pivots ${String(pivots)} do not belong to ${LU}`, 'give both results of luFactor')
}
export interface LuSolveOptions {
  /** false: solve X·A = B. */
  left?: boolean
  /** Solve with Aᵀ. */
  adjoint?: boolean
}
/**
 * X with A·X = B from what `luFactor` gives for A; B is [..., n, k]. As `torch.linalg.lu_solve`.
 *
 * @example
 * const { LU, pivots } = linalg.luFactor(randn(3, 3))
 * linalg.luSolve(LU, pivots, randn(3, 2))   // f32[3,2]
 */
export const luSolve: ((LU: Tensor, pivots: Tensor, B: Tensor, options?: LuSolveOptions) => Tensor) & Described =
  define('linalg.luSolve', ['LU', 'pivots', 'B', '*', 'left', 'adjoint'], ({ LU, pivots, B, left = true, adjoint = false }: { LU: Tensor; pivots: Tensor; B: Tensor } & LuSolveOptions) => {
    const op = 'linalg.luSolve'
    const a = needSquare(op, LU, 'LU')
    const b = needMatrix(op, B, 'B')
    needPivots(op, a, pivots)
    sameDType(op, a, b)
    const n = a.shape.at(-1)!
    if (b.shape.at(left ? -2 : -1) !== n) fail(op, `B ${b} does not fit matrices of ${n} × ${n}`, `its ${left ? 'rows' : 'columns'} must be ${n}`)
    // X·A = B is Aᵀ·Xᵀ = Bᵀ.
    const [f, rhs] = sameBatch(op, a, left ? b : mT(b))
    const order = rowOrder(pivots, n)
    const x = adjoint === left
      ? rows(triangular(mT(f), triangular(mT(f), rhs, false), true, true), argsort(order))
      : triangular(f, triangular(f, rows(rhs, order), false, true), true)
    return left ? x : mT(x)
  })
/** Rows of each matrix in another order. */
const rows = (x: Tensor, order: Tensor): Tensor => apply1(gatherOp, [x, expand(unsqueeze(order, -1), x.shape)], { axis: x.ndim - 2 })

export interface EighOptions {
  /** Which triangle is read: 'L' (the default) or 'U'. */
  UPLO?: 'L' | 'U'
}
function eigen(op: string, input: unknown, UPLO = 'L'): Tensor[] {
  const a = needSquare(op, input, 'A')
  if (!['L', 'U', 'l', 'u'].includes(UPLO)) fail(op, `UPLO is '${String(UPLO)}'`, "'L' reads the lower triangle, 'U' the upper")
  return world().apply(eighOp, [a], { upper: UPLO.toUpperCase() === 'U' })
}
/**
 * `{eigenvalues, eigenvectors}` of symmetric matrices [..., n, n]: values ascending, vectors in columns. As `torch.linalg.eigh`.
 *
 * @example
 * const { eigenvalues, eigenvectors } = linalg.eigh(tensor([[2, 1], [1, 2]]))
 * eigenvalues.round() // → tensor([1., 3.])
 */
export const eigh: ((A: Tensor, UPLO?: 'L' | 'U' | EighOptions) => { eigenvalues: Tensor; eigenvectors: Tensor }) & Described = define('linalg.eigh', ['A', 'UPLO'], ({ A, UPLO }: { A: Tensor } & EighOptions) => {
  const [eigenvalues, eigenvectors] = eigen('linalg.eigh', A, UPLO)
  return { eigenvalues, eigenvectors }
})
/**
 * Eigenvalues of symmetric matrices [..., n, n], ascending: [..., n]. As `torch.linalg.eigvalsh`.
 *
 * @example
 * linalg.eigvalsh(tensor([[2, 1], [1, 2]])).round() // → tensor([1., 3.])
 */
export const eigvalsh: ((A: Tensor, UPLO?: 'L' | 'U' | EighOptions) => Tensor) & Described = define('linalg.eigvalsh', ['A', 'UPLO'], ({ A, UPLO }: { A: Tensor } & EighOptions) => eigen('linalg.eigvalsh', A, UPLO)[0])

export interface SvdOptions {
  /** Square U and Vh (the default), or only as many columns and rows as there are singular values. */
  fullMatrices?: boolean
  /** The algorithm that PyTorch would use on CUDA; there is one here. */
  driver?: string | null
}
/**
 * `{U, S, Vh}` with A = U·diag(S)·Vh for matrices [..., m, n]; S descending. The gradient wants distinct singular values. As `torch.linalg.svd`.
 *
 * @example
 * const { U, S, Vh } = linalg.svd(randn(5, 3), { fullMatrices: false })
 * U.mul(S).matmul(Vh)   // the matrix again
 */
export const svd: ((A: Tensor, fullMatrices?: boolean | SvdOptions, options?: SvdOptions) => { U: Tensor; S: Tensor; Vh: Tensor }) & Described =
  define('linalg.svd', ['A', 'fullMatrices', '*', 'driver'], ({ A, fullMatrices = true }: { A: Tensor } & SvdOptions) => {
    const [U, S, Vh] = world().apply(svdOp, [needMatrix('linalg.svd', A, 'A')], { full: fullMatrices })
    return { U, S, Vh }
  })
/**
 * Singular values [..., min(m, n)] of matrices [..., m, n], descending. As `torch.linalg.svdvals`.
 *
 * @example
 * linalg.svdvals(tensor([[3, 0], [0, -4]])) // → tensor([4., 3.])
 */
export const svdvals: ((A: Tensor, options?: Pick<SvdOptions, 'driver'>) => Tensor) & Described =
  define('linalg.svdvals', ['A', '*', 'driver'], ({ A }: { A: Tensor }) => apply1(svdvalsOp, [needMatrix('linalg.svdvals', A, 'A')], null))

