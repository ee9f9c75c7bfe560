// Runs of elements through a loop that was made for the program. What the loop is given lies in a frame: the address of the words
// that are the same for all elements (params and constants), then for each view the address of its first element and its byte stride.
// src/backend/wasm/emit/loop.ts writes such loops; src/backend/wasm/encode-map.ts the payload: the header below, shape[rank], for
// each view byte strides[rank], the common words.
import { viewAddress } from './descriptor'
import { scratch } from './pool'
import { offsetOf, word } from './strided'

const LENGTH = 3 // innermost axis
const FUNCTION = 4
const RANK = 5
const VIEWS = 6
const HEAD_BYTES: usize = 28

@inline
export function functionOf(head: usize): i32 {
  return word(head, FUNCTION)
}

/** Bytes of a frame for so many views. */
@inline
export function frameBytes(views: i32): usize {
  return 4 + (<usize>views << 3)
}
@inline
export function setView(frame: usize, view: i32, address: usize, stride: i32): void {
  store<u32>(frame + (<usize>view << 3), <u32>address, 4)
  store<i32>(frame + (<usize>view << 3), stride, 8)
}
/** Moves a view of the frame on. */
@inline
export function moveView(frame: usize, view: i32, bytes: i32): void {
  const at = frame + (<usize>view << 3)
  store<u32>(at, load<u32>(at, 4) + bytes, 4)
}
/** `n` elements from the one with row-major position `first` on. */
@inline
export function runLoop(fn: i32, frame: usize, n: i32, first: i32): void {
  call_indirect(fn, frame, n, first)
}

/** Elements from … to−1 in row-major order. */
export function emitted(kernel: usize, head: usize, from: i32, to: i32): void {
  const fn = word(head, FUNCTION), length = word(head, LENGTH), rank = word(head, RANK), views = word(head, VIEWS)
  const shape = head + HEAD_BYTES
  const bytes = <usize>rank << 2
  const strides = shape + bytes
  const frame = scratch(frameBytes(views))
  store<u32>(frame, <u32>(strides + <usize>views * bytes))
  const rows = rank > 1 ? word(shape, rank - 2) : 1
  while (from < to) {
    // As far as the last but one axis goes, rows are one stride apart.
    let row = rank > 1 ? from / length : 0
    let column = from - row * length
    for (let i = 0, s = strides; i < views; i++, s += bytes) {
      const inner = word(s, rank - 1)
      setView(frame, i, viewAddress(kernel, i) + offsetOf(shape, s, rank - 1, row) + column * inner, inner)
    }
    for (let left = rows - row % rows; left > 0 && from < to; left--) {
      const n = min(length - column, to - from)
      runLoop(fn, frame, n, from)
      from += n
      if (rank > 1) for (let i = 0, s = strides; i < views; i++, s += bytes) moveView(frame, i, word(s, rank - 2) - column * word(s, rank - 1))
      column = 0
    }
  }
}
