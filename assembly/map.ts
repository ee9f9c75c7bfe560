// The `map` kernel. Its general way is a block interpreter: the work is cut into blocks that stay in the first-level cache; on each,
// every instruction runs one SIMD loop. Operands that lie in a row are used where they are; others are first read into a slot.
// src/backend/wasm/encode-map.ts writes the payload: the header below, shape[rank], for each view (access, slot, bytes of an element, byte strides[rank]),
// the words of the splats, and five words (opcode, destination, three operands) for each instruction, those first whose operands are the
// same for all elements. Destination and operands are numbers of places: views, splats, results of those first instructions, slots.
import { payload, viewAddress } from './descriptor'
import { step } from './map-loops'
import { Access, Way } from './map-ops'
import { needs, parallel, scratch, shares } from './pool'
import { emitted, functionOf } from './map-run'
import { loadElement, offsetOf, read, readRows, word, write, writeRows } from './strided'
import { transpose } from './transpose'

const TASKS = 0
const WAY = 1
const UNITS = 2 // blocks
const LENGTH = 3 // innermost axis
const BLOCK = 4 // elements of a full block
const ROWS = 5 // whole rows in a full block, or 0 when a row takes several blocks
const PIECES = 6 // blocks in a row
const ALL_ROWS = 7
const RANK = 8
const INPUTS = 9
const OUTPUTS = 10
const SPLATS = 11
const UNIFORM = 12 // instructions whose result is one number for all elements
const SLOTS = 13
const SLOT_BYTES = 14
const INSTRUCTIONS = 15
const HEAD_BYTES: usize = 64

const INSTRUCTION_BYTES: usize = 20

// What the interpreter knows of the kernel and of the block that it is at; every thread has its own.
let desc: usize = 0
let rank = 0
let inputs = 0
let views = 0
/** Places that are no slots. */
let fixed = 0
let slots = 0
let slotBytes: usize = 0
let shape: usize = 0
let viewTable: usize = 0
let viewBytes: usize = 0
let list: usize = 0
let listEnd: usize = 0
/** For each place its address and its byte step per vector. */
let places: usize = 0
/** For each fixed place two vectors: a number for all lanes, or the last few elements. */
let cells: usize = 0
/** The block: rows … of all rows, or from … of one row. */
let rowsPerBlock = 0
let row = 0
let from = 0

@inline
function place(i: i32): usize {
  return places + (<usize>i << 3)
}
@inline
function cell(i: i32): usize {
  return cells + (<usize>i << 5)
}
@inline
function view(i: i32): usize {
  return viewTable + <usize>i * viewBytes
}
@inline
function access(i: i32): i32 {
  return word(view(i), 0)
}
@inline
function elementSize(i: i32): i32 {
  return word(view(i), 2)
}
@inline
function strides(i: i32): usize {
  return view(i) + 12
}
/** One element of view `i` in all lanes. */
@inline
function splat(i: i32, at: usize): v128 {
  return i32x4.splat(loadElement(at, elementSize(i)))
}

/** Whether each block goes through a slot. */
@inline
function isMoved(a: i32): bool {
  return a == Access.slot || a == Access.packed
}

@inline
function setPlace(i: i32, address: usize, byteStep: i32): void {
  store<u32>(place(i), <u32>address)
  store<i32>(place(i), byteStep, 4)
}

function setUp(kernel: usize, head: usize): void {
  desc = kernel
  rank = word(head, RANK)
  inputs = word(head, INPUTS)
  views = inputs + word(head, OUTPUTS)
  const splats = word(head, SPLATS)
  const uniform = word(head, UNIFORM)
  fixed = views + splats + uniform
  slots = word(head, SLOTS)
  slotBytes = word(head, SLOT_BYTES)
  rowsPerBlock = word(head, ROWS)
  shape = head + HEAD_BYTES
  viewTable = shape + (<usize>rank << 2)
  viewBytes = <usize>(rank + 3) << 2
  const splatTable = view(views)
  const first = splatTable + (<usize>splats << 2)
  list = first + <usize>uniform * INSTRUCTION_BYTES
  listEnd = list + <usize>word(head, INSTRUCTIONS) * INSTRUCTION_BYTES

  places = scratch((<usize>(fixed + slots) << 3) + (<usize>fixed << 5))
  cells = place(fixed + slots)
  const slotBase = scratch(<usize>slots * slotBytes)
  for (let i = 0; i < slots; i++) setPlace(fixed + i, slotBase + <usize>i * slotBytes, 16)
  for (let i = views; i < fixed; i++) setPlace(i, cell(i), 0)
  for (let i = 0; i < splats; i++) v128.store(cell(views + i), v128.load32_splat(splatTable + (<usize>i << 2)))
  for (let i = 0; i < views; i++) {
    const a = access(i)
    if (a == Access.scalar) v128.store(cell(i), splat(i, viewAddress(desc, i)))
    if (a == Access.scalar || a == Access.rowScalar) setPlace(i, cell(i), 0)
    else setPlace(i, slotBase + <usize>word(view(i), 1) * slotBytes, 16)
    if (a == Access.fixedSlot) moveRows(i, 0, rowsPerBlock)
  }
  instructions(first, list, 8, 0)
}

