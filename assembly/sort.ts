// The `sort` kernel: each line becomes 64-bit words (key, position), so that comparing words compares values first and positions
// then, which makes any sort stable; runs of eight are sorted by insertion and merged bottom-up. The key of a float is its bits,
// ordered like integers, 0 for −0 and the greatest for NaN; for descending order keys are complemented.
// src/backend/wasm/encode-sort.ts writes the payload: the header below, shape[rank] of the lines, byte strides[rank] of the input,
// the values and the positions.
import { payload, viewAddress } from './descriptor'
import { parallel, scratch, threads } from './pool'
import { offsetOf, word } from './strided'

const TASKS = 0
const LINES = 1
const RANK = 2
const LENGTH = 3
const IS_FLOAT = 4
const DESCENDING = 5
const BY = 6 // byte strides within a line: of the input, the values, the positions
const HEAD_BYTES: usize = 36

const RUN = 8

@inline
function keyOf(at: usize, isFloat: i32): i32 {
  if (!isFloat) return load<i32>(at)
  const x = load<f32>(at)
  if (x != x) return i32.MAX_VALUE
  const bits = reinterpret<i32>(x + 0)
  return bits ^ (bits >> 31 & i32.MAX_VALUE)
}

function insertionSort(from: usize, to: usize): void {
  for (let at = from + 8; at < to; at += 8) {
    const v = load<i64>(at)
    let p = at
    for (; p > from && load<i64>(p - 8) > v; p -= 8) store<i64>(p, load<i64>(p - 8))
    store<i64>(p, v)
  }
}

/** Merges the sorted runs left … middle and middle … right to `out`. */
function merge(left: usize, middle: usize, right: usize, out: usize): void {
  let a = left, b = middle
  while (a < middle && b < right) {
    const x = load<i64>(a), y = load<i64>(b)
    const first = x < y
    store<i64>(out, first ? x : y)
    a += <usize>first << 3
    b += <usize>!first << 3
    out += 8
  }
  memory.copy(out, a, middle - a)
  memory.copy(out + (middle - a), b, right - b)
}

/** Sorts `n` words at `words`; gives where they are then, there or at `spare`. */
function mergeSort(words: usize, spare: usize, n: i32): usize {
  const bytes = <usize>n << 3
  for (let at: usize = 0; at < bytes; at += RUN << 3) insertionSort(words + at, words + min(at + (RUN << 3), bytes))
  for (let run: usize = RUN << 3; run < bytes; run <<= 1) {
    for (let at: usize = 0; at < bytes; at += run << 1)
      merge(words + at, words + min(at + run, bytes), words + min(at + (run << 1), bytes), spare + at)
    const sorted = spare
    spare = words
    words = sorted
  }
  return words
}

function sortTask(desc: usize, task: i32, tasks: i32): void {
  const head = payload(desc)
  const rank = word(head, RANK)
  const n = word(head, LENGTH), isFloat = word(head, IS_FLOAT)
  const flip = word(head, DESCENDING) ? -1 : 0
  const by = word(head, BY), valueBy = word(head, BY + 1), positionBy = word(head, BY + 2)
  const shape = head + HEAD_BYTES
  const axes = <usize>rank << 2
  const words = scratch(<usize>n << 3)
  const spare = scratch(<usize>n << 3)
  const lines = <i64>word(head, LINES)
  const last = <i32>(lines * (task + 1) / tasks)
  for (let line = <i32>(lines * task / tasks); line < last; line++) {
    const src = viewAddress(desc, 0) + offsetOf(shape, shape + axes, rank, line)
    let at = src
    for (let i = 0; i < n; i++, at += by) store<i64>(words + (<usize>i << 3), <i64>(keyOf(at, isFloat) ^ flip) << 32 | <i64>i)
    const sorted = mergeSort(words, spare, n)
    let value = viewAddress(desc, 1) + offsetOf(shape, shape + axes * 2, rank, line)
    let position = viewAddress(desc, 2) + offsetOf(shape, shape + axes * 3, rank, line)
    for (let i = 0; i < n; i++, value += valueBy, position += positionBy) {
      const from = load<i32>(sorted + (<usize>i << 3))
      store<u32>(value, load<u32>(src + from * by))
      store<i32>(position, from)
    }
  }
}

export function runSort(desc: usize): i32 {
  parallel(sortTask.index, desc, min(word(payload(desc), TASKS), threads()))
  return 0
}
