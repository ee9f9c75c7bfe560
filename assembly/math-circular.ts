// Circular functions and their inverses, four floats at once. Arguments are reduced in float64, so that they stay exact; the few that
// are too large for that go through float64 functions one by one.
import { bits, c, fma, k, withSign } from './math'

/** |x| up to which q·(π/2) below is exact. */
@inline
const REDUCIBLE: f32 = 262144

// 2/π; 1.5·2²³ for rounding; (sin r − r)/r³ and (cos r − 1 + r²/2)/r⁴ in r².
const SINE = memory.data<f32>([
  0.636619772, 12582912, -0.00019587639, 0.008332747, -0.16666664, 2.454769e-05, -0.0013888301, 0.041666664, -0.5, 1,
])

@inline
function upper(x: v128): v128 {
  return i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)
}

/** x − q·π/2 of the two lower floats, in float64: π/2 in two parts, the first of 33 bits so that q times it is exact. */
@inline
function reduced(x: v128, q: v128): v128 {
  const n = f64x2.convert_low_i32x4_s(q)
  const r = f64x2.sub(f64x2.promote_low_f32x4(x), f64x2.mul(n, f64x2.splat(1.57079632673412561417)))
  return f32x4.demote_f64x2_zero(f64x2.sub(r, f64x2.mul(n, f64x2.splat(6.07710050650619224932e-11))))
}

