// What the dense factorisations mean: textbook algorithms (Golub & Van Loan, Matrix Computations) on one row-major matrix of float64
// after the other.
import { numel, type Shape } from '../../core/shape.ts'
import { factorRanks, type FactorKernel, type FactorOp } from '../../ir/kernel.ts'
import { factorFailure } from '../failures.ts'

type Matrix = Float64Array

/** One matrix each: results are written to the outputs in full, `info` is the last of them where the kind has one. */
type Factor = (inputs: readonly Matrix[], outputs: readonly Matrix[], size: Size) => void

/** Rows and columns of the first input; columns (or, for one index, the length) of the last input and the first output. */
interface Size {
  readonly m: number
  readonly n: number
  readonly last: number
  readonly out: number
}

const EPS = 2 ** -53
/** Far more sweeps than any matrix needs: convergence is quadratic. */
const SWEEPS = 60

const cholesky: Factor = ([a], [l, info], { n }) => {
  for (let j = 0; j < n; j++)
    for (let i = 0; i < n; i++) {
      let sum = a[i * n + j]
      for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k]
      if (i < j) sum = 0
      else if (i > j) sum /= l[j * n + j]
      else {
        if (!(sum > 0) && info[0] === 0) info[0] = j + 1
        sum = info[0] ? NaN : Math.sqrt(sum)
      }
      l[i * n + j] = sum
    }
}

const lu: Factor = ([a], [f, pivots, info], { m, n }) => {
  f.set(a)
  for (let j = 0; j < pivots.length; j++) {
    let p = j
    for (let i = j + 1; i < m; i++) if (Math.abs(f[i * n + j]) > Math.abs(f[p * n + j])) p = i
    pivots[j] = p + 1
    const pivot = f[p * n + j]
    if (p !== j) for (let c = 0; c < n; c++) [f[p * n + c], f[j * n + c]] = [f[j * n + c], f[p * n + c]]
    if (pivot === 0) info[0] ||= j + 1
    else
      for (let i = j + 1; i < m; i++) {
        const by = (f[i * n + j] /= pivot)
        for (let c = j + 1; c < n; c++) f[i * n + c] -= by * f[j * n + c]
      }
  }
}

const permutation: Factor = ([pivots], [order]) => {
  order.forEach((_, i) => (order[i] = i))
  pivots.forEach((p, i) => ([order[i], order[p - 1]] = [order[p - 1], order[i]]))
}

/** Rows from j on of some columns of x times H_j, whose vector stands in column j of `packed`. */
function reflect(packed: Matrix, m: number, n: number, j: number, tau: number, x: Matrix, columns: number, first: number): void {
  for (let c = first; c < columns; c++) {
    let sum = x[j * columns + c]
    for (let i = j + 1; i < m; i++) sum += packed[i * n + j] * x[i * columns + c]
    sum *= tau
    x[j * columns + c] -= sum
    for (let i = j + 1; i < m; i++) x[i * columns + c] -= packed[i * n + j] * sum
  }
}

const qr: Factor = ([a], [f, tau], { m, n }) => {
  f.set(a)
  for (let j = 0; j < tau.length; j++) {
    let below = 0
    for (let i = j + 1; i < m; i++) below = Math.hypot(below, f[i * n + j])
    if (below === 0) continue
    const alpha = f[j * n + j]
    const beta = alpha < 0 ? Math.hypot(alpha, below) : -Math.hypot(alpha, below)
    tau[j] = (beta - alpha) / beta
    for (let i = j + 1; i < m; i++) f[i * n + j] /= alpha - beta
    f[j * n + j] = beta
    reflect(f, m, n, j, tau[j], f, n, j + 1)
  }
}

const householder: Factor = ([packed, tau], [q], { m, n, out }) => {
  for (let i = 0; i < Math.min(m, out); i++) q[i * out + i] = 1
  for (let j = tau.length - 1; j >= 0; j--) reflect(packed, m, n, j, tau[j], q, out, j)
}

/** (x, y) ← (c·x − s·y, s·x + c·y), for `count` elements that are `step` apart. */
function rotate(a: Matrix, x: number, y: number, step: number, count: number, c: number, s: number): void {
  for (let i = 0; i < count; i++, x += step, y += step) {
    const [u, v] = [a[x], a[y]]
    a[x] = c * u - s * v
    a[y] = s * u + c * v
  }
}

/** Cosine and sine of the rotation that makes [[p, x], [x, q]] diagonal, by the smaller of two angles. */
function jacobi(p: number, q: number, x: number): [c: number, s: number] {
  const zeta = (q - p) / (2 * x)
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta))
  const c = 1 / Math.hypot(1, t)
  return [c, c * t]
}

/** Goes over all pairs p < q until a sweep changes nothing. */
function sweep(n: number, turn: (p: number, q: number) => boolean): void {
  let turned = true
  for (let s = 0; s < SWEEPS && turned; s++) {
    turned = false
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) if (turn(p, q)) turned = true
  }
}

/** −1 when the first element of row j that is larger than half the largest is negative. */
function signOf(rows: Matrix, n: number, j: number): number {
  const row = rows.subarray(j * n, (j + 1) * n)
  const half = row.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 2
  return (row.find(v => Math.abs(v) > half) ?? 1) < 0 ? -1 : 1
}

