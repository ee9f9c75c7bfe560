// Attention without the matrix of all weights: scores of eight queries and a block of keys are computed, used and forgotten. After Dao et al. 2022,
// "FlashAttention". Scores lie in panels [key][8 queries], so that the softmax needs no sums across lanes, and a panel is the second factor of the
// next product as it lies. What is computed for eight queries, or keys, does not depend on who computes it.
import { backward } from './attention-backward'
import {
  Attention, BATCH, columnOf, hide, Item, K, LSE, multiply, OPERANDS, OUT, overPanels, packPanel, packRows, packSteps, PANEL, Q, rounded, rowOf, scalePanel, seenKeys, share, stepsAt, storePanel, TABLE, V,
} from './attention-job'
import { payload, viewAddress } from './descriptor'
import { NR } from './gemm'
import { exp, log } from './intrinsics'
import { expOrZero } from './math'
import { parallel, scratch, scratchBack, scratchMark, threads } from './pool'

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
