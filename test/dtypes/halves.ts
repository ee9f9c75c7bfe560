// The two 16-bit formats as tables of all their numbers, and rounding by search in them: slow, and made another way than the library's.

const isNegative = (bits: number): boolean => bits >= 0x8000

function value(bits: number, mantissaBits: number, bias: number): number {
  const mantissa = bits % 2 ** mantissaBits
  const exponent = Math.floor((bits % 0x8000) / 2 ** mantissaBits)
  const sign = isNegative(bits) ? -1 : 1
  if (exponent === 2 * bias + 1) return mantissa === 0 ? sign * Infinity : NaN
  if (exponent === 0) return sign * mantissa * 2 ** (1 - bias - mantissaBits)
  return sign * (2 ** mantissaBits + mantissa) * 2 ** (exponent - bias - mantissaBits)
}

export interface Halves {
  /** By bits. */
  readonly values: Float64Array
  readonly round: (x: number) => number
}

function halves(mantissaBits: number, bias: number): Halves {
  const values = Float64Array.from({ length: 65536 }, (_, bits) => value(bits, mantissaBits, bias))
  const infinity = (2 * bias + 1) * 2 ** mantissaBits
  // Where infinity stands in the order: one step above the largest finite number.
  const at = (bits: number): number => (bits === infinity ? 2 ** (bias + 1) : values[bits])
  const round = (x: number): number => {
    if (Number.isNaN(x)) return NaN
    const a = Math.abs(Math.fround(x))
    let low = 0
    let high = infinity
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (at(middle) <= a) low = middle
      else high = middle
    }
    if (a >= at(infinity)) low = high
    const [below, above] = [a - at(low), at(high) - a]
    const nearest = below < above || (below === above && low % 2 === 0) ? low : high
    return (x < 0 || Object.is(x, -0) ? -1 : 1) * values[nearest]
  }
  return { values, round }
}

export const formats: Readonly<Record<'float16' | 'bfloat16', Halves>> = { float16: halves(10, 15), bfloat16: halves(7, 127) }
