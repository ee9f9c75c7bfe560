// Kernels that do not hand each other anything and are still better run as one: reductions of one input, and maps of one program.
import type { BatchKernel, MapKernel } from '../../ir/kernel.ts'
import type { PlannedKernel } from '../../ir/when.ts'
import type { Slot } from '../steps.ts'
import { sameOperand, type Loop, type Operand } from './loop.ts'

/** Whether both reduce over the same rows, and one reads an operand element by element that the other reads too. */
export function areSiblings(a: Loop, b: Loop): boolean {
  if (!a.body.reduces || !b.body.reduces || a.axes !== b.axes || a.shape.length !== b.shape.length || a.shape.some((n, i) => n !== b.shape[i])) return false
  const isWhole = ({ strides }: Operand): boolean => strides.every((s, i) => s !== 0 || a.shape[i] === 1)
  return a.inputs.some(x => isWhole(x) && b.inputs.some(y => sameOperand(x, y)))
}

export interface Launched {
  readonly kernel: PlannedKernel
  readonly slots: readonly Slot[]
}

/** Equal for maps that one batch may hold. */
export const batchKey = ({ program, params, inputs, outputs }: MapKernel): string =>
  `${program.key} ${params.join()} ${[...inputs, ...outputs].map(v => v.dtype).join()}`

/** Maps of one program and its params as one kernel. */
export function batchOf(maps: readonly Launched[]): { kernel: BatchKernel; slots: Slot[] } {
  const { program, params } = maps[0].kernel as MapKernel
  const count = program.inputs.length
  const views = { inputs: maps.flatMap(m => m.kernel.inputs), outputs: maps.flatMap(m => m.kernel.outputs) }
  return { kernel: { kind: 'batch', program, params, ...views }, slots: [...maps.flatMap(m => m.slots.slice(0, count)), ...maps.flatMap(m => m.slots.slice(count))] }
}
