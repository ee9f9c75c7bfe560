// Hyperbolic functions and their inverses, four floats at once, by exponentials and logarithms that lose nothing near zero.
import { bits, c, halfExpm1Negative, fma, halfExp, k, log1p, withSign } from './math'

/** With h = (1 − e^(−2|x|))/2: tanh|x| = h/(1 − h), never above 1. 2.5 ulp. */
@inline
export function tanh(x: v128): v128 {
  const sign = bits(0x80000000)
  const h = halfExpm1Negative(v128.or(f32x4.add(x, x), sign))
  return v128.or(f32x4.div(h, f32x4.sub(c(1), h)), v128.and(x, sign))
}

// (sinh x − x)/x³ in x².
const SINH = memory.data<f32>([2.8062802e-06, 0.00019838102, 0.008333339, 0.16666667])

/** From 1 on h − 1/(4h) with h = eˣ/2; below, a polynomial. 2 ulp. */
@inline
export function sinh(x: v128): v128 {
  const a = f32x4.abs(x)
  const h = halfExp(a)
  const large = f32x4.sub(h, f32x4.div(c(0.25), h))
  const z = f32x4.mul(a, a)
  const p = fma(fma(fma(k(SINH, 0), z, k(SINH, 1)), z, k(SINH, 2)), z, k(SINH, 3))
  return withSign(v128.bitselect(fma(f32x4.mul(a, z), p, a), large, f32x4.lt(a, c(1))), x)
}

/** 1.5 ulp. */
@inline
export function cosh(x: v128): v128 {
  const h = halfExp(f32x4.abs(x))
  return f32x4.add(h, f32x4.div(c(0.25), h))
}

/** Beyond this 1 is lost beside x², and asinh and acosh are log 2x. */
@inline
const HUGE: f32 = 1e9

/** log1p(v), or log(2x) for huge x. */
@inline
function logOf(v: v128, x: v128): v128 {
  const huge = f32x4.gt(x, c(HUGE))
  return f32x4.add(log1p(v128.bitselect(x, v, huge)), v128.and(huge, c(0.6931472)))
}

/** log(x + √(x² + 1)) = log1p(x + x²/(1 + √(x² + 1))). 1.5 ulp. */
@inline
export function asinh(x: v128): v128 {
  const a = f32x4.abs(x)
  const z = f32x4.mul(a, a)
  const v = f32x4.add(a, f32x4.div(z, f32x4.add(c(1), f32x4.sqrt(f32x4.add(z, c(1))))))
  return withSign(logOf(v, a), x)
}

/** With t = x − 1: log1p(t + √(t·(t + 2))). 2.5 ulp. */
@inline
export function acosh(x: v128): v128 {
  const t = f32x4.sub(x, c(1))
  const v = f32x4.add(t, f32x4.sqrt(f32x4.mul(t, f32x4.add(t, c(2)))))
  return v128.bitselect(c(NaN), logOf(v, x), f32x4.lt(x, c(1)))
}

/** ½·log1p(2x/(1 − x)). 2 ulp. */
@inline
export function atanh(x: v128): v128 {
  const a = f32x4.abs(x)
  return withSign(f32x4.mul(log1p(f32x4.div(f32x4.add(a, a), f32x4.sub(c(1), a))), c(0.5)), x)
}
