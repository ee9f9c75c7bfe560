// Batched matrix products. The encoder (src/backend/wasm/encode-matmul.ts) has chosen the way and the block sizes; sums run over k
// in an order that depends on these alone, never on the number of threads.
import { payload, viewAddress } from './descriptor'
import { A_STEP, B_STEP, fma, MR, NR, packA, packB, panelProduct, storePair, TILE } from './gemm'
import { parallel, scratch, threads } from './pool'

/** The payload. Strides are in bytes; `batch` is followed by rank, sizes, and the strides of A, B and C. */
@unmanaged
class Product {
  m: i32
  n: i32
  k: i32
  aRow: i32
  aColumn: i32
  bRow: i32
  bColumn: i32
  cRow: i32
  cColumn: i32
  way: i32
  kc: i32
  nc: i32
  split: i32
  first: i32 // the view that is A: 1 when the encoder has turned the product round
  batch: i32
  batchRank: i32
}
const BATCH_SIZES: usize = offsetof<Product>()

const PACKED: i32 = 0
const SMALL: i32 = 1
const ROW: i32 = 2 // a row times a matrix with rows side by side
const DOTS: i32 = 3 // a row times a matrix with columns side by side
const ZERO: i32 = 4 // nothing to add up

const ALONE: i32 = 0
const INSIDE: i32 = 1 // threads share each product
const BATCH: i32 = 2 // threads share the batch

const MC_MAX: i32 = MR == 6 ? 192 : 190
const PACK_PANELS: i32 = 16

/** One product at work: the operands of this batch item and the block that threads share just now. */
@unmanaged
class Block {
  p: Product
  a: usize
  b: usize
  c: usize
  packed: usize
  from: i32
  columns: i32
  kFrom: i32
  k: i32
  mc: i32
  nc: i32
}

export function runMatmul(desc: usize): i32 {
  const p = changetype<Product>(payload(desc))
  if (p.split == BATCH) parallel(batchTask.index, desc, min(p.batch, 4 * threads()))
  else batchRange(desc, 0, p.batch)
  return 0
}

function batchTask(desc: usize, task: i32, tasks: i32): void {
  const batch = <i64>changetype<Product>(payload(desc)).batch
  batchRange(desc, <i32>(batch * task / tasks), <i32>(batch * (task + 1) / tasks))
}

function batchRange(desc: usize, from: i32, to: i32): void {
  const p = changetype<Product>(payload(desc))
  const block = changetype<Block>(scratch(offsetof<Block>()))
  block.p = p
  if (p.way == PACKED) block.packed = scratch(<usize>((min(p.n, p.nc) + NR - 1) / NR) * <usize>p.kc * B_STEP)
  for (let item = from; item < to; item++) {
    block.a = viewAddress(desc, p.first)
    block.b = viewAddress(desc, 1 - p.first)
    block.c = viewAddress(desc, 2)
    place(block, item)
    if (p.way == SMALL) small(block)
    else if (p.way == PACKED) packedProduct(block)
    else if (p.way == ZERO) clear(block)
    else parallel(p.way == ROW ? rowTask.index : dotsTask.index, changetype<usize>(block), p.split == INSIDE ? threads() : 1)
  }
}

/** Moves the three addresses to item `item` of the batch. */
function place(block: Block, item: i32): void {
  const p = block.p
  const step = <usize>p.batchRank << 2
  for (let axis = p.batchRank - 1; axis >= 0; axis--) {
    const at = changetype<usize>(p) + BATCH_SIZES + (<usize>axis << 2)
    const size = load<i32>(at)
    const i = item % size
    item /= size
    block.a += i * load<i32>(at + step)
    block.b += i * load<i32>(at + 2 * step)
    block.c += i * load<i32>(at + 3 * step)
  }
}

function clear(block: Block): void {
  const p = block.p
  for (let i = 0; i < p.m; i++) for (let j = 0; j < p.n; j++) store<f32>(block.c + i * p.cRow + j * p.cColumn, 0)
}

function packedProduct(block: Block): void {
  const p = block.p
  const inside = p.split == INSIDE
  const t = inside ? threads() : 1
  // About four tasks for each thread: of rows, or of columns where rows are too few.
  const byRows = !inside || p.m >= 2 * MR * t
  block.mc = byRows && inside ? min(MC_MAX, (((p.m + 4 * t - 1) / (4 * t) + MR - 1) / MR) * MR) : MC_MAX
  const mTasks = (p.m + block.mc - 1) / block.mc
  for (let from = 0; from < p.n; from += p.nc) {
    block.from = from
    block.columns = min(p.nc, p.n - from)
    const panels = (block.columns + NR - 1) / NR
    block.nc = byRows ? panels * NR : ((panels + 4 * t - 1) / (4 * t)) * NR
    const nTasks = (block.columns + block.nc - 1) / block.nc
    for (let k = 0; k < p.k; k += p.kc) {
      block.kFrom = k
      block.k = min(p.kc, p.k - k)
      parallel(packTask.index, changetype<usize>(block), inside ? (panels + PACK_PANELS - 1) / PACK_PANELS : 1)
      parallel(blockTask.index, changetype<usize>(block), mTasks * nTasks)
    }
  }
}

