// map 2 sbd f16,f32,f16a:0,1,2 f32,f32||input0:f32();input1:f32();add:f32(0,1);const0:f32();max:f32(2,3)>4
enable f16;
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, units: u32, d_0: u32, d_1: u32, s0_0: u32, s0_1: u32, s1_0: u32, s1_1: u32, s2_0: u32, s2_1: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f16>;
@group(1) @binding(1) var<storage, read_write> b1: array<f32>;
@group(1) @binding(2) var<storage, read_write> b2: array<f16>;
fn either_nan(x: F, y: F) -> B { return max(bitcast<I>(x) & I(0x7fffffff), bitcast<I>(y) & I(0x7fffffff)) > I(0x7f800000); }
fn max_f(x: F, y: F) -> F {
  return select(select(select(y, x, x > y), bitcast<F>(bitcast<U>(x) & bitcast<U>(y)), x == y), x + y, either_nan(x, y));
}
fn float_to_half(x: F) -> U {
  let bits = bitcast<U>(x);
  let a = bits & U(0x7fffffffu);
  let normal = (a + ((a >> U(13u)) & U(1u)) - U(0x37fff001u)) >> U(13u);
  let small = U(round(bitcast<F>(min(a, U(0x38800000u))) * F(16777216.0)));
  let endless = U(0x7c00u) | select(U(0u), U(0x200u), a > U(0x7f800000u));
  let h = select(select(normal, small, a < U(0x38800000u)), endless, a >= U(0x47800000u));
  return h | ((bits >> U(16u)) & U(0x8000u));
}
fn to_half(x: F) -> f16 { return bitcast<vec2<f16>>(float_to_half(x)).x; }
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_units = p.units;
  let p_d_1 = p.d_1;
  let p_s0_0 = p.s0_0;
  let p_s0_1 = p.s0_1;
  let p_s1_0 = p.s1_0;
  let p_s2_0 = p.s2_0;
  if (i >= p_units) { return; }
  let cr_1 = i / p_d_1;
  let c_1 = i - cr_1 * p_d_1;
  let c_0 = cr_1;
  let x0 = c_0 * p_s0_0 + c_1 * p_s0_1;
  let x1 = c_0 * p_s1_0;
  let x2 = c_0 * p_s2_0 + c_1;
  let v0 = F(b0[x0]);
  let v1 = b1[x1];
  let v2 = v0 + v1;
  let v3 = F(0f);
  let v4 = max_f(v2, v3);
  b2[x2] = to_half(v4);
}
