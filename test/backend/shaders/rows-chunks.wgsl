// rows along 1/16 split 1 1 ededr f32x4,f32x4,f32:0,1,2 2@0  sum[||input0:f32();input1:f32();mul:f32(0,1)>2] [||input2:f32();neg:f32(0)>1]
alias F = vec4f; alias I = vec4i; alias U = vec4u; alias B = vec4<bool>;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, rows: u32, total: u32, length: u32, block: u32, d_0: u32, rd_0: u32, o0: u32, o1: u32, o2: u32, s0_0: u32, s1_0: u32, s2_0: u32, r0_0: u32, r1_0: u32, r2_0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<vec4<f32>>;
@group(1) @binding(1) var<storage, read_write> b1: array<vec4<f32>>;
@group(1) @binding(2) var<storage, read_write> b2: array<f32>;
@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 16u + lid;
  let p_n = p.n;
  let p_rows = p.rows;
  let p_o0 = p.o0;
  let p_s0_0 = p.s0_0;
  let p_o1 = p.o1;
  let p_s1_0 = p.s1_0;
  let p_length = p.length;
  let p_total = p.total;
  let p_block = p.block;
  let unit = i;
  if (unit >= p_n) { return; }
  let row = unit % p_rows;
  let c_0 = row;
  let x0 = p_o0 + c_0 * p_s0_0;
  let x1 = p_o1 + c_0 * p_s1_0;
  let start = unit / p_rows * p_length;
  let end = min(start + p_length, p_total);
  var acc2 = F(0f);
  for (var b = start; b < end; b += p_block) {
    var part2 = F(0f);
    let stop = min(b + p_block, end);
    for (var r = b; r < stop; r += 1u) {
      let y0 = x0 + r;
      let e0 = b0[y0];
      let y1 = x1 + r;
      let e1 = b1[y1];
      let s0_0 = e0;
      let s0_1 = e1;
      let s0_2 = s0_0 * s0_1;
      part2 = part2 + s0_2;
    }
    acc2 = acc2 + part2;
  }
  acc2 = acc2 + acc2.zwxy;
  acc2 = acc2 + acc2.yxwz;
  let t2 = acc2;
  b2[unit] = t2.x;
}

// rows one 1/16 1 1 er f32,f32:0,1 2@0  sum[f32||input0:f32()>0] [||input2:f32();neg:f32(0)>1 of 2,1 gives 0]
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, rows: u32, total: u32, length: u32, block: u32, d_0: u32, rd_0: u32, o0: u32, o1: u32, s0_0: u32, s1_0: u32, r0_0: u32, r1_0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f32>;
@group(1) @binding(1) var<storage, read_write> b1: array<f32>;
@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 16u + lid;
  let p_n = p.n;
  let p_o0 = p.o0;
  let p_s0_0 = p.s0_0;
  let p_o1 = p.o1;
  let p_s1_0 = p.s1_0;
  let p_total = p.total;
  let p_block = p.block;
  let p_r0_0 = p.r0_0;
  let unit = i;
  if (unit >= p_n) { return; }
  let row = unit;
  let c_0 = row;
  let x0 = p_o0 + c_0 * p_s0_0;
  let x1 = p_o1 + c_0 * p_s1_0;
  let start = 0u;
  let end = p_total;
  var acc1 = F(0f);
  for (var b = start; b < end; b += p_block) {
    var part1 = F(0f);
    let stop = min(b + p_block, end);
    for (var r = b; r < stop; r += 1u) {
      let y0 = x0 + r * p_r0_0;
      let e0 = b0[y0];
      let s0_0 = e0;
      part1 = part1 + s0_0;
    }
    acc1 = acc1 + part1;
  }
  let t1 = acc1;
  let s1_0 = t1;
  let s1_1 = -s1_0;
  b1[x1] = s1_1;
}
