// Chooses how a convolution runs: which images and channels go together, whether the input is copied to put zeros in, block sizes.
// assembly/conv.ts follows. Zeros between the elements of the input are never multiplied: a convolution that has them is cut
// into some that have none.
import { WORD } from '../../core/dtype.ts'
import { numel } from '../../core/shape.ts'
import { collapse, sliceView, type View } from '../../core/view.ts'
import type { ConvKernel } from '../../ir/kernel.ts'
import { align, type Writer } from './encode.ts'
import { blockOfK, KC, PARALLEL_WORK } from './encode-matmul.ts'

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
/** Up to this many outputs windows are multiplied where they lie. */
const DIRECT_OUTS = 3
/** Up to so many outputs, or columns, results are scalar products where lines of w are long. */
const DOTS_OUTS = 4
const DOTS_COLUMNS = 9
/** Up to this many positions of an axis whose input has one element are computed one by one. */
const SINGLE_POSITIONS = 8

const FIRST_AXIS = 3

const three = (list: readonly number[], fill: number): number[] => [...new Array<number>(3 - list.length).fill(fill), ...list]

export function encodeConv(kernel: ConvKernel, w: Writer): void {
  const phases = phasesOf(kernel)
  w.i32(phases.length)
  for (const phase of phases) {
    const start = w.length
    w.i32(0)
    w.i32((phase.inputs[1].offset - kernel.inputs[1].offset) * WORD)
    w.i32((phase.outputs[0].offset - kernel.outputs[0].offset) * WORD)
    encodeUndilated(phase, w)
    w.words[start] = w.length - start
  }
}

/** Every `step`-th element of an axis from `start` on. */
const every = (v: View, axis: number, start: number, step: number): View =>
  sliceView(v, axis, start, step, Math.max(0, Math.ceil((v.shape[axis] - start) / step)))

const mod = (a: number, n: number): number => ((a % n) + n) % n
const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/**
 * The distance of elements on an axis. A single one may have any: with one that windows cannot reach across, each position keeps only the
 * tap that meets the element, where the others meet zeros.
 */
function spreadOf(kernel: ConvKernel, i: number): number {
  const [size, taps, positions] = [...kernel.inputs, ...kernel.outputs].map(v => v.shape[FIRST_AXIS + i])
  if (kernel.inputDilation[i] > 1 || size !== 1 || taps < 2 || positions > SINGLE_POSITIONS) return kernel.inputDilation[i]
  return (positions - 1) * kernel.stride[i] + (taps - 1) * kernel.dilation[i] + 1
}

/**
 * Position t meets an element with tap k only when t·stride + k·dilation − padLow is a multiple of the input's dilation D. So positions
 * of equal residue use the same taps, every (D / gcd)-th one, and see the input without zeros.
 */
function phasesOf(kernel: ConvKernel): ConvKernel[] {
  const spreads = kernel.inputDilation.map((_, i) => spreadOf(kernel, i))
  const axis = spreads.findIndex(d => d > 1)
  if (axis < 0) return [kernel]
  const spread = spreads[axis]
  const stride = kernel.stride[axis]
  const dilation = kernel.dilation[axis]
  const pad = kernel.padLow[axis]
  const tStep = spread / gcd(stride, spread)
  const kStep = spread / gcd(dilation, spread)
  const [x, weights] = kernel.inputs
  const [out] = kernel.outputs
  const phases: ConvKernel[] = []
  for (let t = 0; t < Math.min(tStep, out.shape[FIRST_AXIS + axis]); t++) {
    let k = 0
    while (k < kStep && mod(t * stride + k * dilation - pad, spread) !== 0) k++
    const meets = k < kStep && k < weights.shape[FIRST_AXIS + axis]
    phases.push(...phasesOf({
      ...kernel,
      inputs: [x, meets ? every(weights, FIRST_AXIS + axis, k, kStep) : sliceView(weights, FIRST_AXIS + axis, 0, 1, 0)],
      outputs: [every(out, FIRST_AXIS + axis, t, tStep)],
      stride: kernel.stride.with(axis, (stride * tStep) / spread),
      dilation: kernel.dilation.with(axis, (dilation * kStep) / spread),
      inputDilation: kernel.inputDilation.with(axis, 1),
      padLow: kernel.padLow.with(axis, meets ? -(t * stride + k * dilation - pad) / spread : 0),
    }))
  }
  return phases
}

