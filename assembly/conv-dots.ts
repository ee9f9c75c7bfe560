// Convolution with few results, each a sum over many positions (the gradient for w of one channel, or of groups of one): no products of
// matrices but scalar products, nine at a time, of lines of w with what three taps in each of three lines of the input meet.
import { channelBytes } from './conv-input'
import { Conv, positions, Step } from './conv-job'
import { fma } from './gemm'
import { scratch } from './pool'

/** Bytes of nine vectors of partial sums. */
const NINE: usize = 144
/** Products of one sum before it is stored: four sums of a quarter each round less than a longer one. */
const BAND: i32 = 1536

/** Some channels of w and of the copy of the input: along the last axis both lie side by side. */
export function dotsOf(step: Step, w: usize, channels: i32): void {
  const conv = step.group.conv
  const image = conv.stepChannels * channelBytes(conv)
  const sums = scratch(NINE)
  const all = positions(conv)
  // A single line of results is taken as lines of three.
  const single = conv.t0 * conv.t1 == 1 && conv.stride2 == 1
  const width = single ? min(3, conv.t2) : conv.t2
  const last = (all - 1) / width
  const band = max(1, BAND / conv.k2)
  for (let from = 0; from < conv.k1; from += band)
    for (let line = 0; line <= last; line += 3)
      for (let k = 0; k < width; k += 3) {
        const e0 = column(conv, k), e1 = column(conv, min(k + 1, width - 1)) - e0, e2 = column(conv, min(k + 2, width - 1)) - e0
        const l0 = e0 + lineAt(conv, line, single), l1 = e0 + lineAt(conv, min(line + 1, last), single), l2 = e0 + lineAt(conv, min(line + 2, last), single)
        for (let n = 0; n < conv.images; n++) {
          const x = step.base + n * image
          for (let o = 0; o < conv.outs; o++) {
            nineDots(conv, channels, from, min(from + band, conv.k1), w + o * conv.wOut, x + l0, x + l1, x + l2, e1, e2, sums)
            const to = step.c + o * step.cRow + (<usize>(n * all) << 2)
            for (let i = 0; i < 3; i++)
              for (let j = 0; j < 3 && k + j < width; j++) {
                const at = (line + i) * width + k + j
                if (at < all) putSum(sums + (<usize>(3 * i + j) << 4), to + (<usize>at << 2), step.add || from > 0)
              }
          }
        }
      }
}

@inline
function column(conv: Conv, k: i32): i32 {
  return 4 * k * conv.stride2
}

@inline
function lineAt(conv: Conv, line: i32, single: bool): i32 {
  return single ? column(conv, 3 * line) : 4 * (line / conv.t1 * conv.stride0 * conv.p1 + line % conv.t1 * conv.stride1) * conv.p2
}

@inline
function putSum(from: usize, to: usize, add: bool): void {
  const sum = load<f32>(from) + load<f32>(from, 4) + (load<f32>(from, 8) + load<f32>(from, 12))
  store<f32>(to, add ? load<f32>(to) + sum : sum)
}

function nineDots(conv: Conv, channels: i32, from: i32, to: i32, w: usize, x0: usize, x1: usize, x2: usize, e1: usize, e2: usize, sums: usize): void {
  let s00 = f32x4.splat(0), s01 = s00, s02 = s00
  let s10 = s00, s11 = s00, s12 = s00
  let s20 = s00, s21 = s00, s22 = s00
  const xChannel = channelBytes(conv)
  // The last vector of a line overlaps the one before: what has been counted is masked.
  const rest = conv.k2 & 3
  const mask = i32x4.ge_s(i32x4(0, 1, 2, 3), i32x4.splat(4 - rest))
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < conv.k0; i++)
      for (let j = from; j < to; j++) {
        let p = w + c * conv.wChannel + i * conv.w0 + j * conv.w1
        let at: usize = c * xChannel + 4 * (i * conv.dilation0 * conv.p1 + j * conv.dilation1) * conv.p2
        for (const end = p + (<usize>(conv.k2 & ~3) << 2); p != end; p += 16, at += 16) {
          const v = v128.load(p)
          s00 = fma(v, v128.load(x0 + at), s00)
          s01 = fma(v, v128.load(x0 + at + e1), s01)
          s02 = fma(v, v128.load(x0 + at + e2), s02)
          s10 = fma(v, v128.load(x1 + at), s10)
          s11 = fma(v, v128.load(x1 + at + e1), s11)
          s12 = fma(v, v128.load(x1 + at + e2), s12)
          s20 = fma(v, v128.load(x2 + at), s20)
          s21 = fma(v, v128.load(x2 + at + e1), s21)
          s22 = fma(v, v128.load(x2 + at + e2), s22)
        }
        if (rest == 0) continue
        const back: usize = <usize>(16 - (rest << 2))
        at -= back
        const v = v128.and(mask, v128.load(p - back))
        s00 = fma(v, v128.and(mask, v128.load(x0 + at)), s00)
        s01 = fma(v, v128.and(mask, v128.load(x0 + at + e1)), s01)
        s02 = fma(v, v128.and(mask, v128.load(x0 + at + e2)), s02)
        s10 = fma(v, v128.and(mask, v128.load(x1 + at)), s10)
        s11 = fma(v, v128.and(mask, v128.load(x1 + at + e1)), s11)
        s12 = fma(v, v128.and(mask, v128.load(x1 + at + e2)), s12)
        s20 = fma(v, v128.and(mask, v128.load(x2 + at)), s20)
        s21 = fma(v, v128.and(mask, v128.load(x2 + at + e1)), s21)
        s22 = fma(v, v128.and(mask, v128.load(x2 + at + e2)), s22)
      }
  v128.store(sums, s00)
  v128.store(sums, s01, 16)
  v128.store(sums, s02, 32)
  v128.store(sums, s10, 48)
  v128.store(sums, s11, 64)
  v128.store(sums, s12, 80)
  v128.store(sums, s20, 96)
  v128.store(sums, s21, 112)
  v128.store(sums, s22, 128)
}
