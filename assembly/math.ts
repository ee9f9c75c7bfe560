// Elementary functions of four floats at once, branch-free but for rare arguments. Each reduces its argument to a short interval
// and evaluates a Chebyshev fit there; the errors stated are the worst seen against float64, in units of the last place.
// Constants that loops would build anew for every vector are read from tables: one broadcasting load each.

@inline
export function c(x: f32): v128 {
  return f32x4.splat(x)
}

@inline
export function bits(x: i32): v128 {
  return i32x4.splat(x)
}

/** Entry `i` of a table, in all lanes. */
@inline
export function k(table: usize, i: i32): v128 {
  return v128.load32_splat(table + (<usize>i << 2))
}

/** a·b + c, with one rounding where the machine has it. */
@inline
export function fma(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c)
}

/** c − a·b. */
@inline
export function fnma(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_nmadd(a, b, c) : f32x4.sub(c, f32x4.mul(a, b))
}

/** The magnitude of `x` with the sign of `s`; `x` must not be negative. */
@inline
export function withSign(x: v128, s: v128): v128 {
  return v128.or(x, v128.and(s, bits(0x80000000)))
}

// log₂e; 1.5·2²³ plus the exponent's bias, its double, or one less: added to |x| < 2²² it leaves the nearest whole number in the low bits,
// and these as the exponent of a power of two; ln 2 in two parts, the first of few bits so that n times it is exact; bounds for exp and expm1:
// pmin and pmax with x first keep NaN.
const POWERS = memory.data<f32>([1.44269504, 12583039, 0.693359375, -2.12194440e-4, -104, 90, -18, 89, 12583166, 12583165, 12583038])
const BIAS = 1, TWICE = 8, HALF_TWICE = 9, HALF = 10

// x = n·ln 2 + r, |r| ≤ ln2/2: first n, and one of the constants above, in the low bits of a float, then r.
@inline
function wholePart(x: v128, magic: i32): v128 {
  return fma(x, k(POWERS, 0), k(POWERS, magic))
}
@inline
function remainder(x: v128, whole: v128, magic: i32): v128 {
  const n = f32x4.sub(whole, k(POWERS, magic))
  return fnma(n, k(POWERS, 3), fnma(n, k(POWERS, 2), x))
}
/** The power of two whose exponent, bias included, is in the low bits. */
@inline
function power(exponent: v128): v128 {
  return i32x4.shl(exponent, 23)
}

const EXP = memory.data<f32>([0.001388251665, 0.008366547525, 0.041667200625, 0.16666543484, 0.5, 1])

/** eʳ − 1 = r + r²·P(r). */
@inline
function expTail(r: v128): v128 {
  let p = fma(k(EXP, 0), r, k(EXP, 1))
  p = fma(p, r, k(EXP, 2))
  p = fma(p, r, k(EXP, 3))
  p = fma(p, r, k(EXP, 4))
  return fma(f32x4.mul(r, r), p, r)
}

/** eˣ = 2ⁿ·eʳ; in two steps, so that subnormal results are right and only results overflow. With the constant one less, half of that. */
@inline
function expTimes(x: v128, magic: i32): v128 {
  const whole = wholePart(x, magic)
  const p = expTail(remainder(x, whole, magic))
  const first = i32x4.shr_u(whole, 1)
  const s = power(first)
  return f32x4.mul(fma(p, s, s), power(i32x4.sub(whole, first)))
}
@inline
function within(x: v128): v128 {
  return f32x4.pmax(f32x4.pmin(x, k(POWERS, 5)), k(POWERS, 4))
}

/** 1 ulp. */
@inline
export function exp(x: v128): v128 {
  return expTimes(within(x), TWICE)
}

/** eˣ/2, finite for as long as sinh and cosh are. */
@inline
export function halfExp(x: v128): v128 {
  return expTimes(within(x), HALF_TWICE)
}

/** eˣ where it is a normal number. */
@inline
function expNormal(x: v128): v128 {
  const whole = wholePart(x, BIAS)
  const p = expTail(remainder(x, whole, BIAS))
  const s = power(whole)
  return fma(p, s, s)
}

/** eˣ for x ≤ 88; 0 where it would be subnormal. */
@inline
export function expOrZero(x: v128): v128 {
  return v128.andnot(expNormal(x), f32x4.lt(x, c(-87.3)))
}

/** (1 − eˣ)/2 for x ≤ 0. */
@inline
export function halfExpm1Negative(x: v128): v128 {
  const t = f32x4.pmax(x, k(POWERS, 6))
  const whole = wholePart(t, HALF)
  const p = expTail(remainder(t, whole, HALF))
  const s = power(whole)
  return fnma(p, s, f32x4.sub(k(EXP, 4), s))
}

