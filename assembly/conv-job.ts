// A convolution at work: the payload as src/backend/wasm/encode-conv.ts writes it, and what its tasks hand to each other.

/**
 * One of the convolutions that the payload holds, after their number: words in all, distance of w and of the output from their
 * views; then sizes of three spatial axes each, strides in bytes.
 */
@unmanaged
export class Conv {
  words: i32
  wFrom: i32
  outFrom: i32
  groups: i32
  images: i32
  outs: i32
  channels: i32
  k0: i32; k1: i32; k2: i32
  t0: i32; t1: i32; t2: i32
  s0: i32; s1: i32; s2: i32
  stride0: i32; stride1: i32; stride2: i32
  dilation0: i32; dilation1: i32; dilation2: i32
  pad0: i32; pad1: i32; pad2: i32
  xGroup: i32; xImage: i32; xChannel: i32; x0: i32; x1: i32; x2: i32
  wGroup: i32; wOut: i32; wChannel: i32; w0: i32; w1: i32; w2: i32
  oGroup: i32; oImage: i32; oOut: i32; o0: i32; o1: i32; o2: i32
  /** Sizes of the input with its zeros in place, when it is copied. */
  p0: i32; p1: i32; p2: i32
  copied: i32
  /** Too few outputs to fill a tile: windows are multiplied where they lie, four positions of a line at a time. */
  direct: i32
  dots: i32 // whether results are scalar products, see conv-dots.ts
  wide: i32 // whether threads share the work
  parts: i32 // 0: all channels at once, images in turn; else partial sums over that many ranges of channels
  stepImages: i32
  stepChannels: i32
  kc: i32
  nc: i32
  /** Rows of w that lie at equal distances, and the distance. */
  run: i32
  runStride: i32
}

/** What all groups share: tables of offsets in bytes. */
@unmanaged
export class Tables {
  x: usize
  w: usize
  columns: usize
  out: usize
}

/** One group at work. */
@unmanaged
export class Group {
  desc: usize
  conv: Conv
  tables: Tables
  x: usize
  w: usize
  out: usize
  packed: usize
  partial: usize
}

/** Some images and channels of a group: packed W times their windows, to be stored at `c` or added there. */
@unmanaged
export class Step {
  group: Group
  base: usize
  packed: usize
  rows: i32
  columns: i32
  c: usize
  cRow: i32
  add: bool
}

@inline
export function taps(conv: Conv): i32 {
  return conv.k0 * conv.k1 * conv.k2
}

@inline
export function positions(conv: Conv): i32 {
  return conv.t0 * conv.t1 * conv.t2
}

/** Fours of positions in one image. */
@inline
export function fours(conv: Conv): i32 {
  return conv.t0 * conv.t1 * ((conv.t2 + 3) >> 2)
}