// x = q·π/2 + r for 0 ≤ x ≤ REDUCIBLE.
@inline
function quadrant(x: v128): v128 {
  return i32x4.sub(fma(x, k(SINE, 0), k(SINE, 1)), k(SINE, 1))
}
@inline
function remainder(x: v128, q: v128): v128 {
  return i8x16.shuffle(reduced(x, q), reduced(upper(x), upper(q)), 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
}

@inline
function sinePart(r: v128, z: v128): v128 {
  const p = fma(fma(k(SINE, 2), z, k(SINE, 3)), z, k(SINE, 4))
  return fma(f32x4.mul(r, z), p, r)
}
@inline
function cosinePart(z: v128): v128 {
  const p = fma(fma(k(SINE, 5), z, k(SINE, 6)), z, k(SINE, 7))
  return fma(f32x4.mul(z, z), p, fma(z, k(SINE, 8), k(SINE, 9)))
}
@inline
function isOdd(q: v128): v128 {
  return i32x4.shr_s(i32x4.shl(q, 31), 31)
}

/** sin(x + turn·π/2): the quadrant chooses the polynomial and the sign. */
@inline
function sine(x: v128, turn: i32): v128 {
  const near = quadrant(x)
  const r = remainder(x, near)
  const z = f32x4.mul(r, r)
  const q = i32x4.add(near, bits(turn))
  return v128.xor(v128.bitselect(cosinePart(z), sinePart(r, z), isOdd(q)), i32x4.shl(i32x4.shr_u(q, 1), 31))
}

const SIN = 0, COS = 1, TAN = 2

function far1(x: f32, which: i32): f32 {
  return <f32>(which == SIN ? Math.sin(x) : which == COS ? Math.cos(x) : Math.tan(x))
}

/** `y`, but for lanes whose argument is too large for the fast reduction, infinite or NaN. */
@inline
function far(x: v128, y: v128, which: i32): v128 {
  const near = f32x4.le(f32x4.abs(x), c(REDUCIBLE))
  return i32x4.all_true(near) ? y : farLanes(x, y, which, i32x4.bitmask(near))
}

export function farLanes(x: v128, y: v128, which: i32, near: i32): v128 {
  if (!(near & 1)) y = f32x4.replace_lane(y, 0, far1(f32x4.extract_lane(x, 0), which))
  if (!(near & 2)) y = f32x4.replace_lane(y, 1, far1(f32x4.extract_lane(x, 1), which))
  if (!(near & 4)) y = f32x4.replace_lane(y, 2, far1(f32x4.extract_lane(x, 2), which))
  if (!(near & 8)) y = f32x4.replace_lane(y, 3, far1(f32x4.extract_lane(x, 3), which))
  return y
}

@inline
function signOf(x: v128): v128 {
  return v128.and(x, bits(0x80000000))
}

/** Odd, so computed for |x|, which keeps −0. 1.5 ulp. */
@inline
export function sin(x: v128): v128 {
  return far(x, v128.xor(sine(f32x4.abs(x), 0), signOf(x)), SIN)
}

/** 1.5 ulp. */
@inline
export function cos(x: v128): v128 {
  return far(x, sine(f32x4.abs(x), 1), COS)
}

/** sin r/cos r, or −cos r/sin r in odd quadrants. 3.5 ulp. */
@inline
export function tan(x: v128): v128 {
  const a = f32x4.abs(x)
  const q = quadrant(a)
  const r = remainder(a, q)
  const z = f32x4.mul(r, r)
  const s = sinePart(r, z), w = cosinePart(z), odd = isOdd(q)
  const y = f32x4.div(v128.bitselect(f32x4.neg(w), s, odd), v128.bitselect(s, w, odd))
  return far(x, v128.xor(y, signOf(x)), TAN)
}

// (atan t − t)/t³ in t²; tan(3π/8), tan(π/8); π/2 and π/4, each in two parts.
const ATAN = memory.data<f32>([
  -0.06431039, 0.10737397, -0.14263366, 0.19999523, -0.3333333, 2.4142137, 0.41421357, 1.5707964, -4.371139e-8, 0.7853982, -2.1855694e-8,
])

/** atan(n/d) for n, d ≥ 0, not both 0: for n/d > 1 turned by π/2, in the middle by π/4, so that |t| ≤ √2 − 1. */
@inline
function arc(n: v128, d: v128): v128 {
  const steep = f32x4.gt(n, f32x4.mul(d, k(ATAN, 5)))
  const middle = v128.andnot(f32x4.gt(n, f32x4.mul(d, k(ATAN, 6))), steep)
  const over = v128.bitselect(f32x4.neg(d), v128.bitselect(f32x4.sub(n, d), n, middle), steep)
  const under = v128.bitselect(n, v128.bitselect(f32x4.add(n, d), d, middle), steep)
  const t = f32x4.div(over, under)
  const z = f32x4.mul(t, t)
  let p = fma(k(ATAN, 0), z, k(ATAN, 1))
  p = fma(p, z, k(ATAN, 2))
  p = fma(p, z, k(ATAN, 3))
  p = fma(p, z, k(ATAN, 4))
  const turn = v128.or(v128.and(k(ATAN, 7), steep), v128.and(k(ATAN, 9), middle))
  const rest = v128.or(v128.and(k(ATAN, 8), steep), v128.and(k(ATAN, 10), middle))
  return f32x4.add(turn, f32x4.add(t, fma(f32x4.mul(t, z), p, rest)))
}

/** 2 ulp. */
@inline
export function atan(x: v128): v128 {
  return withSign(arc(f32x4.abs(x), c(1)), x)
}

/** The angle of the point (x, y), with C's answers where a coordinate is zero or infinite. 2 ulp. */
@inline
export function atan2(y: v128, x: v128): v128 {
  let n = f32x4.abs(y), d = f32x4.abs(x)
  // Two infinities stand for any two equal numbers, two zeros for 0/1; large numbers are scaled, so that n + d does not overflow.
  const both = v128.and(f32x4.eq(n, c(Infinity)), f32x4.eq(d, c(Infinity)))
  n = v128.bitselect(c(1), n, both)
  d = v128.bitselect(c(1), d, both)
  d = v128.bitselect(c(1), d, v128.and(f32x4.eq(n, c(0)), f32x4.eq(d, c(0))))
  const scale = v128.bitselect(c(0.25), c(1), f32x4.gt(f32x4.max(n, d), c(1e38)))
  const a = arc(f32x4.mul(n, scale), f32x4.mul(d, scale))
  const left = i32x4.shr_s(x, 31)
  const turned = f32x4.sub(c(3.1415927), f32x4.add(a, c(8.742278e-8)))
  return withSign(v128.bitselect(turned, a, left), y)
}

// (asin s − s)/s³ in s².
const ASIN = memory.data<f32>([0.03809396, 0.026550664, 0.045001894, 0.07498853, 0.16666673])

// asin a and the like for a > ½ come from asin √((1−a)/2), whose argument is below ½ again.
@inline
function folded(a: v128, steep: v128): v128 {
  return v128.bitselect(f32x4.sqrt(f32x4.mul(f32x4.sub(c(1), a), c(0.5))), a, steep)
}
@inline
function asinSmall(s: v128): v128 {
  const z = f32x4.mul(s, s)
  let p = fma(k(ASIN, 0), z, k(ASIN, 1))
  p = fma(p, z, k(ASIN, 2))
  p = fma(p, z, k(ASIN, 3))
  p = fma(p, z, k(ASIN, 4))
  return fma(f32x4.mul(s, z), p, s)
}

/** 2.5 ulp. */
@inline
export function asin(x: v128): v128 {
  const a = f32x4.abs(x)
  const steep = f32x4.gt(a, c(0.5))
  const y = asinSmall(folded(a, steep))
  const turned = f32x4.sub(c(1.5707964), f32x4.add(f32x4.add(y, y), c(4.371139e-8)))
  return v128.or(v128.bitselect(turned, y, steep), signOf(x))
}

/** 1.5 ulp. */
@inline
export function acos(x: v128): v128 {
  const a = f32x4.abs(x)
  const steep = f32x4.gt(a, c(0.5))
  const y = asinSmall(folded(a, steep))
  const twice = f32x4.add(y, y)
  const left = f32x4.lt(x, c(0))
  const turned = v128.bitselect(f32x4.sub(c(3.1415927), f32x4.add(twice, c(8.742278e-8))), twice, left)
  // π/2 − asin x, the low part of π/2 taken into the smaller term.
  const flat = f32x4.sub(c(1.5707964), f32x4.add(v128.xor(y, signOf(x)), c(4.371139e-8)))
  return v128.bitselect(turned, flat, steep)
}
