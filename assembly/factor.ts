// The `factor` kernel: dense factorisations (Golub & Van Loan, Matrix Computations). Each item of a batch is copied to row-major float64
// scratch memory, worked on there, and written back rounded once; items are shared among the threads.
// src/backend/wasm/encode-factor.ts writes the payload: the header below, five words for each view, shape[rank] of the batch, and byte
// strides[rank] of each view over it.
import { payload, viewAddress } from './descriptor'
import { axpy, dot, get, put, scale, swap } from './factor-rows'
import { fault, FACTOR_FAILED, parallel, scratch, threads } from './pool'
import { offsetOf, word } from './strided'
import { eigh, svd } from './spectral'

const TASKS = 0
const OP = 1
const ITEMS = 2
const RANK = 3
const INPUTS = 4
const VIEWS = 5
const STRICT = 6
const HEAD_BYTES: usize = 28

// Of each view: bytes of an element (0: int32), rows, columns, and their byte strides.
const KIND = 0
const ROWS = 1
const COLUMNS = 2
const BY_ROW = 3
const BY_COLUMN = 4
const VIEW_BYTES: usize = 20

@inline
function viewHead(head: usize, i: i32): usize {
  return head + HEAD_BYTES + <usize>i * VIEW_BYTES
}

function readItem(view: usize, from: usize, to: usize): void {
  const kind = word(view, KIND), columns = word(view, COLUMNS)
  for (let r = 0, rows = word(view, ROWS); r < rows; r++) {
    let at = from + r * word(view, BY_ROW)
    for (let c = 0; c < columns; c++, at += word(view, BY_COLUMN), to += 8)
      store<f64>(to, kind == 8 ? load<f64>(at) : kind == 4 ? <f64>load<f32>(at) : <f64>load<i32>(at))
  }
}

function writeItem(view: usize, to: usize, from: usize): void {
  const kind = word(view, KIND), columns = word(view, COLUMNS)
  for (let r = 0, rows = word(view, ROWS); r < rows; r++) {
    let at = to + r * word(view, BY_ROW)
    for (let c = 0; c < columns; c++, at += word(view, BY_COLUMN), from += 8) {
      const v = load<f64>(from)
      if (kind == 8) store<f64>(at, v)
      else if (kind == 4) store<f32>(at, <f32>v)
      else store<i32>(at, <i32>v)
    }
  }
}

/** Gives 0, or counts from 1 the first leading minor that is not positive. */
function cholesky(a: usize, l: usize, n: i32): i32 {
  let info = 0
  for (let i = 0; i < n; i++) {
    const row = l + (<usize>(i * n) << 3)
    for (let j = 0; j < i; j++) {
      const other = l + (<usize>(j * n) << 3)
      put(row, j, (get(a, i * n + j) - dot(row, other, j)) / get(other, j))
    }
    const rest = get(a, i * n + i) - dot(row, row, i)
    if (!(rest > 0) && info == 0) info = i + 1
    put(row, i, info ? NaN : Math.sqrt(rest))
  }
  return info
}

/** Gives 0, or counts from 1 the first pivot that is zero. */
function lu(f: usize, pivots: usize, m: i32, n: i32): i32 {
  let info = 0
  for (let j = 0, k = min(m, n); j < k; j++) {
    let p = j
    for (let i = j + 1; i < m; i++) if (Math.abs(get(f, i * n + j)) > Math.abs(get(f, p * n + j))) p = i
    put(pivots, j, p + 1)
    const own = f + (<usize>(j * n) << 3)
    if (p != j) swap(own, f + (<usize>(p * n) << 3), n)
    const pivot = get(own, j)
    if (pivot == 0) {
      if (info == 0) info = j + 1
      continue
    }
    for (let i = j + 1; i < m; i++) {
      const row = f + (<usize>(i * n) << 3)
      const by = get(row, j) / pivot
      put(row, j, by)
      axpy(row + (<usize>(j + 1) << 3), own + (<usize>(j + 1) << 3), -by, n - j - 1)
    }
  }
  return info
}

function permutation(pivots: usize, order: usize, k: i32, m: i32): void {
  for (let i = 0; i < m; i++) put(order, i, i)
  for (let i = 0; i < k; i++) {
    const p = <i32>get(pivots, i) - 1
    // Pivots that are no rows (they were not made by `lu`) change nothing.
    if (<u32>p >= <u32>m) continue
    const v = get(order, i)
    put(order, i, get(order, p))
    put(order, p, v)
  }
}

/** Columns from `first` on of x times H_j, whose vector stands in column j of `packed`. */
function reflect(packed: usize, m: i32, n: i32, j: i32, tau: f64, x: usize, columns: i32, first: i32, sums: usize): void {
  const count = columns - first
  if (count <= 0 || tau == 0) return
  const own = x + (<usize>(j * columns + first) << 3)
  memory.copy(sums, own, <usize>count << 3)
  for (let i = j + 1; i < m; i++) axpy(sums, x + (<usize>(i * columns + first) << 3), get(packed, i * n + j), count)
  axpy(own, sums, -tau, count)
  for (let i = j + 1; i < m; i++) axpy(x + (<usize>(i * columns + first) << 3), sums, -tau * get(packed, i * n + j), count)
}

