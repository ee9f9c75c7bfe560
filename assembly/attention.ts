// Attention without the matrix of all weights: scores of eight queries and a block of keys are computed, used and forgotten. After Dao et al. 2022,
// "FlashAttention". Scores lie in panels [key][8 queries], so that the softmax needs no sums across lanes, and a panel is the second factor of the
// next product as it lies. What is computed for eight queries, or keys, does not depend on who computes it.
import { payload, viewAddress } from './descriptor'
import { High, highRows, LOW, Low, MR, NR, tile } from './gemm'
import { exp, log } from './intrinsics'
import { expOrZero, fma } from './math'
import { packA, packB, transpose4 } from './pack'
import { inTurn, parallel, scratch, scratchBack, scratchMark, threads } from './pool'

/**
 * The payload, as src/backend/wasm/encode-attention.ts writes it. Behind it, for each operand in the order of `Item`: its view or −1, and the bytes
 * from row to row and from column to column; then the sizes of the batch axes, and for each operand its strides over them, in bytes.
 */
@unmanaged
class Attention {
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
const TABLE: usize = offsetof<Attention>()
const OPERANDS: i32 = 10
const INSIDE: i32 = 1
const BATCH: i32 = 2

/** One item of the batch at work: where its operands are, and what its tasks share. */
@unmanaged
class Item {
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
const Q: i32 = 0, K: i32 = 1, V: i32 = 2, MASK: i32 = 3, OUT: i32 = 4, LSE: i32 = 5, G: i32 = 6, DQ: i32 = 7, DK: i32 = 8, DV: i32 = 9

const PANEL: usize = 32 // bytes of one row of a panel

@inline
function rowOf(p: Attention, operand: i32): usize {
  return load<u32>(changetype<usize>(p) + TABLE + <usize>(12 * operand), 4)
}
@inline
function columnOf(p: Attention, operand: i32): usize {
  return load<u32>(changetype<usize>(p) + TABLE + <usize>(12 * operand), 8)
}
/** Memory for `rows` rows of a first factor, which tiles round up, or of a panel that they write. */
@inline
function rounded(rows: i32): usize {
  return <usize>(rows + LOW)
}

export function runAttention(desc: usize): i32 {
  const p = changetype<Attention>(payload(desc))
  if (p.split == BATCH) parallel(batchTask.index, desc, min(p.items, 4 * threads()))
  else items(desc, 0, p.items)
  return 0
}

function batchTask(desc: usize, task: i32, tasks: i32): void {
  const n = <i64>changetype<Attention>(payload(desc)).items
  items(desc, <i32>(n * task / tasks), <i32>(n * (task + 1) / tasks))
}

function items(desc: usize, from: i32, to: i32): void {
  const p = changetype<Attention>(payload(desc))
  const item = changetype<Item>(scratch(offsetof<Item>()))
  item.p = p
  const mark = scratchMark()
  for (let i = from; i < to; i++) {
    place(desc, item, i)
    if (p.backward) backward(item)
    else forward(item)
    scratchBack(mark)
  }
}

/** Finds the operands of item `i` of the batch. */
function place(desc: usize, item: Item, i: i32): void {
  const p = item.p
  const sizes = changetype<usize>(p) + TABLE + 12 * OPERANDS
  for (let k = 0; k < OPERANDS; k++) {
    const view = load<i32>(changetype<usize>(p) + TABLE + <usize>(12 * k))
    let at: usize = view < 0 ? 0 : viewAddress(desc, view)
    let rest = i
    for (let axis = p.rank - 1; axis >= 0; axis--) {
      const size = load<i32>(sizes + (<usize>axis << 2))
      at += (rest % size) * load<i32>(sizes + (<usize>((k + 1) * p.rank + axis) << 2))
      rest /= size
    }
    store<u32>(changetype<usize>(item) + (<usize>k << 2), <u32>at)
  }
}

/** Runs tasks over `n` panels; `task` finds its own share with `share`. */
function overPanels(item: Item, task: i32, n: i32): void {
  if (item.p.split == INSIDE) parallel(task, changetype<usize>(item), min(n, 4 * threads()))
  else inTurn(task, changetype<usize>(item), 1)
}

@inline
function share(n: i32, task: i32, tasks: i32): i32 {
  return <i32>(<i64>n * task / tasks)
}

/** c[0 … rows] = or += rows of a packed first factor of `height` rows and `steps` steps, times a panel; only `k` steps from `first` on. */
function multiply(a: usize, height: i32, rows: i32, steps: i32, first: i32, k: i32, b: usize, c: usize, add: bool): void {
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
function packSteps(item: Item, from: usize, operand: i32, width: i32): usize {
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
function stepsAt(packed: usize, width: i32, first: i32): usize {
  return packed + (rounded(width) * <usize>first << 2)
}

/** Packs K or V in rows of keys. Blocks are whole tiles but for the last. */
function packRows(item: Item, from: usize, operand: i32, width: i32): usize {
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
function packPanel(p: Attention, from: usize, operand: i32, row: i32, width: i32, to: usize): void {
  packB(from + <usize>row * rowOf(p, operand), columnOf(p, operand), rowOf(p, operand), width, min(NR, p.rows - row), to)
}

function scalePanel(at: usize, rows: i32, left: v128, right: v128): void {
  for (const end = at + <usize>rows * PANEL; at != end; at += PANEL) {
    v128.store(at, f32x4.mul(v128.load(at), left))
    v128.store(at, f32x4.mul(v128.load(at, 16), right), 16)
  }
}

/** Four rows of half a panel become columns. Not inlined: it is many bytes, and called from six places. */
function turn(from: usize, to: usize, step: usize): void {
  transpose4(from, PANEL, to, step)
}

/** Stores a panel [r][lane]: its `n` first lanes are rows of the target. */
function storePanel(panel: usize, rows: i32, n: i32, to: usize, laneStride: usize, rowStride: usize): void {
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
function seenKeys(p: Attention, row: i32, first: i32): i32 {
  const count = min(p.block, p.keys - first)
  return p.causal ? min(count, row + NR - first) : count
}

const LANES = memory.data<i32>([0, 1, 2, 3])

/** Applies the mask and causality to the scores of `seen` keys from `first` on with the queries from `row` on. `aside` has room for the mask. */
function hide(item: Item, scores: usize, row: i32, first: i32, seen: i32, aside: usize): void {
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

function forward(item: Item): void {
  const p = item.p
  item.keyRows = packRows(item, item.k, K, p.width)
  item.valueSteps = packSteps(item, item.v, V, p.depth)
  overPanels(item, forwardTask.index, (p.rows + NR - 1) / NR)
}

function forwardTask(job: usize, task: i32, tasks: i32): void {
  const item = changetype<Item>(job)
  const p = item.p
  const panels = (p.rows + NR - 1) / NR
  const query = scratch(rounded(p.width) * PANEL)
  const scores = scratch(rounded(p.block) * PANEL)
  const aside = scratch(p.mask ? <usize>p.block * PANEL : 0)
  const sums = scratch(rounded(p.depth) * PANEL)
  const tops = scratch(2 * PANEL)
  const scale = f32x4.splat(p.scale)
  for (let panel = share(panels, task, tasks), end = share(panels, task + 1, tasks); panel < end; panel++) {
    const row = panel * NR
    packPanel(p, item.q, Q, row, p.width, query)
    scalePanel(query, p.width, scale, scale)
    for (let first = 0; first < p.keys; first += p.block) {
      const seen = seenKeys(p, row, first)
      if (seen <= 0) break
      const count = min(p.block, p.keys - first)
      multiply(item.keyRows + (<usize>(first * p.width) << 2), count, seen, p.width, 0, p.width, query, scores, false)
      hide(item, scores, row, first, seen, aside)
      weigh(scores, seen, tops, sums, first == 0 ? -1 : p.depth)
      multiply(stepsAt(item.valueSteps, p.depth, first), p.depth, p.depth, count, 0, seen, scores, sums, first > 0)
    }
    finish(item, row, tops, sums)
  }
}

/**
 * Scores become e^(s − top), top being the largest so far, which with Σ e^(s − top) is kept in `tops`; sums of earlier blocks are made to agree.
 * `depth` −1 says that there are none.
 */
function weigh(scores: usize, seen: i32, tops: usize, sums: usize, depth: i32): void {
  const end = scores + <usize>seen * PANEL
  const lowest = f32x4.splat(-Infinity)
  const later = depth >= 0
  const oldLeft = later ? v128.load(tops) : lowest
  const oldRight = later ? v128.load(tops, 16) : lowest
  // Two keys in step; an odd one has a hidden neighbour.
  if (seen & 1) {
    v128.store(end, lowest)
    v128.store(end, lowest, 16)
  }
  let left = oldLeft, right = oldRight, left2 = lowest, right2 = lowest
  for (let at = scores; at < end; at += 2 * PANEL) {
    left = f32x4.pmax(left, v128.load(at))
    right = f32x4.pmax(right, v128.load(at, 16))
    left2 = f32x4.pmax(left2, v128.load(at, 32))
    right2 = f32x4.pmax(right2, v128.load(at, 48))
  }
  left = f32x4.pmax(left, left2)
  right = f32x4.pmax(right, right2)
  v128.store(tops, left)
  v128.store(tops, right, 16)
  // Where nothing is seen yet all scores are −∞, and their weights 0.
  left = v128.andnot(left, f32x4.eq(left, lowest))
  right = v128.andnot(right, f32x4.eq(right, lowest))
  let leftSum = f32x4.splat(0), rightSum = leftSum
  if (later) {
    const leftScale = exp(f32x4.sub(oldLeft, left)), rightScale = exp(f32x4.sub(oldRight, right))
    leftSum = f32x4.mul(v128.load(tops, 32), leftScale)
    rightSum = f32x4.mul(v128.load(tops, 48), rightScale)
    scalePanel(sums, depth, leftScale, rightScale)
  }
  for (let at = scores; at < end; at += 2 * PANEL) {
    const x = expOrZero(f32x4.sub(v128.load(at), left))
    const y = expOrZero(f32x4.sub(v128.load(at, 16), right))
    const x2 = expOrZero(f32x4.sub(v128.load(at, 32), left))
    const y2 = expOrZero(f32x4.sub(v128.load(at, 48), right))
    v128.store(at, x)
    v128.store(at, y, 16)
    v128.store(at, x2, 32)
    v128.store(at, y2, 48)
    leftSum = f32x4.add(leftSum, f32x4.add(x, x2))
    rightSum = f32x4.add(rightSum, f32x4.add(y, y2))
  }
  v128.store(tops, leftSum, 32)
  v128.store(tops, rightSum, 48)
}

/** Divides the sums by those of the weights and stores them, and the logarithms: ∞, and zeros, where nothing was seen. */
function finish(item: Item, row: i32, tops: usize, sums: usize): void {
  const p = item.p
  const n = min(NR, p.rows - row)
  scalePanel(sums, p.depth, inverse(v128.load(tops, 32)), inverse(v128.load(tops, 48)))
  storePanel(sums, p.depth, n, item.out + <usize>row * rowOf(p, OUT), rowOf(p, OUT), columnOf(p, OUT))
  v128.store(tops, logSum(v128.load(tops), v128.load(tops, 32)))
  v128.store(tops, logSum(v128.load(tops, 16), v128.load(tops, 48)), 16)
  for (let lane = 0; lane < n; lane++) store<f32>(item.lse + <usize>(row + lane) * rowOf(p, LSE), load<f32>(tops + (<usize>lane << 2)))
}
function inverse(x: v128): v128 {
  return v128.andnot(f32x4.div(f32x4.splat(1), x), f32x4.eq(x, f32x4.splat(0)))
}
function logSum(top: v128, sum: v128): v128 {
  return v128.bitselect(f32x4.splat(Infinity), f32x4.add(top, log(sum)), f32x4.eq(sum, f32x4.splat(0)))
}

function backward(item: Item): void {
  const p = item.p
  const panels = (p.keys + NR - 1) / NR
  item.keyRows = packRows(item, item.k, K, p.width)
  item.valueRows = packRows(item, item.v, V, p.depth)
  item.keySteps = packSteps(item, item.k, K, p.width)
  item.keyGradient = zeros(<usize>panels * rounded(p.width) * PANEL)
  item.valueGradient = zeros(<usize>panels * rounded(p.depth) * PANEL)
  const most = min(p.block, (p.rows + NR - 1) & ~(NR - 1))
  item.queryPanels = scratch(<usize>most * <usize>p.width << 2)
  item.gPanels = scratch(<usize>most * <usize>p.depth << 2)
  item.querySteps = scratch(rounded(p.width) * <usize>most << 2)
  item.gSteps = scratch(rounded(p.depth) * <usize>most << 2)
  item.logs = scratch(<usize>most << 2)
  item.means = scratch(<usize>most << 2)
  item.queryGradient = scratch(<usize>(most / NR) * rounded(p.width) * PANEL)
  item.weights = scratch(<usize>p.block * <usize>most << 2)
  item.gradients = scratch(<usize>p.block * <usize>most << 2)
  for (item.from = 0; item.from < p.rows; item.from += p.block) {
    item.queries = min(p.block, p.rows - item.from)
    const own = (item.queries + NR - 1) / NR
    packA(item.q + <usize>item.from * rowOf(p, Q), columnOf(p, Q), rowOf(p, Q), p.width, item.queries, item.querySteps, item.queries, 0)
    packA(item.g + <usize>item.from * rowOf(p, G), columnOf(p, G), rowOf(p, G), p.depth, item.queries, item.gSteps, item.queries, 0)
    overPanels(item, queryTask.index, own)
    for (item.first = 0; item.first < p.keys; item.first += p.block) {
      if (p.causal && item.first >= item.from + item.queries) break
      item.count = min(p.block, p.keys - item.first)
      overPanels(item, scoreTask.index, own)
      overPanels(item, keyTask.index, (item.count + NR - 1) / NR)
    }
    overPanels(item, storeTask.index, own)
  }
  const scale = f32x4.splat(p.scale)
  for (let panel = 0; panel < panels; panel++) {
    const n = min(NR, p.keys - panel * NR)
    const dk = item.keyGradient + <usize>panel * rounded(p.width) * PANEL
    scalePanel(dk, p.width, scale, scale)
    storePanel(dk, p.width, n, item.dk + <usize>(panel * NR) * rowOf(p, DK), rowOf(p, DK), columnOf(p, DK))
    const dv = item.valueGradient + <usize>panel * rounded(p.depth) * PANEL
    storePanel(dv, p.depth, n, item.dv + <usize>(panel * NR) * rowOf(p, DV), rowOf(p, DV), columnOf(p, DV))
  }
}

function zeros(bytes: usize): usize {
  const at = scratch(bytes)
  memory.fill(at, 0, bytes)
  return at
}

/** Packs eight queries and what flows back to them. Those that are not there see nothing. */
function queryTask(job: usize, task: i32, tasks: i32): void {
  const item = changetype<Item>(job)
  const p = item.p
  const panels = (item.queries + NR - 1) / NR
  const out = scratch(<usize>p.depth * PANEL)
  const scale = f32x4.splat(p.scale)
  for (let panel = share(panels, task, tasks), end = share(panels, task + 1, tasks); panel < end; panel++) {
    const row = item.from + panel * NR
    const query = item.queryPanels + <usize>(panel * p.width) * PANEL
    const g = item.gPanels + <usize>(panel * p.depth) * PANEL
    packPanel(p, item.q, Q, row, p.width, query)
    scalePanel(query, p.width, scale, scale)
    packPanel(p, item.g, G, row, p.depth, g)
    packPanel(p, item.out, OUT, row, p.depth, out)
    let left = f32x4.splat(0), right = left
    for (let at: usize = 0, size = <usize>p.depth * PANEL; at < size; at += PANEL) {
      left = fma(v128.load(g + at), v128.load(out + at), left)
      right = fma(v128.load(g + at, 16), v128.load(out + at, 16), right)
    }
    v128.store(item.means + <usize>panel * PANEL, left)
    v128.store(item.means + <usize>panel * PANEL, right, 16)
    for (let lane = 0; lane < NR; lane++)
      store<f32>(
        item.logs + <usize>panel * PANEL + (<usize>lane << 2),
        row + lane < p.rows ? load<f32>(item.lse + <usize>(row + lane) * rowOf(p, LSE)) : Infinity,
      )
  }
}

/** Eight queries and the block of keys: weights, their gradients, and what these add to the gradient of the queries. */
function scoreTask(job: usize, task: i32, tasks: i32): void {
  const item = changetype<Item>(job)
  const p = item.p
  const panels = (item.queries + NR - 1) / NR
  const scores = scratch(rounded(p.block) * PANEL)
  const flow = scratch(rounded(p.block) * PANEL)
  const aside = scratch(p.mask ? <usize>p.block * PANEL : 0)
  for (let panel = share(panels, task, tasks), end = share(panels, task + 1, tasks); panel < end; panel++) {
    const row = item.from + panel * NR
    const seen = seenKeys(p, row, item.first)
    if (seen <= 0) continue
    multiply(item.keyRows + (<usize>(item.first * p.width) << 2), item.count, seen, p.width, 0, p.width, item.queryPanels + <usize>(panel * p.width) * PANEL, scores, false)
    multiply(item.valueRows + (<usize>(item.first * p.depth) << 2), item.count, seen, p.depth, 0, p.depth, item.gPanels + <usize>(panel * p.depth) * PANEL, flow, false)
    hide(item, scores, row, item.first, seen, aside)
    differentiate(scores, flow, seen, item.logs + <usize>panel * PANEL, item.means + <usize>panel * PANEL)
    const dq = item.queryGradient + <usize>panel * rounded(p.width) * PANEL
    multiply(stepsAt(item.keySteps, p.width, item.first), p.width, p.width, item.count, 0, seen, flow, dq, item.first > 0)
    const step = <usize>panelStep(item)
    for (let j = 0; j < seen; j += NR) {
      const to = (<usize>(j / NR) * step + <usize>(panel * NR)) * PANEL
      turnPanel(scores + <usize>j * PANEL, item.weights + to)
      turnPanel(flow + <usize>j * PANEL, item.gradients + to)
    }
  }
}

/** Queries, rounded up, in a panel of eight keys. */
@inline
function panelStep(item: Item): i32 {
  return (item.queries + NR - 1) & ~(NR - 1)
}

/** Eight rows of a panel become its columns. */
function turnPanel(from: usize, to: usize): void {
  turn(from, to, PANEL)
  turn(from + 16, to + 4 * PANEL, PANEL)
  turn(from + 4 * PANEL, to + 16, PANEL)
  turn(from + 4 * PANEL + 16, to + 4 * PANEL + 16, PANEL)
}

/** s → P = e^(s − log Σ), and g·vᵀ → P∘(g·vᵀ − Σ g·out). */
function differentiate(scores: usize, flow: usize, seen: i32, logs: usize, means: usize): void {
  const logLeft = v128.load(logs), logRight = v128.load(logs, 16)
  const meanLeft = v128.load(means), meanRight = v128.load(means, 16)
  for (const end = scores + <usize>seen * PANEL; scores != end; scores += PANEL, flow += PANEL) {
    const left = expOrZero(f32x4.sub(v128.load(scores), logLeft))
    const right = expOrZero(f32x4.sub(v128.load(scores, 16), logRight))
    v128.store(scores, left)
    v128.store(scores, right, 16)
    v128.store(flow, f32x4.mul(left, f32x4.sub(v128.load(flow), meanLeft)))
    v128.store(flow, f32x4.mul(right, f32x4.sub(v128.load(flow, 16), meanRight)), 16)
  }
}

/** What the queries add to the gradients of eight keys and values. With causality only those that see them. */
function keyTask(job: usize, task: i32, tasks: i32): void {
  const item = changetype<Item>(job)
  const p = item.p
  const panels = (item.count + NR - 1) / NR
  for (let panel = share(panels, task, tasks), end = share(panels, task + 1, tasks); panel < end; panel++) {
    const key = item.first + panel * NR
    const first = p.causal ? max(0, key - item.from) : 0
    const n = item.queries - first
    if (n <= 0) continue
    const at = <usize>(panel * panelStep(item) + first) * PANEL
    const to = <usize>(key / NR) * PANEL
    multiply(item.gSteps, p.depth, p.depth, item.queries, first, n, item.weights + at, item.valueGradient + to * rounded(p.depth), true)
    multiply(item.querySteps, p.width, p.width, item.queries, first, n, item.gradients + at, item.keyGradient + to * rounded(p.width), true)
  }
}

function storeTask(job: usize, task: i32, tasks: i32): void {
  const item = changetype<Item>(job)
  const p = item.p
  const panels = (item.queries + NR - 1) / NR
  const scale = f32x4.splat(p.scale)
  for (let panel = share(panels, task, tasks), end = share(panels, task + 1, tasks); panel < end; panel++) {
    const row = item.from + panel * NR
    const dq = item.queryGradient + <usize>panel * rounded(p.width) * PANEL
    scalePanel(dq, p.width, scale, scale)
    storePanel(dq, p.width, min(NR, p.rows - row), item.dq + <usize>row * rowOf(p, DQ), rowOf(p, DQ), columnOf(p, DQ))
  }
}
