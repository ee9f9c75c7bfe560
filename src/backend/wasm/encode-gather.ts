// Lays gather and scatter out for assembly/gather.ts, where the payload is described.
import { WORD } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import { collapse, type View } from '../../core/view.ts'
import type { GatherKernel, ScatterKernel, ScatterOp } from '../../ir/kernel.ts'
import type { Writer } from './encode.ts'
import { tasksFor } from './work.ts'

/** `along` has the shape of `index`; `table` is the side that the index points into. */
function layout(index: View, along: View, table: View, axis: number) {
  const fixed = table.strides.with(axis, 0)
  const { shape, strides } = collapse(index.shape, [index.strides, along.strides, fixed])
  const length = shape[shape.length - 1]
  const size = numel(shape)
  return { shape, strides, length, size, rows: size === 0 ? 0 : size / length }
}

function write(w: Writer, tasks: number, { shape, strides, length, rows }: ReturnType<typeof layout>, table: View, axis: number, op = 0): void {
  w.i32(tasks)
  w.i32(rows)
  w.i32(length)
  w.i32(shape.length)
  w.i32(table.shape[axis])
  w.i32(table.strides[axis] * WORD)
  w.i32(Number(table.dtype === 'float32'))
  w.i32(op)
  w.list(shape)
  for (const s of strides) w.list(s.map(x => x * WORD))
}

const COST = 10
/** As numbered in the assembly. */
const ops: readonly ScatterOp[] = ['set', 'sum', 'prod', 'max', 'min']

export function encodeGather({ inputs: [table, index], outputs: [out], axis }: GatherKernel, w: Writer): void {
  const l = layout(index, out, table, axis)
  write(w, tasksFor(l.size * (l.strides[0][l.shape.length - 1] === 0 ? 1 : COST), l.rows), l, table, axis)
}

export function encodeScatter({ inputs: [index, values], outputs: [out], axis, op }: ScatterKernel, w: Writer): void {
  const l = layout(index, values, out, axis)
  // Only outputs may be split among threads: the innermost axis, unless it is the one that the index chooses on.
  const inner = l.shape.length - 1
  const split = l.strides[2][inner] === 0 ? 1 : Math.ceil(l.length / 16)
  write(w, tasksFor(l.size * (l.strides[0][inner] === 0 ? 1 : COST), split), l, out, axis, ops.indexOf(op))
}
