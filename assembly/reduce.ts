// The `reduce` kernel. Float sums are pairwise over leaves of a few hundred elements, so errors grow with the logarithm of the
// length; a long reduction is cut at fixed places, so a result never depends on the number of threads. Four ways to walk:
// lines, where each output folds its own run of memory; columns, where neighbouring outputs fold whole rows together; blocks of
// outputs that take one element each at a time, where there are few to fold; and pairs (reduce-pairs.ts).
// src/backend/wasm/encode-reduce.ts writes the payload: the header below, shape[kept], input and output byte strides[kept],
// shape[reduced], byte strides[reduced].
import { payload, viewAddress } from './descriptor'
import { step } from './map-loops'
import { parallel, scratch, shares } from './pool'
import { across, addRows, leaf, pair } from './reduce-loops'
import { findInPairs, foldPairs } from './reduce-pairs'
import { BLOCK, Way } from './reduce-ways'
import { offsetOf, read, readRows, word, write, writeRows } from './strided'

const TASKS = 0
const WAY = 1
const OP = 2
const NEUTRAL = 3
const UNITS = 4 // lines: outputs × chunks; columns: rows of outputs × column blocks; blocks: as many; pairs: rows of outputs
const KEPT = 5 // rank
const REDUCED = 6 // rank
const COUNT = 7 // elements that an output folds
const CHUNK = 8 // lines: elements of a chunk
const CHUNKS = 9 // lines: chunks of an output
const WIDTH = 8 // but for lines: size of the innermost kept axis
const COLUMNS = 9 // columns: size of a column block
const ROWS = 9 // blocks: whole rows of outputs in one, or 0 when a row takes several
const IS_FLOAT = 10
const PARTIALS = 11 // lines: where the chunks' results go; filled in when the kernel runs
const HEAD_BYTES: usize = 48

export const LEAF = 512
export const LEAF_ROWS = 64
export const LEVELS = 32

@inline
function keptShape(head: usize): usize {
  return head + HEAD_BYTES
}
@inline
function inputStrides(head: usize): usize {
  return head + HEAD_BYTES + (<usize>word(head, KEPT) << 2)
}
@inline
function outputStrides(head: usize): usize {
  return head + HEAD_BYTES + (<usize>word(head, KEPT) << 3)
}
@inline
function reducedShape(head: usize): usize {
  return head + HEAD_BYTES + <usize>word(head, KEPT) * 12
}
@inline
function reducedStrides(head: usize): usize {
  return reducedShape(head) + (<usize>word(head, REDUCED) << 2)
}
@inline
function neutralOf(head: usize): v128 {
  return i32x4.splat(word(head, NEUTRAL))
}

/**
 * Adds the `count`-th partial result to a stack that works as a binary counter: equal subtrees are joined as soon as both are there.
 */
export function push(op: i32, stack: usize, count: i32, v: v128): void {
  for (; count & 1; count >>= 1, stack += 16) v = pair(op, v128.load(stack), v)
  v128.store(stack, v)
}

/** Joins what is on the stack after `count` pushes. */
export function join(op: i32, stack: usize, count: i32, v: v128): v128 {
  for (; count; count >>= 1, stack += 16) if (count & 1) v = pair(op, v128.load(stack), v)
  return v
}

// The same for partial results of `n` elements, a multiple of 8.
export function pushRow(op: i32, stack: usize, count: i32, row: usize, n: i32): void {
  const bytes = <usize>n << 2
  for (; count & 1; count >>= 1, stack += bytes) step(op, row, stack, 16, row, 16, 0, 0, n, 0)
  memory.copy(stack, row, bytes)
}
export function joinRows(op: i32, stack: usize, count: i32, row: usize, n: i32): void {
  for (; count; count >>= 1, stack += <usize>n << 2) if (count & 1) step(op, row, stack, 16, row, 16, 0, 0, n, 0)
}

export function fill(row: usize, n: i32, v: v128): void {
  for (const end = row + (<usize>n << 2); row < end; row += 16) v128.store(row, v)
}

