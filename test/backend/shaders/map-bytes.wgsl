// map 2 ds u8,u8a:0,0 i32||input0:i32();const1:i32();add:i32(0,1)>2
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, units: u32, d_0: u32, d_1: u32, s0_0: u32, s0_1: u32, s1_0: u32, s1_1: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<atomic<u32>>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_units = p.units;
  let p_d_1 = p.d_1;
  let p_s0_0 = p.s0_0;
  let p_s1_0 = p.s1_0;
  let p_s1_1 = p.s1_1;
  if (i >= p_units) { return; }
  let cr_1 = i / p_d_1;
  let c_1 = i - cr_1 * p_d_1;
  let c_0 = cr_1;
  let x0 = c_0 * p_s0_0 + c_1;
  let x1 = c_0 * p_s1_0 + c_1 * p_s1_1;
  let v0 = I(U((atomicLoad(&b0[(x0) >> 2u]) >> (((x0) & 3u) * 8u)) & 255u));
  let v1 = I(1);
  let v2 = v0 + v1;
  atomicAnd(&b0[(x1) >> 2u], ~(255u << (((x1) & 3u) * 8u)));
  atomicOr(&b0[(x1) >> 2u], (U(v2) & U(255u)) << (((x1) & 3u) * 8u));
}
