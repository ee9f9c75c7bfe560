// Products that read one operand only once or twice: a few rows times a matrix, and a row of dot products.
import { addPair, fma, storePair } from './gemm'
import { Block, Product } from './matmul-job'

/** Columns whose sums stay in the first cache. */
const ROW_COLUMNS: i32 = 2048

/** A few rows times a matrix whose rows are side by side: B streams past in whole lines. Each task takes some columns. */
export function rowTask(job: usize, task: i32, tasks: i32): void {
  const p = changetype<Block>(job).p
  // Whole cache lines for each thread.
  const share = ((p.n + tasks - 1) / tasks + 15) & ~15
  const end = min(p.n, (task + 1) * share)
  for (let j = task * share; j < end; j += ROW_COLUMNS) someRows(changetype<Block>(job), 0, p.k, j, min(ROW_COLUMNS, end - j), 0)
}

/** The same, where each task takes some steps of k: its rows of B lie in one run. What is not the first part goes aside. */
export function partTask(job: usize, task: i32, tasks: i32): void {
  const p = changetype<Block>(job).p
  const k = task * p.kc
  someRows(changetype<Block>(job), k, min(p.kc, p.k - k), 0, p.n, task)
}

/** Adds the parts that lie aside to the first. */
export function addParts(block: Block, parts: i32): void {
  const p = block.p
  let from = block.aside
  for (let part = 1; part < parts; part++)
    for (let i = 0; i < p.m; i++) {
      let to = block.c + i * p.cRow
      let j = p.n
      for (; j >= 4; j -= 4, from += 16, to += 16) v128.store(to, f32x4.add(v128.load(to), v128.load(from)))
      for (; j > 0; j--, from += 4, to += 4) store<f32>(to, load<f32>(to) + load<f32>(from))
    }
}

/** `k` steps from `kFrom` on of `n` columns from `from` on. */
function someRows(block: Block, kFrom: i32, k: i32, from: i32, n: i32, part: i32): void {
  const p = block.p
  let a = block.a + kFrom * p.aColumn
  const b = block.b + kFrom * p.bRow + (<usize>from << 2)
  let c = block.c
  let cRow = <usize>p.cRow
  if (part) {
    cRow = <usize>p.n << 2
    c = block.aside + <usize>((part - 1) * p.m) * cRow
  }
  c += <usize>from << 2
  let rows = p.m
  for (; rows >= 2; rows -= 2) {
    twoRows(p, a, b, c, cRow, k, n)
    a += 2 * p.aRow
    c += 2 * cRow
  }
  if (rows) oneRow(p, a, b, c, k, n)
}

/** c[j] = Σ a[k]·B[k][j], four rows of B at a time; each four are summed before they are added. */
function oneRow(p: Product, a: usize, b: usize, c: usize, steps: i32, n: i32): void {
  const aStep = <usize>p.aColumn
  const bStep = <usize>p.bRow
  let k = 0
  for (; k + 4 <= steps; k += 4) {
    const s0 = v128.load32_splat(a)
    const s1 = v128.load32_splat(a + aStep)
    const s2 = v128.load32_splat(a + 2 * aStep)
    const s3 = v128.load32_splat(a + 3 * aStep)
    let at = b
    let out = c
    let j = n
    for (; j >= 8; j -= 8, at += 32, out += 32) {
      let left = f32x4.mul(s0, v128.load(at)), right = f32x4.mul(s0, v128.load(at, 16))
      let row = at + bStep
      left = fma(s1, v128.load(row), left)
      right = fma(s1, v128.load(row, 16), right)
      row += bStep
      left = fma(s2, v128.load(row), left)
      right = fma(s2, v128.load(row, 16), right)
      row += bStep
      left = fma(s3, v128.load(row), left)
      right = fma(s3, v128.load(row, 16), right)
      if (k > 0) addPair(out, left, right)
      else storePair(out, left, right)
    }
    for (; j > 0; j--, at += 4, out += 4) addDot(a, aStep, at, bStep, 4, out, k > 0)
    a += 4 * aStep
    b += 4 * bStep
  }
  addRest(a, aStep, b, bStep, steps - k, c, n, k > 0)
}

/** Two rows of A at once, four rows of B at a time: each vector of B serves both. */
function twoRows(p: Product, a: usize, b: usize, c: usize, cRow: usize, steps: i32, n: i32): void {
  const aStep = <usize>p.aColumn
  const bStep = <usize>p.bRow
  let a1 = a + p.aRow
  const c1 = c + cRow
  let k = 0
  for (; k + 4 <= steps; k += 4) {
    const s0 = v128.load32_splat(a), t0 = v128.load32_splat(a1)
    const s1 = v128.load32_splat(a + aStep), t1 = v128.load32_splat(a1 + aStep)
    const s2 = v128.load32_splat(a + 2 * aStep), t2 = v128.load32_splat(a1 + 2 * aStep)
    const s3 = v128.load32_splat(a + 3 * aStep), t3 = v128.load32_splat(a1 + 3 * aStep)
    let at = b
    let out = c
    let out1 = c1
    let j = n
    for (; j >= 4; j -= 4, at += 16, out += 16, out1 += 16) {
      let x = v128.load(at)
      let sum = f32x4.mul(s0, x)
      let sum1 = f32x4.mul(t0, x)
      x = v128.load(at + bStep)
      sum = fma(s1, x, sum)
      sum1 = fma(t1, x, sum1)
      x = v128.load(at + 2 * bStep)
      sum = fma(s2, x, sum)
      sum1 = fma(t2, x, sum1)
      x = v128.load(at + 3 * bStep)
      sum = fma(s3, x, sum)
      sum1 = fma(t3, x, sum1)
      v128.store(out, k == 0 ? sum : f32x4.add(v128.load(out), sum))
      v128.store(out1, k == 0 ? sum1 : f32x4.add(v128.load(out1), sum1))
    }
    for (; j > 0; j--, at += 4, out += 4, out1 += 4) {
      addDot(a, aStep, at, bStep, 4, out, k > 0)
      addDot(a1, aStep, at, bStep, 4, out1, k > 0)
    }
    a += 4 * aStep
    a1 += 4 * aStep
    b += 4 * bStep
  }
  addRest(a, aStep, b, bStep, steps - k, c, n, k > 0)
  addRest(a1, aStep, b, bStep, steps - k, c1, n, k > 0)
}

