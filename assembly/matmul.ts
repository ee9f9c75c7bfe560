// Batched matrix products. The encoder (src/backend/wasm/encode-matmul.ts) has chosen the way and the block sizes; sums run over k
// in an order that depends on these alone, never on the number of threads.
import { payload, viewAddress } from './descriptor'
import { B_STEP, highRows, MR, NR, packedRows, panelProduct, TILE } from './gemm'
import { BATCH, BATCH_SIZES, Block, INSIDE, PACKED, Product, ROWS, SMALL, ZERO } from './matmul-job'
import { packA, packB } from './pack'
import { addParts, dotsTask, partTask, rowTask } from './matmul-rows'
import { smallTask } from './matmul-small'
import { parallel, scratch, threads } from './pool'

/** Most tiles of rows in a block. */
const MC_TILES: i32 = MR == 6 ? 24 : 29
/** Panels of B, and steps of A, that one task packs. */
const PACK_PANELS: i32 = 8
const PACK_STEPS: i32 = 64

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
  if (p.way == PACKED) {
    block.packed = scratch(<usize>((min(p.n, p.nc) + NR - 1) / NR) * <usize>p.kc * B_STEP)
    block.packedA = p.split == INSIDE && threads() > 1 && p.m <= MC_TILES * MR ? scratch(<usize>packedRows(p.m) * <usize>p.kc << 2) : 0
  } else if (p.way == ROWS) block.packed = scratch(<usize>((p.k - 1) / p.kc * p.m * p.n) << 2)
  for (let item = from; item < to; item++) {
    block.a = viewAddress(desc, p.first)
    block.b = viewAddress(desc, 1 - p.first)
    block.c = viewAddress(desc, 2)
    place(block, item)
    if (p.way == PACKED) packedProduct(block)
    else if (p.way == ZERO) clear(block)
    else if (p.way == ROWS && p.kc < p.k) rowsByParts(block)
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

function rowsByParts(block: Block): void {
  const p = block.p
  const parts = (p.k + p.kc - 1) / p.kc
  parallel(partTask.index, changetype<usize>(block), parts)
  addParts(block, parts)
}

/** Threads pack few rows together and take columns each; of many rows each takes some, and packs them for itself. */
function packedProduct(block: Block): void {
  const p = block.p
  const t = p.split == INSIDE ? threads() : 1
  const rowTiles = (p.m + MR - 1) / MR
  // About four tasks for each thread.
  block.rowTasks = max((rowTiles + MC_TILES - 1) / MC_TILES, t > 1 && !block.packedA ? 4 * t : 1)
  for (let from = 0; from < p.n; from += p.nc) {
    block.from = from
    block.columns = min(p.nc, p.n - from)
    const panels = (block.columns + NR - 1) / NR
    block.columnTasks = block.packedA ? min(panels, 4 * t) : 1
    for (let k = 0; k < p.k; k += p.kc) {
      block.kFrom = k
      block.k = min(p.kc, p.k - k)
      const packA = block.packedA ? (block.k + PACK_STEPS - 1) / PACK_STEPS : 0
      parallel(packTask.index, changetype<usize>(block), (panels + PACK_PANELS - 1) / PACK_PANELS + packA)
      parallel(blockTask.index, changetype<usize>(block), block.rowTasks * block.columnTasks)
    }
  }
}

function packTask(job: usize, task: i32, tasks: i32): void {
  const block = changetype<Block>(job)
  const p = block.p
  const from = task * PACK_PANELS * NR
  const left = block.columns - from
  if (left > 0) {
    const b = block.b + block.kFrom * p.bRow + (block.from + from) * p.bColumn
    return packB(b, p.bRow, p.bColumn, block.k, min(PACK_PANELS * NR, left), block.packed + <usize>from * <usize>block.k * 4)
  }
  const step = (tasks - 1 - task) * PACK_STEPS
  packA(block.a + (block.kFrom + step) * p.aColumn, p.aRow, p.aColumn, p.m, min(PACK_STEPS, block.k - step), block.packedA, block.k, step)
}

function blockTask(job: usize, task: i32, tasks: i32): void {
  const block = changetype<Block>(job)
  const p = block.p
  const tiles = (p.m + MR - 1) / MR, rowTask = task % block.rowTasks
  const panels = (block.columns + NR - 1) / NR, columnTask = task / block.rowTasks
  const row = MR * (tiles * rowTask / block.rowTasks)
  const m = min(p.m, MR * (tiles * (rowTask + 1) / block.rowTasks)) - row
  const k = block.k
  const temp = scratch(TILE)
  let a = block.packedA
  if (!a) {
    a = scratch(<usize>packedRows(m) * <usize>k << 2)
    packA(block.a + row * p.aRow + block.kFrom * p.aColumn, p.aRow, p.aColumn, m, k, a, k, 0)
  }
  const high = highRows(m)
  const offsets = scratch(32)
  for (let j = 0; j < NR; j++) store<i32>(offsets + (<usize>j << 2), j * p.cColumn)
  const end = min(block.columns, NR * (panels * (columnTask + 1) / block.columnTasks))
  for (let j = NR * (panels * columnTask / block.columnTasks); j < end; j += NR) {
    const n = min(NR, end - j)
    const whole = n == NR && p.cColumn == 4
    panelProduct(
      k, a, m, high, block.packed + <usize>j * <usize>k * 4,
      block.c + row * p.cRow + (block.from + j) * p.cColumn, p.cRow, whole ? 0 : offsets, n, block.kFrom > 0, temp,
    )
  }
}
