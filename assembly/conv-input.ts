// The input of a convolution: its windows lie at the sums of two offsets, one for the row (channel, tap) and one for the column
// (image, position), in the input itself or in a copy that has the zeros around it in place.
import { Conv, fours, Group, positions, Tables, taps } from './conv-job'
import { B_STEP } from './gemm'
import { storeColumns } from './pack'
import { scratch } from './pool'

/** Fills the four tables, which scalar products do without; `direct` work has one column for each four positions of a line. */
export function makeTables(conv: Conv, tables: Tables): void {
  if (conv.dots) return
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
export function channelBytes(conv: Conv): i32 {
  return 4 * conv.p0 * conv.p1 * conv.p2
}

/** Where the windows of these images and channels are read from. */
export function windowsBase(group: Group, image: i32, images: i32, channel: i32, channels: i32): usize {
  const conv = group.conv
  if (!conv.copied) return inputAt(group, image, channel)
  return copyInput(group, image, images, channel, channels, scratch(<usize>images * <usize>conv.stepChannels * channelBytes(conv)))
}

/** The first window's first element; without zeros before it padding can only be negative. */
export function inputAt(group: Group, image: i32, channel: i32): usize {
  const conv = group.conv
  return group.x + image * conv.xImage + channel * conv.xChannel - conv.pad0 * conv.x0 - conv.pad1 * conv.x1 - conv.pad2 * conv.x2
}

/** Element s of an axis goes to s + pad of the copy: the first s that is inside, and the number of those that are. */
@inline
function countInside(first: i32, pad: i32, size: i32, room: i32): i32 {
  return max(0, min(size, room - pad) - first)
}

/** Copies images and channels to `to`, zeros in place. */
export function copyInput(group: Group, image: i32, images: i32, channel: i32, channels: i32, to: usize): usize {
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

/** Whether four offsets are those of neighbours. */
@inline
export function contiguous(offsets: usize): bool {
  const first = load<i32>(offsets)
  return load<i32>(offsets, 4) == first + 4 && load<i32>(offsets, 8) == first + 8 && load<i32>(offsets, 12) == first + 12
}

/**
 * One panel: k rows at the offsets `rows`, neighbours in runs of `run`, `n` columns at the offsets `columns`. What stands in the other
 * columns does not matter.
 */
export function packWindows(base: usize, rows: usize, run: i32, k: i32, columns: usize, n: i32, to: usize): void {
  if (n == 8 && contiguous(columns) && contiguous(columns + 16)) {
    const left = base + load<i32>(columns), right = base + load<i32>(columns, 16)
    for (const end = rows + (<usize>k << 2); rows != end; rows += 4, to += B_STEP) {
      const offset = load<i32>(rows)
      v128.store(to, v128.load(left + offset))
      v128.store(to, v128.load(right + offset), 16)
    }
    return
  }
  packFour(base, rows, run, k, columns, n, to)
  if (n > 4) packFour(base, rows, run, k, columns + 16, n - 4, to + 16)
}

function packFour(base: usize, rows: usize, run: i32, k: i32, columns: usize, n: i32, to: usize): void {
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
  // Two and two neighbours, where a line of positions ends between them.
  if (p1 == p0 + 4 && p3 == p2 + 4) {
    for (; rows != end; rows += 4, to += B_STEP) {
      const offset = load<i32>(rows)
      v128.store(to, v128.load64_lane(p2 + offset, v128.load64_zero(p0 + offset), 1))
    }
    return
  }
  while (rows != end) {
    const offset = load<i32>(rows)
    if (run >= 4 && rows + 16 <= end && contiguous(rows)) {
      storeColumns(v128.load(p0 + offset), v128.load(p1 + offset), v128.load(p2 + offset), v128.load(p3 + offset), to, B_STEP)
      rows += 16
      to += 4 * B_STEP
      continue
    }
    let v = v128.load32_zero(p0 + offset)
    v = v128.load_lane<f32>(p1 + offset, v, 1)
    v = v128.load_lane<f32>(p2 + offset, v, 2)
    v = v128.load_lane<f32>(p3 + offset, v, 3)
    v128.store(to, v)
    rows += 4
    to += B_STEP
  }
}
