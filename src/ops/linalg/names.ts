// The older names of linear algebra, outside of torch.linalg, and those that it shares with the rest.
import { define, describe, type Described } from '../define.ts'
import * as core from '../matmul.ts'
import { diagonal as diagonalOf, mT } from '../movement.ts'
import type { Tensor } from '../tensor.ts'
import * as decompose from './decompose.ts'
import { exponential, power } from './powers.ts'
import * as systems from './solve.ts'

type OfMatrix = ((input: Tensor) => Tensor) & Described

/** Diagonals of matrices [..., m, n], the last two dimensions by default. A view. As `torch.linalg.diagonal`. */
export const diagonal: ((A: Tensor, options?: { offset?: number; dim1?: number; dim2?: number }) => Tensor) & Described =
  define('linalg.diagonal', ['A', '*', 'offset', 'dim1', 'dim2'], ({ A, offset = 0, dim1 = -2, dim2 = -1 }: { A: Tensor; offset?: number; dim1?: number; dim2?: number }) => diagonalOf(A, offset, dim1, dim2))
/** Matrix product; the same as `matmul` outside of linalg. As `torch.linalg.matmul`. */
export const matmul: ((input: Tensor, other: Tensor) => Tensor) & Described = describe((input: Tensor, other: Tensor) => core.matmul(input, other), 'linalg.matmul', ['input', 'other'])

/** L with A = L·Lᵀ (or U with A = Uᵀ·U) of symmetric positive definite matrices. As `torch.cholesky`. */
export const cholesky: ((input: Tensor, upper?: boolean | { upper?: boolean }) => Tensor) & Described = define('cholesky', ['input', 'upper'], ({ input, upper = false }: { input: Tensor; upper?: boolean }) => decompose.cholesky(input, { upper }))
/** Determinants of square matrices. As `torch.det`. */
export const det: OfMatrix = describe((input: Tensor) => systems.det(input), 'det', ['input'])
/** `{sign, logabsdet}` of the determinants of square matrices. As `torch.slogdet`. */
export const slogdet: ((input: Tensor) => { sign: Tensor; logabsdet: Tensor }) & Described = describe((input: Tensor) => systems.slogdet(input), 'slogdet', ['input'])
/** A⁻¹ of square matrices. Throws when one is singular. As `torch.inverse`. */
export const inverse: OfMatrix = describe((input: Tensor) => systems.inv(input), 'inverse', ['input'])
/** The Moore–Penrose inverse; singular values up to `rcond` of the largest count as zero. As `torch.pinverse`. */
export const pinverse: ((input: Tensor, rcond?: number | { rcond?: number }) => Tensor) & Described = define('pinverse', ['input', 'rcond'], ({ input, rcond = 1e-15 }: { input: Tensor; rcond?: number }) => systems.pinv(input, { rtol: rcond }))
/** `{Q, R}`; with `some: false` a square Q. As `torch.qr`. */
export const qr: ((input: Tensor, some?: boolean | { some?: boolean }) => { Q: Tensor; R: Tensor }) & Described = define('qr', ['input', 'some'], ({ input, some = true }: { input: Tensor; some?: boolean }) => decompose.qr(input, some ? 'reduced' : 'complete'))
/** `{U, S, V}` with A = U·diag(S)·Vᵀ; with `some: false` square U and V. As `torch.svd`. */
export const svd: ((input: Tensor, some?: boolean | { some?: boolean; computeUv?: boolean }, computeUv?: boolean) => { U: Tensor; S: Tensor; V: Tensor }) & Described =
  define('svd', ['input', 'some', 'computeUv'], ({ input, some = true, computeUv = true }: { input: Tensor; some?: boolean; computeUv?: boolean }) => {
    const { U, S, Vh } = decompose.svd(input, !some)
    return computeUv ? { U, S, V: mT(Vh) } : { U: U.mul(0), S, V: mT(Vh).mul(0) }
  })
/** X with A·X = input from the two results of an LU factorisation of A. As `torch.lu_solve`. */
export const luSolve: ((input: Tensor, LUData: Tensor, LUPivots: Tensor) => Tensor) & Described = describe((input: Tensor, LUData: Tensor, LUPivots: Tensor) => decompose.luSolve(LUData, LUPivots, input), 'luSolve', ['input', 'LUData', 'LUPivots'])
/** The exponential of square matrices. As `torch.matrix_exp`. */
export const matrixExp: OfMatrix = describe((input: Tensor) => exponential('matrixExp', input), 'matrixExp', ['input'])
/** Square matrices times themselves n times. As `torch.matrix_power`. */
export const matrixPower: ((input: Tensor, n: number) => Tensor) & Described = describe((input: Tensor, n: number) => power('matrixPower', input, n), 'matrixPower', ['input', 'n'])
