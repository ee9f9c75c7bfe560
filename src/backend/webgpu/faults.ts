// What went wrong on the device. WebGPU reports errors late and aside; here they wait for the next read or sync, which rejects, so
// that no result of failed work is ever handed out. A fault is told to every read that was under way when it was first told.
import { DeviceLostError, LampasError } from '../../core/errors.ts'
import type { Kernel } from '../../ir/kernel.ts'
import { innerOf, type PlannedKernel } from '../../ir/when.ts'
import { factorFailure, mayFail, placed } from '../failures.ts'

export class Faults {
  /** Tickets up to `until` hear of it; all that there are, as long as it has not been told. */
  #fault: { readonly error: Error; until: number } | null = null
  #tickets = 0
  #checks = Promise.resolve()

  /** A read takes a ticket when it begins. */
  ticket(): number {
    return ++this.#tickets
  }

  /**
   * The first fault is kept until it is told; others are mostly its consequences. A read that finds a fault by itself gives its ticket:
   * what was told to it already is not news.
   */
  report(error: Error, ticket = Infinity): void {
    if (!this.#fault || ticket > this.#fault.until) this.#fault = { error, until: Infinity }
  }

  /** Waits for a check, whose fault reads must not overtake. Checks are heard in order, causes before consequences. */
  watch(check: Promise<Error | null>): void {
    // A scope that cannot be popped belongs to a lost device, which is reported by itself.
    const outcome = check.catch(() => null)
    this.#checks = this.#checks.then(async () => {
      const error = await outcome
      if (error) this.report(error)
    })
  }

  /** Throws when work that was queued before the ticket was taken has failed. */
  async settle(ticket: number): Promise<void> {
    await this.#checks
    const fault = this.#fault
    if (!fault) return
    if (fault.until === Infinity) fault.until = this.#tickets
    if (ticket <= fault.until) throw fault.error
  }
}

/** The message of a shader that did not compile, with the line at fault: the user's, if the shader has functions of theirs. */
export async function compileFault(kind: string, error: { readonly message: string }, module: GPUShaderModule, code: string): Promise<Error> {
  const { messages } = await module.getCompilationInfo()
  const lines = code.split('\n')
  const told = messages
    .filter(m => m.type === 'error')
    .map(m => `${m.message} (line ${m.lineNum}: ${lines[m.lineNum - 1]?.trim() ?? ''})`)
  const problem = told.join('; ') || error.message
  const own = /^\/\/ WGSL of (\w+)$/m.exec(code)
  if (own) return new LampasError(own[1], `its WGSL was refused: ${problem}`)
  return new LampasError(kind, `internal: the graphics driver refused its shader: ${problem}`, 'please report this with the name of your graphics adapter')
}

export const lostError = (reason: string): DeviceLostError =>
  new DeviceLostError('webgpu', `the graphics device was lost: ${reason}`, 'its tensors are gone; open the device again with init() and load the last checkpoint')

/** Kinds of the fault record. */
const kinds = ['', 'gather', 'scatter', 'cholesky', 'lu'] as const
/** What a kernel writes first into the fault record. */
export const faultKind = (kind: (typeof kinds)[number]): number => kinds.indexOf(kind)

/** Public ops that insist on success; the record holds their place here. */
const callers: string[] = []
export const callerId = (name: string): number => (callers.includes(name) ? callers.indexOf(name) : callers.push(name) - 1)

/** Kernels that ran and whose inputs may have been unfit: the fault record does not tell which of them it was. */
export class Suspects {
  readonly kernels = new Set<Kernel>()
  /** Whether some did not belong to a plan. */
  eager = false

  note(launched: PlannedKernel, planned: boolean): void {
    if (!mayFail(launched)) return
    const kernel = innerOf(launched)
    if (planned) this.kernels.add(kernel)
    else if (!this.kernels.has(kernel)) this.eager = true
  }
}

/** The fault record: kind, index and size of the axis; of factorisations kind, info, place in the batch and caller. */
export function recordedFault([kind, index, size, caller]: Int32Array, { kernels, eager }: Suspects): Error | null {
  const name = kinds[kind]
  if (!name) return null
  if (name === 'cholesky' || name === 'lu')
    return placed(factorFailure(callers[caller], name, index, size), [...kernels].filter(k => k.kind === 'factor' && k.op === name && k.strict === callers[caller]), eager)
  const fault = new LampasError(name, `index ${index} is outside 0 … ${size - 1}`, 'indices count from 0; check the labels or token ids, and the size of the axis that they point into')
  const sizeOf = (k: Kernel): number => (k.kind === 'gather' ? k.inputs[0].shape[k.axis] : k.kind === 'scatter' ? k.outputs[0].shape[k.axis] : -1)
  return placed(fault, [...kernels].filter(k => k.kind === name && sizeOf(k) === size), eager)
}
