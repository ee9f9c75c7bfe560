// Attention at work: the payload, what the tasks of an item hand to each other, and what both passes do with panels of scores.
import { highRows, High, LOW, Low, MR, NR, tile } from './gemm'
import { packA, packB, transpose4 } from './pack'
import { inTurn, parallel, scratch, threads } from './pool'

/**
 * The payload, as src/backend/wasm/encode-attention.ts writes it. Behind it, for each operand in the order of `Item`: its view or −1, and the bytes
 * from row to row and from column to column; then the sizes of the batch axes, and for each operand its strides over them, in bytes.
 */
@unmanaged
export class Attention {
  backward: i32
  causal: i32
  mask: i32 // 0: none, 1: bool, 2: added
  split: i32
  rows: i32
  keys: i32
  width: i32
  depth: i32
  block: i32
  scale: f32
  items: i32
  rank: i32
}
export const TABLE: usize = offsetof<Attention>()
export const OPERANDS: i32 = 10
export const INSIDE: i32 = 1
export const BATCH: i32 = 2

/** One item of the batch at work: where its operands are, and what its tasks share. */
@unmanaged
export class Item {
  q: usize
  k: usize
  v: usize
  mask: usize
  out: usize
  lse: usize
  g: usize
  dq: usize
  dk: usize
  dv: usize
  p: Attention
  /** First factors: K and V in rows of keys, and with the keys as steps, block by block. */
  keyRows: usize
  valueRows: usize
  keySteps: usize
  valueSteps: usize
  /** The gradients of K and V in panels of eight keys. */
  keyGradient: usize
  valueGradient: usize
  /** Queries `from` … `from + queries`: Q and g in panels of eight, Q and g with queries as steps, log Σ and Σ g·out, the gradient of Q. */
  from: i32
  queries: i32
  queryPanels: usize
  gPanels: usize
  querySteps: usize
  gSteps: usize
  logs: usize
  means: usize
  queryGradient: usize
  /** The block of keys `first` … `first + count`, and its weights and their gradients in panels of eight keys. */
  first: i32
  count: i32
  weights: usize
  gradients: usize
}
// The place of an operand in the table.
export const Q: i32 = 0, K: i32 = 1, V: i32 = 2, MASK: i32 = 3, OUT: i32 = 4, LSE: i32 = 5, G: i32 = 6, DQ: i32 = 7, DK: i32 = 8, DV: i32 = 9

export const PANEL: usize = 32 // bytes of one row of a panel

@inline
export function rowOf(p: Attention, operand: i32): usize {
  return load<u32>(changetype<usize>(p) + TABLE + <usize>(12 * operand), 4)
}
@inline
export function columnOf(p: Attention, operand: i32): usize {
  return load<u32>(changetype<usize>(p) + TABLE + <usize>(12 * operand), 8)
}
/** Memory for `rows` rows of a first factor, which tiles round up, or of a panel that they write. */
@inline
export function rounded(rows: i32): usize {
  return <usize>(rows + LOW)
}

/** Runs tasks over `n` panels; `task` finds its own share with `share`. */
export function overPanels(item: Item, task: i32, n: i32): void {
  if (item.p.split == INSIDE) parallel(task, changetype<usize>(item), min(n, 4 * threads()))
  else inTurn(task, changetype<usize>(item), 1)
}

@inline
export function share(n: i32, task: i32, tasks: i32): i32 {
  return <i32>(<i64>n * task / tasks)
}

/** c[0 … rows] = or += rows of a packed first factor of `height` rows and `steps` steps, times a panel; only `k` steps from `first` on. */
export function multiply(a: usize, height: i32, rows: i32, steps: i32, first: i32, k: i32, b: usize, c: usize, add: bool): void {
  const high = highRows(height)
  for (let i = 0; i < rows; ) {
    const at = a + (<usize>(i * steps) << 2)
    const to = c + <usize>i * PANEL
    if (i < high) {
      tile<High>(k, at + (<usize>(first * MR) << 2), b, to, PANEL, add)
      i += MR
    } else {
      tile<Low>(k, at + (<usize>(first * LOW) << 2), b, to, PANEL, add)
      i += LOW
    }
  }
}