function packTask(job: usize, task: i32, tasks: i32): void {
  const block = changetype<Block>(job)
  const p = block.p
  const from = tasks == 1 ? 0 : task * PACK_PANELS * NR
  const n = tasks == 1 ? block.columns : min(PACK_PANELS * NR, block.columns - from)
  packB(
    block.b + block.kFrom * p.bRow + (block.from + from) * p.bColumn, p.bRow, p.bColumn,
    block.k, n, block.packed + <usize>from * <usize>block.k * 4,
  )
}

function blockTask(job: usize, task: i32, tasks: i32): void {
  const block = changetype<Block>(job)
  const p = block.p
  const mTasks = (p.m + block.mc - 1) / block.mc
  const row = (task % mTasks) * block.mc
  const column = (task / mTasks) * block.nc
  const m = min(block.mc, p.m - row)
  const k = block.k
  const temp = scratch(TILE)
  const a = scratch(<usize>((m + MR - 1) / MR) * <usize>k * A_STEP)
  packA(block.a + row * p.aRow + block.kFrom * p.aColumn, p.aRow, p.aColumn, m, k, a, <usize>k * A_STEP)
  const offsets = scratch(32)
  for (let j = 0; j < NR; j++) store<i32>(offsets + (<usize>j << 2), j * p.cColumn)
  const end = min(block.columns, column + block.nc)
  for (let j = column; j < end; j += NR) {
    const n = min(NR, end - j)
    const whole = n == NR && p.cColumn == 4
    panelProduct(
      k, a, m, block.packed + <usize>j * <usize>k * 4,
      block.c + row * p.cRow + (block.from + j) * p.cColumn, p.cRow, whole ? 0 : offsets, n, block.kFrom > 0, temp,
    )
  }
}

/** Without packing, for matrices that lie in the first cache; at least 8 columns, side by side in B and C. */
function small(block: Block): void {
  const p = block.p
  for (let j = 0; j < p.n; j += NR) {
    // The last tiles overlap their neighbours and compute the same values again.
    const column = <usize>min(j, p.n - NR) << 2
    for (let i = 0; i < p.m; i += 4) smallTile(p, block.a, block.b + column, block.c + column, i)
  }
}

function smallTile(p: Product, a: usize, b: usize, c: usize, i: i32): void {
  const last = p.m - 1
  const i1 = min(i + 1, last), i2 = min(i + 2, last), i3 = min(i + 3, last)
  let a0 = a + i * p.aRow
  let a1 = a + i1 * p.aRow
  let a2 = a + i2 * p.aRow
  let a3 = a + i3 * p.aRow
  const aStep = <usize>p.aColumn
  const bStep = <usize>p.bRow
  let c00 = f32x4.splat(0), c01 = c00
  let c10 = c00, c11 = c00
  let c20 = c00, c21 = c00
  let c30 = c00, c31 = c00
  for (let k = p.k; k > 0; k--) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    let x = v128.load32_splat(a0)
    c00 = fma(x, b0, c00)
    c01 = fma(x, b1, c01)
    x = v128.load32_splat(a1)
    c10 = fma(x, b0, c10)
    c11 = fma(x, b1, c11)
    x = v128.load32_splat(a2)
    c20 = fma(x, b0, c20)
    c21 = fma(x, b1, c21)
    x = v128.load32_splat(a3)
    c30 = fma(x, b0, c30)
    c31 = fma(x, b1, c31)
    a0 += aStep
    a1 += aStep
    a2 += aStep
    a3 += aStep
    b += bStep
  }
  storePair(c + i * p.cRow, c00, c01)
  storePair(c + i1 * p.cRow, c10, c11)
  storePair(c + i2 * p.cRow, c20, c21)
  storePair(c + i3 * p.cRow, c30, c31)
}

// Columns that stay in the first cache while all rows of B stream past.
const ROW_COLUMNS: i32 = 2048

function rowTask(job: usize, task: i32, tasks: i32): void {
  const p = changetype<Block>(job).p
  const block = changetype<Block>(job)
  // Whole cache lines for each thread.
  const share = ((p.n + tasks - 1) / tasks + 15) & ~15
  const end = min(p.n, (task + 1) * share)
  for (let j = task * share; j < end; j += ROW_COLUMNS)
    rowTimesMatrix(p, block.a, block.b + (<usize>j << 2), block.c + (<usize>j << 2), min(ROW_COLUMNS, end - j))
}

