// Lays a sort out for assembly/sort.ts, where the payload is described.
import { WORD } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import { collapse } from '../../core/view.ts'
import type { SortKernel } from '../../ir/kernel.ts'
import type { Writer } from './encode.ts'
import { tasksFor } from './work.ts'

/** Per element and level of merging. */
const COST = 15

export function encodeSort(kernel: SortKernel, w: Writer): void {
  const views = [kernel.inputs[0], ...kernel.outputs]
  const last = views[0].shape.length - 1
  const length = views[0].shape[last]
  const { shape, strides } = collapse(views[0].shape.slice(0, last), views.map(v => v.strides.slice(0, last)))
  const lines = numel(shape)
  w.i32(tasksFor(lines * length * Math.ceil(Math.log2(length + 1)) * COST, lines))
  w.i32(lines)
  w.i32(shape.length)
  w.i32(length)
  w.i32(Number(views[0].dtype === 'float32'))
  w.i32(Number(kernel.descending))
  for (const v of views) w.i32(v.strides[last] * WORD)
  w.list(shape)
  for (const s of strides) w.list(s.map(x => x * WORD))
  w.scratch(length * 16 + 128)
}
