// The `rows` kernel: stages over the same rows. Each stage is a loop made for its program (map-run.ts) that takes runs of elements from
// views, from buffers of values that later stages read, and from slots that hold one value a row; its reductions fold as the
// `reduce` kernel does, in the same order. By lines the runs lie along a row, and units are rows (of few long ones with one reduction,
// chunks of rows); by columns they lie across rows, and units are blocks of them.
// src/backend/wasm/encode-rows.ts writes the payload: the header below, shape[kept], shape[reduced], for each view byte strides of both,
// the common words of all stages where one function was made of them, else (slot, view) of each result that is one value a row, and the stages: words, function, kind, inputs, outputs, for each operand five words (place,
// index, and for reductions opcode, neutral value, slot), and the words that are the same for all elements.
import { payload, viewAddress } from './descriptor'
import { step } from './map-loops'
import { frameBytes, runLoop, setView } from './map-run'
import { needs, parallel, scratch, shares } from './pool'
import { fill, join, joinRows, LEAF, LEAF_ROWS, LEVELS, push, pushRow } from './reduce'
import { across, addRows, leaf } from './reduce-loops'
import { RowsWay, StageKind, Place } from './rows-ways'
import { offsetOf, word, write } from './strided'

const TASKS = 0
const UNITS = 1
const WAY = 2
const CHUNK = 3
const CHUNKS = 4
const COUNT = 5 // elements of a row
const WIDTH = 6 // by columns: size of the innermost kept axis
const BLOCK = 7 // by columns: rows in a block, a multiple of 8
const KEPT = 8 // rank
const REDUCED = 9 // rank
const VIEWS = 10
const BUFFERS = 11
const SLOTS = 12
const STAGES = 13
const RESULTS = 14
const AREAS = 15 // most reductions in a stage
const OPERANDS = 16 // most operands of a stage
const FUNCTION = 17 // the last function of all stages
const PARTIALS = 18 // where the chunks' results go; filled in when the kernel runs
const HEAD_BYTES: usize = 76

/** By columns: elements of each row that are worked on before the next ones, a multiple of the four that are folded at once. */
const TOGETHER = 16

/** By lines: leaves that are computed before they are folded, and where the stack lies behind them. */
const LEAVES = 8
const STACK: usize = (LEAVES * LEAF + 8) << 2

const STAGE_BYTES: usize = 20
const OPERAND_BYTES: usize = 20

// The unit at work; every thread has its own.
let desc: usize = 0
let head: usize = 0
let keptShape: usize = 0
let reducedShape: usize = 0
let strides: usize = 0
let viewBytes: usize = 0
let byLines = true
let frame: usize = 0
/** Where the unit begins in each view. */
let bases: usize = 0
let buffers: usize = 0
let bufferBytes: usize = 0
let slots: usize = 0
let slotBytes: usize = 0
/** Room for each reduction: a leaf and the stack of partial results; by columns sums, a stack of rows, and rows to be added. */
let areas: usize = 0
let areaBytes: usize = 0

@inline
function keptStrides(view: i32): usize {
  return strides + <usize>view * viewBytes
}
@inline
function reducedStrides(view: i32): usize {
  return keptStrides(view) + (<usize>word(head, KEPT) << 2)
}
@inline
function area(k: i32): usize {
  return areas + <usize>k * areaBytes
}
@inline
function operand(stage: usize, i: i32): usize {
  return stage + STAGE_BYTES + <usize>i * OPERAND_BYTES
}

function setUp(kernel: usize): void {
  desc = kernel
  head = payload(kernel)
  const kept = word(head, KEPT), reduced = word(head, REDUCED), views = word(head, VIEWS)
  keptShape = head + HEAD_BYTES
  reducedShape = keptShape + (<usize>kept << 2)
  strides = reducedShape + (<usize>reduced << 2)
  viewBytes = <usize>(kept + reduced) << 2
  byLines = word(head, WAY) == RowsWay.lines
  slotBytes = byLines ? 16 : <usize>word(head, BLOCK) << 2
  bufferBytes = (byLines ? 4 : slotBytes) * <usize>word(head, COUNT) + 16
  areaBytes = byLines ? STACK + (LEVELS << 4) : slotBytes * <usize>(1 + LEVELS + TOGETHER)
  frame = scratch(frameBytes(word(head, OPERANDS)))
  bases = scratch(<usize>views << 2)
  buffers = scratch(<usize>word(head, BUFFERS) * bufferBytes)
  slots = scratch(<usize>word(head, SLOTS) * slotBytes)
  areas = scratch(<usize>word(head, AREAS) * areaBytes)
}

