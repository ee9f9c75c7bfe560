// Walking strided views: sizes and byte strides lie in memory as int32, outermost axis first.

@inline
export function word(at: usize, i: i32): i32 {
  return load<i32>(at + (<usize>i << 2))
}

/** Byte offset of the element with row-major position `index` among the first `axes` axes. */
export function offsetOf(shape: usize, strides: usize, axes: i32, index: i32): i32 {
  let offset = 0
  for (let axis = axes - 1; axis > 0; axis--) {
    const size = word(shape, axis)
    const q = index / size
    offset += (index - q * size) * word(strides, axis)
    index = q
  }
  return axes > 0 ? offset + index * word(strides, 0) : 0
}

/** A strided run of `n` words to `dst`. With stride 0, up to three words behind its end are written as well. */
export function read(dst: usize, src: usize, stride: i32, n: i32): void {
  const end = dst + (<usize>n << 2)
  if (stride == 0) {
    const v = v128.load32_splat(src)
    for (; dst < end; dst += 16) v128.store(dst, v)
    return
  }
  if (stride == 4) for (const whole = dst + (<usize>(n & ~3) << 2); dst < whole; dst += 16, src += 16) v128.store(dst, v128.load(src))
  for (; dst < end; dst += 4, src += stride) store<u32>(dst, load<u32>(src))
}

/** `n` words from `src` to a strided run. */
export function write(dst: usize, stride: i32, src: usize, n: i32): void {
  const end = src + (<usize>n << 2)
  if (stride == 4) for (const whole = src + (<usize>(n & ~3) << 2); src < whole; dst += 16, src += 16) v128.store(dst, v128.load(src))
  for (; src < end; dst += stride, src += 4) store<u32>(dst, load<u32>(src))
}
