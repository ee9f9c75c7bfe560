// Eigenvalues and eigenvectors of a symmetric matrix: reflections make it tridiagonal, implicit shifts make that diagonal (Golub & Van Loan,
// sections 8.3.1 and 8.3.3). Eigenvectors are rows, so that every inner loop runs along one.
import { axpy, dot, get, put, rotate, scaleBy } from './factor-rows'

/** Two or three turns are the rule for an eigenvalue. */
const TURNS = 60
const EPS: f64 = 2.220446049250313e-16

@inline
function row(a: usize, n: i32, i: i32, from: i32 = 0): usize {
  return a + (<usize>(i * n + from) << 3)
}

/** Diagonal to d, what is beside it to e[0 … n−2]; row k of x then holds the vector of reflection k, and `tau` its factor. */
function reduce(x: usize, d: usize, e: usize, tau: usize, sums: usize, n: i32): void {
  for (let k = 0; k + 1 < n; k++) {
    const first = k + 1, count = n - first
    const v = row(x, n, k, first)
    const alpha = get(v, 0)
    const below = count > 1 ? dot(v + 8, v + 8, count - 1) : 0
    put(d, k, get(x, k * n + k))
    put(tau, k, 0)
    put(e, k, alpha)
    if (below == 0) continue
    const length = Math.sqrt(alpha * alpha + below)
    const beta = alpha < 0 ? length : -length
    const t = (beta - alpha) / beta
    put(e, k, beta)
    put(tau, k, t)
    scaleBy(v + 8, 1 / (alpha - beta), count - 1)
    put(v, 0, 1)
    // B − v·wᵀ − w·vᵀ with w = p − (τ/2)(p·v)v and p = τ·B·v.
    for (let i = 0; i < count; i++) put(sums, i, t * dot(row(x, n, first + i, first), v, count))
    axpy(sums, v, -0.5 * t * dot(sums, v, count), count)
    for (let i = 0; i < count; i++) {
      const own = row(x, n, first + i, first)
      axpy(own, sums, -get(v, i), count)
      axpy(own, v, -get(sums, i), count)
    }
  }
  put(d, n - 1, get(x, n * n - 1))
}

/** The product of the reflections, transposed. */
function gather(x: usize, tau: usize, z: usize, n: i32): void {
  memory.fill(z, 0, <usize>(n * n) << 3)
  for (let i = 0; i < n; i++) put(z, i * (n + 1), 1)
  for (let k = n - 2; k >= 0; k--) {
    const t = get(tau, k)
    if (t == 0) continue
    const first = k + 1, count = n - first
    const v = row(x, n, k, first)
    for (let i = first; i < n; i++) {
      const own = row(z, n, i, first)
      axpy(own, v, -t * dot(own, v, count), count)
    }
  }
}

/** Makes the tridiagonal matrix diagonal; the rows of z turn along. */
function diagonalize(d: usize, e: usize, z: usize, n: i32): void {
  put(e, n - 1, 0)
  for (let first = 0; first < n; first++)
    for (let turn = 0; turn < TURNS; turn++) {
      let last = first
      while (last + 1 < n && Math.abs(get(e, last)) > EPS * (Math.abs(get(d, last)) + Math.abs(get(d, last + 1)))) last++
      if (last == first) break
      // The shift is the eigenvalue of the leading 2 × 2 block that is nearer to its corner (Wilkinson).
      const half = (get(d, first + 1) - get(d, first)) / (2 * get(e, first))
      const root = Math.sqrt(half * half + 1)
      let g = get(d, last) - get(d, first) + get(e, first) / (half + (half < 0 ? -root : root))
      let c: f64 = 1, s: f64 = 1, p: f64 = 0
      let i = last - 1
      for (; i >= first; i--) {
        const f = s * get(e, i), b = c * get(e, i)
        const r = Math.sqrt(f * f + g * g)
        put(e, i + 1, r)
        if (r == 0) {
          put(d, i + 1, get(d, i + 1) - p)
          put(e, last, 0)
          break
        }
        s = f / r
        c = g / r
        g = get(d, i + 1) - p
        const q = (get(d, i) - g) * s + 2 * c * b
        p = s * q
        put(d, i + 1, g + p)
        g = c * q - b
        rotate(row(z, n, i), row(z, n, i + 1), n, c, s)
      }
      if (i >= first) continue
      put(d, first, get(d, first) - p)
      put(e, first, g)
      put(e, last, 0)
    }
}

/** Eigenvalues of x to d, in no order, and its eigenvectors to the rows of z. x is used up; `work` has room for 3·n numbers. */
export function eigenRows(x: usize, d: usize, z: usize, n: i32, work: usize): void {
  const e = work, tau = e + (<usize>n << 3), sums = tau + (<usize>n << 3)
  reduce(x, d, e, tau, sums, n)
  gather(x, tau, z, n)
  diagonalize(d, e, z, n)
}
