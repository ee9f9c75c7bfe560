// The names that linear algebra has outside of torch.linalg too.
import { fail } from '../../core/errors.ts'
import { define, describe, needTensor, type Described } from '../define.ts'
import { flip, mT, narrow } from '../movement.ts'
import type { Tensor } from '../tensor.ts'
import * as decompose from './decompose.ts'
import { exponential, power, vander as powersOf } from './powers.ts'
import * as systems from './solve.ts'

type OfMatrix = ((input: Tensor) => Tensor) & Described

/**
 * L with A = L·Lᵀ (or U with A = Uᵀ·U) of symmetric positive definite matrices. As `torch.cholesky`.
 *
 * @example
 * cholesky(tensor([[4, 2], [2, 5]])) // → tensor([[2., 0.],
 * //           [1., 2.]])
 */
export const cholesky: ((input: Tensor, upper?: boolean | { upper?: boolean }) => Tensor) & Described = define('cholesky', ['input', 'upper'], ({ input, upper = false }: { input: Tensor; upper?: boolean }) => decompose.cholesky(input, { upper }))
/**
 * Determinants of square matrices. As `torch.det`.
 *
 * @example
 * det(tensor([[3, 0], [0, 2]])) // → tensor(6.)
 */
export const det: OfMatrix = describe((input: Tensor) => systems.det(input), 'det', ['input'])
/**
 * `{sign, logabsdet}` of the determinants of square matrices. As `torch.slogdet`.
 *
 * @example
 * slogdet(tensor([[-1, 0], [0, 1]])).sign // → tensor(-1.)
 */
export const slogdet: ((input: Tensor) => { sign: Tensor; logabsdet: Tensor }) & Described = describe((input: Tensor) => systems.slogdet(input), 'slogdet', ['input'])
/**
 * A⁻¹ of square matrices. Throws when one is singular. As `torch.inverse`.
 *
 * @example
 * inverse(tensor([[2, 0], [0, 4]]))
 * // tensor([[0.5000, 0.0000],
 * //         [0.0000, 0.2500]])
 */
export const inverse: OfMatrix = describe((input: Tensor) => systems.inv(input), 'inverse', ['input'])
/**
 * The Moore–Penrose inverse; singular values up to `rcond` of the largest count as zero. As `torch.pinverse`.
 *
 * @example
 * pinverse(randn(5, 3))   // f32[3,5]
 */
export const pinverse: ((input: Tensor, rcond?: number | { rcond?: number }) => Tensor) & Described = define('pinverse', ['input', 'rcond'], ({ input, rcond = 1e-15 }: { input: Tensor; rcond?: number }) => systems.pinv(input, { rtol: rcond }))
/**
 * `{Q, R}`; with `some: false` a square Q. As `torch.qr`.
 *
 * @example
 * const { Q, R } = qr(randn(5, 3))   // f32[5,3] and f32[3,3]
 */
export const qr: ((input: Tensor, some?: boolean | { some?: boolean }) => { Q: Tensor; R: Tensor }) & Described = define('qr', ['input', 'some'], ({ input, some = true }: { input: Tensor; some?: boolean }) => decompose.qr(input, some ? 'reduced' : 'complete'))
/**
 * `{U, S, V}` with A = U·diag(S)·Vᵀ; with `some: false` square U and V. As `torch.svd`.
 *
 * @example
 * const { U, S, V } = svd(randn(5, 3))   // f32[5,3], f32[3], f32[3,3]
 */
export const svd: ((input: Tensor, some?: boolean | { some?: boolean; computeUv?: boolean }, computeUv?: boolean) => { U: Tensor; S: Tensor; V: Tensor }) & Described =
  define('svd', ['input', 'some', 'computeUv'], ({ input, some = true, computeUv = true }: { input: Tensor; some?: boolean; computeUv?: boolean }) => {
    const { U, S, Vh } = decompose.svd(input, !some)
    return computeUv ? { U, S, V: mT(Vh) } : { U: U.mul(0), S, V: mT(Vh).mul(0) }
  })
