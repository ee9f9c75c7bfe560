// What failed factorisations are called, on every backend; and where in the user's code a kernel comes from.
import { LampasError } from '../core/errors.ts'
import type { FactorOp, Kernel } from '../ir/kernel.ts'
import { innerOf, type PlannedKernel } from '../ir/when.ts'

/** `info` counts from 1, as LAPACK does; `matrix` is its place in the batch. */
export const factorFailure = (by: string, op: FactorOp, info: number, matrix: number): LampasError =>
  op === 'cholesky'
    ? new LampasError(by, `matrix ${matrix} of the batch is not positive definite: its leading minor of order ${info} is not positive`, 'add a small multiple of the identity, or look at `info` of linalg.choleskyEx')
    : new LampasError(by, `matrix ${matrix} of the batch is singular: pivot ${info} of its LU factorisation is zero`, 'linalg.pinv and linalg.lstsq take any matrix')

/** What a kernel of a plan computes: the op, its operands and the line; and the function that the user called there, if all of it comes from one. */
export interface KernelPlace {
  readonly text: string
  readonly calls: string | null
}
const places = new WeakMap<Kernel, KernelPlace>()

/** One kernel for the work of several places. */
export const togetherIn = (parts: readonly KernelPlace[]): KernelPlace =>
  ({ text: parts.map(p => p.text).join(' and '), calls: parts.every(p => p.calls === parts[0].calls) ? (parts[0]?.calls ?? null) : null })

/** Whether a kernel may find its inputs unfit only as it runs. */
export function mayFail(planned: PlannedKernel): boolean {
  const kernel = innerOf(planned)
  return kernel.kind === 'gather' || kernel.kind === 'scatter' || (kernel.kind === 'factor' && kernel.strict !== null)
}

/** Tells what a kernel computes, for messages. */
export const placeKernel = (kernel: PlannedKernel, place: KernelPlace): void => void places.set(innerOf(kernel), place)

/** The same message, with the places where it may have happened. */
export function placed(error: LampasError, kernels: readonly Kernel[], elsewhere = false): LampasError {
  const found = kernels.flatMap(k => places.get(k) ?? [])
  if (found.length === 0) return error
  const all = [...new Set([...found.map(p => p.text), ...(elsewhere ? ['eager code'] : [])])]
  return new LampasError((all.length === 1 && found[0].calls) || error.op, `${error.problem}, in ${all.length > 1 ? 'one of: ' : ''}${all.join('; ')}`, error.help)
}

/** Does the work of a kernel; its faults name its place. */
export function inPlace<T>(kernel: Kernel, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof LampasError ? placed(error, [kernel]) : error
  }
}
