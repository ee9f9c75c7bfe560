// The `reduce` kernel. Float sums are pairwise over leaves of a few hundred elements, so errors grow with the logarithm of the
// length; a long reduction is cut at fixed places, so a result never depends on the number of threads. Two ways to walk:
// lines, where each output folds its own run of memory, and columns, where neighbouring outputs fold whole rows together.
// src/backend/wasm/encode-reduce.ts writes the payload: the header below, shape[kept], input and output byte strides[kept],
// shape[reduced], byte strides[reduced].
import { payload, viewAddress } from './descriptor'
import { AddF, MaxF, MinF, MulF } from './map-ops-float'
import { AddI, MaxI, MinI, MulI } from './map-ops-int'
import { parallel, scratch, threads } from './pool'
import { offsetOf, read, word } from './strided'

const TASKS = 0
const OP = 1
const WAY = 2
const UNITS = 3 // lines: outputs × chunks; columns: rows of outputs × column blocks
const KEPT = 4 // rank
const REDUCED = 5 // rank
const COUNT = 6 // elements that an output folds
const CHUNK = 7 // lines: elements of a chunk
const CHUNKS = 8 // lines: chunks of an output
const WIDTH = 7 // columns: size of the innermost kept axis
const COLUMNS = 8 // columns: size of a column block
const PARTIALS = 9 // lines: where the chunks' results go; filled in when the kernel runs
const HEAD_BYTES: usize = 40

/** Mirrored in encode-reduce.ts. */
const BY_LINES = 0
const BY_COLUMNS = 1
const POSITIONS = 2

const LEAF = 512
const LEAF_ROWS = 64
const LEVELS = 32

class Any {
  @inline of(a: v128, b: v128): v128 { return v128.or(a, b) }
  @inline neutral(): v128 { return i32x4.splat(0) }
}
class All {
  @inline of(a: v128, b: v128): v128 { return v128.and(a, b) }
  @inline neutral(): v128 { return i32x4.splat(1) }
}

