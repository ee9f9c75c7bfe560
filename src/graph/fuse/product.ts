// Products (`matmul`, `conv`) with what is done to each of their elements.
import { dtypes, WORD } from '../../core/dtype.ts'
import { numel, type Shape } from '../../core/shape.ts'
import { reshapeView } from '../../core/view.ts'
import type { ConvKernel, Kernel, MatmulKernel } from '../../ir/kernel.ts'
import type { PlannedKernel } from '../../ir/when.ts'
import { Slot } from '../steps.ts'
import { copy, exchanged, programOf } from './body.ts'
import type { Loop, Operand, Read } from './loop.ts'
import { isDense } from './space.ts'

export interface Product {
  readonly kernel: MatmulKernel | ConvKernel
  readonly slots: readonly [Slot, Slot]
}

/** Stands for the sum in an epilogue; it lies nowhere. */
const sum: Operand = { slot: new Slot(0), dtype: 'float32', strides: [], offset: 0 }

export function productOf(kernel: PlannedKernel, slots: readonly Slot[]): { product: Product; loop: Loop } | null {
  if ((kernel.kind !== 'matmul' && kernel.kind !== 'conv') || kernel.epilogue || kernel.outputs[0].dtype !== 'float32' || kernel.outputs[0].shape.includes(0)) return null
  const [{ shape, dtype, strides, offset }] = kernel.outputs
  return { product: { kernel, slots: [slots[0], slots[1]] }, loop: { shape, axes: 0, inputs: [sum], outputs: [{ slot: slots[2], dtype, strides, offset }], body: copy, params: [] } }
}

/** The kernel and its slots, or null when no kind says it. */
export function kernelOfProduct({ kernel, slots }: Product, loop: Loop): { kernel: Kernel; slots: Slot[] } | null {
  if ([...loop.inputs, ...loop.outputs].some(x => dtypes[x.dtype].bytes !== WORD) || loop.body.index) return null
  const at = loop.inputs.indexOf(sum)
  if (at < 0) return null
  const inputs = loop.inputs.map((x, i) => (i === at ? loop.inputs[0] : x)).slice(1)
  const view = ({ dtype, strides, offset }: Operand) => ({ dtype, shape: loop.shape, strides, offset })
  const [a, b] = kernel.inputs
  return {
    kernel: { ...kernel, inputs: [a, b, ...inputs.map(view)], outputs: loop.outputs.map(view), epilogue: { program: programOf(exchanged(loop.body, at)), params: loop.params } },
    slots: [...slots, ...inputs.map(x => x.slot), ...loop.outputs.map(x => x.slot)],
  }
}

/** A map that reads every element of a product once, in the space of the product; else null. */
export function inSpaceOf(product: Loop, map: Loop, reads: readonly Read[]): Loop | null {
  if (map.axes > 0 || map.body.index || numel(map.shape) !== numel(product.shape)) return null
  const [{ input, output }] = reads
  const [read, places] = [map.inputs[input], product.outputs[output]]
  if (!isDense(product.shape, places) || !isDense(map.shape, read)) return null
  for (const r of reads) {
    if (!sameStrides(map.inputs[r.input], read) || !sameStrides(product.outputs[r.output], places)) return null
  }
  // Both in the order in which the elements lie in memory.
  const from = orderOf(map.shape, read.strides)
  const to = orderOf(product.shape, places.strides)
  const [shape, target] = [from.map(a => map.shape[a]), to.map(a => product.shape[a])]
  let possible = true
  const carry = (x: Operand): Operand => {
    const view = reshapeView({ dtype: x.dtype, shape, strides: from.map(a => x.strides[a]), offset: x.offset }, target)
    const strides = new Array<number>(product.shape.length).fill(0)
    if (view) to.forEach((a, i) => (strides[a] = view.strides[i]))
    else possible = false
    return { ...x, strides }
  }
  const moved = { ...map, shape: product.shape, inputs: map.inputs.map(carry), outputs: map.outputs.map(carry) }
  return possible ? moved : null
}

const sameStrides = (a: Operand, b: Operand): boolean => a.offset === b.offset && a.strides.every((s, i) => s === b.strides[i])
const orderOf = (shape: Shape, strides: readonly number[]): number[] => [...shape.keys()].filter(a => shape[a] > 1).sort((a, b) => strides[b] - strides[a])