/** Elements from … to−1 of the reduced axes at `base`, folded to four lanes. `buffer` holds a leaf and the stack. */
function line(head: usize, base: usize, from: i32, to: i32, buffer: usize): v128 {
  const op = word(head, OP)
  const neutral = neutralOf(head)
  const rank = word(head, REDUCED)
  const shape = reducedShape(head)
  const strides = reducedStrides(head)
  const size = word(shape, rank - 1)
  const stride = word(strides, rank - 1)
  if (stride == 4 && to - from <= LEAF && size >= to) return leaf(op, base + (<usize>from << 2), to - from, neutral)
  const stack = buffer + (LEAF + 8 << 2)
  let count = 0
  while (from < to) {
    const row = rank == 1 ? 0 : from / size
    const column = from - row * size
    const n = min(min(LEAF, size - column), to - from)
    const at = base + offsetOf(shape, strides, rank - 1, row) + column * stride
    if (stride != 4) read(buffer, at, stride, n)
    push(op, stack, count++, leaf(op, stride == 4 ? at : buffer, n, neutral))
    from += n
  }
  return join(op, stack, count, neutral)
}

/** Units first … last−1 of a reduction by lines. */
function lines(desc: usize, first: i32, last: i32): void {
  const head = payload(desc)
  const partials = <usize>word(head, PARTIALS)
  const kept = word(head, KEPT)
  const count = word(head, COUNT)
  const chunk = word(head, CHUNK)
  const chunks = word(head, CHUNKS)
  const op = word(head, OP)
  // The plainest reduction, rows to numbers, deserves the shortest way.
  const stride = word(reducedStrides(head), 0)
  if (kept == 1 && word(head, REDUCED) == 1 && stride == 4 && count <= LEAF) {
    const neutral = neutralOf(head), inStride = word(inputStrides(head), 0), outStride = word(outputStrides(head), 0)
    let src = viewAddress(desc, 0) + first * inStride, dst = viewAddress(desc, 1) + first * outStride
    for (; first < last; first++, src += inStride, dst += outStride) store<i32>(dst, across(op, leaf(op, src, count, neutral)))
    return
  }
  const buffer = scratch((LEAF + 8 << 2) + (LEVELS << 4))
  for (let unit = first; unit < last; unit++) {
    const output = chunks == 1 ? unit : unit / chunks
    const from = (unit - output * chunks) * chunk
    const base = viewAddress(desc, 0) + offsetOf(keptShape(head), inputStrides(head), kept, output)
    const v = line(head, base, from, min(from + chunk, count), buffer)
    if (chunks > 1) v128.store(partials + (<usize>unit << 4), v)
    else store<i32>(viewAddress(desc, 1) + offsetOf(keptShape(head), outputStrides(head), kept, output), across(op, v))
  }
}

/** Joins the chunks of every output. */
function joinChunks(desc: usize): void {
  const head = payload(desc)
  const op = word(head, OP)
  const partials = <usize>word(head, PARTIALS)
  const kept = word(head, KEPT)
  const chunks = word(head, CHUNKS)
  const stack = scratch(LEVELS << 4)
  for (let output = 0, n = word(head, UNITS) / chunks; output < n; output++) {
    for (let i = 0; i < chunks; i++) push(op, stack, i, v128.load(partials + (<usize>(output * chunks + i) << 4)))
    const v = join(op, stack, chunks, neutralOf(head))
    store<i32>(viewAddress(desc, 1) + offsetOf(keptShape(head), outputStrides(head), kept, output), across(op, v))
  }
}

/** Units first … last−1 of a reduction by columns. */
function columns(desc: usize, first: i32, last: i32): void {
  const head = payload(desc)
  const op = word(head, OP)
  const neutral = neutralOf(head)
  const kept = word(head, KEPT)
  const count = word(head, COUNT)
  const block = word(head, COLUMNS)
  const width = word(head, WIDTH)
  const blocks = (width + block - 1) / block
  const rank = word(head, REDUCED)
  const shape = reducedShape(head)
  const strides = reducedStrides(head)
  const size = word(shape, rank - 1)
  const stride = word(strides, rank - 1)
  const outStride = word(outputStrides(head), kept - 1)
  const padded = block + 7 & ~7
  const sums = scratch(<usize>padded * (LEVELS + 1) << 2)
  const stack = sums + (<usize>padded << 2)
  for (let unit = first; unit < last; unit++) {
    const outer = unit / blocks
    const column = (unit - outer * blocks) * block
    const n = min(block, width - column)
    const base = viewAddress(desc, 0) + offsetOf(keptShape(head), inputStrides(head), kept - 1, outer) + (<usize>column << 2)
    let leaves = 0
    fill(sums, padded, neutral)
    for (let from = 0; from < count; ) {
      const row = rank == 1 ? 0 : from / size
      const rows = min(LEAF_ROWS, size - (from - row * size))
      addRows(op, sums, base + offsetOf(shape, strides, rank - 1, row) + (from - row * size) * stride, stride, rows, n, neutral)
      from += rows
      if (leaves == 0 && from == count) break
      pushRow(op, stack, leaves++, sums, padded)
      fill(sums, padded, neutral)
    }
    joinRows(op, stack, leaves, sums, padded)
    let out = viewAddress(desc, 1) + offsetOf(keptShape(head), outputStrides(head), kept - 1, outer) + column * outStride
    for (let i = 0; i < n; i++, out += outStride) store<i32>(out, load<i32>(sums + (<usize>i << 2)))
  }
}