const identity = (n: number): Matrix => Float64Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0))

const isWild = (a: Matrix): boolean => !a.every(Number.isFinite)
const spoil = (...results: Matrix[]): void => results.forEach(x => x.fill(NaN))

const eigh: Factor = ([a], [values, vectors], { n }) => {
  const x = Float64Array.from(a, (v, at) => (at % n > Math.floor(at / n) ? a[(at % n) * n + Math.floor(at / n)] : v))
  if (isWild(x)) return spoil(values, vectors)
  const rows = identity(n)
  const small = EPS * Math.sqrt(x.reduce((sum, v) => sum + v * v, 0))
  sweep(n, (p, q) => {
    const off = x[p * n + q]
    if (!(Math.abs(off) > small)) return false
    const [c, s] = jacobi(x[p * n + p], x[q * n + q], off)
    rotate(x, p * n, q * n, 1, n, c, s)
    rotate(x, p, q, n, n, c, s)
    rotate(rows, p * n, q * n, 1, n, c, s)
    return true
  })
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => x[i * (n + 1)] - x[j * (n + 1)])
  order.forEach((from, j) => {
    values[j] = x[from * (n + 1)]
    const sign = signOf(rows, n, from)
    for (let i = 0; i < n; i++) vectors[i * n + j] = sign * rows[from * n + i]
  })
}

// One-sided (Hestenes 1958): the columns of A·V are made orthogonal in pairs.
const svd: Factor = ([a], [w, values, v], { m, n }) => {
  if (isWild(a)) return spoil(w, values, v)
  const columns = Float64Array.from(a, (_, at) => a[(at % m) * n + Math.floor(at / m)])
  const rows = identity(n)
  const dot = (p: number, q: number): number => {
    let sum = 0
    for (let i = 0; i < m; i++) sum += columns[p * m + i] * columns[q * m + i]
    return sum
  }
  // What is left of a dot product of orthogonal columns is rounding.
  const small = 4 * EPS * Math.sqrt(m)
  sweep(n, (p, q) => {
    const [pp, qq, pq] = [dot(p, p), dot(q, q), dot(p, q)]
    if (!(Math.abs(pq) > small * Math.sqrt(pp * qq))) return false
    const [c, s] = jacobi(pp, qq, pq)
    rotate(columns, p * m, q * m, 1, m, c, s)
    rotate(rows, p * n, q * n, 1, n, c, s)
    return true
  })
  const lengths = Array.from({ length: n }, (_, j) => Math.sqrt(dot(j, j)))
  const order = [...lengths.keys()].sort((i, j) => lengths[j] - lengths[i])
  order.forEach((from, j) => {
    values[j] = lengths[from]
    const sign = signOf(rows, n, from)
    for (let i = 0; i < n; i++) v[i * n + j] = sign * rows[from * n + i]
    for (let i = 0; i < m; i++) w[i * n + j] = sign * columns[from * m + i]
  })
}

const solve = (lower: boolean, unit: boolean): Factor => ([a, b], [x], { n, last }) => {
  for (let step = 0; step < n; step++) {
    const i = lower ? step : n - 1 - step
    for (let c = 0; c < last; c++) {
      let sum = b[i * last + c]
      for (let k = lower ? 0 : i + 1; k < (lower ? i : n); k++) sum -= a[i * n + k] * x[k * last + c]
      x[i * last + c] = unit ? sum : sum / a[i * n + i]
    }
  }
}

const factors: { readonly [K in FactorOp]: Factor } = {
  cholesky, lu, permutation, qr, householder, eigh, svd,
  lowerSolve: solve(true, false), upperSolve: solve(false, false), unitLowerSolve: solve(true, true), unitUpperSolve: solve(false, true),
}

/** All matrices of a batch: inputs as numbers in row-major order, and the same for the results. */
export function factorise({ op, strict, inputs, outputs }: FactorKernel, values: readonly ArrayLike<number>[]): Float64Array[] {
  const { inputs: from, outputs: to } = factorRanks[op]
  const sizes = [...inputs.map((v, i) => numelOf(v.shape, from[i])), ...outputs.map((v, i) => numelOf(v.shape, to[i]))]
  const batch = numel(inputs[0].shape.slice(0, inputs[0].shape.length - from[0]))
  const given = values.map(v => Float64Array.from(v))
  const results = outputs.map((_, i) => new Float64Array(batch * sizes[inputs.length + i]))
  const [m, n] = inputs[0].shape.slice(-2)
  const size: Size = { m, n, last: inputs.at(-1)!.shape.at(-1)!, out: outputs[0].shape.at(-1)! }
  for (let b = 0; b < batch; b++) {
    const item = (x: Float64Array, i: number): Float64Array => x.subarray(b * sizes[i], (b + 1) * sizes[i])
    const into = results.map((x, i) => item(x, inputs.length + i))
    factors[op](given.map(item), into, size)
    const info = op === 'cholesky' || op === 'lu' ? into.at(-1)![0] : 0
    if (strict !== null && info !== 0) throw factorFailure(strict, op, info, b)
  }
  return results
}

const numelOf = (shape: Shape, axes: number): number => numel(shape.slice(shape.length - axes))
