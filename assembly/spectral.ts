// Eigenvalues, and singular values by one-sided Jacobi rotations (Hestenes 1958), in order and with signs that do not depend on the way.
import { axpy, dot, get, put, rotate } from './factor-rows'
import { eigenRows } from './tridiagonal'

const EPS: f64 = 1.1102230246251565e-16
/** Far more sweeps than any matrix needs: convergence is quadratic. */
const SWEEPS = 60

/** Tangent of the smaller of the two angles that make [[p, x], [x, q]] diagonal. */
@inline
function tangent(p: f64, q: f64, x: f64): f64 {
  const zeta = (q - p) / (2 * x)
  const size = Math.abs(zeta)
  // Past 1e8 the square changes nothing, and could overflow.
  const t = 1 / (size + (size > 1e8 ? size : Math.sqrt(1 + zeta * zeta)))
  return zeta < 0 ? -t : t
}

function identity(a: usize, n: i32): void {
  memory.fill(a, 0, <usize>(n * n) << 3)
  for (let i = 0; i < n; i++) put(a, i * (n + 1), 1)
}

/** −1 when the first element that is larger than half the largest is negative. */
function signOf(row: usize, n: i32): f64 {
  let most: f64 = 0
  for (let i = 0; i < n; i++) most = max(most, Math.abs(get(row, i)))
  for (let i = 0; i < n; i++) if (Math.abs(get(row, i)) > most / 2) return get(row, i) < 0 ? -1 : 1
  return 1
}

/** Row `from` of `rows` as column j of `out`. */
function asColumn(rows: usize, length: i32, from: i32, out: usize, n: i32, j: i32, sign: f64): void {
  const row = rows + (<usize>(from * length) << 3)
  for (let i = 0; i < length; i++) put(out, i * n + j, sign * get(row, i))
}

/** Which of the values that are not yet placed comes next; `taken` marks those that are. */
function next(values: usize, taken: usize, n: i32, descending: bool): i32 {
  let best = -1
  for (let i = 0; i < n; i++) {
    if (get(taken, i) != 0) continue
    if (best < 0 || (descending ? get(values, i) > get(values, best) : get(values, i) < get(values, best))) best = i
  }
  put(taken, best, 1)
  return best
}

/** NaN or infinity among the numbers (or squares that no float64 holds). */
@inline
function isWild(x: usize, n: i32): bool {
  return !(dot(x, x, n) < Infinity)
}

function spoil(x: usize, n: i32): void {
  for (let i = 0; i < n; i++) put(x, i, NaN)
}

/** `work` has room for 2·n² + 5·n numbers. */
export function eigh(a: usize, values: usize, vectors: usize, n: i32, work: usize): void {
  const x = work
  const rows = x + (<usize>(n * n) << 3)
  const taken = rows + (<usize>(n * n) << 3)
  const unsorted = taken + (<usize>n << 3)
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      put(x, i * n + j, get(a, i * n + j))
      put(x, j * n + i, get(a, i * n + j))
    }
  if (isWild(x, n * n)) {
    spoil(values, n)
    spoil(vectors, n * n)
    return
  }
  if (n > 0) eigenRows(x, unsorted, rows, n, unsorted + (<usize>n << 3))
  memory.fill(taken, 0, <usize>n << 3)
  for (let j = 0; j < n; j++) {
    const from = next(unsorted, taken, n, false)
    put(values, j, get(unsorted, from))
    asColumn(rows, n, from, vectors, n, j, signOf(rows + (<usize>(from * n) << 3), n))
  }
}

/**
 * The columns of A·V become orthogonal: nearly so by the eigenvectors of AᵀA, and to the last bit by rotating them in pairs, which undoes what
 * the squares have lost. `work` has room for m·n + n² + 5·n numbers.
 */
export function svd(a: usize, w: usize, values: usize, v: usize, m: i32, n: i32, work: usize): void {
  const columns = work
  const rows = columns + (<usize>(m * n) << 3)
  const lengths = rows + (<usize>(n * n) << 3)
  const taken = lengths + (<usize>n << 3)
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) put(columns, j * m + i, get(a, i * n + j))
  if (isWild(columns, m * n)) {
    spoil(w, m * n)
    spoil(values, n)
    spoil(v, n * n)
    return
  }
  identity(rows, n)
  if (n > 2) {
    // The memory of the results is free until the end.
    for (let p = 0; p < n; p++)
      for (let q = 0; q <= p; q++) {
        const product = dot(columns + (<usize>(p * m) << 3), columns + (<usize>(q * m) << 3), m)
        put(v, p * n + q, product)
        put(v, q * n + p, product)
      }
    eigenRows(v, lengths, rows, n, taken)
    memory.fill(w, 0, <usize>(m * n) << 3)
    for (let j = 0; j < n; j++)
      for (let i = 0; i < n; i++) axpy(w + (<usize>(j * m) << 3), columns + (<usize>(i * m) << 3), get(rows, j * n + i), m)
    memory.copy(columns, w, <usize>(m * n) << 3)
  }
  // What is left of a dot product of orthogonal columns is rounding.
  const small = 4 * EPS * Math.sqrt(m)
  let turned = true
  for (let sweep = 0; sweep < SWEEPS && turned; sweep++) {
    turned = false
    for (let p = 0; p < n; p++)
      for (let q = p + 1; q < n; q++) {
        const x = columns + (<usize>(p * m) << 3), y = columns + (<usize>(q * m) << 3)
        const xx = dot(x, x, m), yy = dot(y, y, m), xy = dot(x, y, m)
        if (!(Math.abs(xy) > small * Math.sqrt(xx * yy))) continue
        turned = true
        const t = tangent(xx, yy, xy)
        const c = 1 / Math.sqrt(1 + t * t), s = c * t
        rotate(x, y, m, c, s)
        rotate(rows + (<usize>(p * n) << 3), rows + (<usize>(q * n) << 3), n, c, s)
      }
  }
  for (let j = 0; j < n; j++) {
    const x = columns + (<usize>(j * m) << 3)
    put(lengths, j, Math.sqrt(dot(x, x, m)))
  }
  memory.fill(taken, 0, <usize>n << 3)
  for (let j = 0; j < n; j++) {
    const from = next(lengths, taken, n, true)
    put(values, j, get(lengths, from))
    const sign = signOf(rows + (<usize>(from * n) << 3), n)
    asColumn(rows, n, from, v, n, j, sign)
    asColumn(columns, m, from, w, n, j, sign)
  }
}
