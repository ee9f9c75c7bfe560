// Chooses how a convolution runs: which images and channels go together, whether the input is copied to put zeros in, block sizes.
// assembly/conv.ts follows.
import { WORD } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import { collapse } from '../../core/view.ts'
import type { ConvKernel } from '../../ir/kernel.ts'
import { align, type Writer } from './encode.ts'
import { blockOfK, KC_MAX, PARALLEL_WORK } from './encode-matmul.ts'

/** Columns of one block of windows: with kc rows it stays in the second cache. */
const NC = 256
/** Images are taken together until a step has this many columns. */
const MIN_COLUMNS = 64
/** Ranges of channels whose sums are added at the end. A fixed number, so that results do not depend on the threads. */
const PARTS = 8
const MAX_PARTIAL_FLOATS = 1 << 21
/** Channels are taken in parts when there are this many rows, and more rows than columns. */
const PARTS_ROWS = 2048
const COPY_FLOATS = 1 << 16

const three = (list: readonly number[], fill: number): number[] => [...new Array<number>(3 - list.length).fill(fill), ...list]

export function encodeConv(kernel: ConvKernel, w: Writer): void {
  const [x, weights] = kernel.inputs
  const [out] = kernel.outputs
  const [groups, images, channels] = x.shape
  const outs = weights.shape[1]
  const taps = three(weights.shape.slice(3), 1)
  const positions = three(out.shape.slice(3), 1)
  const sizes = three(x.shape.slice(3), 1)
  const stride = three(kernel.stride, 1)
  const dilation = three(kernel.dilation, 1)
  const spread = three(kernel.inputDilation, 1)
  const padLow = three(kernel.padLow, 0)

  /** How far the windows reach along each axis. */
  const reach = positions.map((t, i) => Math.max(0, (t - 1) * stride[i] + (taps[i] - 1) * dilation[i] + 1))
  const copied = reach.some((r, i) => padLow[i] > 0 || r - padLow[i] > sizes[i] || spread[i] > 1)
  const rows = channels * numel(taps)
  const columns = images * numel(positions)
  const parts = rows >= PARTS_ROWS && rows > columns && outs * columns * PARTS <= MAX_PARTIAL_FLOATS ? Math.min(PARTS, channels) : 0

  const together = Math.ceil(MIN_COLUMNS / Math.max(numel(positions), 1))
  const stepImages = Math.max(1, parts ? images : Math.min(images, together))
  const copyOfChannel = images * numel(reach)
  const stepChannels = parts ? Math.max(1, Math.min(Math.ceil(channels / parts), Math.floor(KC_MAX / numel(taps)), Math.floor(COPY_FLOATS / copyOfChannel))) : channels
  const stepRows = stepChannels * numel(taps)
  const stepColumns = stepImages * numel(positions)
  const kc = Math.max(1, blockOfK(stepRows))
  const nc = stepColumns <= NC ? align(Math.max(stepColumns, 1), 8) : align(Math.ceil(stepColumns / Math.ceil(stepColumns / NC)), 8)

  // The rows of w that one stride can walk: all of them, or those of one channel, or single lines.
  const tapStrides = three(weights.strides.slice(3), 0)
  const flat = collapse([channels, ...taps], [[weights.strides[2], ...tapStrides]])
  const run = flat.shape[flat.shape.length - 1]
  const runStride = flat.strides[0][flat.shape.length - 1]

  const bytes = (strides: readonly number[]): void => {
    for (const s of [...strides.slice(0, 3), ...three(strides.slice(3), 0)]) w.i32(s * WORD)
  }
  w.list([groups, images, outs, channels])
  for (const list of [taps, positions, sizes, stride, dilation, spread, padLow]) w.list(list)
  bytes(x.strides)
  bytes(weights.strides)
  bytes(out.strides)
  w.list(reach)
  const work = groups * outs * rows * columns
  w.list([copied ? 1 : 0, work >= PARALLEL_WORK ? 1 : 0, parts, stepImages, stepChannels, kc, nc, Math.max(run, 1)])
  w.i32(runStride * WORD)

  const words = (n: number): number => align(n * WORD, 64)
  const packedWeights = words(align(outs + 6, 6) * stepRows)
  const copy = copied ? words(stepImages * stepChannels * numel(reach)) : 0
  const partial = parts ? words(parts * outs * columns) : 0
  w.scratch(5 * 64 + 2 * words(stepRows) + 2 * words(stepColumns) + packedWeights + copy + partial + 192 + words(nc * kc))
}
