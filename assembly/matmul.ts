// Batched matrix products. The encoder (src/backend/wasm/encode-matmul.ts) has chosen the way and the block sizes; sums run over k
// in an order that depends on these alone, never on the number of threads.
import { payload, viewAddress } from './descriptor'
import { B_STEP, MR, NR, packedRows, panelProduct, TILE } from './gemm'
import { BATCH, BATCH_SIZES, Block, INSIDE, PACKED, Product, ROWS, SMALL, ZERO } from './matmul-job'
import { packA, packB } from './pack'
import { dotsTask, rowTask } from './matmul-rows'
import { smallTask } from './matmul-small'
import { parallel, scratch, threads } from './pool'

const MC_MAX: i32 = MR == 6 ? 144 : 145
const PACK_PANELS: i32 = 16

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
    if (p.way == PACKED) packedProduct(block)
    else if (p.way == ZERO) clear(block)
    else parallel(p.way == SMALL ? smallTask.index : p.way == ROWS ? rowTask.index : dotsTask.index, changetype<usize>(block), p.split == INSIDE ? threads() : 1)
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
  block.mc = byRows && t > 1 ? min(MC_MAX, (((p.m + 4 * t - 1) / (4 * t) + MR - 1) / MR) * MR) : MC_MAX
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
  const a = scratch(<usize>packedRows(m) * <usize>k << 2)
  packA(block.a + row * p.aRow + block.kFrom * p.aColumn, p.aRow, p.aColumn, m, k, a, k, 0)
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
