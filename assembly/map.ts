// The `map` kernel: a block interpreter. The work is cut into blocks that stay in the first-level cache; on each, every instruction
// runs one SIMD loop. Operands that lie in a row are used where they are; others are first read into a slot.
// src/backend/wasm/encode-map.ts writes the payload: the header below, shape[rank], for each view (access, slot, byte strides[rank]),
// the words of the splats, and five words (opcode, destination, three operands) for each instruction. Destination and operands are
// numbers of places: first the views, then the splats, then the slots.
import { payload, viewAddress } from './descriptor'
import { step } from './map-loops'
import { Access } from './map-ops'
import { parallel, scratch, threads } from './pool'
import { offsetOf, read, word, write } from './strided'

const TASKS = 0
const BLOCKS = 1
const LENGTH = 2 // innermost axis
const BLOCK = 3 // elements of a full block
const ROWS = 4 // whole rows in a full block, or 0 when a row takes several blocks
const PIECES = 5 // blocks in a row
const ALL_ROWS = 6
const RANK = 7
const INPUTS = 8
const OUTPUTS = 9
const SPLATS = 10
const SLOTS = 11
const SLOT_BYTES = 12
const INSTRUCTIONS = 13
const HEAD_BYTES: usize = 56

const INSTRUCTION_BYTES: usize = 20

// Where a place lies: address and byte step per vector.
@inline
function place(places: usize, i: i32): usize {
  return places + (<usize>i << 3)
}

@inline
function setPlace(places: usize, i: i32, address: usize, byteStep: i32): void {
  store<u32>(place(places, i), <u32>address)
  store<i32>(place(places, i), byteStep, 4)
}

/** Copies rows row … row+rows−1 of a view to a slot, or back from it. */
function moveRows(slot: usize, base: usize, shape: usize, strides: usize, rank: i32, row: i32, rows: i32, toSlot: bool): void {
  const length = word(shape, rank - 1)
  const inner = word(strides, rank - 1)
  const size = word(shape, rank - 2)
  const outer = word(strides, rank - 2)
  while (rows > 0) {
    // As far as the last but one axis goes, rows are one stride apart.
    const run = min(rows, size - row % size)
    let at = base + offsetOf(shape, strides, rank - 1, row)
    for (let i = 0; i < run; i++) {
      if (toSlot) read(slot, at, inner, length)
      else write(at, inner, slot, length)
      slot += <usize>length << 2
      at += outer
    }
    row += run
    rows -= run
  }
}

function instructions(list: usize, count: i32, places: usize, n: i32, first: i32): void {
  const end = list + <usize>count * INSTRUCTION_BYTES
  for (; list < end; list += INSTRUCTION_BYTES) {
    const a = place(places, word(list, 2))
    const b = place(places, word(list, 3))
    const c = place(places, word(list, 4))
    step(
      word(list, 0), load<u32>(place(places, word(list, 1))),
      load<u32>(a), load<u32>(a, 4), load<u32>(b), load<u32>(b, 4), load<u32>(c), load<u32>(c, 4), n, first,
    )
  }
}

/** Moves the slots, and the views that lie in slots, by so many bytes. */
function shiftSlots(places: usize, from: i32, to: i32, bytes: usize): void {
  for (let i = from; i < to; i++) {
    const p = place(places, i)
    store<u32>(p, load<u32>(p) + <u32>bytes)
  }
}

