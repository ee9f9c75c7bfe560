// The inside of matrix products: both operands are packed into panels that the micro-kernel walks in order.
// A lies in panels [k][MR], B in panels [k][NR], padded with zeros. After Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication" (2008). Strides are in bytes.

/** Rows of a tile: with fused multiply-add 12 sums + 2 of B + 1 of A fill the registers; without, one more is in use. */
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5
export const NR: i32 = 8
/** Bytes of one step of k in a panel. */
export const A_STEP: usize = <usize>MR << 2
export const B_STEP: usize = 32
/** Bytes of a tile that is not stored in place. */
export const TILE: usize = 192

@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c)
  return f32x4.add(f32x4.mul(a, b), c)
}

/** Eight numbers of a row. */
@inline
export function storePair(at: usize, left: v128, right: v128): void {
  v128.store(at, left)
  v128.store(at, right, 16)
}

@inline
function addPair(at: usize, left: v128, right: v128): void {
  storePair(at, f32x4.add(v128.load(at), left), f32x4.add(v128.load(at, 16), right))
}

/** One tile of MR × 8: the sum over kc steps, stored to `c` or added to what is there. */
function tile(kc: i32, a: usize, b: usize, c: usize, rowStride: usize, add: bool): void {
  let c00 = f32x4.splat(0), c01 = c00
  let c10 = c00, c11 = c00
  let c20 = c00, c21 = c00
  let c30 = c00, c31 = c00
  let c40 = c00, c41 = c00
  let c50 = c00, c51 = c00
  // One step in the body: V8 unrolls the loop itself, and keeps the steps apart so that nothing spills.
  for (const end = a + <usize>kc * A_STEP; a != end; a += A_STEP, b += B_STEP) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    let x = v128.load32_splat(a)
    c00 = fma(x, b0, c00)
    c01 = fma(x, b1, c01)
    x = v128.load32_splat(a, 4)
    c10 = fma(x, b0, c10)
    c11 = fma(x, b1, c11)
    x = v128.load32_splat(a, 8)
    c20 = fma(x, b0, c20)
    c21 = fma(x, b1, c21)
    x = v128.load32_splat(a, 12)
    c30 = fma(x, b0, c30)
    c31 = fma(x, b1, c31)
    x = v128.load32_splat(a, 16)
    c40 = fma(x, b0, c40)
    c41 = fma(x, b1, c41)
    if (MR == 6) {
      x = v128.load32_splat(a, 20)
      c50 = fma(x, b0, c50)
      c51 = fma(x, b1, c51)
    }
  }
  // Two branches for the whole tile: a choice for each row makes V8 spill the sums inside the loop and takes twice the time.
  if (add) {
    addPair(c, c00, c01)
    addPair(c + rowStride, c10, c11)
    addPair(c + 2 * rowStride, c20, c21)
    addPair(c + 3 * rowStride, c30, c31)
    addPair(c + 4 * rowStride, c40, c41)
    if (MR == 6) addPair(c + 5 * rowStride, c50, c51)
  } else {
    storePair(c, c00, c01)
    storePair(c + rowStride, c10, c11)
    storePair(c + 2 * rowStride, c20, c21)
    storePair(c + 3 * rowStride, c30, c31)
    storePair(c + 4 * rowStride, c40, c41)
    if (MR == 6) storePair(c + 5 * rowStride, c50, c51)
  }
}

/**
 * All `m` rows of packed A times one panel of B. Column j of the result lies `columns[j]` bytes after `c`; `columns` = 0 says
 * that all eight are there and side by side. `temp` has room for a tile.
 */
export function panelProduct(
  kc: i32, a: usize, m: i32, b: usize, c: usize, rowStride: usize, columns: usize, n: i32, add: bool, temp: usize,
): void {
  const panel = <usize>kc * A_STEP
  for (let i = 0; i < m; i += MR) {
    const rows = min(MR, m - i)
    if (columns == 0 && rows == MR) tile(kc, a, b, c, rowStride, add)
    else {
      tile(kc, a, b, temp, 32, false)
      if (columns == 0) copyRows(temp, c, rowStride, rows, add)
      else scatterTile(temp, c, rowStride, rows, columns, n, add)
    }
    a += panel
    c += <usize>MR * rowStride
  }
}

