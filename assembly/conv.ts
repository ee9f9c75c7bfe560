// Convolution as matrix products without a matrix of windows: the windows are read straight into the panels of B through two
// tables of offsets, one for the rows (channel, tap) and one for the columns (image, position), from a copy of the input that has
// its zeros in place. The encoder (src/backend/wasm/encode-conv.ts) has chosen the order and the block sizes.
import { payload, viewAddress } from './descriptor'
import { A_STEP, B_STEP, fma, MR, NR, packA, panelProduct, TILE } from './gemm'
import { inTurn, parallel, scratch, threads } from './pool'

/**
 * One of the convolutions that the payload holds, after their number: words in all, distance of w and of the output from their
 * views; then sizes of three spatial axes each, strides in bytes.
 */
@unmanaged
class Conv {
  words: i32
  wFrom: i32
  outFrom: i32
  groups: i32
  images: i32
  outs: i32
  channels: i32
  k0: i32; k1: i32; k2: i32
  t0: i32; t1: i32; t2: i32
  s0: i32; s1: i32; s2: i32
  stride0: i32; stride1: i32; stride2: i32
  dilation0: i32; dilation1: i32; dilation2: i32
  pad0: i32; pad1: i32; pad2: i32
  xGroup: i32; xImage: i32; xChannel: i32; x0: i32; x1: i32; x2: i32
  wGroup: i32; wOut: i32; wChannel: i32; w0: i32; w1: i32; w2: i32
  oGroup: i32; oImage: i32; oOut: i32; o0: i32; o1: i32; o2: i32
  /** Sizes of the input with its zeros in place, when it is copied. */
  p0: i32; p1: i32; p2: i32
  copied: i32
  /** Too few outputs to fill a tile: windows are multiplied where they lie, four positions of a line at a time. */
  direct: i32
  wide: i32 // whether threads share the work
  parts: i32 // 0: all channels at once, images in turn; else partial sums over that many ranges of channels
  stepImages: i32
  stepChannels: i32
  kc: i32
  nc: i32
  /** Rows of w that lie at equal distances, and the distance. */
  run: i32
  runStride: i32
}

const MC: i32 = MR == 6 ? 192 : 190

/** What all groups share: tables of offsets in bytes. */
@unmanaged
class Tables {
  x: usize
  w: usize
  columns: usize
  out: usize
}

/** One group at work. */
@unmanaged
class Group {
  desc: usize
  conv: Conv
  tables: Tables
  x: usize
  w: usize
  out: usize
  packed: usize
  partial: usize
}

/** Some images and channels of a group: packed W times their windows, to be stored at `c` or added there. */
@unmanaged
class Step {
  group: Group
  base: usize
  packed: usize
  rows: i32
  columns: i32
  c: usize
  cRow: i32
  add: bool
}

/** `parallel` where there are tasks enough to keep all threads busy, else one after the other: their inside may be shared then. */
function spread(conv: Conv, fn: i32, job: usize, tasks: i32): void {
  if (conv.wide && tasks >= 2 * threads()) parallel(fn, job, tasks)
  else inTurn(fn, job, tasks)
}

@inline
function taps(conv: Conv): i32 {
  return conv.k0 * conv.k1 * conv.k2
}

@inline
function positions(conv: Conv): i32 {
  return conv.t0 * conv.t1 * conv.t2
}

/** Fours of positions in one image. */
@inline
function fours(conv: Conv): i32 {
  return conv.t0 * conv.t1 * ((conv.t2 + 3) >> 2)
}

@inline
function panelsOf(conv: Conv): i32 {
  return (conv.outs + MR - 1) / MR
}

export function runConv(desc: usize): i32 {
  inTurn(convTask.index, desc, load<i32>(payload(desc)))
  return 0
}

function convTask(desc: usize, task: i32, tasks: i32): void {
  let at = payload(desc) + 4
  for (; task > 0; task--) at += <usize>load<i32>(at) << 2
  const conv = changetype<Conv>(at)
  const tables = changetype<Tables>(scratch(offsetof<Tables>()))
  makeTables(conv, tables)
  const group = changetype<Group>(scratch(offsetof<Group>()))
  group.desc = desc
  group.conv = conv
  group.tables = tables
  spread(conv, groupTask.index, changetype<usize>(group), conv.groups)
}