/** Packs K or V block by block with the keys as steps. */
export function packSteps(item: Item, from: usize, operand: i32, width: i32): usize {
  const p = item.p
  const to = scratch(rounded(width) * <usize>p.keys << 2)
  for (let first = 0; first < p.keys; first += p.block)
    packA(
      from + <usize>first * rowOf(p, operand), columnOf(p, operand), rowOf(p, operand), width, min(p.block, p.keys - first),
      stepsAt(to, width, first), min(p.block, p.keys - first), 0,
    )
  return to
}
@inline
export function stepsAt(packed: usize, width: i32, first: i32): usize {
  return packed + (rounded(width) * <usize>first << 2)
}

/** Packs K or V in rows of keys. Blocks are whole tiles but for the last. */
export function packRows(item: Item, from: usize, operand: i32, width: i32): usize {
  const p = item.p
  const to = scratch(rounded(p.keys) * <usize>width << 2)
  for (let first = 0; first < p.keys; first += p.block)
    packA(
      from + <usize>first * rowOf(p, operand), rowOf(p, operand), columnOf(p, operand), min(p.block, p.keys - first), width,
      to + (<usize>first * <usize>width << 2), width, 0,
    )
  return to
}

/** Eight rows of an operand as a panel; those that are not there are zeros. */
@inline
export function packPanel(p: Attention, from: usize, operand: i32, row: i32, width: i32, to: usize): void {
  packB(from + <usize>row * rowOf(p, operand), columnOf(p, operand), rowOf(p, operand), width, min(NR, p.rows - row), to)
}

export function scalePanel(at: usize, rows: i32, left: v128, right: v128): void {
  for (const end = at + <usize>rows * PANEL; at != end; at += PANEL) {
    v128.store(at, f32x4.mul(v128.load(at), left))
    v128.store(at, f32x4.mul(v128.load(at, 16), right), 16)
  }
}

/** Four rows of half a panel become columns. Not inlined: it is many bytes, and called from six places. */
export function turn(from: usize, to: usize, step: usize): void {
  transpose4(from, PANEL, to, step)
}

/** Stores a panel [r][lane]: its `n` first lanes are rows of the target. */
export function storePanel(panel: usize, rows: i32, n: i32, to: usize, laneStride: usize, rowStride: usize): void {
  let r = 0
  if (n == NR && rowStride == 4)
    for (; r + 4 <= rows; r += 4) {
      const from = panel + <usize>r * PANEL
      const at = to + (<usize>r << 2)
      turn(from, at, laneStride)
      turn(from + 16, at + 4 * laneStride, laneStride)
    }
  for (; r < rows; r++)
    for (let lane = 0; lane < n; lane++)
      store<f32>(to + <usize>lane * laneStride + <usize>r * rowStride, load<f32>(panel + <usize>r * PANEL + (<usize>lane << 2)))
}

/** How many keys of the block from `first` on the eight queries from `row` on see. */
@inline
export function seenKeys(p: Attention, row: i32, first: i32): i32 {
  const count = min(p.block, p.keys - first)
  return p.causal ? min(count, row + NR - first) : count
}

const LANES = memory.data<i32>([0, 1, 2, 3])

/** Applies the mask and causality to the scores of `seen` keys from `first` on with the queries from `row` on. `aside` has room for the mask. */
export function hide(item: Item, scores: usize, row: i32, first: i32, seen: i32, aside: usize): void {
  const p = item.p
  const hidden = f32x4.splat(-Infinity)
  if (p.mask) {
    packB(
      item.mask + <usize>row * rowOf(p, MASK) + <usize>first * columnOf(p, MASK), columnOf(p, MASK), rowOf(p, MASK), seen, min(NR, p.rows - row), aside,
    )
    const added = p.mask == 2
    const zero = f32x4.splat(0)
    for (let at: usize = 0, end = <usize>seen * PANEL; at < end; at += 16) {
      const m = v128.load(aside + at)
      const s = v128.load(scores + at)
      v128.store(scores + at, added ? f32x4.add(s, m) : v128.bitselect(hidden, s, i32x4.eq(m, zero)))
    }
  }
  if (p.causal) {
    const left = i32x4.add(v128.load(LANES), i32x4.splat(row))
    const right = i32x4.add(left, i32x4.splat(4))
    for (let j = max(0, row + 1 - first); j < seen; j++) {
      const key = i32x4.splat(first + j)
      const at = scores + <usize>j * PANEL
      v128.store(at, v128.bitselect(hidden, v128.load(at), i32x4.gt_s(key, left)))
      v128.store(at, v128.bitselect(hidden, v128.load(at, 16), i32x4.gt_s(key, right)), 16)
    }
  }
}
