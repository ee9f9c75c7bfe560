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
  const t = p.split == INSIDE ? threads() : 1
  // Two threads take halves; among more, which may differ in speed, who is done early takes another part.
  const parts = t > 2 ? 2 * t : t
  block.across = partsAcross(p.m, p.n, parts)
  if (p.way == ROWS) block.aside = scratch(<usize>((p.k - 1) / p.kc * p.m * p.n) << 2)
  for (let item = from; item < to; item++) {
    block.a = viewAddress(desc, p.first)
    block.b = viewAddress(desc, 1 - p.first)
    block.c = viewAddress(desc, 2)
    place(block, item)
    if (p.way == PACKED) parallel(packedTask.index, changetype<usize>(block), parts)
    else if (p.way == ZERO) clear(block)
    else if (p.way == ROWS && p.kc < p.k) rowsByParts(block)
    else parallel(p.way == SMALL ? smallTask.index : p.way == ROWS ? rowTask.index : dotsTask.index, changetype<usize>(block), t)
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

/** One part of a grid. It packs for itself what it reads: threads then wait for nobody, and no line of memory goes from one to the other. */
function packedTask(job: usize, task: i32, tasks: i32): void {
  const block = changetype<Block>(job)
  const p = block.p
  const across = block.across
  const column = edge(p.n, NR, task % across, across), row = edge(p.m, MR, task / across, tasks / across)
  const n = edge(p.n, NR, task % across + 1, across) - column, m = edge(p.m, MR, task / across + 1, tasks / across) - row
  const nc = min(n, p.nc)
  const packedB = scratch(<usize>((nc + NR - 1) / NR) * <usize>p.kc * B_STEP)
  const packedA = scratch(<usize>packedRows(min(m, MC_TILES * MR)) * <usize>p.kc << 2)
  const temp = scratch(TILE)
  const offsets = scratch(32)
  for (let j = 0; j < NR; j++) store<i32>(offsets + (<usize>j << 2), j * p.cColumn)
  const blocks = (m + MC_TILES * MR - 1) / (MC_TILES * MR)
  for (let from = 0; from < n; from += nc) {
    const columns = min(nc, n - from)
    const b = block.b + (column + from) * p.bColumn
    const c = block.c + (column + from) * p.cColumn
    for (let k = 0; k < p.k; k += p.kc) {
      const steps = min(p.kc, p.k - k)
      packB(b + k * p.bRow, p.bRow, p.bColumn, steps, columns, packedB)
      for (let i = 0; i < blocks; i++) {
        const first = edge(m, MR, i, blocks)
        const rows = edge(m, MR, i + 1, blocks) - first, high = highRows(rows)
        packA(block.a + (row + first) * p.aRow + k * p.aColumn, p.aRow, p.aColumn, rows, steps, packedA, steps, 0)
        for (let j = 0; j < columns; j += NR) {
          const whole = columns - j >= NR && p.cColumn == 4
          panelProduct(
            steps, packedA, rows, high, packedB + <usize>j * <usize>steps * 4,
            c + (row + first) * p.cRow + j * p.cColumn, p.cRow, whole ? 0 : offsets, min(NR, columns - j), k > 0, temp,
          )
        }
      }
    }
  }
}

/** Where part `i` of `parts` begins, when `n` is cut between whole units. */
@inline
function edge(n: i32, unit: i32, i: i32, parts: i32): i32 {
  return min(n, unit * <i32>(<i64>((n + unit - 1) / unit) * i / parts))
}

/** Parts across that leave the least to pack, when `parts` in all pack their rows of A and their columns of B. */
function partsAcross(m: i32, n: i32, parts: i32): i32 {
  let across = 1, least = i64.MAX_VALUE
  for (let d = parts; d > 0; d--) {
    const all = <i64>d * m + <i64>(parts / d) * n
    if (parts % d == 0 && all < least) {
      least = all
      across = d
    }
  }
  return across
}
