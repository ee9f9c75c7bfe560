// map 1 dbd ragged f16x4,f16x4,f16x4:0,1,0 f32,f32||input0:f32();input1:f32();add:f32(0,1);const0:f32();max:f32(2,3)>4
enable f16;
alias F = vec4f; alias I = vec4i; alias U = vec4u; alias B = vec4<bool>;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, units: u32, d_0: u32, s0_0: u32, s1_0: u32, s2_0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<vec4<f16>>;
@group(1) @binding(1) var<storage, read_write> b1: array<vec4<f16>>;
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
fn to_halves(x: F) -> vec4<f16> {
  let w = float_to_half(x);
  return bitcast<vec4<f16>>(w.xz | (w.yw << vec2u(16u)));
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_units = p.units;
  let p_n = p.n;
  if (i >= p_units) { return; }
  let x0 = i;
  let x1 = 0u;
  let x2 = i;
  let v0 = F(b0[x0]);
  let v1 = F(f32(b1[x1 >> 2u][x1 & 3u]));
  let v2 = v0 + v1;
  let v3 = F(0f);
  let v4 = max_f(v2, v3);
  let left = p_n - i * 4u;
  if (left >= 4u) {
    b0[x2] = to_halves(v4);
  } else {
    b0[x2] = select(b0[x2], to_halves(v4), U(0u, 1u, 2u, 3u) < U(left));
  }
}
