// Scalar mathematics in WGSL, written on the aliases F, I, U, B, so that each function works on one element or on four. All of it is
// free of branches and decides on NaN by bits: shader compilers may assume that there are none, and the built-ins are either
// loose (WGSL allows sin an absolute error of 2⁻¹¹) or wrong at the edges (tanh(100) is NaN on some drivers). Polynomials are
// minimax fits of our own; the reductions are the classical ones of Cody and Waite (1980) and, for pow, of fdlibm. Software adapters
// take vector shifts and conversions to integers apart, lane by lane, so exponents are moved by multiplications.
import { narrowFunctions } from './narrow.ts'

const functions = {
  inf: 'fn inf() -> F { return F(bitcast<f32>(p.inf)); }',
  nan: 'fn nan() -> F { return F(bitcast<f32>(p.nan)); }',
  is_nan: 'fn is_nan(x: F) -> B { return (bitcast<I>(x) & I(0x7fffffff)) > I(0x7f800000); }',
  either_nan: 'fn either_nan(x: F, y: F) -> B { return max(bitcast<I>(x) & I(0x7fffffff), bitcast<I>(y) & I(0x7fffffff)) > I(0x7f800000); }',
  with_sign: 'fn with_sign(x: F, s: F) -> F { return bitcast<F>((bitcast<U>(x) & U(0x7fffffffu)) | (bitcast<U>(s) & U(0x80000000u))); }',
  negative: 'fn negative(x: F) -> B { return bitcast<U>(x) >= U(0x80000000u); }',

  eq_f: 'fn eq_f(x: F, y: F) -> B { return (x == y) & !either_nan(x, y); }',
  lt_f: 'fn lt_f(x: F, y: F) -> B { return (x < y) & !either_nan(x, y); }',
  le_f: 'fn le_f(x: F, y: F) -> B { return (x <= y) & !either_nan(x, y); }',
  // Equal operands differ at most in the sign of zero: +0 is greater. With a NaN every sum is one.
  max_f: `
fn max_f(x: F, y: F) -> F {
  return select(select(select(y, x, x > y), bitcast<F>(bitcast<U>(x) & bitcast<U>(y)), x == y), x + y, either_nan(x, y));
}`,
  min_f: `
fn min_f(x: F, y: F) -> F {
  return select(select(select(y, x, x < y), bitcast<F>(bitcast<U>(x) | bitcast<U>(y)), x == y), x + y, either_nan(x, y));
}`,
  sign_f: 'fn sign_f(x: F) -> F { return select(sign(x), F(0.0), is_nan(x)); }',
  to_bool: 'fn to_bool(x: F) -> B { return (x != F(0.0)) | is_nan(x); }',
  to_int: `
fn to_int(x: F) -> I {
  let inside = I(clamp(x, F(-2147483648.0), F(2147483520.0)));
  return select(select(inside, I(2147483647), x >= F(2147483648.0)), I(0), is_nan(x));
}`,

  ...narrowFunctions,

  div_i: `
fn div_i(a: I, b: I) -> I {
  let q = a / select(b, I(1), b == I(0));
  let r = a - q * b;
  return select(select(q, q - I(1), (r != I(0)) & ((r ^ b) < I(0))), I(0), b == I(0));
}`,
  rem_i: 'fn rem_i(a: I, b: I) -> I { return select(a % select(b, I(1), b == I(0)), I(0), b == I(0)); }',
  mod_i: `
fn mod_i(a: I, b: I) -> I {
  let r = rem_i(a, b);
  return select(r, r + b, (r != I(0)) & ((r ^ b) < I(0)));
}`,

  // Exact, as long division of the significands: 8 bits of the quotient in each turn.
  rem_f: `
fn rem_f(a: F, b: F) -> F {
  let ua = bitcast<U>(a) & U(0x7fffffffu);
  let ub = bitcast<U>(b) & U(0x7fffffffu);
  let ea = max(ua >> U(23u), U(1u));
  let eb = max(ub >> U(23u), U(1u));
  let ma = (ua & U(0x7fffffu)) | select(U(0x800000u), U(0u), ua < U(0x800000u));
  let mb = (ub & U(0x7fffffu)) | select(U(0x800000u), U(0u), ub < U(0x800000u));
  let bad = (ua >= U(0x7f800000u)) | (ub > U(0x7f800000u)) | (ub == U(0u));
  let small = (ua < ub) | bad;
  var left = select(ea - eb, U(0u), small);
  let d = max(mb, U(1u));
  var r = ma % d;
  loop {
    if (!any(left > U(0u))) { break; }
    let s = min(left, U(8u));
    r = (r << s) % d;
    left -= s;
  }
  let low = min(eb, U(100u));
  let magnitude = F(r) * pow2(F(low) - F(126.0)) * pow2(F(eb - low)) * F(5.9604644775390625e-8);
  return select(select(with_sign(magnitude, a), a, small), nan(), bad);
}`,
  mod_f: `
fn mod_f(a: F, b: F) -> F {
  let r = rem_f(a, b);
  return select(r, r + b, (r != F(0.0)) & (negative(r) != negative(b)));
}`,
  floor_div_f: `
fn floor_div_f(a: F, b: F) -> F {
  let r = rem_f(a, b);
  let q = (a - r) / b - select(F(0.0), F(1.0), (r != F(0.0)) & (negative(r) != negative(b)));
  let whole = floor(q);
  let near = whole + select(F(0.0), F(1.0), q - whole > F(0.5));
  return select(select(near, with_sign(F(0.0), a / b), q == F(0.0)), a / b, b == F(0.0));
}`,

  // 2²³ · n modulo 2³² for a whole number n: with 1.5 · 2²³ added, n stands in the last bits.
  exponent: 'fn exponent(n: F) -> I { return bitcast<I>(n + F(12582912.0)) * I(8388608); }',
  // 2ⁿ for a whole number n from −127 (which gives 0) to 127.
  pow2: 'fn pow2(n: F) -> F { return bitcast<F>(exponent(n) + I(0x3f800000)); }',
  // (e^x − 1 − x) / x² for |x| ≤ ½ ln 2.
  exp_tail: `
fn exp_tail(x: F) -> F {
  return ((((F(1.98458979e-4) * x + F(1.39408932e-3)) * x + F(8.33338995e-3)) * x + F(4.16663578e-2)) * x + F(1.66666664e-1)) * x + F(5.00000004e-1);
}`,
  // e^x = 2^n · e^r with r = x − n ln 2; the scale is applied in two steps, so results may be subnormal or infinite.
  exp_f: `
fn exp_f(x: F) -> F {
  let c = clamp(x, F(-104.0), F(89.0));
  let n = floor(c * F(1.44269504) + F(0.5));
  let r = (c - n * F(0.693359375)) + n * F(2.12194440e-4);
  let y = (exp_tail(r) * r * r + r) + F(1.0);
  let half = floor(n * F(0.5));
  return select(y * pow2(half) * pow2(n - half), x, is_nan(x));
}`,
  // e^x − 1 = 2 · (2^(n−1) (e^r − 1) + 2^(n−1) − ½).
  expm1_f: `
fn expm1_f(x: F) -> F {
  let c = clamp(x, F(-20.0), F(89.0));
  let n = floor(c * F(1.44269504) + F(0.5));
  let r = (c - n * F(0.693359375)) + n * F(2.12194440e-4);
  let s = pow2(n - F(1.0));
  let y = ((exp_tail(r) * r * r + r) * s + (s - F(0.5))) * F(2.0);
  return select(y, x, (abs(x) < F(5.9604645e-8)) | is_nan(x));
}`,
  // The n with √½ ≤ x / 2ⁿ < √2, to the rounding of the bits as one number.
  octaves: 'fn octaves(x: F) -> F { return floor(F(bitcast<I>(x) - I(0x3f3504f3)) * F(1.1920929e-7)); }',
  // log(1 + f) + n ln 2 for √½ ≤ 1 + f < √2, with s = f / (2 + f): log(1 + f) = f − f²/2 + s (f²/2 + R(s²)).
  log_near: `
fn log_near(f: F, n: F) -> F {
  let s = f / (F(2.0) + f);
  let z = s * s;
  let tail = z * (((F(2.3586407e-1) * z + F(2.85370975e-1)) * z + F(4.00003383e-1)) * z + F(6.66666656e-1));
  let h = F(0.5) * f * f;
  return (((s * (h + tail) + n * F(9.0580006145e-6)) - h) + f) + n * F(6.9313812256e-1);
}`,
  log_f: `
fn log_f(x: F) -> F {
  let scaled = select(x, x * F(8388608.0), abs(x) < F(1.17549435e-38));
  let n = octaves(scaled);
  let f = bitcast<F>(bitcast<I>(scaled) - exponent(n)) - F(1.0);
  let y = log_near(f, n - select(F(0.0), F(23.0), abs(x) < F(1.17549435e-38)));
  let edge = select(select(y, x, bitcast<U>(x) >= U(0x7f800000u)), nan(), bitcast<U>(x) > U(0x80000000u));
  return select(edge, -inf(), x == F(0.0));
}`,
  log1p_f: `
fn log1p_f(x: F) -> F {
  let near = (x > F(-0.29)) & (x < F(0.41));
  let y = select(log_f(F(1.0) + x), log_near(select(F(0.0), x, near), F(0.0)), near);
  return select(y, x, (x == F(0.0)) | is_nan(x));
}`,
  log2_f: `
fn log2_f(x: F) -> F {
  let scaled = select(x, x * F(8388608.0), abs(x) < F(1.17549435e-38));
  let n = octaves(scaled);
  let f = bitcast<F>(bitcast<I>(scaled) - exponent(n)) - F(1.0);
  let t = log_near(f, F(0.0));
  let y = (t * F(4.4269504e-1) + t) + (n - select(F(0.0), F(23.0), abs(x) < F(1.17549435e-38)));
  let edge = select(select(y, x, bitcast<U>(x) >= U(0x7f800000u)), nan(), bitcast<U>(x) > U(0x80000000u));
  return select(edge, -inf(), x == F(0.0));
}`,

  // x in quadrants: q whole ones, and the angle r from there. π/2 is taken off in three parts, the first two short enough that their
  // multiples are exact; from 2¹² on the bits of x · 2/π are computed that matter (Payne and Hanek 1983).
  reduce_angle: `
struct Angle { r: F, q: U }
fn reduce_angle(x: F) -> Angle {
  let n = round(clamp(x, F(-4096.0), F(4096.0)) * F(0.636619772));
  let r = ((x - n * F(1.5703125)) - n * F(4.837512969970703125e-4)) - n * F(7.549789954891882e-8);
  let huge = abs(x) >= F(4096.0);
  if (!any(huge)) { return Angle(r, bitcast<U>(I(n))); }
  let u = bitcast<U>(x) & U(0x7fffffffu);
  let m = (u & U(0x7fffffu)) | U(0x800000u);
  let at = max(u >> U(23u), U(139u)) - U(120u);
  let s = at & U(31u);
  let t0 = two_over_pi(at >> U(5u));
  let t1 = two_over_pi((at >> U(5u)) + U(1u));
  let t2 = two_over_pi((at >> U(5u)) + U(2u));
  let t3 = two_over_pi((at >> U(5u)) + U(3u));
  let a = (t0 << s) | ((t1 >> U(1u)) >> (U(31u) - s));
  let b = (t1 << s) | ((t2 >> U(1u)) >> (U(31u) - s));
  let c = (t2 << s) | ((t3 >> U(1u)) >> (U(31u) - s));
  let low = m * b + mul_high(m, c);
  let high = m * a + mul_high(m, b) + select(U(0u), U(1u), low < m * b);
  let quadrant = (high + U(0x20000000u)) >> U(30u);
  let rest = F(bitcast<I>((high << U(2u)) | (low >> U(30u)))) + F(low << U(2u)) * F(2.3283064365386963e-10);
  let angle = rest * F(3.6572951e-10);
  let back = negative(x);
  return Angle(select(r, select(angle, -angle, back), huge), select(bitcast<U>(I(n)), select(quadrant, U(0u) - quadrant, back), huge));
}`,
  // Word i of the binary fraction of 2/π, after one word of zeros.
  two_over_pi: `
fn two_over_pi(i: U) -> U {
  let early = select(select(select(U(0u), U(0xa2f9836eu), i == U(1u)), U(0x4e441529u), i == U(2u)), U(0xfc2757d1u), i == U(3u));
  let late = select(select(select(U(0xf534ddc0u), U(0xdb629599u), i == U(5u)), U(0x3c439041u), i == U(6u)), U(0xfe5163abu), i == U(7u));
  return select(early, late, i > U(3u));
}`,
  mul_high: `
fn mul_high(a: U, b: U) -> U {
  let t = (a >> U(16u)) * (b & U(0xffffu)) + (((a & U(0xffffu)) * (b & U(0xffffu))) >> U(16u));
  let u = (a & U(0xffffu)) * (b >> U(16u)) + (t & U(0xffffu));
  return (a >> U(16u)) * (b >> U(16u)) + (t >> U(16u)) + (u >> U(16u));
}`,
  sin_near: `
fn sin_near(x: F) -> F {
  let s = x * x;
  return x + x * s * (((F(2.71797114e-6) * s + F(-1.98392965e-4)) * s + F(8.33332926e-3)) * s + F(-1.66666666e-1));
}`,
  cos_near: `
fn cos_near(x: F) -> F {
  let s = x * x;
  return F(1.0) - (s * F(0.5) - s * s * (((F(-2.72043344e-7) * s + F(2.47994429e-5)) * s + F(-1.38888834e-3)) * s + F(4.16666666e-2)));
}`,
  finite_or_nan: 'fn finite_or_nan(y: F, x: F) -> F { return select(y, nan(), (bitcast<U>(x) & U(0x7fffffffu)) >= U(0x7f800000u)); }',
  sin_f: `
fn sin_f(x: F) -> F {
  let a = reduce_angle(x);
  let y = select(sin_near(a.r), cos_near(a.r), (a.q & U(1u)) == U(1u));
  return finite_or_nan(select(select(y, -y, (a.q & U(2u)) == U(2u)), x, x == F(0.0)), x);
}`,
  cos_f: `
fn cos_f(x: F) -> F {
  let a = reduce_angle(x);
  let y = select(cos_near(a.r), sin_near(a.r), (a.q & U(1u)) == U(1u));
  return finite_or_nan(select(y, -y, ((a.q + U(1u)) & U(2u)) == U(2u)), x);
}`,
  tan_f: `
fn tan_f(x: F) -> F {
  let a = reduce_angle(x);
  let s = sin_near(a.r);
  let c = cos_near(a.r);
  return finite_or_nan(select(select(s / c, -c / s, (a.q & U(1u)) == U(1u)), x, x == F(0.0)), x);
}`,
  // asin x for 0 ≤ x ≤ ½.
  asin_near: `
fn asin_near(x: F) -> F {
  let s = x * x;
  return x + x * s * ((((F(4.21782079e-2) * s + F(2.41729633e-2)) * s + F(4.54716053e-2)) * s + F(7.49528868e-2)) * s + F(1.66667527e-1));
}`,
  asin_f: `
fn asin_f(x: F) -> F {
  let a = abs(x);
  let far = a > F(0.5);
  let t = asin_near(select(a, sqrt(max(F(0.5) - F(0.5) * a, F(0.0))), far));
  let y = with_sign(select(t, F(1.57079633) - F(2.0) * t, far), x);
  return select(nan(), y, le_f(a, F(1.0)));
}`,
  acos_f: `
fn acos_f(x: F) -> F {
  let a = abs(x);
  let far = a > F(0.5);
  let t = asin_near(select(a, sqrt(max(F(0.5) - F(0.5) * a, F(0.0))), far));
  let y = select(F(1.57079633) - with_sign(t, x), select(F(2.0) * t, F(3.14159265) - F(2.0) * t, negative(x)), far);
  return select(nan(), y, le_f(a, F(1.0)));
}`,
  // atan x for x ≥ 0, by atan x = π/4 + atan((x − 1) / (x + 1)) or π/2 − atan(1/x) where x is far from 0.
  atan_positive: `
fn atan_positive(x: F) -> F {
  let mid = x > F(0.41421356);
  let far = x > F(2.41421356);
  let t = select(select(x, (x - F(1.0)) / (x + F(1.0)), mid), F(-1.0) / x, far);
  let s = t * t;
  let y = t + t * s * ((((F(-6.07360222e-2) * s + F(1.05920747e-1)) * s + F(-1.42433105e-1)) * s + F(1.99984604e-1)) * s + F(-3.3333315e-1));
  return y + select(select(F(0.0), F(0.785398163), mid), F(1.57079633), far);
}`,
  atan_f: 'fn atan_f(x: F) -> F { return select(with_sign(atan_positive(abs(x)), x), x, is_nan(x)); }',
  atan2_f: `
fn atan2_f(y: F, x: F) -> F {
  let a = abs(y);
  let b = abs(x);
  let big = max(a, b);
  let q = select(select(min(a, b) / big, F(1.0), a == b), F(0.0), big == F(0.0));
  let t = atan_positive(q);
  let steep = select(t, F(1.57079633) - t, a > b);
  return select(with_sign(select(steep, F(3.14159265) - steep, negative(x)), y), nan(), either_nan(x, y));
}`,

  sinh_f: `
fn sinh_f(x: F) -> F {
  let a = abs(x);
  let t = expm1_f(a);
  let w = exp_f(F(0.5) * a);
  return select(with_sign(select(F(0.5) * (t + t / (t + F(1.0))), (F(0.5) * w) * w, a > F(88.0)), x), x, is_nan(x));
}`,
  cosh_f: `
fn cosh_f(x: F) -> F {
  let a = abs(x);
  let t = exp_f(a);
  let w = exp_f(F(0.5) * a);
  return select(select(F(0.5) * t + F(0.5) / t, (F(0.5) * w) * w, a > F(88.0)), x, is_nan(x));
}`,
  // With h = (e^(−2|x|) − 1) / 2: tanh |x| = −h / (h + 1). From 10 on it is 1.
  tanh_f: `
fn tanh_f(x: F) -> F {
  let c = F(-2.0) * min(abs(x), F(10.0));
  let n = floor(c * F(1.44269504) + F(0.5));
  let r = (c - n * F(0.693359375)) + n * F(2.12194440e-4);
  let s = pow2(n - F(1.0));
  let h = (exp_tail(r) * r * r + r) * s + (s - F(0.5));
  return select(with_sign(h / (h + F(1.0)), x), x, is_nan(x));
}`,
  asinh_f: `
fn asinh_f(x: F) -> F {
  let a = abs(x);
  let s = a * a;
  let y = select(log1p_f(a + s / (F(1.0) + sqrt(s + F(1.0)))), log_f(a) + F(0.693147181), a > F(1e9));
  return select(with_sign(y, x), x, is_nan(x));
}`,
  acosh_f: `
fn acosh_f(x: F) -> F {
  let t = x - F(1.0);
  let y = select(log1p_f(t + sqrt(max(F(2.0) * t + t * t, F(0.0)))), log_f(x) + F(0.693147181), x > F(1e9));
  return select(nan(), y, le_f(F(1.0), x));
}`,
  atanh_f: `
fn atanh_f(x: F) -> F {
  let a = abs(x);
  let y = select(F(0.5) * log1p_f((a + a) / (F(1.0) - a)), inf(), a == F(1.0));
  return select(nan(), with_sign(y, x), le_f(a, F(1.0)));
}`,
  sigmoid_f: `
fn sigmoid_f(x: F) -> F {
  let e = exp_f(-abs(x));
  let s = F(1.0) / (F(1.0) + e);
  return select(select(s, e * s, x < F(0.0)), x, is_nan(x));
}`,
  // Near 0 an odd polynomial; far from it 1 − e^P(|x|), P being a fit of log(1 − erf).
  erf_f: `
fn erf_f(x: F) -> F {
  let a = min(abs(x), F(4.0));
  let s = a * a;
  let n = ((F(8.33187835e-5) * s + F(-8.13363003e-4)) * s + F(5.20022952e-3)) * s + F(-2.68590733e-2);
  let near = a + a * (((n * s + F(1.12836896e-1)) * s + F(-3.76126333e-1)) * s + F(1.28379167e-1));
  let f = ((F(-2.12525879e-5) * a + F(4.36270813e-4)) * a + F(-4.17975887e-3)) * a + F(2.51421509e-2);
  let far = F(1.0) - exp_f((((f * a + F(-1.08314955e-1)) * a + F(-6.33315474e-1)) * a + F(-1.12953036)) * a + F(1.77867211e-4));
  // Beside 0 the second term may be too small to be kept.
  let y = select(select(near, far, a > F(0.9277)), a * F(1.12837917), a < F(1e-18));
  return select(with_sign(y, x), x, is_nan(x));
}`,

  // x^y = 2^(y · log2 x) with log2 x in two words, as in fdlibm's e_powf: |x| is brought to [√¾, √3) · 2ⁿ and beside 1 or 1.5.
  head: 'fn head(x: F) -> F { return bitcast<F>(bitcast<U>(x) & U(0xfffff000u)); }',
  pow_magnitude: `
fn pow_magnitude(a: F, y: F) -> F {
  let scaled = select(a, a * F(16777216.0), a < F(1.17549435e-38));
  let u = bitcast<I>(scaled);
  let part = u & I(0x7fffff);
  let mid = (part > I(0x1cc471)) & (part < I(0x5db3d7));
  let up = select(I(0), I(1), part >= I(0x5db3d7));
  let n = F((u >> U(23u)) - I(127) + up) - select(F(0.0), F(24.0), a < F(1.17549435e-38));
  let m = bitcast<F>((part | I(0x3f800000)) - (up << U(23u)));
  let c = select(F(1.0), F(1.5), mid);

  let d = m - c;
  let v = F(1.0) / (m + c);
  let s = d * v;
  let sh = head(s);
  let th = head(m + c);
  let tl = m - (th - c);
  let sl = v * ((d - sh * th) - sh * tl);
  let s2 = s * s;
  let high = F(3.3333334327e-1) + s2 * (F(2.7272811532e-1) + s2 * (F(2.3066075146e-1) + s2 * F(2.0697501302e-1)));
  let tail = s2 * s2 * (F(0.6) + s2 * (F(4.2857143283e-1) + s2 * high)) + sl * (sh + s);
  let q = sh * sh;
  let wh = head(F(3.0) + q + tail);
  let wl = tail - ((wh - F(3.0)) - q);
  let gu = sh * wh;
  let gv = sl * wh + wl * s;
  let ph = head(gu + gv);
  let pl = gv - (ph - gu);
  let zh = F(9.6191406250e-1) * ph;
  let zl = F(-1.1736857402e-4) * ph + pl * F(9.6179670095e-1) + select(F(0.0), F(1.56322085e-6), mid);
  let dh = select(F(0.0), F(5.84960938e-1), mid);
  let lh = head(((zh + zl) + dh) + n);
  let ll = zl - (((lh - n) - dh) - zh);

  let yh = head(y);
  let rl = (y - yh) * lh + y * ll;
  let rh = yh * lh;
  let z = clamp(rl + rh, F(-160.0), F(160.0));
  let k = round(z);
  let f = select((rh - k) + rl, F(0.0), abs(rl + rh) > F(160.0)) * F(0.693147181);
  let e = (exp_tail(f) * f * f + f) + F(1.0);
  let half = floor(k * F(0.5));
  return e * pow2(half) * pow2(k - half);
}`,
  pow_f: `
fn pow_f(x: F, y: F) -> F {
  let a = abs(x);
  let b = abs(y);
  let whole = (b >= F(16777216.0)) | (b == floor(b));
  let odd = whole & (b < F(16777216.0)) & ((I(min(b, F(16777216.0))) & I(1)) == I(1));
  let endless = select(inf(), F(0.0), negative(y));
  let flat = select(F(0.0), inf(), negative(y));
  var r = pow_magnitude(clamp(a, F(1e-45), F(3.4028234e38)), clamp(y, F(-3.4028234e38), F(3.4028234e38)));
  r = select(r, flat, a == F(0.0));
  r = select(r, endless, bitcast<U>(a) == U(0x7f800000u));
  let growing = (a > F(1.0)) != negative(y);
  r = select(r, select(F(0.0), inf(), growing), bitcast<U>(b) == U(0x7f800000u));
  r = select(r, F(1.0), (a == F(1.0)) & (bitcast<U>(b) == U(0x7f800000u)));
  r = select(r, -r, odd & negative(x));
  r = select(r, nan(), (x < F(0.0)) & !whole & (bitcast<U>(a) < U(0x7f800000u)));
  r = select(r, nan(), either_nan(x, y));
  return select(r, F(1.0), (x == F(1.0)) | (y == F(0.0)));
}`,

  // The first word of Threefry-2x32 with 20 rounds for the counter (n, 0).
  random_bits: `
fn random_bits(k0: U, k1: U, n: U) -> U {
  let k2 = U(0x1bd11bdau) ^ k0 ^ k1;
  var a = n + k0;
  var b = k1;
${threefry()}
  return a;
}`,
} as const

function threefry(): string {
  const turns = [[13, 15, 26, 6], [17, 29, 16, 24]]
  const lines: string[] = []
  for (let block = 0; block < 5; block++) {
    for (const t of turns[block % 2]) lines.push(`a += b; b = ((b << U(${t}u)) | (b >> U(${32 - t}u))) ^ a;`)
    lines.push(`a += k${(block + 1) % 3}; b += k${(block + 2) % 3} + U(${block + 1}u);`)
  }
  return lines.map(l => `  ${l}`).join('\n')
}

type MathName = keyof typeof functions

const calls = (text: string): MathName[] =>
  [...text.matchAll(/\b([a-z_0-9]+)\(/g)].map(m => m[1]).filter((name): name is MathName => Object.hasOwn(functions, name))

/** Declarations of all functions of this file that a text calls, directly or through others. */
export function mathFor(text: string): string {
  const used = new Set<MathName>()
  const visit = (part: string, own?: MathName): void => {
    for (const name of calls(part)) {
      if (name === own || used.has(name)) continue
      used.add(name)
      visit(functions[name], name)
    }
  }
  visit(text)
  return (Object.keys(functions) as MathName[]).filter(name => used.has(name)).map(name => functions[name].trim() + '\n').join('')
}