@inline
function shapeOf(head: usize): usize {
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

/** One to three elements and neutral ones. */
@inline
function partial<T>(p: usize, n: i32): v128 {
  let v = i32x4.replace_lane(changetype<T>(0).neutral(), 0, load<i32>(p))
  if (n > 1) v = i32x4.replace_lane(v, 1, load<i32>(p, 4))
  if (n > 2) v = i32x4.replace_lane(v, 2, load<i32>(p, 8))
  return v
}

/** Folds `n` neighbours to four lanes. */
@inline
function leaf<T>(p: usize, n: i32): v128 {
  const op = changetype<T>(0)
  let a = op.neutral()
  if (n >= 16) {
    let b = a, c = a, d = a
    for (; n >= 16; n -= 16, p += 64) {
      a = op.of(a, v128.load(p))
      b = op.of(b, v128.load(p, 16))
      c = op.of(c, v128.load(p, 32))
      d = op.of(d, v128.load(p, 48))
    }
    a = op.of(op.of(a, b), op.of(c, d))
  }
  for (; n >= 4; n -= 4, p += 16) a = op.of(a, v128.load(p))
  return n ? op.of(a, partial<T>(p, n)) : a
}

/** Four lanes to the first. */
@inline
function across<T>(v: v128): i32 {
  const op = changetype<T>(0)
  v = op.of(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  v = op.of(v, i8x16.shuffle(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11))
  return i32x4.extract_lane(v, 0)
}

/**
 * Adds the `count`-th partial result to a stack that works as a binary counter: equal subtrees are joined as soon as both are
 * there. `width` vectors are treated alike; the partial result lies at `v` and is used up.
 */
@inline
function push<T>(stack: usize, count: i32, v: usize, width: i32): void {
  const op = changetype<T>(0)
  const bytes = <usize>width << 4
  let level = stack
  for (; count & 1; count >>= 1, level += bytes)
    for (let i: usize = 0; i < bytes; i += 16) v128.store(v + i, op.of(v128.load(level + i), v128.load(v + i)))
  for (let i: usize = 0; i < bytes; i += 16) v128.store(level + i, v128.load(v + i))
}

/** Joins what is left on the stack after `count` pushes, to `v`. */
@inline
function join<T>(stack: usize, count: i32, v: usize, width: i32): void {
  const op = changetype<T>(0)
  const bytes = <usize>width << 4
  for (let i: usize = 0; i < bytes; i += 16) v128.store(v + i, op.neutral())
  for (let level = stack; count; count >>= 1, level += bytes)
    if (count & 1) for (let i: usize = 0; i < bytes; i += 16) v128.store(v + i, op.of(v128.load(level + i), v128.load(v + i)))
}

/** Elements from … to−1 of the reduced axes at `base`, folded to four lanes. */
@inline
function line<T>(head: usize, base: usize, from: i32, to: i32, buffer: usize): v128 {
  const rank = word(head, REDUCED)
  const shape = reducedShape(head)
  const strides = reducedStrides(head)
  const size = word(shape, rank - 1)
  const stride = word(strides, rank - 1)
  if (stride == 4 && to - from <= LEAF && (rank == 1 || size >= to)) return leaf<T>(base + (<usize>from << 2), to - from)
  const stack = buffer + (LEAF << 2)
  const v = stack + (LEVELS << 4)
  let count = 0
  while (from < to) {
    const row = rank == 1 ? 0 : from / size
    const column = from - row * size
    const n = min(min(LEAF, size - column), to - from)
    const at = base + offsetOf(shape, strides, rank - 1, row) + column * stride
    if (stride != 4) read(buffer, at, stride, n)
    v128.store(v, leaf<T>(stride == 4 ? at : buffer, n))
    push<T>(stack, count++, v, 1)
    from += n
  }
  join<T>(stack, count, v, 1)
  return v128.load(v)
}

/** Units first … last−1 of a reduction by lines. */
function lines<T>(desc: usize, first: i32, last: i32): void {
  const head = payload(desc)
  const partials = <usize>word(head, PARTIALS)
  const kept = word(head, KEPT)
  const count = word(head, COUNT)
  const chunk = word(head, CHUNK)
  const chunks = word(head, CHUNKS)
  const buffer = scratch((LEAF + 8 << 2) + (LEVELS + 1 << 4))
  for (let unit = first; unit < last; unit++) {
    const output = chunks == 1 ? unit : unit / chunks
    const from = (unit - output * chunks) * chunk
    const base = viewAddress(desc, 0) + offsetOf(shapeOf(head), inputStrides(head), kept, output)
    const v = line<T>(head, base, from, min(from + chunk, count), buffer)
    if (chunks > 1) v128.store(partials + (<usize>unit << 4), v)
    else store<i32>(viewAddress(desc, 1) + offsetOf(shapeOf(head), outputStrides(head), kept, output), across<T>(v))
  }
}

/** Joins the chunks of every output. */
function finish<T>(desc: usize): void {
  const head = payload(desc)
  const partials = <usize>word(head, PARTIALS)
  const kept = word(head, KEPT)
  const chunks = word(head, CHUNKS)
  const outputs = word(head, UNITS) / chunks
  const stack = scratch(LEVELS + 1 << 4)
  const v = stack + (LEVELS << 4)
  for (let output = 0; output < outputs; output++) {
    for (let i = 0; i < chunks; i++) push<T>(stack, i, partials + (<usize>(output * chunks + i) << 4), 1)
    join<T>(stack, chunks, v, 1)
    store<i32>(viewAddress(desc, 1) + offsetOf(shapeOf(head), outputStrides(head), kept, output), across<T>(v128.load(v)))
  }
}

/** Folds `rows` rows of `width` elements into `sums`, four rows at a time. */
@inline
function addRows<T>(sums: usize, p: usize, stride: i32, rows: i32, width: i32): void {
  const op = changetype<T>(0)
  const whole = <usize>(width & ~3) << 2
  const rest = width & 3
  for (; rows >= 4; rows -= 4) {
    const q = p + stride, r = q + stride, s = r + stride
    for (let i: usize = 0; i < whole; i += 16) {
      const v = op.of(op.of(v128.load(p + i), v128.load(q + i)), op.of(v128.load(r + i), v128.load(s + i)))
      v128.store(sums + i, op.of(v128.load(sums + i), v))
    }
    if (rest) {
      const v = op.of(
        op.of(partial<T>(p + whole, rest), partial<T>(q + whole, rest)),
        op.of(partial<T>(r + whole, rest), partial<T>(s + whole, rest)),
      )
      v128.store(sums + whole, op.of(v128.load(sums + whole), v))
    }
    p = s + stride
  }
  for (; rows > 0; rows--, p += stride) {
    for (let i: usize = 0; i < whole; i += 16) v128.store(sums + i, op.of(v128.load(sums + i), v128.load(p + i)))
    if (rest) v128.store(sums + whole, op.of(v128.load(sums + whole), partial<T>(p + whole, rest)))
  }
}

/** Units first … last−1 of a reduction by columns. */
function columns<T>(desc: usize, first: i32, last: i32): void {
  const head = payload(desc)
  const op = changetype<T>(0)
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
  const vectors = block + 3 >> 2
  const sums = scratch(<usize>vectors * (LEVELS + 1) << 4)
  const stack = sums + (<usize>vectors << 4)
  for (let unit = first; unit < last; unit++) {
    const outer = unit / blocks
    const column = (unit - outer * blocks) * block
    const n = min(block, width - column)
    const w = n + 3 >> 2
    const base = viewAddress(desc, 0) + offsetOf(shapeOf(head), inputStrides(head), kept - 1, outer) + (<usize>column << 2)
    let leaves = 0
    for (let from = 0; from < count; ) {
      const row = from / size
      const rows = min(LEAF_ROWS, size - (from - row * size))
      const at = base + offsetOf(shape, strides, rank - 1, row) + (from - row * size) * stride
      for (let i = 0; i < w; i++) v128.store(sums + (<usize>i << 4), op.neutral())
      addRows<T>(sums, at, stride, rows, n)
      from += rows
      if (leaves || from < count) push<T>(stack, leaves++, sums, w)
    }
    if (leaves || count == 0) join<T>(stack, leaves, sums, w)
    let out = viewAddress(desc, 1) + offsetOf(shapeOf(head), outputStrides(head), kept - 1, outer) + column * outStride
    for (let i = 0; i < n; i++, out += outStride) store<i32>(out, load<i32>(sums + (<usize>i << 2)))
  }
}

@inline
function element<E>(bits: i32): E {
  if (isFloat<E>()) return <E>reinterpret<f32>(bits)
  return <E>bits
}

/** The first of the neighbours at `p` that equals `value`, or is NaN when `value` is. Comparing bits would tell −0 from 0. */
@inline
function find<E>(p: usize, value: E): i32 {
  let i = 0
  if (isFloat<E>() && value != value) while (load<E>(p + (<usize>i << 2)) == load<E>(p + (<usize>i << 2))) i++
  else while (load<E>(p + (<usize>i << 2)) != value) i++
  return i
}

/** Positions of extremes: a leaf is searched only when its extreme beats all before. */
function positions<T, E>(desc: usize, first: i32, last: i32): void {
  const head = payload(desc)
  const op = changetype<T>(0)
  const kept = word(head, KEPT)
  const count = word(head, COUNT)
  const rank = word(head, REDUCED)
  const shape = reducedShape(head)
  const strides = reducedStrides(head)
  const size = word(shape, rank - 1)
  const stride = word(strides, rank - 1)
  const buffer = scratch(LEAF + 8 << 2)
  for (let unit = first; unit < last; unit++) {
    const base = viewAddress(desc, 0) + offsetOf(shapeOf(head), inputStrides(head), kept, unit)
    let best = i32x4.extract_lane(op.neutral(), 0)
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
      const extreme = across<T>(leaf<T>(at, n))
      const both = across<T>(op.of(i32x4.splat(best), i32x4.splat(extreme)))
      if (position < 0 || differs<E>(both, best)) {
        best = extreme
        position = from + find<E>(at, element<E>(extreme))
      }
      from += n
    }
    store<i32>(viewAddress(desc, 1) + offsetOf(shapeOf(head), outputStrides(head), kept, unit), position)
  }
}

/** Whether two words differ as elements: all NaNs are alike, and so are −0 and 0. */
@inline
function differs<E>(a: i32, b: i32): bool {
  const x = element<E>(a), y = element<E>(b)
  return x != y && (x == x || y == y)
}

@inline
function fold<T>(desc: usize, first: i32, last: i32): void {
  if (word(payload(desc), WAY) == BY_COLUMNS) columns<T>(desc, first, last)
  else lines<T>(desc, first, last)
}

@inline
function extremes<T, E>(desc: usize, first: i32, last: i32): void {
  if (word(payload(desc), WAY) == POSITIONS) positions<T, E>(desc, first, last)
  else fold<T>(desc, first, last)
}

function reduceTask(desc: usize, task: i32, tasks: i32): void {
  const units = <i64>word(payload(desc), UNITS)
  const first = <i32>(units * task / tasks)
  const last = <i32>(units * (task + 1) / tasks)
  switch (word(payload(desc), OP)) {
    case 0: return fold<AddF>(desc, first, last)
    case 1: return fold<MulF>(desc, first, last)
    case 2: return extremes<MaxF, f32>(desc, first, last)
    case 3: return extremes<MinF, f32>(desc, first, last)
    case 4: return fold<AddI>(desc, first, last)
    case 5: return fold<MulI>(desc, first, last)
    case 6: return extremes<MaxI, i32>(desc, first, last)
    case 7: return extremes<MinI, i32>(desc, first, last)
    case 8: return fold<Any>(desc, first, last)
    case 9: return fold<All>(desc, first, last)
    default: unreachable()
  }
}

function finishChunks(desc: usize): void {
  switch (word(payload(desc), OP)) {
    case 0: return finish<AddF>(desc)
    case 1: return finish<MulF>(desc)
    case 2: return finish<MaxF>(desc)
    case 3: return finish<MinF>(desc)
    case 4: return finish<AddI>(desc)
    case 5: return finish<MulI>(desc)
    case 6: return finish<MaxI>(desc)
    case 7: return finish<MinI>(desc)
    case 8: return finish<Any>(desc)
    case 9: return finish<All>(desc)
    default: unreachable()
  }
}

export function runReduce(desc: usize): i32 {
  const head = payload(desc)
  const units = word(head, UNITS)
  const chunked = word(head, WAY) == BY_LINES && word(head, CHUNKS) > 1
  if (chunked) store<u32>(head + (PARTIALS << 2), <u32>scratch(<usize>units << 4))
  if (units) parallel(reduceTask.index, desc, min(word(head, TASKS), threads()))
  if (chunked) finishChunks(desc)
  return 0
}