function encodeUndilated(kernel: ConvKernel, w: Writer): void {
  const [x, weights] = kernel.inputs
  const [out] = kernel.outputs
  const [groups, images, channels] = x.shape
  const outs = weights.shape[1]
  const taps = three(weights.shape.slice(FIRST_AXIS), 1)
  const positions = three(out.shape.slice(FIRST_AXIS), 1)
  const sizes = three(x.shape.slice(FIRST_AXIS), 1)
  const stride = three(kernel.stride, 1)
  const dilation = three(kernel.dilation, 1)
  const padLow = three(kernel.padLow, 0)

  /** How far the windows reach along each axis. */
  const reach = positions.map((t, i) => Math.max(0, (t - 1) * stride[i] + (taps[i] - 1) * dilation[i] + 1))
  const padded = reach.some((r, i) => padLow[i] > 0 || r - padLow[i] > sizes[i])
  const rows = channels * numel(taps)
  const columns = images * numel(positions)
  const fits = rows > 0 && outs * columns * PARTS <= MAX_PARTIAL_FLOATS
  const long = dilation[2] === 1 && taps[2] >= 4 && taps[2] <= 4 * KC && taps[2] > positions[2] && positions[2] >= 3 && weights.strides[weights.strides.length - 1] === 1
  const dots = fits && long && (outs <= DOTS_OUTS || columns <= DOTS_COLUMNS)
  const many = dots || (fits && rows >= PARTS_ROWS && rows > columns)
  const parts = many ? (dots && groups >= PARTS ? 1 : Math.min(PARTS, channels)) : 0
  const lines = positions[2] >= 4 && (stride[2] === 2 || (stride[2] === 1 && (padded || x.strides[x.strides.length - 1] === 1)))
  const direct = !parts && outs <= DIRECT_OUTS && lines
  // With stride 2 whole vectors are read, one element more than there is.
  const copied = padded || dots || (direct && stride[2] === 2)

  const together = Math.ceil(MIN_COLUMNS / Math.max(numel(positions), 1))
  const stepImages = Math.max(1, parts ? images : direct ? 1 : Math.min(images, together))
  const copyOfChannel = images * numel(reach)
  const stepChannels = parts ? Math.max(1, Math.min(Math.ceil(channels / parts), Math.floor((dots ? 4 * KC : KC) / numel(taps)), Math.floor(COPY_FLOATS / copyOfChannel))) : channels
  const stepRows = stepChannels * numel(taps)
  const stepColumns = stepImages * numel(positions)
  const kc = Math.max(1, blockOfK(stepRows))
  const nc = stepColumns <= NC ? align(Math.max(stepColumns, 1), 8) : align(Math.ceil(stepColumns / Math.ceil(stepColumns / NC)), 8)

  // The rows of w that one stride can walk: all of them, or those of one channel, or single lines.
  const tapStrides = three(weights.strides.slice(FIRST_AXIS), 0)
  const flat = collapse([channels, ...taps], [[weights.strides[2], ...tapStrides]])
  const run = flat.shape[flat.shape.length - 1]
  const runStride = flat.strides[0][flat.shape.length - 1]

  const bytes = (strides: readonly number[]): void => {
    for (const s of [...strides.slice(0, FIRST_AXIS), ...three(strides.slice(FIRST_AXIS), 0)]) w.i32(s * WORD)
  }
  w.list([groups, images, outs, channels])
  for (const list of [taps, positions, sizes, stride, dilation, padLow]) w.list(list)
  bytes(x.strides)
  bytes(weights.strides)
  bytes(out.strides)
  w.list(reach)
  const work = groups * outs * rows * columns
  w.list([copied ? 1 : 0, direct ? 1 : 0, dots ? 1 : 0, work >= PARALLEL_WORK ? 1 : 0, parts, stepImages, stepChannels, kc, direct ? NC / 4 : nc, Math.max(run, 1)])
  w.i32(runStride * WORD)

  const words = (n: number): number => align(n * WORD, 64)
  const panels = dots ? 0 : 2 * words(stepRows) + 2 * words(stepColumns) + words(align(outs + 6, 6) * stepRows) + words(nc * kc)
  const copy = copied ? words(stepImages * stepChannels * numel(reach)) + 64 : 0
  const partial = parts ? words(parts * outs * columns) : 0
  w.scratch(5 * 64 + panels + copy + partial + 192)
}
