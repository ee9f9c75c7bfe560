// What failed factorisations are called, on every backend.
import { LampasError } from '../core/errors.ts'
import type { FactorOp } from '../ir/kernel.ts'

/** `info` counts from 1, as LAPACK does; `matrix` is its place in the batch. */
export const factorFailure = (by: string, op: FactorOp, info: number, matrix: number): LampasError =>
  op === 'cholesky'
    ? new LampasError(by, `matrix ${matrix} of the batch is not positive definite: its leading minor of order ${info} is not positive`, 'add a small multiple of the identity, or look at `info` of linalg.choleskyEx')
    : new LampasError(by, `matrix ${matrix} of the batch is singular: pivot ${info} of its LU factorisation is zero`, 'linalg.pinv and linalg.lstsq take any matrix')
