// Numbers as they lie in memory: what a dtype's elements look like on the host, and the two 16-bit float formats.
import type { DType, TypedArray, Words } from './dtype.ts'

const arrays = {
  float32: Float32Array, float64: Float64Array, complex64: Float32Array, int32: Int32Array, bool: Int32Array, uint32: Uint32Array,
  uint8: Uint8Array, float16: Uint16Array, bfloat16: Uint16Array,
} as const satisfies Record<DType, unknown>

/** The bytes of memory as an array of its words. */
export const wordsIn = (dtype: DType, buffer: ArrayBuffer): Words => new arrays[dtype](buffer)

const [f32, u32] = ((a: Float32Array) => [a, new Uint32Array(a.buffer)] as const)(new Float32Array(1))

/** The upper half of a float32, rounded to nearest, ties to even. NaN stays NaN. */
function toBfloat16(x: number): number {
  f32[0] = x
  const bits = u32[0]
  return x !== x ? 0x7fc0 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16
}

function fromBfloat16(bits: number): number {
  u32[0] = bits << 16
  return f32[0]
}

/** IEEE 754 binary16, rounded to nearest, ties to even, by way of float32 as PyTorch does. */
function toFloat16(value: number): number {
  const x = Math.fround(value)
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0
  const a = Math.abs(x)
  if (x !== x) return 0x7e00
  // Half a unit above the largest finite number, and from there to infinity.
  if (a >= 65520) return sign | 0x7c00
  // Whole steps of the last bit, which for subnormals is always 2^−24. The logarithm may be off by one at a power of two.
  const exponent = a < 2 ** -14 ? -14 : Math.floor(Math.log2(a) + 2 ** -40)
  const e = 2 ** exponent > a && exponent > -14 ? exponent - 1 : exponent
  const unit = 2 ** (e - 10)
  const steps = roundEven(a / unit)
  // A mantissa that rounds up to 2048 carries into the exponent by itself.
  return sign | (steps + (e + 14) * 1024)
}

/** Nearest whole number, halves to even; keeps the sign of zero. */
export const roundEven = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x))

function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const mantissa = bits & 1023
  if (exponent === 31) return mantissa ? NaN : sign * Infinity
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25))
}

const encoders: { readonly [T in DType]?: (x: number) => number } = { float16: toFloat16, bfloat16: toBfloat16, bool: x => Number(x !== 0) }
const decoders: { readonly [T in DType]?: (bits: number) => number } = { float16: fromFloat16, bfloat16: fromBfloat16 }

/** Whether the numbers of an array are words of a dtype as they are. */
export const areWords = (dtype: DType, data: unknown): data is Words => data instanceof arrays[dtype] && !encoders[dtype] && dtype !== 'complex64'

/** Values as words; numbers wrap or round as the dtype has it. Complex values are given as pairs. */
export function toWords(dtype: DType, values: ArrayLike<number>): Words {
  const out = new arrays[dtype](values.length)
  const encode = encoders[dtype]
  if (!encode) out.set(values)
  else for (let i = 0; i < out.length; i++) out[i] = encode(values[i])
  return out
}

/** Words as the numbers that they stand for. */
export function toValues(dtype: DType, words: Words): TypedArray {
  const decode = decoders[dtype]
  if (decode) return Float32Array.from(words as Uint16Array, decode)
  return (dtype === 'bool' ? Uint8Array.from(words) : words) as TypedArray
}

/** A number as an element of `dtype` keeps it. */
export function rounded(dtype: DType, x: number): number {
  if (dtype === 'uint8') return x & 255
  const encode = encoders[dtype]
  const decode = decoders[dtype]
  return encode && decode ? decode(encode(x)) : x
}
