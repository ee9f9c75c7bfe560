// What failed factorisations are called, on every backend; and where in the user's code a kernel comes from.
import { LampasError } from '../core/errors.ts'
import type { FactorOp, Kernel } from '../ir/kernel.ts'
import { innerOf, type PlannedKernel } from '../ir/when.ts'

/** `info` counts from 1, as LAPACK does; `matrix` is its place in the batch. */
export const factorFailure = (by: string, op: FactorOp, info: number, matrix: number): LampasError =>
  op === 'cholesky'
    ? new LampasError(by, `matrix ${matrix} of the batch is not positive definite: its leading minor of order ${info} is not positive`, 'add a small multiple of the identity, or look at `info` of linalg.choleskyEx')
    : new LampasError(by, `matrix ${matrix} of the batch is singular: pivot ${info} of its LU factorisation is zero`, 'linalg.pinv and linalg.lstsq take any matrix')

const places = new WeakMap<Kernel, string>()

/** Whether a kernel may find its inputs unfit only as it runs. */
export function mayFail(planned: PlannedKernel): boolean {
  const kernel = innerOf(planned)
  return kernel.kind === 'gather' || kernel.kind === 'scatter' || (kernel.kind === 'factor' && kernel.strict !== null)
}

/** Tells what a kernel of a plan computes, for messages: the op, its operands and the line. */
export const placeKernel = (kernel: PlannedKernel, place: string): void => void places.set(innerOf(kernel), place)

/** The same message, with the places where it may have happened. */
export function placed(error: LampasError, kernels: readonly Kernel[], elsewhere = false): LampasError {
  const found = [...new Set(kernels.flatMap(k => places.get(k) ?? []))]
  if (found.length === 0) return error
  const all = elsewhere ? [...found, 'eager code'] : found
  return new LampasError(error.op, `${error.problem}, in ${all.length > 1 ? 'one of: ' : ''}${all.join('; ')}`, error.help)
}

/** Does the work of a kernel; its faults name its place. */
export function inPlace<T>(kernel: Kernel, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof LampasError ? placed(error, [kernel]) : error
  }
}