function makeTables(conv: Conv, tables: Tables): void {
  const rows = conv.stepChannels * taps(conv)
  const columns = conv.direct ? fours(conv) : conv.stepImages * positions(conv)
  tables.x = scratch(<usize>rows << 2)
  tables.w = scratch(<usize>rows << 2)
  tables.columns = scratch(<usize>columns << 2)
  tables.out = scratch(<usize>columns << 2)
  // Strides of what the windows are read from: the copy [image, channel, p0, p1, p2] or the input itself.
  const x2 = conv.copied ? 4 : conv.x2
  const x1 = conv.copied ? 4 * conv.p2 : conv.x1
  const x0 = conv.copied ? 4 * conv.p2 * conv.p1 : conv.x0
  const xChannel = conv.copied ? channelBytes(conv) : conv.xChannel
  const xImage = conv.copied ? conv.stepChannels * xChannel : conv.xImage
  let at: usize = 0
  for (let c = 0; c < conv.stepChannels; c++)
    for (let i = 0; i < conv.k0; i++)
      for (let j = 0; j < conv.k1; j++)
        for (let k = 0; k < conv.k2; k++, at += 4) {
          store<i32>(tables.x + at, c * xChannel + i * conv.dilation0 * x0 + j * conv.dilation1 * x1 + k * conv.dilation2 * x2)
          store<i32>(tables.w + at, c * conv.wChannel + i * conv.w0 + j * conv.w1 + k * conv.w2)
        }
  at = 0
  const step = conv.direct ? 4 : 1
  for (let n = 0; n < conv.stepImages; n++)
    for (let i = 0; i < conv.t0; i++)
      for (let j = 0; j < conv.t1; j++)
        for (let l = 0; l < conv.t2; l += step, at += 4) {
          // The last four of a line overlap those before.
          const k = min(l, conv.t2 - step)
          store<i32>(tables.columns + at, n * xImage + i * conv.stride0 * x0 + j * conv.stride1 * x1 + k * conv.stride2 * x2)
          // Partial sums lie without gaps.
          store<i32>(tables.out + at, conv.parts ? <i32>at : n * conv.oImage + i * conv.o0 + j * conv.o1 + k * conv.o2)
        }
}

@inline
function channelBytes(conv: Conv): i32 {
  return 4 * conv.p0 * conv.p1 * conv.p2
}

function groupTask(job: usize, task: i32, tasks: i32): void {
  const shared = changetype<Group>(job)
  const conv = shared.conv
  const group = changetype<Group>(scratch(offsetof<Group>()))
  memory.copy(changetype<usize>(group), job, offsetof<Group>())
  group.x = viewAddress(shared.desc, 0) + task * conv.xGroup
  group.w = viewAddress(shared.desc, 1) + conv.wFrom + task * conv.wGroup
  group.out = viewAddress(shared.desc, 2) + conv.outFrom + task * conv.oGroup
  if (conv.parts) sumOfParts(group)
  else imagesInTurn(group)
}

// All channels at once: W is packed once and serves every image.

function imagesInTurn(group: Group): void {
  const conv = group.conv
  const rows = conv.channels * taps(conv)
  group.packed = scratch(<usize>panelsOf(conv) * <usize>rows * A_STEP)
  if (conv.direct) listWeights(group, rows)
  else packWeights(group, group.w, rows, group.packed)
  spread(conv, imagesTask.index, changetype<usize>(group), (conv.images + conv.stepImages - 1) / conv.stepImages)
}

function imagesTask(job: usize, task: i32, tasks: i32): void {
  const group = changetype<Group>(job)
  const conv = group.conv
  const image = task * conv.stepImages
  const images = min(conv.stepImages, conv.images - image)
  const step = changetype<Step>(scratch(offsetof<Step>()))
  step.group = group
  step.base = windowsBase(group, image, images, 0, conv.channels)
  step.packed = group.packed
  step.rows = conv.channels * taps(conv)
  step.columns = conv.direct ? fours(conv) : images * positions(conv)
  step.c = group.out + image * conv.oImage
  step.cRow = conv.oOut
  step.add = false
  columnsOf(conv, step)
}

