// The `cumulate` kernel: running sums, products and extremes of lines, float sums and products in float64.
// src/backend/wasm/encode-cumulate.ts writes the payload: the header below, shape[rank] of the lines, input and output byte
// strides[rank]. A reversed line starts at its end and has negative strides.
import { payload, viewAddress } from './descriptor'
import { parallel, threads } from './pool'
import { offsetOf, word } from './strided'

const TASKS = 0
const OP = 1
const LINES = 2
const RANK = 3
const LENGTH = 4
const FROM = 5 // byte offset of a line's first element, and byte stride within the line: of the input…
const BY = 6
const TO_FROM = 7 // … and of the output
const TO_BY = 8
const HEAD_BYTES: usize = 36

class Sum { @inline of<A>(a: A, b: A): A { return <A>(a + b) } }
class Product { @inline of<A>(a: A, b: A): A { return <A>(a * b) } }
class Greatest {
  @inline of<A>(a: A, b: A): A {
    if (isFloat<A>()) return max<A>(a, b)
    return a > b ? a : b
  }
}
class Least {
  @inline of<A>(a: A, b: A): A {
    if (isFloat<A>()) return min<A>(a, b)
    return a < b ? a : b
  }
}

/** `E` is the element, `A` the type in which it is accumulated. */
@inline
function accumulate<T, E, A>(src: usize, by: i32, dst: usize, to: i32, n: i32): void {
  const op = changetype<T>(0)
  if (n == 0) return
  let a = <A>load<E>(src)
  store<E>(dst, <E>a)
  for (let i = 1; i < n; i++) {
    src += by
    dst += to
    a = op.of<A>(a, <A>load<E>(src))
    store<E>(dst, <E>a)
  }
}

function cumulateTask(desc: usize, task: i32, tasks: i32): void {
  const head = payload(desc)
  const rank = word(head, RANK)
  const n = word(head, LENGTH), by = word(head, BY), to = word(head, TO_BY), op = word(head, OP)
  const shape = head + HEAD_BYTES
  const strides = shape + (<usize>rank << 2)
  const outStrides = strides + (<usize>rank << 2)
  const lines = <i64>word(head, LINES)
  const last = <i32>(lines * (task + 1) / tasks)
  for (let line = <i32>(lines * task / tasks); line < last; line++) {
    const src = viewAddress(desc, 0) + offsetOf(shape, strides, rank, line) + word(head, FROM)
    const dst = viewAddress(desc, 1) + offsetOf(shape, outStrides, rank, line) + word(head, TO_FROM)
    switch (op) {
      case 0: { accumulate<Sum, f32, f64>(src, by, dst, to, n); break }
      case 1: { accumulate<Product, f32, f64>(src, by, dst, to, n); break }
      case 2: { accumulate<Greatest, f32, f32>(src, by, dst, to, n); break }
      case 3: { accumulate<Least, f32, f32>(src, by, dst, to, n); break }
      case 4: { accumulate<Sum, i32, i32>(src, by, dst, to, n); break }
      case 5: { accumulate<Product, i32, i32>(src, by, dst, to, n); break }
      case 6: { accumulate<Greatest, i32, i32>(src, by, dst, to, n); break }
      case 7: { accumulate<Least, i32, i32>(src, by, dst, to, n); break }
      default: unreachable()
    }
  }
}

export function runCumulate(desc: usize): i32 {
  parallel(cumulateTask.index, desc, min(word(payload(desc), TASKS), threads()))
  return 0
}
