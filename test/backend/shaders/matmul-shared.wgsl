// matmul shared true true 4x4 1 f32,f32,f32:0,1,2
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, units: u32, m: u32, n: u32, k: u32, slice: u32, tiles_m: u32, tiles_n: u32, items: u32, oslice: u32, d_0: u32, as_0: u32, bs_0: u32, a: u32, am: u32, ak: u32, b: u32, bk: u32, bn: u32, o0: u32, os0_0: u32, om0: u32, on0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f32>;
@group(1) @binding(1) var<storage, read_write> b1: array<f32>;
@group(1) @binding(2) var<storage, read_write> b2: array<f32>;
var<workgroup> tile_a: array<f32, 528>;
var<workgroup> tile_b: array<f32, 528>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_units = p.units;
  let p_tiles_n = p.tiles_n;
  let p_tiles_m = p.tiles_m;
  let p_items = p.items;
  let p_slice = p.slice;
  let p_k = p.k;
  let p_a = p.a;
  let p_as_0 = p.as_0;
  let p_b = p.b;
  let p_bs_0 = p.bs_0;
  let p_am = p.am;
  let p_ak = p.ak;
  let p_m = p.m;
  let p_bk = p.bk;
  let p_bn = p.bn;
  let p_n = p.n;
  let p_oslice = p.oslice;
  let p_o0 = p.o0;
  let p_os0_0 = p.os0_0;
  let p_om0 = p.om0;
  let p_on0 = p.on0;
  let unit = group;
  if (unit >= p_units) { return; }
  let across = unit / p_tiles_n;
  let tile_n = unit - across * p_tiles_n;
  let item_slice = across / p_tiles_m;
  let tile_m = across - item_slice * p_tiles_m;
  let slice = item_slice / p_items;
  let item = item_slice - slice * p_items;
  let column = tile_n * 32u;
  let row = tile_m * 32u;
  let k_start = slice * p_slice;
  let k_end = min(k_start + p_slice, p_k);
  let tx = lid & 7u;
  let ty = lid >> 3u;
  let c_0 = item;
  let a_base = p_a + c_0 * p_as_0;
  let b_base = p_b + c_0 * p_bs_0;
  var acc0_0 = vec4f(0.0);
  var acc1_0 = vec4f(0.0);
  var acc2_0 = vec4f(0.0);
  var acc3_0 = vec4f(0.0);
  for (var k = k_start; k < k_end; k += 16u) {
    for (var e = lid; e < 512u; e += 64u) {
      let kk = e % 16u; let own = e / 16u;
      tile_a[kk * 33u + own] = select(0.0, b0[a_base + (row + own) * p_am + (k + kk) * p_ak], (row + own < p_m) & (k + kk < k_end));
    }
    for (var e = lid; e < 512u; e += 64u) {
      let own = e % 32u; let kk = e / 32u;
      tile_b[kk * 33u + own] = select(0.0, b1[b_base + (k + kk) * p_bk + (column + own) * p_bn], (column + own < p_n) & (k + kk < k_end));
    }
    workgroupBarrier();
    for (var kk = 0u; kk < 16u; kk++) {
      let a0 = tile_a[kk * 33u + ty + 0u];
      let a1 = tile_a[kk * 33u + ty + 8u];
      let a2 = tile_a[kk * 33u + ty + 16u];
      let a3 = tile_a[kk * 33u + ty + 24u];
      let c0 = vec4f(tile_b[kk * 33u + tx + 0u], tile_b[kk * 33u + tx + 8u], tile_b[kk * 33u + tx + 16u], tile_b[kk * 33u + tx + 24u]);
      acc0_0 += a0 * c0;
      acc1_0 += a1 * c0;
      acc2_0 += a2 * c0;
      acc3_0 += a3 * c0;
    }
    workgroupBarrier();
  }
  let o_base = slice * p_oslice + p_o0 + c_0 * p_os0_0;
  if (row + ty + 0u < p_m) {
    if (column + tx + 0u < p_n) { b2[o_base + (row + ty + 0u) * p_om0 + (column + tx + 0u) * p_on0] = acc0_0.x; }
    if (column + tx + 8u < p_n) { b2[o_base + (row + ty + 0u) * p_om0 + (column + tx + 8u) * p_on0] = acc0_0.y; }
    if (column + tx + 16u < p_n) { b2[o_base + (row + ty + 0u) * p_om0 + (column + tx + 16u) * p_on0] = acc0_0.z; }
    if (column + tx + 24u < p_n) { b2[o_base + (row + ty + 0u) * p_om0 + (column + tx + 24u) * p_on0] = acc0_0.w; }
  }
  if (row + ty + 8u < p_m) {
    if (column + tx + 0u < p_n) { b2[o_base + (row + ty + 8u) * p_om0 + (column + tx + 0u) * p_on0] = acc1_0.x; }
    if (column + tx + 8u < p_n) { b2[o_base + (row + ty + 8u) * p_om0 + (column + tx + 8u) * p_on0] = acc1_0.y; }
    if (column + tx + 16u < p_n) { b2[o_base + (row + ty + 8u) * p_om0 + (column + tx + 16u) * p_on0] = acc1_0.z; }
    if (column + tx + 24u < p_n) { b2[o_base + (row + ty + 8u) * p_om0 + (column + tx + 24u) * p_on0] = acc1_0.w; }
  }
  if (row + ty + 16u < p_m) {
    if (column + tx + 0u < p_n) { b2[o_base + (row + ty + 16u) * p_om0 + (column + tx + 0u) * p_on0] = acc2_0.x; }
    if (column + tx + 8u < p_n) { b2[o_base + (row + ty + 16u) * p_om0 + (column + tx + 8u) * p_on0] = acc2_0.y; }
    if (column + tx + 16u < p_n) { b2[o_base + (row + ty + 16u) * p_om0 + (column + tx + 16u) * p_on0] = acc2_0.z; }
    if (column + tx + 24u < p_n) { b2[o_base + (row + ty + 16u) * p_om0 + (column + tx + 24u) * p_on0] = acc2_0.w; }
  }
  if (row + ty + 24u < p_m) {
    if (column + tx + 0u < p_n) { b2[o_base + (row + ty + 24u) * p_om0 + (column + tx + 0u) * p_on0] = acc3_0.x; }
    if (column + tx + 8u < p_n) { b2[o_base + (row + ty + 24u) * p_om0 + (column + tx + 8u) * p_on0] = acc3_0.y; }
    if (column + tx + 16u < p_n) { b2[o_base + (row + ty + 24u) * p_om0 + (column + tx + 16u) * p_on0] = acc3_0.z; }
    if (column + tx + 24u < p_n) { b2[o_base + (row + ty + 24u) * p_om0 + (column + tx + 24u) * p_on0] = acc3_0.w; }
  }
}
