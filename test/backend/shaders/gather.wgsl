// gather 2 f32,i32,f32:0,1,2
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, d_0: u32, d_1: u32, size: u32, step: u32, x: u32, xs_0: u32, xs_1: u32, j: u32, js_0: u32, js_1: u32, o: u32, os_0: u32, os_1: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f32>;
@group(1) @binding(1) var<storage, read_write> b1: array<i32>;
@group(1) @binding(2) var<storage, read_write> b2: array<f32>;
@group(1) @binding(3) var<storage, read_write> faults: array<atomic<u32>, 4>;
fn note(index: i32, size: u32) {
  if (atomicMax(&faults[0], 1u) == 0u) {
    atomicStore(&faults[1], bitcast<u32>(index));
    atomicStore(&faults[2], size);
  }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_n = p.n;
  let p_d_1 = p.d_1;
  let p_j = p.j;
  let p_js_0 = p.js_0;
  let p_js_1 = p.js_1;
  let p_size = p.size;
  let p_o = p.o;
  let p_os_0 = p.os_0;
  let p_os_1 = p.os_1;
  let p_x = p.x;
  let p_step = p.step;
  let p_xs_0 = p.xs_0;
  let p_xs_1 = p.xs_1;
  if (i >= p_n) { return; }
  let cr_1 = i / p_d_1;
  let c_1 = i - cr_1 * p_d_1;
  let c_0 = cr_1;
  let j = b1[p_j + c_0 * p_js_0 + c_1 * p_js_1];
  if (u32(j) >= p_size) {
    note(j, p_size);
    return;
  }
  b2[p_o + c_0 * p_os_0 + c_1 * p_os_1] = b0[p_x + u32(j) * p_step + c_0 * p_xs_0 + c_1 * p_xs_1];
}
