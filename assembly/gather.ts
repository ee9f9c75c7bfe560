// The `gather` and `scatter` kernels. Where one index serves a whole run of neighbours (embeddings), whole rows are copied or
// added; otherwise element by element. src/backend/wasm/encode-gather.ts writes the payload: the header below, shape[rank], then
// byte strides[rank] of the index, of the side that runs along with it, and of the indexed side, where the indexed axis has stride 0.
import { payload, viewAddress } from './descriptor'
import { fault, INDEX_OUT_OF_RANGE, parallel, threads } from './pool'
import { offsetOf, word } from './strided'

const TASKS = 0
const ROWS = 1 // all axes but the innermost
const LENGTH = 2 // innermost axis
const RANK = 3
const SIZE = 4 // of the indexed axis
const STEP = 5 // its byte stride
const IS_FLOAT = 6 // scatter
const OP = 7 // scatter
const HEAD_BYTES: usize = 32

const SET = 0, SUM = 1, PROD = 2, MAX = 3

@inline
function stridesOf(head: usize, operand: i32): usize {
  return head + HEAD_BYTES + (<usize>(word(head, RANK) * (operand + 1)) << 2)
}

@inline
function copyRow(dst: usize, src: usize, n: i32): void {
  const end = dst + (<usize>n << 2)
  for (const whole = dst + (<usize>(n & ~3) << 2); dst < whole; dst += 16, src += 16) v128.store(dst, v128.load(src))
  for (; dst < end; dst += 4, src += 4) store<u32>(dst, load<u32>(src))
}

/** Rows of the output, split among the tasks. */
function gatherTask(desc: usize, task: i32, tasks: i32): void {
  const head = payload(desc)
  const axes = word(head, RANK) - 1
  const length = word(head, LENGTH)
  const size = word(head, SIZE)
  const step = word(head, STEP)
  const shape = head + HEAD_BYTES
  const ofIndex = stridesOf(head, 0), ofOut = stridesOf(head, 1), ofTable = stridesOf(head, 2)
  const indexStride = word(ofIndex, axes), outStride = word(ofOut, axes), tableStride = word(ofTable, axes)
  const wholeRows = indexStride == 0 && outStride == 4 && tableStride == 4
  const rows = <i64>word(head, ROWS)
  const last = <i32>(rows * (task + 1) / tasks)
  for (let row = <i32>(rows * task / tasks); row < last; row++) {
    let table = viewAddress(desc, 0) + offsetOf(shape, ofTable, axes, row)
    let index = viewAddress(desc, 1) + offsetOf(shape, ofIndex, axes, row)
    let out = viewAddress(desc, 2) + offsetOf(shape, ofOut, axes, row)
    if (wholeRows) {
      const i = load<i32>(index)
      if (<u32>i >= <u32>size) {
        fault(INDEX_OUT_OF_RANGE, i, size)
        return
      }
      copyRow(out, table + i * step, length)
    } else
      for (let k = 0; k < length; k++, index += indexStride, out += outStride, table += tableStride) {
        const i = load<i32>(index)
        if (<u32>i >= <u32>size) {
          fault(INDEX_OUT_OF_RANGE, i, size)
          return
        }
        store<u32>(out, load<u32>(table + i * step))
      }
  }
}

@inline
function addRow(dst: usize, src: usize, n: i32): void {
  const whole = dst + (<usize>(n & ~3) << 2), end = dst + (<usize>n << 2)
  for (; dst < whole; dst += 16, src += 16) v128.store(dst, f32x4.add(v128.load(dst), v128.load(src)))
  for (; dst < end; dst += 4, src += 4) store<f32>(dst, load<f32>(dst) + load<f32>(src))
}

/** The element at `dst` joined with the one at `src`. */
@inline
function join<T>(op: i32, dst: usize, src: usize): void {
  const x = load<T>(dst), y = load<T>(src)
  if (op == SUM) store<T>(dst, x + y)
  else if (op == PROD) store<T>(dst, x * y)
  else if (op == MAX) store<T>(dst, max<T>(x, y))
  else store<T>(dst, min<T>(x, y))
}

/**
 * Every task goes through all rows in order, so each output takes its values in ascending order, and takes its part of the innermost
 * axis. The encoder gives one task only where that is the indexed axis.
 */
function scatterTask(desc: usize, task: i32, tasks: i32): void {
  const head = payload(desc)
  const axes = word(head, RANK) - 1
  const length = word(head, LENGTH)
  const size = word(head, SIZE)
  const step = word(head, STEP)
  const op = word(head, OP)
  const isFloat = word(head, IS_FLOAT)
  const shape = head + HEAD_BYTES
  const ofIndex = stridesOf(head, 0), ofValue = stridesOf(head, 1), ofOut = stridesOf(head, 2)
  const indexStride = word(ofIndex, axes), valueStride = word(ofValue, axes), outStride = word(ofOut, axes)
  const wholeRows = indexStride == 0 && valueStride == 4 && outStride == 4 && (op == SET || (op == SUM && isFloat))
  const from = length * task / tasks, n = length * (task + 1) / tasks - from
  for (let row = 0, rows = word(head, ROWS); row < rows; row++) {
    let index = viewAddress(desc, 0) + offsetOf(shape, ofIndex, axes, row) + from * indexStride
    let value = viewAddress(desc, 1) + offsetOf(shape, ofValue, axes, row) + from * valueStride
    let out = viewAddress(desc, 2) + offsetOf(shape, ofOut, axes, row) + from * outStride
    if (wholeRows) {
      const i = load<i32>(index)
      if (<u32>i >= <u32>size) {
        fault(INDEX_OUT_OF_RANGE, i, size)
        return
      }
      if (op == SET) copyRow(out + i * step, value, n)
      else addRow(out + i * step, value, n)
    } else
      for (let k = 0; k < n; k++, index += indexStride, value += valueStride, out += outStride) {
        const i = load<i32>(index)
        if (<u32>i >= <u32>size) {
          fault(INDEX_OUT_OF_RANGE, i, size)
          return
        }
        const at = out + i * step
        if (op == SET) store<u32>(at, load<u32>(value))
        else if (isFloat) join<f32>(op, at, value)
        else join<i32>(op, at, value)
      }
  }
}

export function runGather(desc: usize): i32 {
  parallel(gatherTask.index, desc, min(word(payload(desc), TASKS), threads()))
  return 0
}

export function runScatter(desc: usize): i32 {
  parallel(scatterTask.index, desc, min(word(payload(desc), TASKS), threads()))
  return 0
}