/** Whether two words are the same element: −0 equals 0, and here all NaNs are alike. */
@inline
function equal(isFloat: i32, a: i32, b: i32): bool {
  if (!isFloat) return a == b
  const x = reinterpret<f32>(a), y = reinterpret<f32>(b)
  return x == y || (x != x && y != y)
}

/** Positions of extremes: a leaf is searched only when its extreme beats all before. */
function positions(desc: usize, first: i32, last: i32): void {
  const head = payload(desc)
  const op = word(head, OP)
  const isFloat = word(head, IS_FLOAT)
  const neutral = neutralOf(head)
  const kept = word(head, KEPT)
  const count = word(head, COUNT)
  const rank = word(head, REDUCED)
  const shape = reducedShape(head)
  const strides = reducedStrides(head)
  const size = word(shape, rank - 1)
  const stride = word(strides, rank - 1)
  const buffer = scratch(LEAF + 8 << 2)
  for (let unit = first; unit < last; unit++) {
    const base = viewAddress(desc, 0) + offsetOf(keptShape(head), inputStrides(head), kept, unit)
    let best = word(head, NEUTRAL)
    let position = -1
    for (let from = 0; from < count; ) {
      const row = rank == 1 ? 0 : from / size
      const column = from - row * size
      const n = min(LEAF, size - column)
      let at = base + offsetOf(shape, strides, rank - 1, row) + column * stride
      if (stride != 4) {
        read(buffer, at, stride, n)
        at = buffer
      }
      const extreme = across(op, leaf(op, at, n, neutral))
      const both = i32x4.extract_lane(pair(op, i32x4.splat(best), i32x4.splat(extreme)), 0)
      if (position < 0 || !equal(isFloat, both, best)) {
        best = extreme
        position = from
        for (; !equal(isFloat, load<i32>(at), extreme); at += 4) position++
      }
      from += n
    }
    store<i32>(viewAddress(desc, 1) + offsetOf(keptShape(head), outputStrides(head), kept, unit), position)
  }
}

/** Where `next` is no longer `best`, so that it beat it: `best` becomes `next`, and `places` become `r`. */
function improve(isFloat: i32, best: usize, next: usize, places: usize, r: i32, n: i32): void {
  for (const end = best + (<usize>n << 2); best < end; best += 16, next += 16, places += 16) {
    const a = v128.load(best), b = v128.load(next)
    // A NaN that is there already is never beaten.
    const better = isFloat ? v128.and(f32x4.ne(a, b), f32x4.eq(a, a)) : i32x4.ne(a, b)
    v128.store(places, v128.bitselect(i32x4.splat(r), v128.load(places), better))
    v128.store(best, b)
  }
}