/** Up to here expm1 and log1p are their argument, −0 and subnormals included. */
@inline
function tiny(x: v128): v128 {
  return f32x4.lt(f32x4.abs(x), c(5.9604645e-8))
}

/** eˣ − 1 = 2ⁿ·(eʳ − 1) + (2ⁿ − 1), computed at half its size so that 2ⁿ never overflows. 2 ulp. */
@inline
export function expm1(x: v128): v128 {
  const t = f32x4.pmax(f32x4.pmin(x, k(POWERS, 7)), k(POWERS, 6))
  const whole = wholePart(t, HALF)
  const p = expTail(remainder(t, whole, HALF))
  const s = power(whole)
  const y = fma(p, s, f32x4.sub(s, k(EXP, 4)))
  return v128.bitselect(x, f32x4.add(y, y), tiny(x))
}

const LOG = memory.data<f32>([0.29590318, 0.3998855, 0.66666687, 2, 0.5, 1, 1.9259629e-8, 8388608])

/** log(1 + f) − f for √½ − 1 ≤ f ≤ √2 − 1, plus `low`: with s = f/(2+f), log(1+f) = 2·atanh(s) = f − f²/2 + s·(f²/2 + s²·P(s²)). */
@inline
function logTail(f: v128, low: v128): v128 {
  const s = f32x4.div(f, f32x4.add(f, k(LOG, 3)))
  const z = f32x4.mul(s, s)
  let p = fma(k(LOG, 0), z, k(LOG, 1))
  p = fma(p, z, k(LOG, 2))
  const h = f32x4.mul(f32x4.mul(f, f), k(LOG, 4))
  return f32x4.sub(fma(s, fma(z, p, h), low), h)
}

// x = 2ⁿ·(1 + f) with √½ ≤ 1 + f < √2: the bits of x are moved so that their exponent changes at √½, and taken apart.
const PARTS = memory.data<u32>([0x3f800000 - 0x3f3504f3, 127, 0x007fffff, 0x3f3504f3])
@inline
function moved(x: v128): v128 {
  return i32x4.add(x, k(PARTS, 0))
}
@inline
function exponent(m: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_s(m, 23), k(PARTS, 1)))
}
@inline
function fraction(m: v128): v128 {
  return f32x4.sub(i32x4.add(v128.and(m, k(PARTS, 2)), k(PARTS, 3)), k(LOG, 5))
}

/** What the logarithm gives for `x` that is zero, negative, infinite or NaN: −∞, NaN, ∞, NaN. Others get `y`. */
@inline
function logEdges(x: v128, y: v128): v128 {
  const edge = v128.bitselect(c(-Infinity), f32x4.sqrt(x), f32x4.eq(x, c(0)))
  return v128.bitselect(y, edge, v128.and(f32x4.gt(x, c(0)), f32x4.lt(x, c(Infinity))))
}

/** Subnormals are multiplied by 2²³ first. */
@inline
function normal(x: v128, small: v128): v128 {
  return v128.bitselect(f32x4.mul(x, k(LOG, 7)), x, small)
}

/** 1 ulp. */
@inline
export function log(x: v128): v128 {
  const small = f32x4.lt(x, c(1.17549435e-38))
  const m = moved(normal(x, small))
  const n = f32x4.sub(exponent(m), v128.and(small, c(23)))
  const f = fraction(m)
  const tail = logTail(f, f32x4.mul(n, k(POWERS, 3)))
  return logEdges(x, fma(n, k(POWERS, 2), f32x4.add(f, tail)))
}

/** n + log(1+f)·log₂e, the product in two parts. Exact for powers of two. 2 ulp. */
@inline
export function log2(x: v128): v128 {
  const small = f32x4.lt(x, c(1.17549435e-38))
  const m = moved(normal(x, small))
  const n = f32x4.sub(exponent(m), v128.and(small, c(23)))
  const f = fraction(m)
  const y = f32x4.add(f, logTail(f, c(0)))
  return logEdges(x, f32x4.add(n, fma(y, k(POWERS, 0), f32x4.mul(y, k(LOG, 6)))))
}

/** log(u) + (x − (u − 1))/u with u = 1 + x rounded: the second term is what the rounding lost. 1.5 ulp. */
@inline
export function log1p(x: v128): v128 {
  const u = f32x4.add(x, k(LOG, 5))
  const lost = f32x4.div(f32x4.sub(x, f32x4.sub(u, k(LOG, 5))), u)
  const m = moved(u)
  const n = exponent(m)
  const f = fraction(m)
  const tail = logTail(f, fma(n, k(POWERS, 3), lost))
  const y = logEdges(u, fma(n, k(POWERS, 2), f32x4.add(f, tail)))
  return v128.bitselect(x, y, tiny(x))
}