// Many channels and taps, few results (the gradient for w): each part sums over its channels, then the parts are added in order.

function sumOfParts(group: Group): void {
  const conv = group.conv
  const size = <usize>conv.outs * <usize>(conv.images * positions(conv)) << 2
  group.partial = scratch(size * <usize>conv.parts)
  if (conv.wide) parallel(partTask.index, changetype<usize>(group), conv.parts)
  else inTurn(partTask.index, changetype<usize>(group), conv.parts)
  addParts(group, size)
}

function partTask(job: usize, part: i32, parts: i32): void {
  const group = changetype<Group>(job)
  const conv = group.conv
  const from = <i32>(<i64>conv.channels * part / parts)
  const to = <i32>(<i64>conv.channels * (part + 1) / parts)
  const columns = conv.images * positions(conv)
  const rows = conv.stepChannels * taps(conv)
  const step = changetype<Step>(scratch(offsetof<Step>()))
  step.group = group
  step.packed = scratch(<usize>panelsOf(conv) * <usize>rows * A_STEP)
  step.columns = columns
  step.cRow = columns << 2
  step.c = group.partial + <usize>part * <usize>conv.outs * <usize>step.cRow
  const buffer = conv.copied ? scratch(<usize>conv.images * <usize>conv.stepChannels * channelBytes(conv)) : 0
  for (let channel = from; channel < to; channel += conv.stepChannels) {
    const channels = min(conv.stepChannels, to - channel)
    step.rows = channels * taps(conv)
    step.add = channel > from
    step.base = conv.copied ? copyInput(group, 0, conv.images, channel, channels, buffer) : inputAt(group, 0, channel)
    packWeights(group, group.w + channel * conv.wChannel, step.rows, step.packed)
    columnsOf(conv, step)
  }
}

function addParts(group: Group, size: usize): void {
  const conv = group.conv
  for (let at: usize = 0; at < size; at += 4) {
    let sum = load<f32>(group.partial + at)
    for (let part = 1; part < conv.parts; part++) sum += load<f32>(group.partial + <usize>part * size + at)
    store<f32>(group.partial + at, sum)
  }
  let from = group.partial
  for (let o = 0; o < conv.outs; o++)
    for (let n = 0; n < conv.images; n++)
      for (let i = 0; i < conv.t0; i++)
        for (let j = 0; j < conv.t1; j++) {
          const row = group.out + o * conv.oOut + n * conv.oImage + i * conv.o0 + j * conv.o1
          for (let k = 0; k < conv.t2; k++, from += 4) store<f32>(row + k * conv.o2, load<f32>(from))
        }
}

/** Packs `rows` rows (channel, tap) of the weights from `w`, in blocks of kc: each block holds all panels. */
function packWeights(group: Group, w: usize, rows: i32, to: usize): void {
  const conv = group.conv
  const panels = <usize>panelsOf(conv)
  for (let from = 0; from < rows; from += conv.kc) {
    const k = min(conv.kc, rows - from)
    const end = from + k
    const block = to + <usize>from * panels * A_STEP
    for (let row = from; row < end; ) {
      const run = min(conv.run - (row % conv.run), end - row)
      const at = w + load<i32>(group.tables.w + (<usize>row << 2))
      packA(at, conv.wOut, conv.runStride, conv.outs, run, block + <usize>(row - from) * A_STEP, <usize>k * A_STEP)
      row += run
    }
  }
}

/** Where the windows of these images and channels are read from. */
function windowsBase(group: Group, image: i32, images: i32, channel: i32, channels: i32): usize {
  const conv = group.conv
  if (!conv.copied) return inputAt(group, image, channel)
  return copyInput(group, image, images, channel, channels, scratch(<usize>images * <usize>conv.stepChannels * channelBytes(conv)))
}