/** Units first … last−1 of a reduction by blocks. */
function blocks(desc: usize, first: i32, last: i32): void {
  const head = payload(desc)
  const op = word(head, OP)
  const wantsPositions = word(head, WAY) == Way.positionsByBlocks
  const kept = word(head, KEPT)
  const width = word(head, WIDTH)
  const rowsPerBlock = word(head, ROWS)
  const pieces = (width + BLOCK - 1) / BLOCK
  const inStride = word(inputStrides(head), kept - 1), outStride = word(outputStrides(head), kept - 1)
  const best = scratch(BLOCK + 8 << 2), next = scratch(BLOCK + 8 << 2), places = scratch(BLOCK + 8 << 2)
  let allRows = 1
  for (let axis = 0; axis < kept - 1; axis++) allRows *= word(keptShape(head), axis)
  for (let unit = first; unit < last; unit++) {
    const row = rowsPerBlock ? unit * rowsPerBlock : unit / pieces
    const rows = rowsPerBlock ? min(rowsPerBlock, allRows - row) : 1
    const from = rowsPerBlock ? 0 : (unit - row * pieces) * BLOCK
    const n = rowsPerBlock ? rows * width : min(BLOCK, width - from)
    const padded = n + 7 & ~7
    for (let r = 0, count = word(head, COUNT); r < count; r++) {
      const base = viewAddress(desc, 0) + offsetOf(reducedShape(head), reducedStrides(head), word(head, REDUCED), r)
      const to = r == 0 ? best : next
      if (rowsPerBlock) readRows(to, base, keptShape(head), inputStrides(head), kept, row, rows)
      else read(to, base + offsetOf(keptShape(head), inputStrides(head), kept - 1, row) + from * inStride, inStride, n)
      if (r == 0) fill(places, padded, i32x4.splat(0))
      else if (wantsPositions) {
        step(op, next, best, 16, next, 16, 0, 0, padded, 0)
        improve(word(head, IS_FLOAT), best, next, places, r, padded)
      } else step(op, best, best, 16, next, 16, 0, 0, padded, 0)
    }
    const results = wantsPositions ? places : best
    if (rowsPerBlock) writeRows(viewAddress(desc, 1), keptShape(head), outputStrides(head), kept, row, rows, results)
    else write(viewAddress(desc, 1) + offsetOf(keptShape(head), outputStrides(head), kept - 1, row) + from * outStride, outStride, results, n)
  }
}

/** Units first … last−1 of a reduction by pairs. */
function pairs(desc: usize, first: i32, last: i32): void {
  const head = payload(desc)
  const op = word(head, OP), kept = word(head, KEPT), width = word(head, WIDTH)
  const isFold = word(head, WAY) == Way.pairs
  const rows = word(head, COUNT) >> 1, stride = word(reducedStrides(head), 0)
  for (let unit = first; unit < last; unit++) {
    const from = viewAddress(desc, 0) + offsetOf(keptShape(head), inputStrides(head), kept - 1, unit)
    const to = viewAddress(desc, 1) + offsetOf(keptShape(head), outputStrides(head), kept - 1, unit)
    if (isFold) foldPairs(op, from, stride, rows, to, width)
    else findInPairs(op, from, stride, rows, to, width)
  }
}

function reduceTask(desc: usize, task: i32, tasks: i32): void {
  const head = payload(desc)
  const units = <i64>word(head, UNITS)
  const first = <i32>(units * task / tasks)
  const last = <i32>(units * (task + 1) / tasks)
  switch (word(head, WAY)) {
    case Way.lines: return lines(desc, first, last)
    case Way.columns: return columns(desc, first, last)
    case Way.blocks: return blocks(desc, first, last)
    case Way.positionsByLines: return positions(desc, first, last)
    case Way.positionsByBlocks: return blocks(desc, first, last)
    case Way.pairs: return pairs(desc, first, last)
    case Way.positionsByPairs: return pairs(desc, first, last)
    default: unreachable()
  }
}

export function runReduce(desc: usize): i32 {
  const head = payload(desc)
  const units = word(head, UNITS)
  const chunked = word(head, WAY) == Way.lines && word(head, CHUNKS) > 1
  if (chunked) store<u32>(head + (PARTIALS << 2), <u32>scratch(<usize>units << 4))
  if (units) parallel(reduceTask.index, desc, shares(word(head, TASKS)))
  if (chunked) joinChunks(desc)
  return 0
}

/** `n` neighbours folded to one, as a row of a reduction by lines is; `stack` holds the partial results of a long one. */
export function foldLine(op: i32, at: usize, n: i32, neutral: i32, stack: usize): i32 {
  const v = i32x4.splat(neutral)
  if (n <= LEAF) return across(op, leaf(op, at, n, v))
  let count = 0
  for (; n > 0; n -= LEAF, at += LEAF << 2) push(op, stack, count++, leaf(op, at, min(n, LEAF), v))
  return across(op, join(op, stack, count, v))
}
