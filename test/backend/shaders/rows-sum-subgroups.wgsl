// rows along 64/64 keep subgroups 1 1 edr f32x4,f32:0,1 1@0  sum[||input0:f32();mul:f32(0,0)>1]
enable subgroups;
diagnostic(off, subgroup_uniformity);
alias F = vec4f; alias I = vec4i; alias U = vec4u; alias B = vec4<bool>;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, rows: u32, total: u32, length: u32, block: u32, d_0: u32, rd_0: u32, o0: u32, o1: u32, s0_0: u32, s1_0: u32, r0_0: u32, r1_0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<vec4<f32>>;
@group(1) @binding(1) var<storage, read_write> b1: array<f32>;
var<workgroup> tree_F0: array<F, 64>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32, @builtin(subgroup_size) subgroup_size: u32, @builtin(subgroup_invocation_id) subgroup_lane: u32, @builtin(subgroup_id) subgroup: u32, @builtin(num_subgroups) subgroups: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_n = p.n;
  let p_o0 = p.o0;
  let p_s0_0 = p.s0_0;
  let p_o1 = p.o1;
  let p_s1_0 = p.s1_0;
  let p_total = p.total;
  let place = lid;
  let unit = group;
  if (unit >= p_n) { return; }
  let row = unit;
  let c_0 = row;
  let x0 = p_o0 + c_0 * p_s0_0;
  let x1 = p_o1 + c_0 * p_s1_0;
  let end = p_total;
  var acc1 = F(0f);
  for (var j = 0u; j < 4u; j++) {
    let r = place + j * 64u;
    if (r < end) {
      let y0 = x0 + r;
      let e0 = b0[y0];
      let s0_0 = e0;
      let s0_1 = s0_0 * s0_0;
      acc1 = acc1 + s0_1;
    }
  }
  for (var d = 1u; d < min(subgroup_size, 64u); d <<= 1u) {
    acc1 = acc1 + subgroupShuffleXor(acc1, d);
  }
  if (subgroup_lane == 0u) { tree_F0[subgroup] = acc1; }
  workgroupBarrier();
  acc1 = tree_F0[0];
  for (var s = 1u; s < subgroups; s++) {
    acc1 = acc1 + tree_F0[s];
  }
  acc1 = acc1 + acc1.zwxy;
  acc1 = acc1 + acc1.yxwz;
  let t1 = acc1;
  if (place == 0u) {
    b1[x1] = t1.x;
  }
}