function mapTask(desc: usize, task: i32, tasks: i32): void {
  const head = payload(desc)
  const rank = word(head, RANK)
  const inputs = word(head, INPUTS)
  const views = inputs + word(head, OUTPUTS)
  const splats = word(head, SPLATS)
  const slots = word(head, SLOTS)
  const slotBytes = <usize>word(head, SLOT_BYTES)
  const rowsPerBlock = word(head, ROWS)
  const pieces = word(head, PIECES)
  const length = word(head, LENGTH)
  const blockLength = word(head, BLOCK)
  const count = word(head, INSTRUCTIONS)
  const shape = head + HEAD_BYTES
  const viewTable = shape + (<usize>rank << 2)
  const viewBytes = <usize>(rank + 2) << 2
  const splatTable = viewTable + <usize>views * viewBytes
  const list = splatTable + (<usize>splats << 2)

  const fixed = views + splats
  const places = scratch((<usize>(fixed + slots) << 3) + (<usize>fixed << 5))
  const cells = places + (<usize>(fixed + slots) << 3)
  const slotBase = scratch(<usize>slots * slotBytes)
  const innermost = rank - 1

  for (let i = 0; i < slots; i++) setPlace(places, fixed + i, slotBase + <usize>i * slotBytes, 16)
  for (let i = 0; i < splats; i++) {
    const cell = cells + (<usize>(views + i) << 5)
    v128.store(cell, v128.load32_splat(splatTable + (<usize>i << 2)))
    setPlace(places, views + i, cell, 0)
  }
  for (let i = 0; i < views; i++) {
    const view = viewTable + <usize>i * viewBytes
    const access = word(view, 0)
    const cell = cells + (<usize>i << 5)
    if (access == Access.scalar) v128.store(cell, v128.load32_splat(viewAddress(desc, i)))
    if (access == Access.scalar || access == Access.rowScalar) setPlace(places, i, cell, 0)
    else setPlace(places, i, slotBase + <usize>word(view, 1) * slotBytes, 16)
    if (access == Access.fixedSlot) moveRows(slotBase + <usize>word(view, 1) * slotBytes, viewAddress(desc, i), shape, view + 8, rank, 0, rowsPerBlock, true)
  }

  const blocks = <i64>word(head, BLOCKS)
  const last = <i32>(blocks * (task + 1) / tasks)
  for (let block = <i32>(blocks * task / tasks); block < last; block++) {
    // The block is `n` elements: whole rows from `row` on, or a piece of one row.
    let row: i32, from = 0, n: i32
    if (rowsPerBlock) {
      row = block * rowsPerBlock
      n = min(rowsPerBlock, word(head, ALL_ROWS) - row) * length
    } else {
      row = pieces == 1 ? block : block / pieces
      from = (block - row * pieces) * blockLength
      n = min(blockLength, length - from)
    }
    const first = row * length + from

    for (let i = 0; i < views; i++) {
      const view = viewTable + <usize>i * viewBytes
      const access = word(view, 0)
      const p = place(places, i)
      const base = viewAddress(desc, i)
      if (access == Access.direct) {
        // In blocks of rows only what lies in one run throughout is direct.
        const offset = rowsPerBlock ? first << 2 : offsetOf(shape, view + 8, rank - 1, row) + (from << 2)
        store<u32>(p, <u32>(base + offset))
      } else if (access == Access.rowScalar) {
        v128.store(load<u32>(p), v128.load32_splat(base + offsetOf(shape, view + 8, rank - 1, row)))
      } else if (access == Access.slot && i < inputs) {
        if (rowsPerBlock) moveRows(load<u32>(p), base, shape, view + 8, rank, row, n / length, true)
        else {
          const stride = word(view, 2 + innermost)
          read(load<u32>(p), base + offsetOf(shape, view + 8, rank - 1, row) + from * stride, stride, n)
        }
      }
    }

    const whole = n & ~7
    if (whole) instructions(list, count, places, whole, first)
    if (n & 7) {
      // The last one to seven elements: direct views pass through their cells, so that nothing outside is touched.
      const done = <usize>whole << 2
      const rest = (<usize>n & 7) << 2
      for (let i = 0; i < views; i++) {
        const access = word(viewTable + <usize>i * viewBytes, 0)
        const p = place(places, i)
        if (access == Access.direct) {
          const cell = cells + (<usize>i << 5)
          for (let k: usize = 0; k < rest; k += 4) store<u32>(cell + k, load<u32>(<usize>load<u32>(p) + done + k))
          store<u32>(p, <u32>cell)
        } else if (access == Access.slot || access == Access.fixedSlot) shiftSlots(places, i, i + 1, done)
      }
      shiftSlots(places, fixed, fixed + slots, done)
      instructions(list, count, places, 8, first + whole)
      shiftSlots(places, fixed, fixed + slots, 0 - done)
      for (let i = 0; i < views; i++) {
        const view = viewTable + <usize>i * viewBytes
        const access = word(view, 0)
        if (access == Access.direct) {
          if (i < inputs) continue
          const at = viewAddress(desc, i) + done + (rowsPerBlock ? first << 2 : offsetOf(shape, view + 8, rank - 1, row) + (from << 2))
          for (let k: usize = 0; k < rest; k += 4) store<u32>(at + k, load<u32>(cells + (<usize>i << 5) + k))
        } else if (access == Access.slot || access == Access.fixedSlot) shiftSlots(places, i, i + 1, 0 - done)
      }
    }

    for (let i = inputs; i < views; i++) {
      const view = viewTable + <usize>i * viewBytes
      if (word(view, 0) != Access.slot) continue
      const slot = load<u32>(place(places, i))
      if (rowsPerBlock) moveRows(slot, viewAddress(desc, i), shape, view + 8, rank, row, n / length, false)
      else {
        const stride = word(view, 2 + innermost)
        write(viewAddress(desc, i) + offsetOf(shape, view + 8, rank - 1, row) + from * stride, stride, slot, n)
      }
    }
  }
}

export function runMap(desc: usize): i32 {
  if (word(payload(desc), BLOCKS) > 0) parallel(mapTask.index, desc, min(word(payload(desc), TASKS), threads()))
  return 0
}
