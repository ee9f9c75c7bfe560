// matmul shared k o true true 4x4 1 f32x4,f32x4,f32x4:0,1,2
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, units: u32, m: u32, n: u32, k: u32, slice: u32, tiles_m: u32, tiles_n: u32, items: u32, oslice: u32, d_0: u32, as_0: u32, bs_0: u32, a: u32, am: u32, ak: u32, b: u32, bk: u32, bn: u32, o0: u32, os0_0: u32, om0: u32, on0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<vec4<f32>>;
@group(1) @binding(1) var<storage, read_write> b1: array<vec4<f32>>;
@group(1) @binding(2) var<storage, read_write> b2: array<vec4<f32>>;
var<workgroup> tile_a: array<vec4f, 144>;
var<workgroup> tile_b: array<vec4f, 144>;
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
  let p_bn = p.bn;
  let p_bk = p.bk;
  let p_oslice = p.oslice;
  let p_o0 = p.o0;
  let p_os0_0 = p.os0_0;
  let p_m = p.m;
  let p_n = p.n;
  let p_om0 = p.om0;
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
    {
      let e = lid;
      if (e < 32u) {
        let block_k = (e & 3u) * 4u; let block = e >> 2u;
        let own = row + block * 4u;
        let read0 = b0[(a_base + (own + 0u) * p_am + (k + block_k + 0u) * p_ak) >> 2u];
        let read1 = b0[(a_base + (own + 1u) * p_am + (k + block_k + 0u) * p_ak) >> 2u];
        let read2 = b0[(a_base + (own + 2u) * p_am + (k + block_k + 0u) * p_ak) >> 2u];
        let read3 = b0[(a_base + (own + 3u) * p_am + (k + block_k + 0u) * p_ak) >> 2u];
        tile_a[(block_k + 0u) * 9u + block] = select(vec4f(0.0), vec4f(read0.x, read1.x, read2.x, read3.x), (k + block_k + 0u) < k_end);
        tile_a[(block_k + 1u) * 9u + block] = select(vec4f(0.0), vec4f(read0.y, read1.y, read2.y, read3.y), (k + block_k + 1u) < k_end);
        tile_a[(block_k + 2u) * 9u + block] = select(vec4f(0.0), vec4f(read0.z, read1.z, read2.z, read3.z), (k + block_k + 2u) < k_end);
        tile_a[(block_k + 3u) * 9u + block] = select(vec4f(0.0), vec4f(read0.w, read1.w, read2.w, read3.w), (k + block_k + 3u) < k_end);
      }
    }
    {
      let e = lid ^ 32u;
      if (e < 32u) {
        let block = e % 8u; let block_k = e / 8u * 4u;
        let own = column + block * 4u;
        let read0 = b1[(b_base + (own + 0u) * p_bn + (k + block_k + 0u) * p_bk) >> 2u];
        let read1 = b1[(b_base + (own + 0u) * p_bn + (k + block_k + 1u) * p_bk) >> 2u];
        let read2 = b1[(b_base + (own + 0u) * p_bn + (k + block_k + 2u) * p_bk) >> 2u];
        let read3 = b1[(b_base + (own + 0u) * p_bn + (k + block_k + 3u) * p_bk) >> 2u];
        tile_b[(block_k + 0u) * 9u + block] = select(vec4f(0.0), read0, (k + block_k + 0u) < k_end);
        tile_b[(block_k + 1u) * 9u + block] = select(vec4f(0.0), read1, (k + block_k + 1u) < k_end);
        tile_b[(block_k + 2u) * 9u + block] = select(vec4f(0.0), read2, (k + block_k + 2u) < k_end);
        tile_b[(block_k + 3u) * 9u + block] = select(vec4f(0.0), read3, (k + block_k + 3u) < k_end);
      }
    }
    workgroupBarrier();
    for (var kk = 0u; kk < 16u; kk++) {
      let a0 = tile_a[kk * 9u + ty + 0u];
      let c0 = tile_b[kk * 9u + tx + 0u];
      acc0_0 += a0.x * c0;
      acc1_0 += a0.y * c0;
      acc2_0 += a0.z * c0;
      acc3_0 += a0.w * c0;
    }
    workgroupBarrier();
  }
  let o_base = slice * p_oslice + p_o0 + c_0 * p_os0_0;
  if (row + ty * 4u + 0u < p_m) {
    if (column + tx * 4u + 0u < p_n) { b2[(o_base + (row + ty * 4u + 0u) * p_om0 + column + tx * 4u + 0u) >> 2u] = acc0_0; }
  }
  if (row + ty * 4u + 1u < p_m) {
    if (column + tx * 4u + 0u < p_n) { b2[(o_base + (row + ty * 4u + 1u) * p_om0 + column + tx * 4u + 0u) >> 2u] = acc1_0; }
  }
  if (row + ty * 4u + 2u < p_m) {
    if (column + tx * 4u + 0u < p_n) { b2[(o_base + (row + ty * 4u + 2u) * p_om0 + column + tx * 4u + 0u) >> 2u] = acc2_0; }
  }
  if (row + ty * 4u + 3u < p_m) {
    if (column + tx * 4u + 0u < p_n) { b2[(o_base + (row + ty * 4u + 3u) * p_om0 + column + tx * 4u + 0u) >> 2u] = acc3_0; }
  }
}