@inline
function firstStage(): usize {
  return strides + <usize>word(head, VIEWS) * viewBytes + (<usize>word(head, RESULTS) << 3)
}
@inline
function nextStage(stage: usize): usize {
  return stage + (<usize>word(stage, 0) << 2)
}

/** Brings the views to kept position `kept`, and by columns to `column` on the innermost kept axis. */
function enter(kept: i32, column: i32): void {
  const rank = word(head, KEPT) - (byLines ? 0 : 1)
  for (let i = 0, n = word(head, VIEWS); i < n; i++) {
    const s = keptStrides(i)
    store<u32>(bases + (<usize>i << 2), <u32>(viewAddress(desc, i) + offsetOf(keptShape, s, rank, kept) + (byLines ? 0 : column * word(s, rank))))
  }
}

/** Where an operand's run begins: by lines at `column` of line `at` of the row, by columns at element `at` of the rows. */
function placeOf(o: usize, at: i32, column: i32): usize {
  const index = word(o, 1)
  switch (word(o, 0)) {
    case Place.view: {
      const s = reducedStrides(index), inner = word(head, REDUCED) - 1
      return load<u32>(bases + (<usize>index << 2)) + (byLines ? offsetOf(reducedShape, s, inner, at) + column * word(s, inner) : offsetOf(reducedShape, s, inner + 1, at))
    }
    case Place.buffer:
      return buffers + <usize>index * bufferBytes + (byLines ? <usize>(at * word(reducedShape, word(head, REDUCED) - 1) + column) << 2 : <usize>at * slotBytes)
    default:
      return slots + <usize>index * slotBytes
  }
}

function strideOf(o: usize): i32 {
  if (word(o, 0) != Place.view) return 4
  return byLines ? word(reducedStrides(word(o, 1)), word(head, REDUCED) - 1) : word(keptStrides(word(o, 1)), word(head, KEPT) - 1)
}

/** From line to line of an operand: by lines those of the row, by columns its elements. */
function lineOf(o: usize): i32 {
  const rank = word(head, REDUCED), inner = rank - 1
  switch (word(o, 0)) {
    case Place.view: return byLines ? (rank > 1 ? word(reducedStrides(word(o, 1)), rank - 2) : 0) : word(reducedStrides(word(o, 1)), inner)
    case Place.buffer: return byLines ? word(reducedShape, inner) << 2 : <i32>slotBytes
    default: return 0
  }
}

/**
 * Runs the loop of a stage over `lines` of `n` elements. What is to be reduced goes to its area, by columns behind sums and stack.
 */
function run(stage: usize, at: i32, column: i32, lines: i32, n: i32, first: i32): void {
  const inputs = word(stage, 3), all = inputs + word(stage, 4)
  const isReduced = word(stage, 2) == StageKind.reduce
  store<u32>(frame, <u32>operand(stage, all))
  let flat = true
  for (let i = 0; i < all; i++) {
    const o = operand(stage, i)
    const folded = isReduced && i >= inputs
    const address = folded ? area(i - inputs) + (byLines ? 0 : slotBytes * <usize>(1 + LEVELS)) : placeOf(o, at, column)
    const stride = folded ? 4 : strideOf(o), line = folded ? <i32>slotBytes : lineOf(o)
    setView(frame, i, address, stride, line)
    flat = flat && stride == 4 && line == n << 2
  }
  // Lines without a gap between them are one.
  if (flat) runLoop(word(stage, 1), frame, 1, n * lines, first)
  else runLoop(word(stage, 1), frame, lines, n, first)
}

/** Elements from … to−1 of the row at `unit`; four lanes for each reduction are left where its area begins. */
function reduceLine(stage: usize, unit: i32, from: i32, to: i32): void {
  const size = word(reducedShape, word(head, REDUCED) - 1)
  const position = unit * word(head, COUNT)
  const inputs = word(stage, 3), outputs = word(stage, 4)
  const made = word(stage, 1) != 0
  let count = 0
  while (from < to) {
    const line = from / size
    const column = from - line * size
    const n = min(min(LEAVES * LEAF, size - column), to - from)
    if (made) run(stage, line, column, 1, n, position + from)
    for (let k = 0; k < outputs; k++) {
      const o = operand(stage, inputs + k)
      let at = made ? area(k) : placeOf(o, line, column)
      for (let i = 0; i < n; i += LEAF, at += LEAF << 2)
        push(word(o, 2), area(k) + STACK, count + i / LEAF, leaf(word(o, 2), at, min(LEAF, n - i), i32x4.splat(word(o, 3))))
    }
    count += (n + LEAF - 1) / LEAF
    from += n
  }
  for (let k = 0; k < outputs; k++) {
    const o = operand(stage, inputs + k)
    v128.store(area(k), join(word(o, 2), area(k) + STACK, count, i32x4.splat(word(o, 3))))
  }
}