/** The last columns: the sum of k products, stored or added. */
@inline
function addDot(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, out: usize, add: bool): void {
  let sum: f32 = 0
  for (; k > 0; k--, a += aStep, b += bStep) sum += load<f32>(a) * load<f32>(b)
  store<f32>(out, add ? load<f32>(out) + sum : sum)
}

/** The last rows of B, one by one. */
function addRest(a: usize, aStep: usize, b: usize, bStep: usize, k: i32, c: usize, n: i32, add: bool): void {
  for (; k > 0; k--, a += aStep, b += bStep) {
    const s = v128.load32_splat(a)
    let at = b
    let out = c
    let j = n
    for (; j >= 4; j -= 4, at += 16, out += 16) v128.store(out, add ? fma(s, v128.load(at), v128.load(out)) : f32x4.mul(s, v128.load(at)))
    for (; j > 0; j--, at += 4, out += 4) addDot(a, 0, at, 0, 1, out, add)
    add = true
  }
}

export function dotsTask(job: usize, task: i32, tasks: i32): void {
  const block = changetype<Block>(job)
  const p = block.p
  const share = ((p.n + tasks - 1) / tasks + 15) & ~15
  const end = min(p.n, (task + 1) * share)
  const last = end - 1
  for (let j = task * share; j < end; j += 4) {
    const j1 = min(j + 1, last), j2 = min(j + 2, last), j3 = min(j + 3, last)
    const sums = fourDots(block.a, block.b + j * p.bColumn, block.b + j1 * p.bColumn, block.b + j2 * p.bColumn, block.b + j3 * p.bColumn, p.k)
    store<f32>(block.c + j * p.cColumn, f32x4.extract_lane(sums, 0))
    store<f32>(block.c + j1 * p.cColumn, f32x4.extract_lane(sums, 1))
    store<f32>(block.c + j2 * p.cColumn, f32x4.extract_lane(sums, 2))
    store<f32>(block.c + j3 * p.cColumn, f32x4.extract_lane(sums, 3))
  }
}

/** The dot products of `a` with four columns; each in eight partial sums. */
function fourDots(a: usize, b0: usize, b1: usize, b2: usize, b3: usize, k: i32): v128 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
  let t0 = s0, t1 = s0, t2 = s0, t3 = s0
  let at: usize = 0
  for (; k >= 8; k -= 8) {
    let x = v128.load(a + at)
    s0 = fma(x, v128.load(b0 + at), s0)
    s1 = fma(x, v128.load(b1 + at), s1)
    s2 = fma(x, v128.load(b2 + at), s2)
    s3 = fma(x, v128.load(b3 + at), s3)
    x = v128.load(a + at, 16)
    t0 = fma(x, v128.load(b0 + at, 16), t0)
    t1 = fma(x, v128.load(b1 + at, 16), t1)
    t2 = fma(x, v128.load(b2 + at, 16), t2)
    t3 = fma(x, v128.load(b3 + at, 16), t3)
    at += 32
  }
  s0 = f32x4.add(s0, t0)
  s1 = f32x4.add(s1, t1)
  s2 = f32x4.add(s2, t2)
  s3 = f32x4.add(s3, t3)
  // Transposed and added: lane i of the result is the sum of the lanes of s_i.
  const l01 = v128.shuffle<f32>(s0, s1, 0, 4, 1, 5), h01 = v128.shuffle<f32>(s0, s1, 2, 6, 3, 7)
  const l23 = v128.shuffle<f32>(s2, s3, 0, 4, 1, 5), h23 = v128.shuffle<f32>(s2, s3, 2, 6, 3, 7)
  const p01 = f32x4.add(l01, h01), p23 = f32x4.add(l23, h23)
  let sums = f32x4.add(v128.shuffle<f32>(p01, p23, 0, 1, 4, 5), v128.shuffle<f32>(p01, p23, 2, 3, 6, 7))
  for (; k > 0; k--, at += 4) {
    let column = v128.load32_zero(b0 + at)
    column = v128.load_lane<f32>(b1 + at, column, 1)
    column = v128.load_lane<f32>(b2 + at, column, 2)
    column = v128.load_lane<f32>(b3 + at, column, 3)
    sums = fma(v128.load32_splat(a + at), column, sums)
  }
  return sums
}
