// Products whose matrices stay in the caches: A is read where it lies, and B too when its rows are side by side.
import { B_STEP, fma, NR, storePair } from './gemm'
import { Block, Product } from './matmul-job'
import { packB } from './pack'
import { scratch } from './pool'

/** One share of the tiles: of the columns where there are enough, else of the rows. */
export function smallTask(job: usize, task: i32, tasks: i32): void {
  const block = changetype<Block>(job)
  const p = block.p
  const panels = (p.n + NR - 1) / NR
  const packed: usize = p.bColumn == 4 ? 0 : scratch(<usize>p.k * B_STEP)
  if (panels >= 2 * tasks) tiles(block, packed, NR * (panels * task / tasks), min(p.n, NR * (panels * (task + 1) / tasks)), 0, p.m)
  else {
    const fours = (p.m + 3) >> 2
    tiles(block, packed, 0, p.n, 4 * (fours * task / tasks), min(p.m, 4 * (fours * (task + 1) / tasks)))
  }
}

function tiles(block: Block, packed: usize, columnFrom: i32, columnTo: i32, rowFrom: i32, rowTo: i32): void {
  const p = block.p
  for (let j = columnFrom; j < columnTo; j += NR) {
    // The last tiles overlap their neighbours and compute the same values again.
    const column = min(j, p.n - NR)
    const c = block.c + (<usize>column << 2)
    let b = block.b + column * p.bColumn
    let bStep = <usize>p.bRow
    if (packed) {
      packB(b, p.bRow, p.bColumn, p.k, NR, packed)
      b = packed
      bStep = B_STEP
    }
    for (let i = rowFrom; i < rowTo; i += 4) smallTile(p, block.a, b, bStep, c, i)
  }
}

function smallTile(p: Product, a: usize, b: usize, bStep: usize, c: usize, i: i32): void {
  const last = p.m - 1
  const i1 = min(i + 1, last), i2 = min(i + 2, last), i3 = min(i + 3, last)
  let a0 = a + i * p.aRow
  let a1 = a + i1 * p.aRow
  let a2 = a + i2 * p.aRow
  let a3 = a + i3 * p.aRow
  const aStep = <usize>p.aColumn
  let c00 = f32x4.splat(0), c01 = c00
  let c10 = c00, c11 = c00
  let c20 = c00, c21 = c00
  let c30 = c00, c31 = c00
  for (let k = p.k; k > 0; k--) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    let x = v128.load32_splat(a0)
    c00 = fma(x, b0, c00)
    c01 = fma(x, b1, c01)
    x = v128.load32_splat(a1)
    c10 = fma(x, b0, c10)
    c11 = fma(x, b1, c11)
    x = v128.load32_splat(a2)
    c20 = fma(x, b0, c20)
    c21 = fma(x, b1, c21)
    x = v128.load32_splat(a3)
    c30 = fma(x, b0, c30)
    c31 = fma(x, b1, c31)
    a0 += aStep
    a1 += aStep
    a2 += aStep
    a3 += aStep
    b += bStep
  }
  storePair(c + i * p.cRow, c00, c01)
  storePair(c + i1 * p.cRow, c10, c11)
  storePair(c + i2 * p.cRow, c20, c21)
  storePair(c + i3 * p.cRow, c30, c31)
}