@inline
function slotOf(stage: usize, k: i32): usize {
  return slots + <usize>word(operand(stage, word(stage, 3) + k), 4) * slotBytes
}

/** The four lanes of each reduction to its slot. */
function endReductions(stage: usize): void {
  for (let k = 0, n = word(stage, 4); k < n; k++)
    store<i32>(slotOf(stage, k), across(word(operand(stage, word(stage, 3) + k), 2), v128.load(area(k))))
}

/** All rows of a block of `n`, some elements of each at a time, for which the maps from `maps` up to the reduction are run first. */
function reduceColumns(maps: usize, stage: usize, n: i32): void {
  const inputs = word(stage, 3), outputs = word(stage, 4)
  const made = word(stage, 1) != 0
  const padded = n + 7 & ~7
  const count = word(head, COUNT), size = word(reducedShape, word(head, REDUCED) - 1)
  const few = word(head, WAY) == RowsWay.blocks
  // An area: sums, the stack, elements to be folded.
  const elementsAt = slotBytes * <usize>(1 + LEVELS)
  for (let k = 0; k < outputs; k++) fill(area(k), padded, i32x4.splat(word(operand(stage, inputs + k), 3)))
  let leaves = 0
  for (let from = 0; from < count; ) {
    const leafEnd = from + min(LEAF_ROWS, size - from % size)
    const only = from == 0 && leafEnd == count
    for (; from < leafEnd; from += TOGETHER) {
      const together = min(TOGETHER, leafEnd - from)
      for (let s = maps; s != stage; s = nextStage(s)) run(s, from, 0, together, n, 0)
      if (made) run(stage, from, 0, together, n, 0)
      for (let k = 0; k < outputs; k++) {
        const o = operand(stage, inputs + k), op = word(o, 2), sums = area(k)
        const distance = made ? <i32>slotBytes : lineOf(o)
        let source = made ? sums + elementsAt : placeOf(o, from, 0)
        if (!few) addRows(op, sums, source, distance, together, n, i32x4.splat(word(o, 3)))
        else
          for (let i = from; i < from + together; i++, source += distance) {
            if (i == 0) memory.copy(sums, source, <usize>n << 2)
            else step(op, sums, sums, 16, source, 16, 0, 0, padded, 0)
          }
      }
    }
    from = leafEnd
    if (few || only) continue
    for (let k = 0; k < outputs; k++) {
      const o = operand(stage, inputs + k), sums = area(k)
      pushRow(word(o, 2), sums + slotBytes, leaves, sums, padded)
      fill(sums, padded, i32x4.splat(word(o, 3)))
    }
    leaves++
  }
  for (let k = 0; k < outputs; k++) {
    const op = word(operand(stage, inputs + k), 2)
    if (!few) joinRows(op, area(k) + slotBytes, leaves, area(k), padded)
    memory.copy(slotOf(stage, k), area(k), <usize>n << 2)
  }
}

/** Stages from `stage` on, for a row or a block of `n` rows. */
function runStages(stage: usize, from: i32, unit: i32, n: i32): void {
  const count = word(head, COUNT), size = word(reducedShape, word(head, REDUCED) - 1)
  for (let i = from, stages = word(head, STAGES); i < stages; i++, stage = nextStage(stage)) {
    const maps = stage
    if (!byLines) {
      // Maps before a reduction run with it, while what they read and write is in the cache.
      let ahead = i
      while (ahead < stages && word(stage, 2) == StageKind.map) {
        stage = nextStage(stage)
        ahead++
      }
      if (ahead < stages && word(stage, 2) == StageKind.reduce) {
        reduceColumns(maps, stage, n)
        i = ahead
        continue
      }
      stage = maps
    }
    const kind = word(stage, 2)
    if (kind == StageKind.once) run(stage, 0, 0, 1, byLines ? 1 : n, 0)
    else if (kind == StageKind.reduce && byLines) {
      reduceLine(stage, unit, 0, count)
      endReductions(stage)
    } else if (count > 0) {
      // As far as the last axis, or by lines the last but one goes, lines are one stride apart.
      const all = byLines ? count / size : count
      const together = byLines ? (word(head, REDUCED) > 1 ? word(reducedShape, word(head, REDUCED) - 2) : 1) : size
      for (let at = 0; at < all; at += together) run(stage, at, 0, together, byLines ? size : n, unit * count + at * size)
    }
  }
}

