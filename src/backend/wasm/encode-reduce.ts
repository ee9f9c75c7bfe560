// Lays a reduction out for assembly/reduce.ts, where the payload is described: which way it is walked, and where it is cut.
import { Op } from '../../../assembly/map-ops.ts'
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
const BY_TAPS = 3
const POSITIONS_BY_TAPS = 4

/** Fewer elements than this to an output are read one by one, unless they lie in a run. */
const FEW = 32

type Folding = Exclude<ReduceOp, 'argmax' | 'argmin'>

/** Opcode, and the value that changes nothing. Among bools the greatest is "or", the least "and". */
const foldings: Record<Folding, { readonly [T in DType]?: readonly [Op, neutral: number] }> = {
  sum: { float32: [Op.addF, 0], int32: [Op.addI, 0] },
  prod: { float32: [Op.mulF, 1], int32: [Op.mulI, 1] },
  max: { float32: [Op.maxF, -Infinity], int32: [Op.maxI, -(2 ** 31)], bool: [Op.or, 0] },
  min: { float32: [Op.minF, Infinity], int32: [Op.minI, 2 ** 31 - 1], bool: [Op.and, 1] },
}

/** An output of more elements than this is folded in chunks of as many. */
const CHUNK = 32768
const MAX_CHUNKED_OUTPUTS = 64

const byStride = (shape: Shape, strides: readonly number[]): number[] =>
  shape.map((_, i) => i).sort((i, j) => Math.abs(strides[j]) - Math.abs(strides[i]))

export function encodeReduce(kernel: ReduceKernel, w: Writer): void {
  const [input] = kernel.inputs
  const [output] = kernel.outputs
  const { op } = kernel
  const positions = op === 'argmax' || op === 'argmin'
  const folding = foldings[op === 'argmax' ? 'max' : op === 'argmin' ? 'min' : op][input.dtype]
  if (!folding) return internal(`the wasm backend has no ${op} of ${input.dtype}`)
  const isFloat = input.dtype === 'float32'

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
  const innermost = reduced.shape[reduced.shape.length - 1]
  const run = reduced.strides[0][reduced.shape.length - 1] === 1 && (reduced.shape.length === 1 || innermost >= 8)
  const inTaps = !inColumns && count > 0 && outputs > 0 && (run ? count < 8 : count <= FEW)
  // Blocks as wide as the sums may be without leaving the cache; narrower ones where threads are to share them.
  const column = Math.max(1, Math.min(width, outputs * count < 2 ** 18 ? 512 : 128))
  const chunk = !positions && !inTaps && outputs <= MAX_CHUNKED_OUTPUTS && count > 2 * CHUNK ? CHUNK : Math.max(count, 1)
  const chunks = Math.max(1, Math.ceil(count / chunk))
  const units = inTaps ? outputs / width : inColumns ? (outputs / Math.max(width, 1)) * Math.ceil(width / column) : outputs * chunks

  const cost = inTaps ? 4 : reduced.strides[0][reduced.shape.length - 1] === 1 || inColumns ? 1 : 10
  w.i32(tasksFor(outputs * count * cost, units))
  w.i32(inTaps ? (positions ? POSITIONS_BY_TAPS : BY_TAPS) : positions ? POSITIONS : inColumns ? BY_COLUMNS : BY_LINES)
  w.i32(folding[0])
  if (isFloat) w.f32(folding[1])
  else w.i32(folding[1])
  w.i32(units)
  w.i32(kept.shape.length)
  w.i32(reduced.shape.length)
  w.i32(count)
  w.i32(inColumns || inTaps ? width : chunk)
  w.i32(inColumns ? column : chunks)
  w.i32(Number(isFloat))
  w.i32(0)
  w.list(kept.shape)
  w.list(kept.strides[0].map(s => s * WORD))
  w.list(kept.strides[1].map(s => s * WORD))
  w.list(reduced.shape)
  w.list(reduced.strides[0].map(s => s * WORD))
  // A leaf and the stack of partial results, or of rows of them; the results of the chunks.
  w.scratch(inColumns ? Math.ceil(column / 8) * 33 * 32 + 64 : 4096 + (chunks > 1 ? units * 16 : 0))
}
