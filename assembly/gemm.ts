// The inside of matrix products: both operands are packed into panels (pack.ts) that the micro-kernel walks in order. After Goto and
// van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008). Strides are in bytes.

/** Rows of a tile: with fused multiply-add 12 sums + 2 of B + 1 of A fill the registers; without, one more is in use. */
export const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 5
/** Rows of the tiles that make up the rest: three or four of them waste less than a high one that is half empty. */
export const LOW: i32 = 4
export const NR: i32 = 8
/** Bytes of one step of k in a panel of B. */
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
export function addPair(at: usize, left: v128, right: v128): void {
  storePair(at, f32x4.add(v128.load(at), left), f32x4.add(v128.load(at, 16), right))
}

/** Rows that go into tiles of MR, when `m` rows are cut so that the fewest are empty; the others go into tiles of LOW. */
export function highRows(m: i32): i32 {
  let all = m
  while (true) {
    for (let low = 0; low <= all && low < LOW * MR; low += LOW) if ((all - low) % MR == 0) return all - low
    all++
  }
}

/** Upper bound of the rows of packed A, empty ones included. */
@inline
export function packedRows(m: i32): i32 {
  return m + LOW - 1
}

@unmanaged
export class High {
  @inline rows(): i32 { return MR }
}
@unmanaged
export class Low {
  @inline rows(): i32 { return LOW }
}

/** One tile of 8 columns: the sum over kc steps, stored to `c` or added to what is there. */
export function tile<T>(kc: i32, a: usize, b: usize, c: usize, rowStride: usize, add: bool): void {
  const rows = changetype<T>(0).rows()
  const step = <usize>rows << 2
  let c00 = f32x4.splat(0), c01 = c00
  let c10 = c00, c11 = c00
  let c20 = c00, c21 = c00
  let c30 = c00, c31 = c00
  let c40 = c00, c41 = c00
  let c50 = c00, c51 = c00
  // One step in the body: V8 unrolls the loop itself, and keeps the steps apart so that nothing spills.
  for (const end = a + <usize>kc * step; a != end; a += step, b += B_STEP) {
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
    if (rows > 4) {
      x = v128.load32_splat(a, 16)
      c40 = fma(x, b0, c40)
      c41 = fma(x, b1, c41)
    }
    if (rows > 5) {
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
    if (rows > 4) addPair(c + 4 * rowStride, c40, c41)
    if (rows > 5) addPair(c + 5 * rowStride, c50, c51)
  } else {
    storePair(c, c00, c01)
    storePair(c + rowStride, c10, c11)
    storePair(c + 2 * rowStride, c20, c21)
    storePair(c + 3 * rowStride, c30, c31)
    if (rows > 4) storePair(c + 4 * rowStride, c40, c41)
    if (rows > 5) storePair(c + 5 * rowStride, c50, c51)
  }
}

/**
 * All `m` rows of packed A, of which highRows(m) are `high`, times one panel of B. Column j of the result lies `columns[j]` bytes after `c`;
 * `columns` = 0 says that all eight are there and side by side. `temp` has room for a tile.
 */
export function panelProduct(
  kc: i32, a: usize, m: i32, high: i32, b: usize, c: usize, rowStride: usize, columns: usize, n: i32, add: bool, temp: usize,
): void {
  for (let i = 0; i < m; ) {
    const height = i < high ? MR : LOW
    const rows = min(height, m - i)
    const whole = columns == 0 && rows == height
    const to = whole ? c : temp
    const stride = whole ? rowStride : 32
    if (i < high) tile<High>(kc, a, b, to, stride, whole && add)
    else tile<Low>(kc, a, b, to, stride, whole && add)
    if (!whole) {
      if (columns == 0) copyRows(temp, c, rowStride, rows, add)
      else scatterTile(temp, c, rowStride, rows, columns, n, add)
    }
    i += height
    a += <usize>height * <usize>kc << 2
    c += <usize>height * rowStride
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
