// map 2 sdd f32,i32,i32:0,1,0 f32||input0:f32();cast:i32(0);index:i32()>1,2
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, units: u32, d_0: u32, d_1: u32, s0_0: u32, s0_1: u32, s1_0: u32, s1_1: u32, s2_0: u32, s2_1: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<u32>;
@group(1) @binding(1) var<storage, read_write> b1: array<i32>;
fn is_nan(x: F) -> B { return (bitcast<I>(x) & I(0x7fffffff)) > I(0x7f800000); }
fn to_int(x: F) -> I {
  let inside = I(clamp(x, F(-2147483648.0), F(2147483520.0)));
  return select(select(inside, I(2147483647), x >= F(2147483648.0)), I(0), is_nan(x));
}
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
  let x1 = c_0 * p_s1_0 + c_1;
  let x2 = c_0 * p_s2_0 + c_1;
  let v0 = bitcast<F>(b0[x0]);
  let v1 = to_int(v0);
  let v2 = I(i);
  b1[x1] = v1;
  b0[x2] = bitcast<U>(v2);
}
