// Walking strided views: sizes and byte strides lie in memory as int32, outermost axis first. Elements are words, or one or two bytes,
// which then get a word of their own outside the view, with zeros above.

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

@inline
export function loadElement(at: usize, size: i32): u32 {
  return size == 4 ? load<u32>(at) : size == 2 ? load<u16>(at) : load<u8>(at)
}

/** A strided run of `n` elements to `dst`. With stride 0, up to three words behind its end are written as well. */
export function read(dst: usize, src: usize, stride: i32, n: i32, size: i32 = 4): void {
  if (size == 4) readRow(dst, src, stride, <usize>n << 2)
  else widen(dst, src, stride, size, <usize>n << 2)
}

/** Short elements to words. */
function widen(dst: usize, src: usize, stride: i32, size: i32, bytes: usize): void {
  const end = dst + bytes
  if (stride == size) {
    const whole = dst + (bytes & ~15)
    if (size == 2) for (; dst < whole; dst += 16, src += 8) v128.store(dst, i32x4.extend_low_i16x8_u(v128.load64_zero(src)))
    else for (; dst < whole; dst += 16, src += 4) v128.store(dst, i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(src))))
  }
  for (; dst < end; dst += 4, src += stride) store<u32>(dst, loadElement(src, size))
}

@inline
function readRow(dst: usize, src: usize, stride: i32, bytes: usize): void {
  const end = dst + bytes
  if (stride == 0) {
    const v = v128.load32_splat(src)
    for (; dst < end; dst += 16) v128.store(dst, v)
    return
  }
  const whole = dst + (bytes & ~15)
  if (stride == 4) for (; dst < whole; dst += 16, src += 16) v128.store(dst, v128.load(src))
  else
    for (; dst < whole; dst += 16, src += stride << 2) {
      let v = v128.load32_zero(src)
      v = v128.load32_lane(src + stride, v, 1)
      v = v128.load32_lane(src + (stride << 1), v, 2)
      v128.store(dst, v128.load32_lane(src + stride * 3, v, 3))
    }
  for (; dst < end; dst += 4, src += stride) store<u32>(dst, load<u32>(src))
}

/** `n` words from `src` to a strided run. */
export function write(dst: usize, stride: i32, src: usize, n: i32, size: i32 = 4): void {
  if (size == 4) writeRow(dst, stride, src, <usize>n << 2)
  else narrow(dst, stride, size, src, <usize>n << 2)
}

/** The low bytes of words. */
function narrow(dst: usize, stride: i32, size: i32, src: usize, bytes: usize): void {
  const end = src + bytes
  if (stride == size) {
    const whole = src + (bytes & ~15)
    if (size == 2)
      for (; src < whole; dst += 8, src += 16)
        v128.store64_lane(dst, i8x16.swizzle(v128.load(src), i8x16(0, 1, 4, 5, 8, 9, 12, 13, 0, 0, 0, 0, 0, 0, 0, 0)), 0)
    else
      for (; src < whole; dst += 4, src += 16)
        v128.store32_lane(dst, i8x16.swizzle(v128.load(src), i8x16(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), 0)
  }
  for (; src < end; dst += stride, src += 4)
    if (size == 2) store<u16>(dst, load<u16>(src))
    else store<u8>(dst, load<u8>(src))
}

@inline
function writeRow(dst: usize, stride: i32, src: usize, bytes: usize): void {
  const end = src + bytes
  if (stride == 4) for (const whole = src + (bytes & ~15); src < whole; dst += 16, src += 16) v128.store(dst, v128.load(src))
  for (; src < end; dst += stride, src += 4) store<u32>(dst, load<u32>(src))
}

/** Rows first … first+count−1 of a view of two axes or more, one behind the other to `dst`. */
export function readRows(dst: usize, base: usize, shape: usize, strides: usize, rank: i32, first: i32, count: i32, size: i32 = 4): void {
  const bytes = <usize>word(shape, rank - 1) << 2, rows = word(shape, rank - 2)
  const inner = word(strides, rank - 1), outer = word(strides, rank - 2)
  while (count > 0) {
    // As far as the last but one axis goes, rows are one stride apart.
    const run = min(count, rows - first % rows)
    let src = base + offsetOf(shape, strides, rank - 1, first)
    if (size == 4) for (let n = run; n > 0; n--, dst += bytes, src += outer) readRow(dst, src, inner, bytes)
    else for (let n = run; n > 0; n--, dst += bytes, src += outer) widen(dst, src, inner, size, bytes)
    first += run
    count -= run
  }
}

/** The other way. */
export function writeRows(base: usize, shape: usize, strides: usize, rank: i32, first: i32, count: i32, src: usize, size: i32 = 4): void {
  const bytes = <usize>word(shape, rank - 1) << 2, rows = word(shape, rank - 2)
  const inner = word(strides, rank - 1), outer = word(strides, rank - 2)
  while (count > 0) {
    const run = min(count, rows - first % rows)
    let dst = base + offsetOf(shape, strides, rank - 1, first)
    if (size == 4) for (let n = run; n > 0; n--, src += bytes, dst += outer) writeRow(dst, inner, src, bytes)
    else for (let n = run; n > 0; n--, src += bytes, dst += outer) narrow(dst, inner, size, src, bytes)
    first += run
    count -= run
  }
}