function qr(f: usize, tau: usize, m: i32, n: i32, sums: usize): void {
  for (let j = 0, k = min(m, n); j < k; j++) {
    let most: f64 = 0
    for (let i = j + 1; i < m; i++) most = max(most, Math.abs(get(f, i * n + j)))
    put(tau, j, 0)
    if (most == 0) continue
    let below: f64 = 0
    for (let i = j + 1; i < m; i++) {
      const v = get(f, i * n + j) / most
      below += v * v
    }
    const alpha = get(f, j * n + j)
    const length = most * Math.sqrt(below + alpha / most * (alpha / most))
    const beta = alpha < 0 ? length : -length
    put(tau, j, (beta - alpha) / beta)
    for (let i = j + 1; i < m; i++) put(f, i * n + j, get(f, i * n + j) / (alpha - beta))
    put(f, j * n + j, beta)
    reflect(f, m, n, j, get(tau, j), f, n, j + 1, sums)
  }
}

function householder(packed: usize, tau: usize, q: usize, m: i32, n: i32, k: i32, columns: i32, sums: usize): void {
  memory.fill(q, 0, <usize>(m * columns) << 3)
  for (let i = 0; i < min(m, columns); i++) put(q, i * columns + i, 1)
  for (let j = k - 1; j >= 0; j--) reflect(packed, m, n, j, get(tau, j), q, columns, j, sums)
}

/** In x, which holds B. */
function solve(a: usize, x: usize, n: i32, columns: i32, lower: bool, unit: bool): void {
  for (let step = 0; step < n; step++) {
    const i = lower ? step : n - 1 - step
    const row = x + (<usize>(i * columns) << 3)
    const from = lower ? 0 : i + 1, to = lower ? i : n
    for (let k = from; k < to; k++) axpy(row, x + (<usize>(k * columns) << 3), -get(a, i * n + k), columns)
    if (!unit) scale(row, get(a, i * n + i), columns)
  }
}

/** One item; gives its info. Operands are `at[0], at[1] …`. */
function factor(head: usize, at: usize, work: usize): i32 {
  const first = viewHead(head, 0)
  const m = word(first, ROWS), n = word(first, COLUMNS)
  const a = <usize>word(at, 0), b = <usize>word(at, 1), c = <usize>word(at, 2), d = <usize>word(at, 3)
  const op = word(head, OP)
  const size = <usize>(m * n) << 3
  switch (op) {
    case 0: return cholesky(a, b, n)
    case 1: {
      memory.copy(b, a, size)
      return lu(b, c, m, n)
    }
    case 2: {
      permutation(a, b, m, word(viewHead(head, 1), ROWS))
      return 0
    }
    case 3: {
      memory.copy(b, a, size)
      qr(b, c, m, n, work)
      return 0
    }
    case 4: {
      householder(a, b, c, m, n, word(viewHead(head, 1), ROWS), word(viewHead(head, 2), COLUMNS), work)
      return 0
    }
    case 5: {
      eigh(a, b, c, n, work)
      return 0
    }
    case 6: {
      svd(a, b, c, d, m, n, work)
      return 0
    }
    default: {
      const columns = word(viewHead(head, 1), COLUMNS)
      memory.copy(c, b, <usize>(n * columns) << 3)
      solve(a, c, n, columns, (op & 1) == 1, op >= 9)
      return 0
    }
  }
}

function factorTask(desc: usize, task: i32, tasks: i32): void {
  const head = payload(desc)
  const rank = word(head, RANK), inputs = word(head, INPUTS), views = word(head, VIEWS)
  const shape = viewHead(head, views)
  const axes = <usize>rank << 2
  const at = scratch(64)
  for (let i = 0; i < views; i++) {
    const view = viewHead(head, i)
    store<u32>(at + (<usize>i << 2), <u32>scratch(<usize>(word(view, ROWS) * word(view, COLUMNS)) << 3))
  }
  let widest = 0
  for (let i = 0; i < views; i++) widest = max(widest, word(viewHead(head, i), COLUMNS))
  const op = word(head, OP)
  const m = word(viewHead(head, 0), ROWS), n = word(viewHead(head, 0), COLUMNS)
  const work = scratch(<usize>(op == 5 || op == 6 ? m * n + n * n + 5 * n : widest) << 3)
  const items = <i64>word(head, ITEMS)
  const last = <i32>(items * (task + 1) / tasks)
  for (let item = <i32>(items * task / tasks); item < last; item++) {
    for (let i = 0; i < inputs; i++)
      readItem(viewHead(head, i), viewAddress(desc, i) + offsetOf(shape, shape + axes * (i + 1), rank, item), word(at, i))
    if (op == 0) memory.fill(word(at, 1), 0, <usize>(word(viewHead(head, 1), ROWS) * word(viewHead(head, 1), COLUMNS)) << 3)
    const info = factor(head, at, work)
    if (op < 2) {
      put(word(at, views - 1), 0, info)
      if (info != 0 && word(head, STRICT)) fault(FACTOR_FAILED, info, item)
    }
    for (let i = inputs; i < views; i++)
      writeItem(viewHead(head, i), viewAddress(desc, i) + offsetOf(shape, shape + axes * (i + 1), rank, item), word(at, i))
  }
}

export function runFactor(desc: usize): i32 {
  parallel(factorTask.index, desc, min(word(payload(desc), TASKS), threads()))
  return 0
}
