// Chooses how a matrix product runs: its orientation, the way, the block sizes and what threads share. assembly/matmul.ts follows.
import { WORD } from '../../core/dtype.ts'
import { collapse } from '../../core/view.ts'
import type { MatmulKernel } from '../../ir/kernel.ts'
import { align, type Writer } from './encode.ts'

/** Bounds for both binaries; a tile is 6 × 8 or 5 × 8. */
const ROWS = 6
const COLUMNS = 8
/** Rows of a strip. */
const STRIP = 72
/** Steps of k in one block: a panel of B stays in the first cache, a block of A in the second. */
export const KC = 384
const NC = 1024
/** Up to this many elements of all three matrices they stay in the caches, and A need not be packed … */
const SMALL = 33_000
/** … unless neighbours in its rows lie apart; and ragged columns are dear to packed work. */
const SMALL_ACROSS = 7_000
/** Up to this many rows a large B is read once for every two of them rather than packed. */
const FEW_ROWS = 8
/** Parts of a long k that threads share, rather than columns, where rows of B are so short that each had better read whole ones. */
const PARTS = 4
const LONG = 512
const SHORT = 2048
/** Multiply-adds from which a second thread pays. */
export const PARALLEL_WORK = 150_000

const ways = { packed: 0, small: 1, rows: 2, dots: 3, zero: 4 } as const
const splits = { alone: 0, inside: 1, batch: 2 } as const

interface Operand {
  row: number
  column: number
}

/** k cut into equal blocks of at most KC steps. */
export const blockOfK = (k: number): number => (k <= KC ? k : Math.ceil(k / Math.ceil(k / KC)))

export function encodeMatmul(kernel: MatmulKernel, w: Writer): void {
  const [aView, bView] = kernel.inputs
  const [cView] = kernel.outputs
  const rank = cView.shape.length
  let m = cView.shape[rank - 2]
  let n = cView.shape[rank - 1]
  const k = aView.shape[rank - 1]
  let a: Operand = { row: aView.strides[rank - 2], column: aView.strides[rank - 1] }
  let b: Operand = { row: bView.strides[rank - 2], column: bView.strides[rank - 1] }
  let c: Operand = { row: cView.strides[rank - 2], column: cView.strides[rank - 1] }

  const lead = (strides: readonly number[]): number[] => strides.slice(0, rank - 2)
  const batch = collapse(lead(cView.shape), [lead(aView.strides), lead(bView.strides), lead(cView.strides)])
  let [aBatch, bBatch, cBatch] = batch.strides
  const sizes = batch.shape
  // A batch that shares B is one taller product.
  for (let i = sizes.length - 1; i >= 0 && bBatch[i] === 0 && aBatch[i] === a.row * m && cBatch[i] === c.row * m; i--) {
    m *= sizes[i]
    sizes.pop()
    for (const strides of batch.strides) strides.pop()
  }
  // Cᵀ = Bᵀ·Aᵀ: rows are what is stored side by side, and a product with a column is one with a row.
  const turned = m > 1 && (n === 1 || (c.column !== 1 && c.row === 1))
  if (turned) {
    const turn = (o: Operand): Operand => ({ row: o.column, column: o.row })
    ;[a, b, c] = [turn(b), turn(a), turn(c)]
    ;[m, n] = [n, m]
    ;[aBatch, bBatch] = [bBatch, aBatch]
  }
  if (n === 1) b.column = c.column = 1
  if (k === 1) a.column = b.row = 1

  const way = wayOf(m, n, k, a, b, c)
  let count = 1
  for (const s of sizes) count *= s
  const work = m * n * k
  const split = work * count < PARALLEL_WORK ? 'alone' : count >= 8 || (count > 1 && work < PARALLEL_WORK) ? 'batch' : 'inside'
  const kc = way !== 'rows' ? blockOfK(k) : split === 'inside' && k >= LONG && n <= SHORT ? align(Math.ceil(k / PARTS), 4) : k
  const nc = Math.min(NC, align(n, COLUMNS))

  w.list([m, n, k])
  for (const o of [a, b, c]) {
    w.i32(o.row * WORD)
    w.i32(o.column * WORD)
  }
  w.list([ways[way], kc, nc, splits[split], turned ? 1 : 0, count, sizes.length])
  w.list(sizes)
  for (const strides of [aBatch, bBatch, cBatch]) for (const s of strides) w.i32(s * WORD)
  w.scratch(way === 'packed' ? packedScratch(w.threads, m, kc, nc) : 64 + align((way === 'rows' ? (PARTS - 1) * m * n : k * COLUMNS) * WORD, 64))
}

function wayOf(m: number, n: number, k: number, a: Operand, b: Operand, c: Operand): keyof typeof ways {
  if (k === 0) return 'zero'
  const flat = b.column === 1 && c.column === 1
  if (m === 1 && flat) return 'rows'
  if (m === 1 && a.column === 1 && b.row === 1) return 'dots'
  if (c.column === 1 && n >= COLUMNS && m * k + k * n + m * n <= (a.column !== 1 && n % COLUMNS === 0 ? SMALL_ACROSS : SMALL)) return 'small'
  return flat && m <= FEW_ROWS ? 'rows' : 'packed'
}

/** The job's fields, how much of each part is taken, B in panels, then a task's tile, A in panels and column offsets. */
const packedScratch = (threads: number, m: number, kc: number, nc: number): number =>
  64 + align(threads * WORD, 64) + align(nc * kc * WORD, 64) + 192 + align((Math.min(m, STRIP) + ROWS) * kc * WORD, 64) + 64