/** The first window's first element; without zeros before it padding can only be negative. */
function inputAt(group: Group, image: i32, channel: i32): usize {
  const conv = group.conv
  return group.x + image * conv.xImage + channel * conv.xChannel - conv.pad0 * conv.x0 - conv.pad1 * conv.x1 - conv.pad2 * conv.x2
}

/** Element s of an axis goes to s + pad of the copy: the first s that is inside, and the number of those that are. */
@inline
function countInside(first: i32, pad: i32, size: i32, room: i32): i32 {
  return max(0, min(size, room - pad) - first)
}

/** Copies images and channels to `to`, zeros in place. */
function copyInput(group: Group, image: i32, images: i32, channel: i32, channels: i32, to: usize): usize {
  const conv = group.conv
  const bytes = <usize>channelBytes(conv)
  const f0 = max(0, -conv.pad0), n0 = countInside(f0, conv.pad0, conv.s0, conv.p0)
  const f1 = max(0, -conv.pad1), n1 = countInside(f1, conv.pad1, conv.s1, conv.p1)
  const f2 = max(0, -conv.pad2), n2 = countInside(f2, conv.pad2, conv.s2, conv.p2)
  const first = 4 * (f2 + conv.pad2)
  for (let n = 0; n < images; n++)
    for (let c = 0; c < channels; c++) {
      const from = group.x + (image + n) * conv.xImage + (channel + c) * conv.xChannel + f2 * conv.x2
      const out = to + <usize>(n * conv.stepChannels + c) * bytes
      memory.fill(out, 0, bytes)
      for (let i = f0; i < f0 + n0; i++)
        for (let j = f1; j < f1 + n1; j++) {
          const line = (i + conv.pad0) * conv.p1 + j + conv.pad1
          copyRow(from + i * conv.x0 + j * conv.x1, conv.x2, out + line * 4 * conv.p2 + first, n2)
        }
    }
  return to
}

@inline
function copyRow(from: usize, step: usize, to: usize, n: i32): void {
  if (step == 4)
    for (; n >= 4; n -= 4, from += 16, to += 16) v128.store(to, v128.load(from))
  for (; n > 0; n--, from += step, to += 4) store<f32>(to, load<f32>(from))
}

// The product of one step.

function columnsOf(conv: Conv, step: Step): void {
  spread(conv, conv.direct ? directTask.index : columnsTask.index, changetype<usize>(step), (step.columns + conv.nc - 1) / conv.nc)
}

function columnsTask(job: usize, task: i32, tasks: i32): void {
  const step = changetype<Step>(job)
  const group = step.group
  const conv = group.conv
  const tables = group.tables
  const from = task * conv.nc
  const n = min(conv.nc, step.columns - from)
  const panels = <usize>panelsOf(conv)
  const temp = scratch(TILE)
  const packed = scratch(<usize>((n + NR - 1) / NR) * <usize>min(conv.kc, step.rows) * B_STEP)
  let row = 0
  do {
    // Without rows one round of no steps: it stores the zeros.
    const k = min(conv.kc, step.rows - row)
    const panel = <usize>k * B_STEP
    for (let j = 0; j < n; j += NR)
      packWindows(step.base, tables.x + (<usize>row << 2), k, tables.columns + (<usize>(from + j) << 2), min(NR, n - j), packed + <usize>(j / NR) * panel)
    const a = step.packed + <usize>row * panels * A_STEP
    for (let o = 0; o < conv.outs; o += MC)
      for (let j = 0; j < n; j += NR) {
        const columns = tables.out + (<usize>(from + j) << 2)
        const start: usize = load<i32>(columns)
        const width = min(NR, n - j)
        const flat = width == NR && contiguous(columns) && contiguous(columns + 16) && <usize>load<i32>(columns, 16) == start + 16
        panelProduct(
          k, a + <usize>o * <usize>k * 4, min(MC, conv.outs - o), packed + <usize>(j / NR) * panel,
          step.c + o * step.cRow + (flat ? start : 0), step.cRow, flat ? 0 : columns, width, step.add || row > 0, temp,
        )
      }
    row += conv.kc
  } while (row < step.rows)
}

