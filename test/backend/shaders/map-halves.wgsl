// map 1 dbd ragged f16x4,f32x4,bf16x4:0,1,2 f32,f32||input0:f32();input1:f32();add:f32(0,1);const0:f32();max:f32(2,3)>4
alias F = vec4f; alias I = vec4i; alias U = vec4u; alias B = vec4<bool>;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, units: u32, d_0: u32, s0_0: u32, s1_0: u32, s2_0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<u32>;
@group(1) @binding(1) var<storage, read_write> b1: array<vec4<f32>>;
@group(1) @binding(2) var<storage, read_write> b2: array<u32>;
fn either_nan(x: F, y: F) -> B { return max(bitcast<I>(x) & I(0x7fffffff), bitcast<I>(y) & I(0x7fffffff)) > I(0x7f800000); }
fn max_f(x: F, y: F) -> F {
  return select(select(select(y, x, x > y), bitcast<F>(bitcast<U>(x) & bitcast<U>(y)), x == y), x + y, either_nan(x, y));
}
fn half_to_float(h: U) -> F {
  let a = h & U(0x7fffu);
  let normal = (a << U(13u)) + U(0x38000000u);
  let small = bitcast<U>(F(a) * F(5.9604644775390625e-8));
  let bits = select(select(normal, normal | U(0x7f800000u), a >= U(0x7c00u)), small, a < U(0x400u));
  return bitcast<F>(bits | ((h & U(0x8000u)) << U(16u)));
}
fn float_to_bfloat(x: F) -> U {
  let bits = bitcast<U>(x);
  let rounded = bits + U(0x7fffu) + ((bits >> U(16u)) & U(1u));
  return select(rounded, bits | U(0x400000u), (bits & U(0x7fffffffu)) > U(0x7f800000u)) >> U(16u);
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
  let v0 = half_to_float((U(b0[2u * x0], b0[2u * x0], b0[2u * x0 + 1u], b0[2u * x0 + 1u]) >> U(0u, 16u, 0u, 16u)) & U(65535u));
  let v1 = F(b1[x1 >> 2u][x1 & 3u]);
  let v2 = v0 + v1;
  let v3 = F(0f);
  let v4 = max_f(v2, v3);
  let left = p_n - i * 4u;
  if (left >= 4u) {
    {
    let w = float_to_bfloat(v4);
    b2[2u * x2] = w.x | (w.y << 16u);
    b2[2u * x2 + 1u] = w.z | (w.w << 16u);
  }
  } else {
    {
    let w = float_to_bfloat(v4);
    if (left > 1u) {
      b2[2u * x2] = w.x | (w.y << 16u);
    } else if (left == 1u) {
      b2[2u * x2] = (b2[2u * x2] & 0xffff0000u) | w.x;
    }
    if (left > 3u) {
      b2[2u * x2 + 1u] = w.z | (w.w << 16u);
    } else if (left == 3u) {
      b2[2u * x2 + 1u] = (b2[2u * x2 + 1u] & 0xffff0000u) | w.z;
    }
  }
  }
}