function copyRows(from: usize, c: usize, rowStride: usize, rows: i32, add: bool): void {
  for (let r = 0; r < rows; r++) {
    if (add) addPair(c, v128.load(from), v128.load(from, 16))
    else storePair(c, v128.load(from), v128.load(from, 16))
    from += 32
    c += rowStride
  }
}

function scatterTile(from: usize, c: usize, rowStride: usize, rows: i32, columns: usize, n: i32, add: bool): void {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < n; j++) {
      const at = c + load<u32>(columns + (<usize>j << 2))
      const v = load<f32>(from + (<usize>j << 2))
      store<f32>(at, add ? load<f32>(at) + v : v)
    }
    from += 32
    c += rowStride
  }
}

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
function transpose4(p: usize, rowStride: usize, to: usize, step: usize): void {
  const r0 = v128.load(p)
  const r1 = v128.load(p + rowStride)
  const r2 = v128.load(p + 2 * rowStride)
  const r3 = v128.load(p + 3 * rowStride)
  const l01 = low(r0, r1), h01 = high(r0, r1)
  const l23 = low(r2, r3), h23 = high(r2, r3)
  v128.store(to, lowPairs(l01, l23))
  v128.store(to + step, highPairs(l01, l23))
  v128.store(to + 2 * step, lowPairs(h01, h23))
  v128.store(to + 3 * step, highPairs(h01, h23))
}

/** Packs m × k elements of A from `a` into panels of MR rows that lie `panel` bytes apart. */
export function packA(a: usize, rowStride: usize, kStride: usize, m: i32, k: i32, to: usize, panel: usize): void {
  let i = 0
  for (; i + MR <= m; i += MR) {
    if (kStride == 4) packAlongK(a, rowStride, k, to)
    else if (rowStride == 4) packAcrossK(a, kStride, k, to)
    else packStrided(a, rowStride, kStride, MR, MR, k, to)
    a += <usize>MR * rowStride
    to += panel
  }
  if (i < m) packStrided(a, rowStride, kStride, m - i, MR, k, to)
}

function packAlongK(a: usize, rowStride: usize, k: i32, to: usize): void {
  const fifth = a + 4 * rowStride
  const sixth = fifth + rowStride
  let at: usize = 0
  let left = k
  for (; left >= 4; left -= 4) {
    transpose4(a + at, rowStride, to, A_STEP)
    const r4 = v128.load(fifth + at)
    if (MR == 6) {
      const r5 = v128.load(sixth + at)
      const l = low(r4, r5), h = high(r4, r5)
      v128.store_lane<i64>(to, l, 0, 16)
      v128.store_lane<i64>(to + A_STEP, l, 1, 16)
      v128.store_lane<i64>(to + 2 * A_STEP, h, 0, 16)
      v128.store_lane<i64>(to + 3 * A_STEP, h, 1, 16)
    } else {
      v128.store_lane<i32>(to, r4, 0, 16)
      v128.store_lane<i32>(to + A_STEP, r4, 1, 16)
      v128.store_lane<i32>(to + 2 * A_STEP, r4, 2, 16)
      v128.store_lane<i32>(to + 3 * A_STEP, r4, 3, 16)
    }
    at += 16
    to += 4 * A_STEP
  }
  if (left > 0) packStrided(a + at, rowStride, 4, MR, MR, left, to)
}

function packAcrossK(a: usize, kStride: usize, k: i32, to: usize): void {
  for (; k > 0; k--) {
    v128.store(to, v128.load(a))
    if (MR == 6) store<i64>(to, load<i64>(a, 16), 16)
    else store<i32>(to, load<i32>(a, 16), 16)
    a += kStride
    to += A_STEP
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
