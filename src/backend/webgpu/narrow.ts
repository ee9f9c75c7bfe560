// Elements shorter than a word, for which WGSL has no type, or one that the adapter lacks: they are cut out of words and put back by shifts.
// Numbers become 16-bit floats by their bits, since WGSL leaves the rounding of its own conversion to the driver.
import { dtypes, WORD, type DType } from '../../core/dtype.ts'

export type NarrowType = 'uint8' | 'float16' | 'bfloat16'
export const isNarrow = (t: DType): t is NarrowType => dtypes[t].bytes < WORD

/** What math.ts takes in. Rounding is to nearest, ties to even. */
export const narrowFunctions = {
  // Subnormals are counted in their last bit, 2⁻²⁴.
  half_to_float: `
fn half_to_float(h: U) -> F {
  let a = h & U(0x7fffu);
  let normal = (a << U(13u)) + U(0x38000000u);
  let small = bitcast<U>(F(a) * F(5.9604644775390625e-8));
  let bits = select(select(normal, normal | U(0x7f800000u), a >= U(0x7c00u)), small, a < U(0x400u));
  return bitcast<F>(bits | ((h & U(0x8000u)) << U(16u)));
}`,
  float_to_half: `
fn float_to_half(x: F) -> U {
  let bits = bitcast<U>(x);
  let a = bits & U(0x7fffffffu);
  let normal = (a + ((a >> U(13u)) & U(1u)) - U(0x37fff001u)) >> U(13u);
  let small = U(round(bitcast<F>(min(a, U(0x38800000u))) * F(16777216.0)));
  let endless = U(0x7c00u) | select(U(0u), U(0x200u), a > U(0x7f800000u));
  let h = select(select(normal, small, a < U(0x38800000u)), endless, a >= U(0x47800000u));
  return h | ((bits >> U(16u)) & U(0x8000u));
}`,
  to_half: 'fn to_half(x: F) -> f16 { return bitcast<vec2<f16>>(float_to_half(x)).x; }',
  to_halves: `
fn to_halves(x: F) -> vec4<f16> {
  let w = float_to_half(x);
  return bitcast<vec4<f16>>(w.xz | (w.yw << vec2u(16u)));
}`,
  bfloat_to_float: 'fn bfloat_to_float(h: U) -> F { return bitcast<F>(h << U(16u)); }',
  float_to_bfloat: `
fn float_to_bfloat(x: F) -> U {
  let bits = bitcast<U>(x);
  let rounded = bits + U(0x7fffu) + ((bits >> U(16u)) & U(1u));
  return select(rounded, bits | U(0x400000u), (bits & U(0x7fffffffu)) > U(0x7f800000u)) >> U(16u);
}`,
} as const

interface Form {
  readonly decode: (bits: string) => string
  readonly encode: (value: string) => string
}
const forms: Readonly<Record<NarrowType, Form>> = {
  uint8: { decode: w => `I(${w})`, encode: v => `U(${v}) & U(255u)` },
  float16: { decode: w => `half_to_float(${w})`, encode: v => `float_to_half(${v})` },
  bfloat16: { decode: w => `bfloat_to_float(${w})`, encode: v => `float_to_bfloat(${v})` },
}

/** Where the element at `x` lies: its word, the shift in it, and the bits that it has. */
const within = (t: NarrowType, x: string): { word: string; shift: string; bits: string } =>
  t === 'uint8' ? { word: `(${x}) >> 2u`, shift: `(((${x}) & 3u) * 8u)`, bits: '255u' } : { word: `(${x}) >> 1u`, shift: `(((${x}) & 1u) * 16u)`, bits: '65535u' }

/** The element at `x`, in all lanes; `word` prints the word at an address. */
export function loadOne(t: NarrowType, word: (address: string) => string, x: string): string {
  const at = within(t, x)
  return forms[t].decode(`U((${word(at.word)} >> ${at.shift}) & ${at.bits})`)
}

/** Elements 4x … 4x + 3, one in each lane. */
export function loadFour(t: NarrowType, word: (address: string) => string, x: string): string {
  if (t === 'uint8') return forms[t].decode(`(U(${word(x)}) >> U(0u, 8u, 16u, 24u)) & U(255u)`)
  const [low, high] = [word(`2u * ${x}`), word(`2u * ${x} + 1u`)]
  return forms[t].decode(`(U(${low}, ${low}, ${high}, ${high}) >> U(0u, 16u, 0u, 16u)) & U(65535u)`)
}

/** Threads whose elements share a word change it at the same time, each its own bits. */
export function storeOne(t: NarrowType, buffer: string, x: string, value: string): string {
  const { word, shift, bits } = within(t, x)
  return `atomicAnd(&${buffer}[${word}], ~(${bits} << ${shift}));
atomicOr(&${buffer}[${word}], (${forms[t].encode(value)}) << ${shift});`
}

/** Four elements from 4x on: whole words. `left`, where it is given, says how many of them there are; what follows stays. */
export function storeFour(t: NarrowType, buffer: string, x: string, value: string, left?: string): string {
  if (t === 'uint8') {
    const pack = `let w = (${forms[t].encode(value)}) << U(0u, 8u, 16u, 24u);
  let word = w.x | w.y | w.z | w.w;`
    if (!left) return `{
  ${pack}
  ${buffer}[${x}] = word;
}`
    return `{
  ${pack}
  let own = 0xffffffffu >> (32u - 8u * min(${left}, 4u));
  ${buffer}[${x}] = (${buffer}[${x}] & ~own) | (word & own);
}`
  }
  const pair = (at: string, low: string, high: string, before: number): string => {
    const whole = `${buffer}[${at}] = w.${low} | (w.${high} << 16u);`
    if (!left) return whole
    return `if (${left} > ${before + 1}u) {
    ${whole}
  } else if (${left} == ${before + 1}u) {
    ${buffer}[${at}] = (${buffer}[${at}] & 0xffff0000u) | w.${low};
  }`
  }
  return `{
  let w = ${forms[t].encode(value)};
  ${pair(`2u * ${x}`, 'x', 'y', 0)}
  ${pair(`2u * ${x} + 1u`, 'z', 'w', 2)}
}`
}
