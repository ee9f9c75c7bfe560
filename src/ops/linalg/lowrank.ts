// The leading part of a singular value decomposition of large matrices, by a random subspace (Halko, Martinsson & Tropp 2011).
import { fail } from '../../core/errors.ts'
import { define, type Described } from '../define.ts'
import { matmul } from '../matmul.ts'
import { mT } from '../movement.ts'
import { sub } from '../pointwise.ts'
import { randn } from '../random.ts'
import { mean } from '../reduce.ts'
import type { Tensor } from '../tensor.ts'
import { qr, svd } from './decompose.ts'
import { needMatrix } from './tools.ts'

export interface LowrankOptions {
  /** How many singular values, or a few more. */
  q?: number
  /** Rounds of improvement. */
  niter?: number
}

function leading(op: string, a: Tensor, q: number, niter: number): [U: Tensor, S: Tensor, V: Tensor] {
  const [m, n] = a.shape.slice(-2)
  if (!(Number.isInteger(q) && q >= 1 && q <= Math.min(m, n))) fail(op, `q is ${String(q)} for matrices of ${m} × ${n}`, `give a whole number from 1 to ${Math.min(m, n)}`)
  if (!(Number.isInteger(niter) && niter >= 0)) fail(op, `niter is ${String(niter)}`, 'give a whole number ≥ 0')
  const basis = (x: Tensor): Tensor => qr(x).Q
  let Q = basis(matmul(a, randn([n, q], { dtype: a.dtype })))
  for (let i = 0; i < niter; i++) Q = basis(matmul(a, basis(matmul(mT(a), Q))))
  const { U, S, Vh } = svd(matmul(mT(Q), a), false)
  return [matmul(Q, U), S, mT(Vh)]
}

/**
 * `[U, S, V]`, about the q largest singular values and their vectors: A ≈ U·diag(S)·Vᵀ; of A − M when M is given. As `torch.svd_lowrank`.
 *
 * @example
 * const [U, S, V] = svdLowrank(randn(100, 40), 6)   // f32[100,6], f32[6], f32[40,6]
 */
export const svdLowrank: ((A: Tensor, q?: number | (LowrankOptions & { M?: Tensor }), niter?: number, M?: Tensor) => [U: Tensor, S: Tensor, V: Tensor]) & Described =
  define('svdLowrank', ['A', 'q', 'niter', 'M'], ({ A, q = 6, niter = 2, M }: { A: Tensor; M?: Tensor } & LowrankOptions) => {
    const a = needMatrix('svdLowrank', A, 'A')
    return leading('svdLowrank', M ? sub(a, M) : a, q, niter)
  })

/**
 * `[U, S, V]` of the rows of A less their mean: V holds the principal directions. `center: false` leaves the mean in. As `torch.pca_lowrank`.
 *
 * @example
 * const [, , V] = pcaLowrank(randn(100, 5), 2)
 * randn(100, 5).matmul(V)   // f32[100,2]
 */
export const pcaLowrank: ((A: Tensor, q?: number | (LowrankOptions & { center?: boolean }), center?: boolean, niter?: number) => [U: Tensor, S: Tensor, V: Tensor]) & Described =
  define('pcaLowrank', ['A', 'q', 'center', 'niter'], ({ A, q, center = true, niter = 2 }: { A: Tensor; center?: boolean } & LowrankOptions) => {
    const a = needMatrix('pcaLowrank', A, 'A')
    return leading('pcaLowrank', center ? sub(a, mean(a, -2, true)) : a, q ?? Math.min(6, ...a.shape.slice(-2)), niter)
  })
