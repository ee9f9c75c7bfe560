// Kernels over float64 run in JavaScript, on this device's memory and in order with the others, by the loops of the reference.
import { dtypes, type DType } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import type { View } from '../../core/view.ts'
import type { Kernel } from '../../ir/kernel.ts'
import type { Block } from '../backend.ts'
import { loopsFor } from '../late.ts'
import type { Operand } from '../reference/kernels.ts'
import type { Heap, WasmBlock } from './memory.ts'

/** Whether a kernel reads or writes 64-bit numbers. */
export function usesFloat64({ inputs, outputs }: Kernel): boolean {
  for (let i = 0; i < inputs.length; i++) if (inputs[i].dtype === 'float64') return true
  for (let i = 0; i < outputs.length; i++) if (outputs[i].dtype === 'float64') return true
  return false
}

const arrays: { readonly [T in DType]?: (heap: Heap) => Operand['data'] } = {
  float64: heap => heap.f64, float32: heap => heap.f32, int32: heap => heap.i32, bool: heap => heap.i32,
}

export function runFloat64(kernel: Kernel, blocks: readonly Block[], heap: Heap): void {
  const operand = (view: View, i: number): Operand => {
    const data = arrays[view.dtype]?.(heap) ?? internal(`${kernel.kind} of float64 and ${view.dtype}`)
    return { view: { ...view, offset: view.offset + (blocks[i] as WasmBlock).address / dtypes[view.dtype].bytes }, data }
  }
  const { inputs, outputs } = kernel
  loopsFor(kernel.kind)(kernel, inputs.map(operand), outputs.map((view, i) => operand(view, inputs.length + i)))
}
