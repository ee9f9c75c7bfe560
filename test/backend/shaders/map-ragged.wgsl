// map 1 dd ragged f32x4,f32x4:0,1 f32||input0:f32();tanh:f32(0)>1
alias F = vec4f; alias I = vec4i; alias U = vec4u; alias B = vec4<bool>;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, units: u32, d_0: u32, s0_0: u32, s1_0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<vec4<f32>>;
@group(1) @binding(1) var<storage, read_write> b1: array<vec4<f32>>;
fn is_nan(x: F) -> B { return (bitcast<I>(x) & I(0x7fffffff)) > I(0x7f800000); }
fn with_sign(x: F, s: F) -> F { return bitcast<F>((bitcast<U>(x) & U(0x7fffffffu)) | (bitcast<U>(s) & U(0x80000000u))); }
fn exponent(n: F) -> I { return bitcast<I>(n + F(12582912.0)) * I(8388608); }
fn pow2(n: F) -> F { return bitcast<F>(exponent(n) + I(0x3f800000)); }
fn exp_tail(x: F) -> F {
  return ((((F(1.98458979e-4) * x + F(1.39408932e-3)) * x + F(8.33338995e-3)) * x + F(4.16663578e-2)) * x + F(1.66666664e-1)) * x + F(5.00000004e-1);
}
fn tanh_f(x: F) -> F {
  let c = F(-2.0) * min(abs(x), F(10.0));
  let n = floor(c * F(1.44269504) + F(0.5));
  let r = (c - n * F(0.693359375)) + n * F(2.12194440e-4);
  let s = pow2(n - F(1.0));
  let h = (exp_tail(r) * r * r + r) * s + (s - F(0.5));
  return select(with_sign(h / (h + F(1.0)), x), x, is_nan(x));
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_units = p.units;
  let p_n = p.n;
  if (i >= p_units) { return; }
  let x0 = i;
  let x1 = i;
  let v0 = b0[x0];
  let v1 = tanh_f(v0);
  let left = p_n - i * 4u;
  if (left >= 4u) {
    b1[x1] = v1;
  } else {
    b1[x1] = select(b1[x1], v1, U(0u, 1u, 2u, 3u) < U(left));
  }
}
