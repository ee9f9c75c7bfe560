// Convolution as matrix products without a matrix of windows: the windows are read straight into the panels of B. The encoder
// (src/backend/wasm/encode-conv.ts) has chosen the order and the block sizes.
import { dotsOf } from './conv-dots'
import { channelBytes, contiguous, copyInput, inputAt, makeTables, packWindows, windowsBase } from './conv-input'
import { Conv, fours, Group, positions, Step, Tables, taps } from './conv-job'
import { payload, viewAddress } from './descriptor'
import { B_STEP, fma, highRows, MR, NR, packedRows, panelProduct, TILE } from './gemm'
import { packA } from './pack'
import { inTurn, parallel, scratch, threads } from './pool'

const MC: i32 = MR == 6 ? 192 : 190

/** Bytes of one step of k in packed W: of all outputs, those that fill up tiles included. */
@inline
function stepOf(conv: Conv): usize {
  return <usize>packedRows(conv.outs) << 2
}

/** `parallel` where there are tasks enough to keep all threads busy, else one after the other: their inside may be shared then. */
function spread(conv: Conv, fn: i32, job: usize, tasks: i32): void {
  if (conv.wide && tasks >= 2 * threads()) parallel(fn, job, tasks)
  else inTurn(fn, job, tasks)
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
  group.packed = scratch(<usize>rows * stepOf(conv))
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
  if (!conv.dots) step.packed = scratch(<usize>rows * stepOf(conv))
  step.columns = columns
  step.cRow = columns << 2
  step.c = group.partial + <usize>part * <usize>conv.outs * <usize>step.cRow
  const buffer = conv.copied ? scratch(<usize>conv.images * <usize>conv.stepChannels * channelBytes(conv)) : 0
  for (let channel = from; channel < to; channel += conv.stepChannels) {
    const channels = min(conv.stepChannels, to - channel)
    step.rows = channels * taps(conv)
    step.add = channel > from
    step.base = conv.copied ? copyInput(group, 0, conv.images, channel, channels, buffer) : inputAt(group, 0, channel)
    const w = group.w + channel * conv.wChannel
    if (conv.dots) {
      dotsOf(step, w, channels)
      continue
    }
    packWeights(group, w, step.rows, step.packed)
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

/** Packs `rows` rows (channel, tap) of the weights from `w`, in blocks of kc: each block holds all panels, those of MC outputs after those of others. */
function packWeights(group: Group, w: usize, rows: i32, to: usize): void {
  const conv = group.conv
  for (let from = 0; from < rows; from += conv.kc) {
    const k = min(conv.kc, rows - from)
    const end = from + k
    const block = to + <usize>from * stepOf(conv)
    for (let row = from; row < end; ) {
      const run = min(conv.run - (row % conv.run), end - row)
      const at = w + load<i32>(group.tables.w + (<usize>row << 2))
      for (let o = 0; o < conv.outs; o += MC)
        packA(at + o * conv.wOut, conv.wOut, conv.runStride, min(MC, conv.outs - o), run, block + (<usize>o * <usize>k << 2), k, row - from)
      row += run
    }
  }
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
  const temp = scratch(TILE)
  const packed = scratch(<usize>((n + NR - 1) / NR) * <usize>min(conv.kc, step.rows) * B_STEP)
  let row = 0
  do {
    // Without rows one round of no steps: it stores the zeros.
    const k = min(conv.kc, step.rows - row)
    const panel = <usize>k * B_STEP
    for (let j = 0; j < n; j += NR)
      packWindows(step.base, tables.x + (<usize>row << 2), conv.k2, k, tables.columns + (<usize>(from + j) << 2), min(NR, n - j), packed + <usize>(j / NR) * panel)
    const a = step.packed + <usize>row * stepOf(conv)
    for (let o = 0; o < conv.outs; o += MC) {
      const outs = min(MC, conv.outs - o), high = highRows(outs)
      for (let j = 0; j < n; j += NR) {
        const columns = tables.out + (<usize>(from + j) << 2)
        const start: usize = load<i32>(columns)
        const width = min(NR, n - j)
        const flat = width == NR && contiguous(columns) && contiguous(columns + 16) && <usize>load<i32>(columns, 16) == start + 16
        panelProduct(
          k, a + <usize>o * <usize>k * 4, outs, high, packed + <usize>(j / NR) * panel,
          step.c + o * step.cRow + (flat ? start : 0), step.cRow, flat ? 0 : columns, width, step.add || row > 0, temp,
        )
      }
    }
    row += conv.kc
  } while (row < step.rows)
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
      const w = step.packed + <usize>o * <usize>step.rows * 4
      const c0 = c + load<i32>(tables.out + i0), c1 = c + load<i32>(tables.out + i1)
      const c2 = c + load<i32>(tables.out + i2), c3 = c + load<i32>(tables.out + i3)
      if (conv.stride2 == 1) fourFours(tables.x, step.rows, w, x0, x1, x2, x3, c0, c1, c2, c3, conv.o2)
      else everySecond(tables.x, step.rows, w, x0, x1, x2, x3, c0, c1, c2, c3, conv.o2)
    }
  }
}

function fourFours(
  rows: usize, n: i32, w: usize, x0: usize, x1: usize, x2: usize, x3: usize, c0: usize, c1: usize, c2: usize, c3: usize, o2: usize,
): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
  for (const end = rows + (<usize>n << 2); rows != end; rows += 4, w += 4) {
    const at = load<i32>(rows)
    const weight = v128.load32_splat(w)
    s0 = fma(weight, v128.load(x0 + at), s0)
    s1 = fma(weight, v128.load(x1 + at), s1)
    s2 = fma(weight, v128.load(x2 + at), s2)
    s3 = fma(weight, v128.load(x3 + at), s3)
  }
  putFour(c0, s0, o2)
  putFour(c1, s1, o2)
  putFour(c2, s2, o2)
  putFour(c3, s3, o2)
}

/** The same with stride 2. */
function everySecond(
  rows: usize, n: i32, w: usize, x0: usize, x1: usize, x2: usize, x3: usize, c0: usize, c1: usize, c2: usize, c3: usize, o2: usize,
): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
  for (const end = rows + (<usize>n << 2); rows != end; rows += 4, w += 4) {
    const at = load<i32>(rows)
    const weight = v128.load32_splat(w)
    s0 = fma(weight, evens(x0 + at), s0)
    s1 = fma(weight, evens(x1 + at), s1)
    s2 = fma(weight, evens(x2 + at), s2)
    s3 = fma(weight, evens(x3 + at), s3)
  }
  putFour(c0, s0, o2)
  putFour(c1, s1, o2)
  putFour(c2, s2, o2)
  putFour(c3, s3, o2)
}

@inline
function evens(p: usize): v128 {
  return v128.shuffle<f32>(v128.load(p), v128.load(p, 16), 0, 2, 4, 6)
}

@inline
function putFour(at: usize, v: v128, step: usize): void {
  if (step == 4) v128.store(at, v)
  else {
    v128.store_lane<f32>(at, v, 0)
    v128.store_lane<f32>(at + step, v, 1)
    v128.store_lane<f32>(at + 2 * step, v, 2)
    v128.store_lane<f32>(at + 3 * step, v, 3)
  }
}
