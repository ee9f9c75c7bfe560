// Lays a reduction out for assembly/reduce.ts, where the payload is described: which way it is walked, and where it is cut.
import { WORD, type DType } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import { numel, type Shape } from '../../core/shape.ts'
import { collapse } from '../../core/view.ts'
import type { ReduceKernel, ReduceOp } from '../../ir/kernel.ts'
import type { Writer } from './encode.ts'
import { tasksFor } from './work.ts'

const BY_LINES = 0
const BY_COLUMNS = 1
const POSITIONS = 2

/** The cases of assembly/reduce.ts. Among bools the greatest is "any", the least "all". */
const codes: Record<Exclude<ReduceOp, 'argmax' | 'argmin'>, { readonly [T in DType]?: number }> = {
  sum: { float32: 0, int32: 4 },
  prod: { float32: 1, int32: 5 },
  max: { float32: 2, int32: 6, bool: 8 },
  min: { float32: 3, int32: 7, bool: 9 },
}

/** An output of more elements than this is folded in chunks of as many. */
const CHUNK = 32768
const MAX_CHUNKED_OUTPUTS = 64

const byStride = (shape: Shape, strides: readonly number[]): number[] =>
  shape.map((_, i) => i).sort((i, j) => Math.abs(strides[j]) - Math.abs(strides[i]))

export function encodeReduce(kernel: ReduceKernel, w: Writer): void {
  const [input] = kernel.inputs
  const [output] = kernel.outputs
  const positions = kernel.op === 'argmax' || kernel.op === 'argmin'
  const op = positions ? (kernel.op === 'argmax' ? 'max' : 'min') : kernel.op
  // A position among bools is found as among numbers.
  const code = codes[op as keyof typeof codes][positions && input.dtype === 'bool' ? 'int32' : input.dtype]
  if (code === undefined) internal(`the wasm backend has no ${kernel.op} of ${input.dtype}`)

  const rank = output.shape.length
  const keptAxes = byStride(output.shape, input.strides.slice(0, rank))
  const kept = collapse(keptAxes.map(i => output.shape[i]), [keptAxes.map(i => input.strides[i]), keptAxes.map(i => output.strides[i])])
  const reducedShape = input.shape.slice(rank)
  const reducedStrides = input.strides.slice(rank)
  // The order of the reduced axes is free but for positions.
  const reducedAxes = positions ? reducedShape.map((_, i) => i) : byStride(reducedShape, reducedStrides)
  const reduced = collapse(reducedAxes.map(i => reducedShape[i]), [reducedAxes.map(i => reducedStrides[i])])

  const outputs = numel(kept.shape)
  const count = numel(reduced.shape)
  const width = kept.shape[kept.shape.length - 1]
  const inColumns = !positions && width >= 4 && kept.strides[0][kept.shape.length - 1] === 1 && reduced.strides[0][reduced.shape.length - 1] !== 1
  const column = width <= 64 ? Math.max(width, 1) : Math.min(512, Math.max(64, Math.ceil(width / 64) * 16))
  const chunk = !positions && outputs <= MAX_CHUNKED_OUTPUTS && count > 2 * CHUNK ? CHUNK : Math.max(count, 1)
  const chunks = Math.max(1, Math.ceil(count / chunk))
  const units = inColumns ? (outputs / Math.max(width, 1)) * Math.ceil(width / column) : outputs * chunks

  const cost = reduced.strides[0][reduced.shape.length - 1] === 1 || inColumns ? 1 : 10
  w.i32(tasksFor(outputs * count * cost, units))
  w.i32(code)
  w.i32(positions ? POSITIONS : inColumns ? BY_COLUMNS : BY_LINES)
  w.i32(units)
  w.i32(kept.shape.length)
  w.i32(reduced.shape.length)
  w.i32(count)
  w.i32(inColumns ? width : chunk)
  w.i32(inColumns ? column : chunks)
  w.i32(0)
  w.list(kept.shape)
  w.list(kept.strides[0].map(s => s * WORD))
  w.list(kept.strides[1].map(s => s * WORD))
  w.list(reduced.shape)
  w.list(reduced.strides[0].map(s => s * WORD))
  // A leaf and the stack of partial results, or of rows of them; the results of the chunks.
  w.scratch(inColumns ? (Math.ceil(column / 4) * 33) * 16 + 64 : 4096 + (chunks > 1 ? units * 16 : 0))
}
