// Lays a running reduction out for assembly/cumulate.ts, where the payload is described.
import { WORD } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import { collapse } from '../../core/view.ts'
import type { CumulateKernel, CumulateOp } from '../../ir/kernel.ts'
import type { Writer } from './encode.ts'
import { tasksFor } from './work.ts'

const codes: Record<CumulateOp, number> = { sum: 0, prod: 1, max: 2, min: 3 }
/** The int32 cases follow the float32 ones. */
const INT = 4
const COST = 12

export function encodeCumulate({ op, reverse, inputs: [input], outputs: [output] }: CumulateKernel, w: Writer): void {
  const last = input.shape.length - 1
  const length = input.shape[last]
  const { shape, strides } = collapse(input.shape.slice(0, last), [input.strides.slice(0, last), output.strides.slice(0, last)])
  const lines = numel(shape)
  w.i32(tasksFor(lines * length * COST, lines))
  w.i32(codes[op] + (input.dtype === 'float32' ? 0 : INT))
  w.i32(lines)
  w.i32(shape.length)
  w.i32(length)
  for (const view of [input, output]) {
    const stride = view.strides[last] * WORD
    w.i32(reverse ? (length - 1) * stride : 0)
    w.i32(reverse ? -stride : stride)
  }
  w.list(shape)
  for (const s of strides) w.list(s.map(x => x * WORD))
}
