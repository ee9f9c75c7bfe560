// Packing of matrices for the micro-kernel: A in panels [k][MR], the last ones [k][LOW] where that leaves fewer rows empty, B in panels
// [k][NR]; what is empty is zero. Strides are in bytes.
import { B_STEP, highRows, LOW, MR, NR } from './gemm'

// Lanes of two vectors one after the other, for the 4 × 4 transposes of the packing.
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 0, 4, 1, 5)
}

@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 2, 6, 3, 7)
}

@inline
function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 0, 1, 4, 5)
}

@inline
function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 2, 3, 6, 7)
}

/** Four rows of four at `p`, written as columns to `to`, `to + step`, … */
@inline
export function transpose4(p: usize, rowStride: usize, to: usize, step: usize): void {
  storeColumns(v128.load(p), v128.load(p + rowStride), v128.load(p + 2 * rowStride), v128.load(p + 3 * rowStride), to, step)
}

@inline
export function storeColumns(r0: v128, r1: v128, r2: v128, r3: v128, to: usize, step: usize): void {
  const l01 = low(r0, r1), h01 = high(r0, r1)
  const l23 = low(r2, r3), h23 = high(r2, r3)
  v128.store(to, lowPairs(l01, l23))
  v128.store(to + step, highPairs(l01, l23))
  v128.store(to + 2 * step, lowPairs(h01, h23))
  v128.store(to + 3 * step, highPairs(h01, h23))
}

/** Packs m × k elements of A from `a` into steps `first` … of panels that have `steps` steps. */
export function packA(a: usize, rowStride: usize, kStride: usize, m: i32, k: i32, to: usize, steps: i32, first: i32): void {
  const high = min(m, highRows(m))
  packPanels(a, rowStride, kStride, high, k, MR, to, steps, first)
  packPanels(a + <usize>high * rowStride, rowStride, kStride, m - high, k, LOW, to + (<usize>high * <usize>steps << 2), steps, first)
}

function packPanels(a: usize, rowStride: usize, kStride: usize, rows: i32, k: i32, height: i32, to: usize, steps: i32, first: i32): void {
  const panel = <usize>(height * steps) << 2
  const step = <usize>height * rowStride
  to += <usize>(height * first) << 2
  if (rowStride == 4 && kStride != 4) {
    const panels = rows / height
    packAcrossK(a, kStride, k, height, panels, to, panel)
    a += <usize>panels * step
    to += <usize>panels * panel
    rows -= panels * height
  }
  for (; rows > 0; rows -= height, a += step, to += panel) {
    if (kStride == 4 && rows >= height) packAlongK(a, rowStride, k, height, to)
    else packStrided(a, rowStride, kStride, min(rows, height), height, k, to)
  }
}

function packAlongK(a: usize, rowStride: usize, k: i32, height: i32, to: usize): void {
  const step = <usize>height << 2
  const fifth = a + 4 * rowStride
  const sixth = fifth + rowStride
  let at: usize = 0
  let left = k
  for (; left >= 4; left -= 4) {
    transpose4(a + at, rowStride, to, step)
    if (height == 6) {
      const r4 = v128.load(fifth + at), r5 = v128.load(sixth + at)
      const l = low(r4, r5), h = high(r4, r5)
      v128.store_lane<i64>(to, l, 0, 16)
      v128.store_lane<i64>(to + step, l, 1, 16)
      v128.store_lane<i64>(to + 2 * step, h, 0, 16)
      v128.store_lane<i64>(to + 3 * step, h, 1, 16)
    } else if (height == 5) {
      const r4 = v128.load(fifth + at)
      v128.store_lane<i32>(to, r4, 0, 16)
      v128.store_lane<i32>(to + step, r4, 1, 16)
      v128.store_lane<i32>(to + 2 * step, r4, 2, 16)
      v128.store_lane<i32>(to + 3 * step, r4, 3, 16)
    }
    at += 16
    to += 4 * step
  }
  if (left > 0) packStrided(a + at, rowStride, 4, height, height, left, to)
}

/** All panels at once, so that each step of k reads whole cache lines. */
function packAcrossK(a: usize, kStride: usize, k: i32, height: i32, panels: i32, to: usize, panel: usize): void {
  const step = <usize>height << 2
  for (; k > 0; k--) {
    let from = a
    let at = to
    for (let n = panels; n > 0; n--) {
      v128.store(at, v128.load(from))
      if (height == 6) store<i64>(at, load<i64>(from, 16), 16)
      else if (height == 5) store<i32>(at, load<i32>(from, 16), 16)
      from += step
      at += panel
    }
    a += kStride
    to += step
  }
}

/** Any strides: `n` of the `width` lanes of each step are there, the others become zero. */
function packStrided(p: usize, stride: usize, kStride: usize, n: i32, width: i32, k: i32, to: usize): void {
  for (; k > 0; k--) {
    let q = p
    let lane = 0
    for (; lane < n; lane++, q += stride) store<f32>(to + (<usize>lane << 2), load<f32>(q))
    for (; lane < width; lane++) store<f32>(to + (<usize>lane << 2), 0)
    p += kStride
    to += <usize>width << 2
  }
}

/** Packs k × n elements of B from `b` into panels of NR columns. */
export function packB(b: usize, kStride: usize, columnStride: usize, k: i32, n: i32, to: usize): void {
  const panel = <usize>k * B_STEP
  let j = 0
  // Four panels at a time read whole cache lines of each row.
  if (columnStride == 4)
    for (; j + 4 * NR <= n; j += 4 * NR) {
      packFourPanels(b, kStride, k, to)
      b += 4 * B_STEP
      to += 4 * panel
    }
  for (; j + NR <= n; j += NR) {
    if (columnStride == 4) packPanel(b, kStride, k, to)
    else if (kStride == 4) packPanelAlongK(b, columnStride, k, to)
    else packStrided(b, columnStride, kStride, NR, NR, k, to)
    b += <usize>NR * columnStride
    to += panel
  }
  if (j < n) packStrided(b, columnStride, kStride, n - j, NR, k, to)
}

function packFourPanels(b: usize, kStride: usize, k: i32, to: usize): void {
  const panel = <usize>k * B_STEP
  for (; k > 0; k--) {
    v128.store(to, v128.load(b))
    v128.store(to + 16, v128.load(b, 16))
    v128.store(to + panel, v128.load(b, 32))
    v128.store(to + panel + 16, v128.load(b, 48))
    v128.store(to + 2 * panel, v128.load(b, 64))
    v128.store(to + 2 * panel + 16, v128.load(b, 80))
    v128.store(to + 3 * panel, v128.load(b, 96))
    v128.store(to + 3 * panel + 16, v128.load(b, 112))
    b += kStride
    to += B_STEP
  }
}

function packPanel(b: usize, kStride: usize, k: i32, to: usize): void {
  for (; k > 0; k--) {
    v128.store(to, v128.load(b))
    v128.store(to + 16, v128.load(b, 16))
    b += kStride
    to += B_STEP
  }
}

function packPanelAlongK(b: usize, columnStride: usize, k: i32, to: usize): void {
  const right = b + 4 * columnStride
  let at: usize = 0
  for (; k >= 4; k -= 4) {
    transpose4(b + at, columnStride, to, B_STEP)
    transpose4(right + at, columnStride, to + 16, B_STEP)
    at += 16
    to += 4 * B_STEP
  }
  if (k > 0) packStrided(b + at, columnStride, 4, NR, NR, k, to)
}
