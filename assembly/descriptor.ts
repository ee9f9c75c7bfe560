// How a kernel looks in memory: 32-bit words [kind, number of words, number of views, address of each view, payload…].
// src/backend/wasm/encode.ts writes what these functions read.

@inline
export function kindOf(desc: usize): i32 {
  return load<i32>(desc)
}

@inline
export function wordsOf(desc: usize): usize {
  return load<u32>(desc, 4)
}

/** Address of the first element of view `i`: the inputs in order, then the outputs. */
@inline
export function viewAddress(desc: usize, i: i32): usize {
  return load<u32>(desc + (<usize>i << 2), 12)
}

@inline
export function setViewAddress(desc: usize, i: i32, address: usize): void {
  store<u32>(desc + (<usize>i << 2), <u32>address, 12)
}

@inline
export function viewsOf(desc: usize): i32 {
  return load<i32>(desc, 8)
}

/** Address of the payload's first word. */
@inline
export function payload(desc: usize): usize {
  return desc + 12 + (<usize>load<i32>(desc, 8) << 2)
}