/** Whether four offsets are those of neighbours. */
@inline
function contiguous(offsets: usize): bool {
  const first = load<i32>(offsets)
  return load<i32>(offsets, 4) == first + 4 && load<i32>(offsets, 8) == first + 8 && load<i32>(offsets, 12) == first + 12
}

/** One panel: k rows at the offsets `rows`, `n` columns at the offsets `columns`. What stands in the other columns does not matter. */
function packWindows(base: usize, rows: usize, k: i32, columns: usize, n: i32, to: usize): void {
  packFour(base, rows, k, columns, n, to)
  if (n > 4) packFour(base, rows, k, columns + 16, n - 4, to + 16)
}

function packFour(base: usize, rows: usize, k: i32, columns: usize, n: i32, to: usize): void {
  const p0 = base + load<i32>(columns)
  const end = rows + (<usize>k << 2)
  if (n >= 4 && contiguous(columns)) {
    for (; rows != end; rows += 4, to += B_STEP) v128.store(to, v128.load(p0 + load<i32>(rows)))
    return
  }
  const last = columns + (<usize>(n - 1) << 2)
  const p1 = base + load<i32>(min(columns + 4, last))
  const p2 = base + load<i32>(min(columns + 8, last))
  const p3 = base + load<i32>(min(columns + 12, last))
  for (; rows != end; rows += 4, to += B_STEP) {
    const offset = load<i32>(rows)
    let v = v128.load32_zero(p0 + offset)
    v = v128.load_lane<f32>(p1 + offset, v, 1)
    v = v128.load_lane<f32>(p2 + offset, v, 2)
    v = v128.load_lane<f32>(p3 + offset, v, 3)
    v128.store(to, v)
  }
}

// Few outputs: no panels.

/** Weights as one list for each output. */
function listWeights(group: Group, rows: i32): void {
  const conv = group.conv
  let to = group.packed
  for (let o = 0; o < conv.outs; o++)
    for (let row = 0; row < rows; row++, to += 4) store<f32>(to, load<f32>(group.w + o * conv.wOut + load<i32>(group.tables.w + (<usize>row << 2))))
}

function directTask(job: usize, task: i32, tasks: i32): void {
  const step = changetype<Step>(job)
  const conv = step.group.conv
  const tables = step.group.tables
  const end = min(step.columns, (task + 1) * conv.nc)
  const last = <usize>(end - 1) << 2
  for (let i = task * conv.nc; i < end; i += 4) {
    const i0 = <usize>i << 2, i1 = min(i0 + 4, last), i2 = min(i0 + 8, last), i3 = min(i0 + 12, last)
    const x0 = step.base + load<i32>(tables.columns + i0), x1 = step.base + load<i32>(tables.columns + i1)
    const x2 = step.base + load<i32>(tables.columns + i2), x3 = step.base + load<i32>(tables.columns + i3)
    for (let o = 0; o < conv.outs; o++) {
      const c = step.c + o * step.cRow
      fourFours(
        tables.x, step.rows, step.packed + <usize>o * <usize>step.rows * 4, x0, x1, x2, x3,
        c + load<i32>(tables.out + i0), c + load<i32>(tables.out + i1), c + load<i32>(tables.out + i2), c + load<i32>(tables.out + i3),
      )
    }
  }
}

function fourFours(rows: usize, n: i32, w: usize, x0: usize, x1: usize, x2: usize, x3: usize, c0: usize, c1: usize, c2: usize, c3: usize): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
  for (const end = rows + (<usize>n << 2); rows != end; rows += 4, w += 4) {
    const at = load<i32>(rows)
    const weight = v128.load32_splat(w)
    s0 = fma(weight, v128.load(x0 + at), s0)
    s1 = fma(weight, v128.load(x1 + at), s1)
    s2 = fma(weight, v128.load(x2 + at), s2)
    s3 = fma(weight, v128.load(x3 + at), s3)
  }
  v128.store(c0, s0)
  v128.store(c1, s1)
  v128.store(c2, s2)
  v128.store(c3, s3)
}