/** c[j] = Σ a[k]·B[k][j], eight rows of B at a time; each eight are summed before they are added. */
function rowTimesMatrix(p: Product, a: usize, b: usize, c: usize, n: i32): void {
  const aStep = <usize>p.aColumn
  const bStep = <usize>p.bRow
  const zero = f32x4.splat(0)
  for (let k = 0; k < p.k; k += 8) {
    const rows = min(8, p.k - k)
    if (rows == 8) {
      const s0 = v128.load32_splat(a)
      const s1 = v128.load32_splat(a + aStep)
      const s2 = v128.load32_splat(a + 2 * aStep)
      const s3 = v128.load32_splat(a + 3 * aStep)
      const s4 = v128.load32_splat(a + 4 * aStep)
      const s5 = v128.load32_splat(a + 5 * aStep)
      const s6 = v128.load32_splat(a + 6 * aStep)
      const s7 = v128.load32_splat(a + 7 * aStep)
      let at = b
      let out = c
      let j = n
      for (; j >= 4; j -= 4) {
        let sum = f32x4.mul(s0, v128.load(at))
        sum = fma(s1, v128.load(at + bStep), sum)
        sum = fma(s2, v128.load(at + 2 * bStep), sum)
        sum = fma(s3, v128.load(at + 3 * bStep), sum)
        sum = fma(s4, v128.load(at + 4 * bStep), sum)
        sum = fma(s5, v128.load(at + 5 * bStep), sum)
        sum = fma(s6, v128.load(at + 6 * bStep), sum)
        sum = fma(s7, v128.load(at + 7 * bStep), sum)
        v128.store(out, k == 0 ? sum : f32x4.add(v128.load(out), sum))
        at += 16
        out += 16
      }
      for (; j > 0; j--, at += 4, out += 4) {
        let sum: f32 = 0
        for (let r: usize = 0; r < 8; r++) sum += load<f32>(a + r * aStep) * load<f32>(at + r * bStep)
        store<f32>(out, k == 0 ? sum : load<f32>(out) + sum)
      }
    } else
      for (let r = 0; r < rows; r++) {
        const s = v128.load32_splat(a + <usize>r * aStep)
        const x = load<f32>(a + <usize>r * aStep)
        let at = b + <usize>r * bStep
        let out = c
        const first = k + r == 0
        let j = n
        for (; j >= 4; j -= 4, at += 16, out += 16) v128.store(out, fma(s, v128.load(at), first ? zero : v128.load(out)))
        for (; j > 0; j--, at += 4, out += 4) store<f32>(out, x * load<f32>(at) + (first ? 0 : load<f32>(out)))
      }
    a += 8 * aStep
    b += 8 * bStep
  }
}

function dotsTask(job: usize, task: i32, tasks: i32): void {
  const block = changetype<Block>(job)
  const p = block.p
  const share = ((p.n + tasks - 1) / tasks + 15) & ~15
  const end = min(p.n, (task + 1) * share)
  const last = end - 1
  for (let j = task * share; j < end; j += 4) {
    const j1 = min(j + 1, last), j2 = min(j + 2, last), j3 = min(j + 3, last)
    const sums = fourDots(block.a, block.b + j * p.bColumn, block.b + j1 * p.bColumn, block.b + j2 * p.bColumn, block.b + j3 * p.bColumn, p.k)
    store<f32>(block.c + j * p.cColumn, f32x4.extract_lane(sums, 0))
    store<f32>(block.c + j1 * p.cColumn, f32x4.extract_lane(sums, 1))
    store<f32>(block.c + j2 * p.cColumn, f32x4.extract_lane(sums, 2))
    store<f32>(block.c + j3 * p.cColumn, f32x4.extract_lane(sums, 3))
  }
}

/** The dot products of `a` with four columns; each in eight partial sums. */
function fourDots(a: usize, b0: usize, b1: usize, b2: usize, b3: usize, k: i32): v128 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
  let t0 = s0, t1 = s0, t2 = s0, t3 = s0
  let at: usize = 0
  for (; k >= 8; k -= 8) {
    let x = v128.load(a + at)
    s0 = fma(x, v128.load(b0 + at), s0)
    s1 = fma(x, v128.load(b1 + at), s1)
    s2 = fma(x, v128.load(b2 + at), s2)
    s3 = fma(x, v128.load(b3 + at), s3)
    x = v128.load(a + at, 16)
    t0 = fma(x, v128.load(b0 + at, 16), t0)
    t1 = fma(x, v128.load(b1 + at, 16), t1)
    t2 = fma(x, v128.load(b2 + at, 16), t2)
    t3 = fma(x, v128.load(b3 + at, 16), t3)
    at += 32
  }
  s0 = f32x4.add(s0, t0)
  s1 = f32x4.add(s1, t1)
  s2 = f32x4.add(s2, t2)
  s3 = f32x4.add(s3, t3)
  // Transposed and added: lane i of the result is the sum of the lanes of s_i.
  const l01 = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5), h01 = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7)
  const l23 = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5), h23 = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7)
  const p01 = f32x4.add(l01, h01), p23 = f32x4.add(l23, h23)
  let sums = f32x4.add(v128.shuffle<f32>(p01, p23, 0, 1, 4, 5), v128.shuffle<f32>(p01, p23, 2, 3, 6, 7))
  for (; k > 0; k--, at += 4) {
    let column = v128.load32_zero(b0 + at)
    column = v128.load_lane<f32>(b1 + at, column, 1)
    column = v128.load_lane<f32>(b2 + at, column, 2)
    column = v128.load_lane<f32>(b3 + at, column, 3)
    sums = fma(v128.load32_splat(a + at), column, sums)
  }
  return sums
}
