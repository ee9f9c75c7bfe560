// Lines of elements through a loop that was made for the program. What the loop is given lies in a frame: the address of the words
// that are the same for all elements (params and constants), the number of lines, then for each view the address of its first element,
// its byte stride, and the bytes from line to line.
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
  return 8 + <usize>views * 12
}
@inline
export function setView(frame: usize, view: i32, address: usize, stride: i32, line: i32): void {
  const at = frame + <usize>view * 12
  store<u32>(at, <u32>address, 8)
  store<i32>(at, stride, 12)
  store<i32>(at, line, 16)
}
/** `lines` of `n` elements, the first of which has the row-major position `first`. */
@inline
export function runLoop(fn: i32, frame: usize, lines: i32, n: i32, first: i32): void {
  store<i32>(frame, lines, 4)
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
    // As far as the last but one axis goes, lines are one stride apart; a part of a line is run alone.
    const row = rank > 1 ? from / length : 0
    const column = from - row * length
    const lines = column > 0 || to - from < length ? 1 : min(rows - row % rows, (to - from) / length)
    for (let i = 0, s = strides; i < views; i++, s += bytes) {
      const inner = word(s, rank - 1)
      setView(frame, i, viewAddress(kernel, i) + offsetOf(shape, s, rank - 1, row) + column * inner, inner, rank > 1 ? word(s, rank - 2) : 0)
    }
    const n = min(length - column, to - from)
    runLoop(fn, frame, lines, n, from)
    from += lines * n
  }
}
