// matmul register k o 4x4 1 f32x4,f32x4,f32x4,f32x4:0,1,2,3 f32,f32||input0:f32();input1:f32();add:f32(0,1);const0:f32();max:f32(2,3)>4
alias F = vec4f; alias I = vec4i; alias U = vec4u; alias B = vec4<bool>;
struct Params { inf: u32, nan: u32, zero: u32, units: u32, m: u32, n: u32, k: u32, slice: u32, tiles_m: u32, tiles_n: u32, items: u32, oslice: u32, d_0: u32, as_0: u32, bs_0: u32, a: u32, am: u32, ak: u32, b: u32, bk: u32, bn: u32, o0: u32, os0_0: u32, om0: u32, on0: u32, o1: u32, os1_0: u32, om1: u32, on1: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<vec4<f32>>;
@group(1) @binding(1) var<storage, read_write> b1: array<vec4<f32>>;
@group(1) @binding(2) var<storage, read_write> b2: array<vec4<f32>>;
@group(1) @binding(3) var<storage, read_write> b3: array<vec4<f32>>;
fn either_nan(x: F, y: F) -> B { return max(bitcast<I>(x) & I(0x7fffffff), bitcast<I>(y) & I(0x7fffffff)) > I(0x7f800000); }
fn max_f(x: F, y: F) -> F {
  return select(select(select(y, x, x > y), bitcast<F>(bitcast<U>(x) & bitcast<U>(y)), x == y), x + y, either_nan(x, y));
}
@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 16u + lid;
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
  let p_bk = p.bk;
  let p_n = p.n;
  let p_o0 = p.o0;
  let p_os0_0 = p.os0_0;
  let p_o1 = p.o1;
  let p_os1_0 = p.os1_0;
  let p_m = p.m;
  let p_om0 = p.om0;
  let p_om1 = p.om1;
  let unit = i;
  if (unit >= p_units) { return; }
  let across = unit / p_tiles_n;
  let tile_n = unit - across * p_tiles_n;
  let item_slice = across / p_tiles_m;
  let tile_m = across - item_slice * p_tiles_m;
  let slice = item_slice / p_items;
  let item = item_slice - slice * p_items;
  let column = tile_n * 4u;
  let row = tile_m * 4u;
  let k_start = slice * p_slice;
  let k_end = min(k_start + p_slice, p_k);
  let c_0 = item;
  let a_base = p_a + c_0 * p_as_0;
  let b_base = p_b + c_0 * p_bs_0;
  var acc0_0 = vec4f(0.0);
  var acc1_0 = vec4f(0.0);
  var acc2_0 = vec4f(0.0);
  var acc3_0 = vec4f(0.0);
  let a_row0 = (a_base + (row + 0u) * p_am) >> 2u;
  let a_row1 = (a_base + (row + 1u) * p_am) >> 2u;
  let a_row2 = (a_base + (row + 2u) * p_am) >> 2u;
  let a_row3 = (a_base + (row + 3u) * p_am) >> 2u;
  let b_columns = (b_base + column) >> 2u;
  let b_step = u32(i32(p_bk) >> 2u);
  for (var k = k_start; k < k_end; k += 4u) {
    let fours = k >> 2u;
    let a0 = b0[a_row0 + fours];
    let a1 = b0[a_row1 + fours];
    let a2 = b0[a_row2 + fours];
    let a3 = b0[a_row3 + fours];
    let c0_0 = b1[b_columns + (k + 0u) * b_step + 0u];
    let c1_0 = b1[b_columns + (k + 1u) * b_step + 0u];
    let c2_0 = b1[b_columns + (k + 2u) * b_step + 0u];
    let c3_0 = b1[b_columns + (k + 3u) * b_step + 0u];
    let w0 = a0;
    acc0_0 += w0.x * c0_0;
    acc0_0 += w0.y * c1_0;
    acc0_0 += w0.z * c2_0;
    acc0_0 += w0.w * c3_0;
    let w1 = a1;
    acc1_0 += w1.x * c0_0;
    acc1_0 += w1.y * c1_0;
    acc1_0 += w1.z * c2_0;
    acc1_0 += w1.w * c3_0;
    let w2 = a2;
    acc2_0 += w2.x * c0_0;
    acc2_0 += w2.y * c1_0;
    acc2_0 += w2.z * c2_0;
    acc2_0 += w2.w * c3_0;
    let w3 = a3;
    acc3_0 += w3.x * c0_0;
    acc3_0 += w3.y * c1_0;
    acc3_0 += w3.z * c2_0;
    acc3_0 += w3.w * c3_0;
  }
  var sums = array<F, 4>(acc0_0, acc1_0, acc2_0, acc3_0);
  for (var q = 0u; q < 1u; q++) {
    let columns = column + q * 4u;
    if (columns >= p_n) { break; }
    let x0 = columns + (p_o0 + c_0 * p_os0_0);
    let x1 = columns + (p_o1 + c_0 * p_os1_0);
    for (var r = 0u; r < 4u; r++) {
      let own = row + r;
      if (own >= p_m) { break; }
      let sum = sums[r * 1u + q];
      let y0 = x0 + own * p_om0;
      let y1 = x1 + own * p_om1;
      let e1 = b3[y1 >> 2u];
      let v0 = sum;
      let v1 = e1;
      let v2 = v0 + v1;
      let v3 = F(0f);
      let v4 = max_f(v2, v3);
      b2[y0 >> 2u] = v4;
    }
  }
}