/** Copies rows of a view, first … first+count−1, to its slot; of an output, from it. */
function moveRows(i: i32, first: i32, count: i32): void {
  const slot = load<u32>(place(i))
  if (i < inputs) readRows(slot, viewAddress(desc, i), shape, strides(i), rank, first, count, elementSize(i))
  else writeRows(viewAddress(desc, i), shape, strides(i), rank, first, count, slot, elementSize(i))
}

/** Where the block begins in view `i`. In blocks of rows only what lies in one run throughout is direct or packed. */
@inline
function addressOf(i: i32, first: i32): usize {
  const offset = rowsPerBlock ? first * elementSize(i) : offsetOf(shape, strides(i), rank - 1, row) + from * word(strides(i), rank - 1)
  return viewAddress(desc, i) + offset
}

/** Brings the views to the block, which is `n` elements from the one with row-major position `first` on. */
function enterBlock(first: i32, n: i32): void {
  for (let i = 0; i < views; i++) {
    const a = access(i)
    if (a == Access.direct) store<u32>(place(i), <u32>addressOf(i, first))
    else if (a == Access.rowScalar) v128.store(cell(i), splat(i, addressOf(i, first)))
    else if (isMoved(a) && i < inputs) {
      if (rowsPerBlock && a == Access.slot) moveRows(i, row, n / word(shape, rank - 1))
      else read(load<u32>(place(i)), addressOf(i, first), word(strides(i), rank - 1), n, elementSize(i))
    }
  }
}

function leaveBlock(first: i32, n: i32): void {
  for (let i = inputs; i < views; i++) {
    const a = access(i)
    if (!isMoved(a)) continue
    if (rowsPerBlock && a == Access.slot) moveRows(i, row, n / word(shape, rank - 1))
    else write(addressOf(i, first), word(strides(i), rank - 1), load<u32>(place(i)), n, elementSize(i))
  }
}

function instructions(at: usize, end: usize, n: i32, first: i32): void {
  for (; at < end; at += INSTRUCTION_BYTES) {
    const a = place(word(at, 2)), b = place(word(at, 3)), c = place(word(at, 4))
    step(
      word(at, 0), load<u32>(place(word(at, 1))),
      load<u32>(a), load<u32>(a, 4), load<u32>(b), load<u32>(b, 4), load<u32>(c), load<u32>(c, 4), n, first,
    )
  }
}

/** Moves all that lies in slots by so many bytes. */
function shiftSlots(bytes: usize): void {
  for (let i = 0; i < views; i++) {
    const a = access(i)
    if (isMoved(a) || a == Access.fixedSlot) store<u32>(place(i), load<u32>(place(i)) + <u32>bytes)
  }
  for (let p = place(fixed), end = p + (<usize>slots << 3); p < end; p += 8) store<u32>(p, load<u32>(p) + <u32>bytes)
}

/** The last one to seven elements: direct views pass through their cells, so that nothing outside is touched. */
function rest(n: i32, done: i32, first: i32): void {
  const bytes = <usize>done << 2
  for (let i = 0; i < views; i++) {
    if (access(i) != Access.direct) continue
    const at = <usize>load<u32>(place(i)) + bytes
    for (let k: usize = 0; k < <usize>n << 2; k += 4) store<u32>(cell(i) + k, load<u32>(at + k))
    store<u32>(place(i), <u32>cell(i))
  }
  shiftSlots(bytes)
  instructions(list, listEnd, 8, first + done)
  shiftSlots(0 - bytes)
  for (let i = inputs; i < views; i++) {
    if (access(i) != Access.direct) continue
    const at = addressOf(i, first) + bytes
    for (let k: usize = 0; k < <usize>n << 2; k += 4) store<u32>(at + k, load<u32>(cell(i) + k))
  }
}

/** Blocks block … last−1. */
function interpret(kernel: usize, head: usize, block: i32, last: i32): void {
  setUp(kernel, head)
  const length = word(head, LENGTH), full = word(head, BLOCK), pieces = word(head, PIECES)
  for (; block < last; block++) {
    let n: i32
    if (rowsPerBlock) {
      row = block * rowsPerBlock
      n = min(rowsPerBlock, word(head, ALL_ROWS) - row) * length
    } else {
      row = pieces == 1 ? block : block / pieces
      from = (block - row * pieces) * full
      n = min(full, length - from)
    }
    const first = row * length + (rowsPerBlock ? 0 : from)
    enterBlock(first, n)
    const whole = n & ~7
    if (whole) instructions(list, listEnd, whole, first)
    if (n & 7) rest(n & 7, whole, first)
    leaveBlock(first, n)
  }
}

function mapTask(kernel: usize, task: i32, tasks: i32): void {
  const head = payload(kernel)
  const units = <i64>word(head, UNITS)
  const first = <i32>(units * task / tasks)
  const last = <i32>(units * (task + 1) / tasks)
  switch (word(head, WAY)) {
    case Way.interpret: return interpret(kernel, head, first, last)
    case Way.transpose: return transpose(kernel, head, first, last)
    case Way.emitted: return emitted(kernel, head, first & ~15, last == <i32>units ? last : last & ~15)
    default: unreachable()
  }
}

export function runMap(kernel: usize): i32 {
  const head = payload(kernel)
  if (word(head, WAY) == Way.emitted) needs(functionOf(head))
  if (word(head, UNITS) > 0) parallel(mapTask.index, kernel, shares(word(head, TASKS)))
  return 0
}