/** 1/(1 + e^−x), for x < 0 as eˣ/(1 + eˣ), so nothing overflows and small results keep their bits. 2.5 ulp. */
@inline
export function sigmoid(x: v128): v128 {
  const e = expTimes(f32x4.pmax(v128.or(x, bits(0x80000000)), k(POWERS, 4)), TWICE)
  return f32x4.div(v128.bitselect(e, c(1), f32x4.lt(x, c(0))), f32x4.add(e, c(1)))
}

const ERF = memory.data<f32>([7.875875e-05, -0.00080168643, 0.0051890872, -0.026854211, 0.11283594, -0.37612626, 0.12837917])
const LOG_ERFC = memory.data<f32>([
  1.6371514e-06, -4.605804e-05, 0.00059680565, -0.004759596, 0.026421135, -0.110080086, -0.63182604, -1.1302334, 0.00032013806, 4, 1,
])

/** Below 1 x + x·P(x²); above, 1 − exp(G(|x|)) with G a fit of log(erfc). 1.3 ulp. */
@inline
export function erf(x: v128): v128 {
  const a = f32x4.abs(x)
  const z = f32x4.mul(x, x)
  let p = fma(k(ERF, 0), z, k(ERF, 1))
  p = fma(p, z, k(ERF, 2))
  p = fma(p, z, k(ERF, 3))
  p = fma(p, z, k(ERF, 4))
  p = fma(p, z, k(ERF, 5))
  p = fma(p, z, k(ERF, 6))
  const t = f32x4.pmin(a, k(LOG_ERFC, 9))
  let g = fma(k(LOG_ERFC, 0), t, k(LOG_ERFC, 1))
  g = fma(g, t, k(LOG_ERFC, 2))
  g = fma(g, t, k(LOG_ERFC, 3))
  g = fma(g, t, k(LOG_ERFC, 4))
  g = fma(g, t, k(LOG_ERFC, 5))
  g = fma(g, t, k(LOG_ERFC, 6))
  g = fma(g, t, k(LOG_ERFC, 7))
  g = fma(g, t, k(LOG_ERFC, 8))
  const one = k(LOG_ERFC, 10)
  const y = v128.bitselect(fma(a, p, a), f32x4.sub(one, expNormal(g)), f32x4.lt(a, one))
  return withSign(y, x)
}

// log₂ m = s·P(s²) with s = (m−1)/(m+1); 2ʳ for |r| ≤ ½; 1, two bounds, and 1.5·2⁵², which leaves the whole part in the low bits.
const POW = memory.data<f64>([
  0.24293824606326321, 0.26144245557136551, 0.32061644212448458, 0.41219840130684338, 0.5770780172508729, 0.96179669392432453, 2.8853900817779273,
  1.0205905413765596e-7, 1.325964524488711e-6, 1.5252672924850736e-5, 0.00015403433751249009, 0.0013333558200794593,
  0.0096181291939343134, 0.055504108664651672, 0.2402265069564034, 0.69314718055994616,
  1, 160, -160, 6755399441055744,
])

@inline
function k2(table: usize, i: i32): v128 {
  return v128.load64_splat(table + (<usize>i << 3))
}

/** 2^(y·log₂(2ⁿm)) in float64 for two lanes, √½ ≤ m ≤ √2, clamped to what float32 can tell apart from 0 and ∞. */
@inline
function pow2(m: v128, n: v128, y: v128): v128 {
  const f = f64x2.sub(m, k2(POW, 16))
  const s = f64x2.div(f, f64x2.add(m, k2(POW, 16)))
  const z = f64x2.mul(s, s)
  let p = f64x2.add(f64x2.mul(k2(POW, 0), z), k2(POW, 1))
  p = f64x2.add(f64x2.mul(p, z), k2(POW, 2))
  p = f64x2.add(f64x2.mul(p, z), k2(POW, 3))
  p = f64x2.add(f64x2.mul(p, z), k2(POW, 4))
  p = f64x2.add(f64x2.mul(p, z), k2(POW, 5))
  p = f64x2.add(f64x2.mul(p, z), k2(POW, 6))
  const t = f64x2.mul(y, f64x2.add(n, f64x2.mul(s, p)))
  const e = f64x2.pmax(f64x2.pmin(t, k2(POW, 17)), k2(POW, 18))
  const q = f64x2.add(e, k2(POW, 19))
  const r = f64x2.sub(e, f64x2.sub(q, k2(POW, 19)))
  let x = f64x2.add(f64x2.mul(k2(POW, 7), r), k2(POW, 8))
  x = f64x2.add(f64x2.mul(x, r), k2(POW, 9))
  x = f64x2.add(f64x2.mul(x, r), k2(POW, 10))
  x = f64x2.add(f64x2.mul(x, r), k2(POW, 11))
  x = f64x2.add(f64x2.mul(x, r), k2(POW, 12))
  x = f64x2.add(f64x2.mul(x, r), k2(POW, 13))
  x = f64x2.add(f64x2.mul(x, r), k2(POW, 14))
  x = f64x2.add(f64x2.mul(x, r), k2(POW, 15))
  x = f64x2.add(f64x2.mul(x, r), k2(POW, 16))
  return f32x4.demote_f64x2_zero(f64x2.mul(x, i64x2.shl(i64x2.add(q, i64x2.splat(1023)), 52)))
}