/**
 * X with A·X = input from the two results of an LU factorisation of A. As `torch.lu_solve`.
 *
 * @example
 * const { LU, pivots } = linalg.luFactor(randn(3, 3))
 * luSolve(randn(3, 2), LU, pivots)   // f32[3,2]
 */
export const luSolve: ((input: Tensor, LUData: Tensor, LUPivots: Tensor) => Tensor) & Described = describe((input: Tensor, LUData: Tensor, LUPivots: Tensor) => decompose.luSolve(LUData, LUPivots, input), 'luSolve', ['input', 'LUData', 'LUPivots'])
/**
 * The exponential of square matrices. As `torch.matrix_exp`.
 *
 * @example
 * matrixExp(zeros(2, 2)) // → tensor([[1., 0.],
 * //           [0., 1.]])
 */
export const matrixExp: OfMatrix = describe((input: Tensor) => exponential('matrixExp', input), 'matrixExp', ['input'])
/**
 * Square matrices times themselves n times. As `torch.matrix_power`.
 *
 * @example
 * matrixPower(tensor([[1, 1], [0, 1]]), 5) // → tensor([[1., 5.],
 * //           [0., 1.]])
 */
export const matrixPower: ((input: Tensor, n: number) => Tensor) & Described = describe((input: Tensor, n: number) => power('matrixPower', input, n), 'matrixPower', ['input', 'n'])

/**
 * `[LU, pivots]`, and with `getInfos` also what `linalg.luFactorEx` calls info. As `torch.lu`.
 *
 * @example
 * const [LU, pivots] = lu(randn(3, 3))
 * luUnpack(LU, pivots).P   // f32[3,3]
 */
export const lu: ((input: Tensor, pivot?: boolean | { pivot?: boolean; getInfos?: boolean }, getInfos?: boolean) => Tensor[]) & Described =
  define('lu', ['input', 'pivot', 'getInfos'], ({ input, pivot, getInfos = false }: { input: Tensor; pivot?: boolean; getInfos?: boolean }) => {
    const { LU, pivots, info } = decompose.luFactorEx(input, { pivot })
    return getInfos ? [LU, pivots, info] : [LU, pivots]
  })
/**
 * The first columns of a product of reflections; another name of `linalg.householderProduct`. As `torch.orgqr`.
 *
 * @example
 * const { a, tau } = geqrf(randn(5, 3))
 * orgqr(a, tau)   // f32[5,3], with orthonormal columns
 */
export const orgqr: ((input: Tensor, tau: Tensor) => Tensor) & Described = describe((input: Tensor, tau: Tensor) => decompose.householderProduct(input, tau), 'orgqr', ['input', 'input2'])
/**
 * Columns of powers of a vector [n]: xᴺ⁻¹ … x, 1, or with `increasing` the other way round; [n, N], N = n by default. As `torch.vander`.
 *
 * @example
 * vander(tensor([2, 3]), 3) // → tensor([[4., 2., 1.],
 * //           [9., 3., 1.]])
 */
export const vander: ((x: Tensor, N?: number | { N?: number; increasing?: boolean }, increasing?: boolean) => Tensor) & Described =
  define('vander', ['x', 'N', 'increasing'], ({ x, N, increasing = false }: { x: Tensor; N?: number; increasing?: boolean }) => {
    if (needTensor('vander', x).ndim !== 1) fail('vander', `expected a vector, got ${x}`, 'linalg.vander takes any number of dimensions')
    const n = N ?? x.shape[0]
    if (!Number.isInteger(n) || n < 0) fail('vander', `N is ${String(n)}`, 'give a whole number')
    const powers = narrow(powersOf(x, { N: Math.max(n, 2) }), 1, 0, n)
    return increasing ? powers : flip(powers, 1)
  })
