// Lays a reduction out for assembly/reduce.ts, where the payload is described: which way it is walked, and where it is cut.
import { Op } from '../../../assembly/map-ops.ts'
import { BLOCK, Way } from '../../../assembly/reduce-ways.ts'
import { WORD, wordType, type WordType } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import { numel, type Shape } from '../../core/shape.ts'
import { collapse } from '../../core/view.ts'
import type { ReduceKernel, ReduceOp } from '../../ir/kernel.ts'
import { align, type Writer } from './encode.ts'
import { tasksFor } from './work.ts'

export type Folding = Exclude<ReduceOp, 'argmax' | 'argmin'>

/** Opcode, and the value that changes nothing. Among bools the greatest is "or", the least "and". */
export const foldings: Record<Folding, { readonly [T in WordType]?: readonly [Op, neutral: number] }> = {
  sum: { float32: [Op.addF, 0], int32: [Op.addI, 0] },
  prod: { float32: [Op.mulF, 1], int32: [Op.mulI, 1] },
  max: { float32: [Op.maxF, -Infinity], int32: [Op.maxI, -(2 ** 31)], bool: [Op.or, 0] },
  min: { float32: [Op.minF, Infinity], int32: [Op.minI, 2 ** 31 - 1], bool: [Op.and, 1] },
}

/** An output of more elements than this is folded in chunks of as many. */
export const CHUNK = 32768
export const MAX_CHUNKED_OUTPUTS = 64

const byStride = (shape: Shape, strides: readonly number[]): number[] =>
  shape.map((_, i) => i).sort((i, j) => Math.abs(strides[j]) - Math.abs(strides[i]))

/** Up to this many elements are folded one after the other without loss. */
const FEW = 32

/** `run` neighbours lie side by side to be folded; of rows of `width` neighbours each folds its own. */
export function wayOf(positions: boolean, outputs: number, count: number, run: number, width: number): Way {
  const few = count > 0 && outputs >= 16 && (count <= 8 || (run < 16 && count <= FEW))
  if (positions) return few || (count > 0 && width >= 16) ? Way.positionsByBlocks : Way.positionsByLines
  if (width >= 4 && (!few || width >= 64)) return Way.columns
  return few ? Way.blocks : Way.lines
}

/** Tenths of nanoseconds for an element. */
const costs: Record<Way, number> = {
  [Way.lines]: 2,
  [Way.columns]: 1,
  [Way.blocks]: 8,
  [Way.pairs]: 2,
  [Way.positionsByLines]: 4,
  [Way.positionsByBlocks]: 10,
  [Way.positionsByPairs]: 3,
}

export function encodeReduce(kernel: ReduceKernel, w: Writer): void {
  const [input] = kernel.inputs
  const [output] = kernel.outputs
  const { op } = kernel
  const positions = op === 'argmax' || op === 'argmin'
  const folding = foldings[op === 'argmax' ? 'max' : op === 'argmin' ? 'min' : op][wordType(input.dtype)]
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
  const [along, across] = [reduced.strides[0].at(-1), kept.strides[0].at(-1)]
  const run = along === 1 ? reduced.shape[reduced.shape.length - 1] : 0
  const inPairs = isFloat && op !== 'prod' && outputs > 0 && run === 2 && reduced.shape.length <= 2 && across === 2 && kept.strides[1].at(-1) === 1 && width >= 4 && count <= FEW
  const way = inPairs ? (positions ? Way.positionsByPairs : Way.pairs) : wayOf(positions, outputs, count, run, across === 1 && along !== 1 ? width : 0)
  const inBlocks = way === Way.blocks || way === Way.positionsByBlocks

  // Blocks as wide as the sums may be without leaving the cache, so that rows are read in one run, but one for each thread.
  // What a column gives does not depend on those beside it.
  const sharers = tasksFor(outputs * count * costs[way], w.threads)
  const column = Math.max(1, Math.min(width, 512, align(Math.ceil(width / sharers), 64)))
  const chunk = way === Way.lines && outputs <= MAX_CHUNKED_OUTPUTS && count > 2 * CHUNK ? CHUNK : Math.max(count, 1)
  const chunks = Math.max(1, Math.ceil(count / chunk))
  const allRows = outputs / Math.max(width, 1)
  const rows = kept.shape.length > 1 && width <= BLOCK / 2 ? Math.floor(BLOCK / width) : 0
  const units =
    inPairs ? allRows
    : way === Way.columns ? allRows * Math.ceil(width / column)
    : !inBlocks ? outputs * chunks
    : rows > 0 ? Math.ceil(allRows / rows)
    : allRows * Math.ceil(width / BLOCK)

  w.i32(tasksFor(outputs * count * costs[way], units))
  w.i32(way)
  w.i32(folding[0])
  if (isFloat) w.f32(folding[1])
  else w.i32(folding[1])
  w.i32(units)
  w.i32(kept.shape.length)
  w.i32(reduced.shape.length)
  w.i32(count)
  w.i32(way === Way.columns || inBlocks || inPairs ? width : chunk)
  w.i32(way === Way.columns ? column : inBlocks ? rows : chunks)
  w.i32(Number(isFloat))
  w.i32(0)
  w.list(kept.shape)
  w.list(kept.strides[0].map(s => s * WORD))
  w.list(kept.strides[1].map(s => s * WORD))
  w.list(reduced.shape)
  w.list(reduced.strides[0].map(s => s * WORD))
  // A leaf and the stack of partial results, or of rows of them, or three blocks; the results of the chunks.
  w.scratch(way === Way.columns ? Math.ceil(column / 8) * 33 * 32 + 64 : inBlocks ? 3 * (BLOCK + 16) * WORD : 4096 + (chunks > 1 ? units * 16 : 0))
}
