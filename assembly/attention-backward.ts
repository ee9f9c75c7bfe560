// The gradients of attention: the weights are computed again from the logarithms of their sums, a block of queries and keys at a time, and turned round for
// the gradients of keys and values.
import {
  columnOf, DK, DQ, DV, G, hide, Item, K, LSE, multiply, OUT, overPanels, packPanel, packRows, packSteps, PANEL, Q, rounded, rowOf, scalePanel, seenKeys, share, stepsAt, storePanel, turn, V,
} from './attention-job'
import { NR } from './gemm'
import { expOrZero, fma } from './math'
import { packA } from './pack'
import { scratch } from './pool'

export function backward(item: Item): void {
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
