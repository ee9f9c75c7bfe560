// Batched matrix products. The encoder (src/backend/wasm/encode-matmul.ts) has chosen the way and the block sizes; sums run over k
// in an order that depends on these alone, never on the number of threads.
import { payload, viewAddress } from './descriptor'
import { B_STEP, highRows, MR, NR, packedRows, panelProduct, TILE } from './gemm'
import { BATCH, BATCH_SIZES, Block, INSIDE, PACKED, Product, ROWS, SMALL, ZERO } from './matmul-job'
import { packA, packB } from './pack'
import { addParts, dotsTask, partTask, rowTask } from './matmul-rows'
import { smallTask } from './matmul-small'
import { parallel, scratch, threads } from './pool'

/** Most rows in a strip, which one thread computes at a time. */
const STRIP: i32 = MR * 12

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
  block.across = partsAcross(p.m, p.n, t)
  if (p.way == PACKED) block.taken = scratch(<usize>t << 2)
  if (p.way == ROWS) block.aside = scratch(<usize>((p.k - 1) / p.kc * p.m * p.n) << 2)
  for (let item = from; item < to; item++) {
    block.a = viewAddress(desc, p.first)
    block.b = viewAddress(desc, 1 - p.first)
    block.c = viewAddress(desc, 2)
    place(block, item)
    if (p.way == PACKED) packed(block, t)
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

/** A grid of parts, one for each thread, for one block of columns and steps of k after the other. */
function packed(block: Block, parts: i32): void {
  const p = block.p
  const across = block.across
  const panels = (p.n + NR - 1) / NR
  const width = (panels + across - 1) / across * NR
  for (block.from = 0; block.from < width; block.from += p.nc)
    for (block.step = 0; block.step < p.k; block.step += p.kc) {
      memory.fill(block.taken, 0, <usize>parts << 2)
      parallel(packedTask.index, changetype<usize>(block), parts)
    }
}

/**
 * A part of the grid, strip by strip, then strips of the others', whose threads may have been held up. Each thread packs for itself what
 * it reads: while all are equally fast it waits for nobody, and no line of memory goes from one to the other.
 */
function packedTask(job: usize, task: i32, tasks: i32): void {
  const block = changetype<Block>(job)
  const p = block.p
  const packedB = scratch(<usize>p.nc * <usize>p.kc << 2)
  const packedA = scratch(<usize>packedRows(min(p.m, STRIP)) * <usize>p.kc << 2)
  const temp = scratch(TILE)
  const offsets = scratch(32)
  for (let j = 0; j < NR; j++) store<i32>(offsets + (<usize>j << 2), j * p.cColumn)
  for (let i = 0; i < tasks; i++) takeStrips(block, (task + i) % tasks, tasks, packedA, packedB, temp, offsets)
}

function takeStrips(block: Block, part: i32, parts: i32, packedA: usize, packedB: usize, temp: usize, offsets: usize): void {
  const p = block.p
  const across = block.across, x = part % across, y = part / across, down = parts / across
  const column = edge(p.n, NR, x, across) + block.from, row = edge(p.m, MR, y, down)
  const columns = min(p.nc, edge(p.n, NR, x + 1, across) - column), m = edge(p.m, MR, y + 1, down) - row
  const strips = columns > 0 ? (m + STRIP - 1) / STRIP : 0
  const k = block.step, steps = min(p.kc, p.k - k)
  for (let empty = true; ; empty = false) {
    const strip = atomic.add<i32>(block.taken + (<usize>part << 2), 1)
    if (strip >= strips) return
    if (empty) packB(block.b + k * p.bRow + column * p.bColumn, p.bRow, p.bColumn, steps, columns, packedB)
    const first = row + edge(m, MR, strip, strips)
    const rows = row + edge(m, MR, strip + 1, strips) - first, high = highRows(rows)
    packA(block.a + first * p.aRow + k * p.aColumn, p.aRow, p.aColumn, rows, steps, packedA, steps, 0)
    const c = block.c + first * p.cRow + column * p.cColumn
    for (let j = 0; j < columns; j += NR) {
      const whole = columns - j >= NR && p.cColumn == 4
      panelProduct(
        steps, packedA, rows, high, packedB + <usize>j * <usize>steps * 4,
        c + j * p.cColumn, p.cRow, whole ? 0 : offsets, min(NR, columns - j), k > 0, temp,
      )
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
