// map 1 ddd f16,f32,f16a:0,1,1 f32,f32||input0:f32();input1:f32();add:f32(0,1);const0:f32();max:f32(2,3)>4
enable f16;
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, units: u32, d_0: u32, s0_0: u32, s1_0: u32, s2_0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f16>;
@group(1) @binding(1) var<storage, read_write> b1: array<atomic<u32>>;
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
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_units = p.units;
  if (i >= p_units) { return; }
  let x0 = i;
  let x1 = i;
  let x2 = i;
  let v0 = F(b0[x0]);
  let v1 = bitcast<F>(atomicLoad(&b1[x1]));
  let v2 = v0 + v1;
  let v3 = F(0f);
  let v4 = max_f(v2, v3);
  atomicAnd(&b1[(x2) >> 1u], ~(65535u << (((x2) & 1u) * 16u)));
  atomicOr(&b1[(x2) >> 1u], (float_to_half(v4)) << (((x2) & 1u) * 16u));
}