/** xʸ by way of float64, with C's answers at the edges. Correctly rounded but for rare ties. */
@inline
export function pow(x: v128, y: v128): v128 {
  const a = f32x4.abs(x)
  const small = f32x4.lt(a, c(1.17549435e-38))
  const parts = moved(normal(a, small))
  const m = f32x4.add(fraction(parts), c(1))
  const n = f32x4.sub(exponent(parts), v128.and(small, c(23)))
  const low = pow2(f64x2.promote_low_f32x4(m), f64x2.promote_low_f32x4(n), f64x2.promote_low_f32x4(y))
  const high = pow2(upper(m), upper(n), upper(y))
  let r = i8x16.shuffle(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)

  // |x| = 0 or ∞: 0 or ∞ by the sign of y. An infinite y with |x| ≠ 1 comes out right by itself.
  const zero = f32x4.eq(x, c(0))
  const infinite = f32x4.eq(a, c(Infinity))
  const up = v128.xor(f32x4.gt(y, c(0)), zero)
  r = v128.bitselect(v128.and(up, c(Infinity)), r, v128.or(zero, infinite))
  // Negative x: the sign goes with odd y; a y that is not whole has no real power.
  const whole = f32x4.eq(f32x4.trunc(y), y)
  const half = f32x4.mul(y, c(0.5))
  const odd = v128.andnot(whole, f32x4.eq(f32x4.trunc(half), half))
  r = v128.xor(r, v128.and(v128.and(odd, x), bits(0x80000000)))
  const undefined_ = v128.andnot(v128.andnot(f32x4.lt(x, c(0)), whole), infinite)
  const nan = v128.or(undefined_, v128.or(f32x4.ne(x, x), f32x4.ne(y, y)))
  r = v128.bitselect(c(NaN), r, nan)
  // x⁰ and 1ʸ are 1, even of NaN; so is (−1)^±∞.
  const one = v128.or(f32x4.eq(y, c(0)), f32x4.eq(x, c(1)))
  const unit = v128.and(f32x4.eq(a, c(1)), f32x4.eq(f32x4.abs(y), c(Infinity)))
  return v128.bitselect(c(1), r, v128.or(one, unit))
}

@inline
function upper(x: v128): v128 {
  return f64x2.promote_low_f32x4(i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15))
}

@inline
function rotate(x: v128, r: i32): v128 {
  return v128.or(i32x4.shl(x, r), i32x4.shr_u(x, 32 - r))
}

/** First word of Threefry-2x32-20 for key (k0, k1) and counter (n, 0): Salmon, Moraes, Dror, Shaw 2011. */
@inline
export function threefry(k0: v128, k1: v128, n: v128): v128 {
  const k2 = v128.xor(v128.xor(k0, k1), bits(0x1bd11bda))
  let x = i32x4.add(n, k0)
  let y = k1
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 13), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 15), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 26), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 6), x)
  x = i32x4.add(x, k1); y = i32x4.add(i32x4.add(y, k2), bits(1))
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 17), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 29), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 16), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 24), x)
  x = i32x4.add(x, k2); y = i32x4.add(i32x4.add(y, k0), bits(2))
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 13), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 15), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 26), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 6), x)
  x = i32x4.add(x, k0); y = i32x4.add(i32x4.add(y, k1), bits(3))
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 17), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 29), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 16), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 24), x)
  x = i32x4.add(x, k1); y = i32x4.add(i32x4.add(y, k2), bits(4))
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 13), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 15), x)
  x = i32x4.add(x, y); y = v128.xor(rotate(y, 26), x)
  x = i32x4.add(x, y)
  return i32x4.add(x, k2)
}
