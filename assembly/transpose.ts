// A copy whose source and destination run along different axes: tiles of 16×16 words, so that every cache line is read once and
// written once whatever the strides. src/backend/wasm/encode-map.ts writes the payload: the header below, then shape[rank], input and
// output byte strides[rank] of the other axes.
import { viewAddress } from './descriptor'
import { scratch } from './pool'
import { offsetOf, word } from './strided'

const UNITS = 2 // the other axes × strips of 16 along the source's axis
const ALONG_IN = 3 // size of the axis on which the source is contiguous
const ALONG_OUT = 4 // and the destination
const IN_STRIDE = 5 // byte stride of the source on the destination's axis
const OUT_STRIDE = 6 // and the other way round
const RANK = 7
const HEAD_BYTES: usize = 32

const TILE = 16

/** Words (i, j), i along the source, j along the destination. */
@inline
function copyWords(src: usize, inStride: i32, dst: usize, outStride: i32, rows: i32, columns: i32): void {
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) store<u32>(dst + i * outStride + (<usize>j << 2), load<u32>(src + j * inStride + (<usize>i << 2)))
}

/** A whole tile by way of `tile`, four by four. */
@inline
function copyTile(src: usize, inStride: i32, dst: usize, outStride: i32, tile: usize): void {
  for (let at = tile, end = tile + (TILE * TILE << 2); at < end; at += 64, src += inStride) {
    v128.store(at, v128.load(src))
    v128.store(at, v128.load(src, 16), 16)
    v128.store(at, v128.load(src, 32), 32)
    v128.store(at, v128.load(src, 48), 48)
  }
  for (let i = 0; i < TILE; i += 4, tile += 16, dst += outStride << 2) {
    let out = dst
    for (let at = tile, end = tile + (TILE * TILE << 2); at < end; at += 256, out += 16) {
      const a = v128.load(at), b = v128.load(at, 64), c = v128.load(at, 128), d = v128.load(at, 192)
      const p = i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
      const q = i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
      const r = i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
      const s = i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
      v128.store(out, i8x16.shuffle(p, q, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23))
      v128.store(out + outStride, i8x16.shuffle(p, q, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
      v128.store(out + (outStride << 1), i8x16.shuffle(r, s, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23))
      v128.store(out + outStride * 3, i8x16.shuffle(r, s, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
    }
  }
}

/** Units first … last−1. */
export function transpose(desc: usize, head: usize, first: i32, last: i32): void {
  const rows = word(head, ALONG_IN), columns = word(head, ALONG_OUT)
  const inStride = word(head, IN_STRIDE), outStride = word(head, OUT_STRIDE)
  const rank = word(head, RANK)
  const shape = head + HEAD_BYTES
  const strips = (rows + TILE - 1) / TILE
  const whole = columns & ~(TILE - 1)
  const tile = scratch(TILE * TILE << 2)
  for (let unit = first; unit < last; unit++) {
    const outer = unit / strips
    const row = (unit - outer * strips) * TILE
    const n = min(TILE, rows - row)
    let src = viewAddress(desc, 0) + offsetOf(shape, shape + (<usize>rank << 2), rank, outer) + (<usize>row << 2)
    let dst = viewAddress(desc, 1) + offsetOf(shape, shape + (<usize>rank << 3), rank, outer) + row * outStride
    let column = 0
    if (n == TILE)
      for (; column < whole; column += TILE, src += inStride * TILE, dst += TILE << 2) copyTile(src, inStride, dst, outStride, tile)
    copyWords(src, inStride, dst, outStride, n, columns - column)
  }
}