/** Results that are one value a row. */
function leave(n: i32): void {
  const results = strides + <usize>word(head, VIEWS) * viewBytes
  for (let i = 0, count = word(head, RESULTS); i < count; i++) {
    const slot = slots + <usize>word(results, 2 * i) * slotBytes, view = word(results, 2 * i + 1)
    const out = <usize>load<u32>(bases + (<usize>view << 2))
    if (byLines) store<u32>(out, load<u32>(slot))
    else write(out, word(keptStrides(view), word(head, KEPT) - 1), slot, n)
  }
}

/** Rows first … last−1, whose stages one function runs. Its frame begins with the common words, the count, a stack, and buffers. */
function madeRows(kernel: usize, first: i32, last: i32): void {
  const own = payload(kernel)
  const kept = word(own, KEPT), reduced = word(own, REDUCED), views = word(own, VIEWS), count = word(own, COUNT), width = word(own, WIDTH)
  const keptShape = own + HEAD_BYTES
  const strides = keptShape + (<usize>(kept + reduced) << 2)
  const viewBytes = <usize>(kept + reduced) << 2
  const bytes = <usize>(count << 2) + 16
  const frame = scratch(20 + <usize>views * 12)
  store<u32>(frame, <u32>(strides + <usize>views * viewBytes))
  store<i32>(frame, count, 4)
  store<u32>(frame, <u32>scratch(LEVELS << 4), 8)
  store<u32>(frame, <u32>scratch(<usize>word(own, BUFFERS) * bytes), 12)
  store<u32>(frame, <u32>bytes, 16)
  while (first < last) {
    const column = first % width
    const n = min(width - column, last - first)
    for (let i = 0; i < views; i++) {
      const s = strides + <usize>i * viewBytes
      const row = word(s, kept - 1)
      setView(frame + 12, i, viewAddress(kernel, i) + offsetOf(keptShape, s, kept, first), word(s, kept), row)
    }
    call_indirect(word(own, FUNCTION), frame, n, first * count)
    first += n
  }
}

function rowsTask(kernel: usize, task: i32, tasks: i32): void {
  const units = <i64>word(payload(kernel), UNITS)
  const last = <i32>(units * (task + 1) / tasks)
  if (word(payload(kernel), WAY) == RowsWay.made) return madeRows(kernel, <i32>(units * task / tasks), last)
  setUp(kernel)
  const width = word(head, WIDTH), block = word(head, BLOCK), chunk = word(head, CHUNK), chunks = word(head, CHUNKS)
  const blocks = byLines ? 1 : (width + block - 1) / block
  const stage = firstStage()
  for (let unit = <i32>(units * task / tasks); unit < last; unit++) {
    if (chunks > 1) {
      const row = unit / chunks, from = (unit - row * chunks) * chunk
      enter(row, 0)
      reduceLine(stage, row, from, min(from + chunk, word(head, COUNT)))
      for (let k = 0, n = word(stage, 4); k < n; k++) v128.store(<usize>word(head, PARTIALS) + (<usize>(unit * n + k) << 4), v128.load(area(k)))
      continue
    }
    const outer = unit / blocks, column = (unit - outer * blocks) * block
    const n = byLines ? 1 : min(block, width - column)
    enter(outer, column)
    runStages(stage, 0, unit, n)
    leave(n)
  }
}

/** Joins the chunks of every row, and runs the stages that follow, which compute once a row. */
function joinChunks(kernel: usize): void {
  setUp(kernel)
  const stage = firstStage()
  const chunks = word(head, CHUNKS), outputs = word(stage, 4), partials = <usize>word(head, PARTIALS)
  for (let row = 0, rows = word(head, UNITS) / chunks; row < rows; row++) {
    enter(row, 0)
    for (let k = 0; k < outputs; k++) {
      const o = operand(stage, word(stage, 3) + k), op = word(o, 2)
      const stack = area(k) + STACK
      for (let i = 0; i < chunks; i++) push(op, stack, i, v128.load(partials + (<usize>((row * chunks + i) * outputs + k) << 4)))
      v128.store(area(k), join(op, stack, chunks, i32x4.splat(word(o, 3))))
    }
    endReductions(stage)
    runStages(nextStage(stage), 1, row, 1)
    leave(1)
  }
}

export function runRows(kernel: usize): i32 {
  const own = payload(kernel)
  const units = word(own, UNITS), chunked = word(own, CHUNKS) > 1
  needs(word(own, FUNCTION))
  if (chunked) store<u32>(own + (PARTIALS << 2), <u32>scratch(<usize>(units * word(own, AREAS)) << 4))
  if (units) parallel(rowsTask.index, kernel, shares(word(own, TASKS)))
  if (chunked) joinChunks(kernel)
  return 0
}
