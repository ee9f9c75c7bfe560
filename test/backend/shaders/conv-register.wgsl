// conv register 2 4x4 f32,f32,f32:0,1,2
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, units: u32, m: u32, n: u32, k: u32, slice: u32, tiles_m: u32, tiles_n: u32, items: u32, oslice: u32, x: u32, xg: u32, xn: u32, xc: u32, xs_0: u32, xs_1: u32, w: u32, wg: u32, wo: u32, wc: u32, ws_0: u32, ws_1: u32, k_0: u32, k_1: u32, t_0: u32, t_1: u32, o0: u32, og0: u32, on0: u32, oo0: u32, ot0_0: u32, ot0_1: u32, stride_0: u32, stride_1: u32, dilation_0: u32, dilation_1: u32, xk_0: u32, xk_1: u32, pad_0: u32, pad_1: u32, spread_0: u32, spread_1: u32, span_0: u32, span_1: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f32>;
@group(1) @binding(1) var<storage, read_write> b1: array<f32>;
@group(1) @binding(2) var<storage, read_write> b2: array<f32>;
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
  let p_w = p.w;
  let p_wg = p.wg;
  let p_t_1 = p.t_1;
  let p_t_0 = p.t_0;
  let p_stride_0 = p.stride_0;
  let p_pad_0 = p.pad_0;
  let p_stride_1 = p.stride_1;
  let p_pad_1 = p.pad_1;
  let p_x = p.x;
  let p_xg = p.xg;
  let p_xn = p.xn;
  let p_xs_0 = p.xs_0;
  let p_xs_1 = p.xs_1;
  let p_wo = p.wo;
  let p_k_1 = p.k_1;
  let p_k_0 = p.k_0;
  let p_dilation_0 = p.dilation_0;
  let p_dilation_1 = p.dilation_1;
  let p_xc = p.xc;
  let p_xk_0 = p.xk_0;
  let p_xk_1 = p.xk_1;
  let p_wc = p.wc;
  let p_ws_0 = p.ws_0;
  let p_ws_1 = p.ws_1;
  let p_span_0 = p.span_0;
  let p_span_1 = p.span_1;
  let p_n = p.n;
  let p_o0 = p.o0;
  let p_og0 = p.og0;
  let p_on0 = p.on0;
  let p_ot0_0 = p.ot0_0;
  let p_ot0_1 = p.ot0_1;
  let p_oslice = p.oslice;
  let p_m = p.m;
  let p_oo0 = p.oo0;
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
  let w_base = p_w + item * p_wg;
  var acc0_0 = vec4f(0.0);
  var acc1_0 = vec4f(0.0);
  var acc2_0 = vec4f(0.0);
  var acc3_0 = vec4f(0.0);
  let column0_r1 = (column + 0u) / (p_t_1);
  let column0_1 = (column + 0u) - column0_r1 * (p_t_1);
  let column0_r = column0_r1 / (p_t_0);
  let column0_0 = column0_r1 - column0_r * (p_t_0);
  let column0_at_0 = column0_0 * p_stride_0 - p_pad_0;
  let column0_at_1 = column0_1 * p_stride_1 - p_pad_1;
  let column0_x = p_x + item * p_xg + column0_r * p_xn + column0_at_0 * p_xs_0 + column0_at_1 * p_xs_1;
  let column1_r1 = (column + 1u) / (p_t_1);
  let column1_1 = (column + 1u) - column1_r1 * (p_t_1);
  let column1_r = column1_r1 / (p_t_0);
  let column1_0 = column1_r1 - column1_r * (p_t_0);
  let column1_at_0 = column1_0 * p_stride_0 - p_pad_0;
  let column1_at_1 = column1_1 * p_stride_1 - p_pad_1;
  let column1_x = p_x + item * p_xg + column1_r * p_xn + column1_at_0 * p_xs_0 + column1_at_1 * p_xs_1;
  let column2_r1 = (column + 2u) / (p_t_1);
  let column2_1 = (column + 2u) - column2_r1 * (p_t_1);
  let column2_r = column2_r1 / (p_t_0);
  let column2_0 = column2_r1 - column2_r * (p_t_0);
  let column2_at_0 = column2_0 * p_stride_0 - p_pad_0;
  let column2_at_1 = column2_1 * p_stride_1 - p_pad_1;
  let column2_x = p_x + item * p_xg + column2_r * p_xn + column2_at_0 * p_xs_0 + column2_at_1 * p_xs_1;
  let column3_r1 = (column + 3u) / (p_t_1);
  let column3_1 = (column + 3u) - column3_r1 * (p_t_1);
  let column3_r = column3_r1 / (p_t_0);
  let column3_0 = column3_r1 - column3_r * (p_t_0);
  let column3_at_0 = column3_0 * p_stride_0 - p_pad_0;
  let column3_at_1 = column3_1 * p_stride_1 - p_pad_1;
  let column3_x = p_x + item * p_xg + column3_r * p_xn + column3_at_0 * p_xs_0 + column3_at_1 * p_xs_1;
  let w_row0 = w_base + (row + 0u) * p_wo;
  let w_row1 = w_base + (row + 1u) * p_wo;
  let w_row2 = w_base + (row + 2u) * p_wo;
  let w_row3 = w_base + (row + 3u) * p_wo;
  let tap_r1 = k_start / (p_k_1);
  let tap_1 = k_start - tap_r1 * (p_k_1);
  let tap_r = tap_r1 / (p_k_0);
  let tap_0 = tap_r1 - tap_r * (p_k_0);
  var tap_c = tap_r;
  var at_0 = tap_0;
  var at_1 = tap_1;
  for (var k = k_start; k < k_end; k++) {
    let far_0 = at_0 * p_dilation_0;
    let far_1 = at_1 * p_dilation_1;
    let tap_x = tap_c * p_xc + at_0 * p_xk_0 + at_1 * p_xk_1;
    let tap_w = tap_c * p_wc + at_0 * p_ws_0 + at_1 * p_ws_1;
    let x0 = vec4f(select(0.0, b0[column0_x + tap_x], ((column0_at_0 + far_0) < p_span_0) & ((column0_at_1 + far_1) < p_span_1)), select(0.0, b0[column1_x + tap_x], ((column1_at_0 + far_0) < p_span_0) & ((column1_at_1 + far_1) < p_span_1)), select(0.0, b0[column2_x + tap_x], ((column2_at_0 + far_0) < p_span_0) & ((column2_at_1 + far_1) < p_span_1)), select(0.0, b0[column3_x + tap_x], ((column3_at_0 + far_0) < p_span_0) & ((column3_at_1 + far_1) < p_span_1)));
    let w0 = b1[w_row0 + tap_w];
    let w1 = b1[w_row1 + tap_w];
    let w2 = b1[w_row2 + tap_w];
    let w3 = b1[w_row3 + tap_w];
    acc0_0 += w0 * x0;
    acc1_0 += w1 * x0;
    acc2_0 += w2 * x0;
    acc3_0 += w3 * x0;
    at_1 += 1u;
    let wrap_1 = at_1 == p_k_1;
    at_1 = select(at_1, 0u, wrap_1);
    at_0 += u32(wrap_1);
    let wrap_0 = at_0 == p_k_0;
    at_0 = select(at_0, 0u, wrap_0);
    tap_c += u32(wrap_0);
  }
  if (column + 0u < p_n) {
    let out_r1 = (column + 0u) / (p_t_1);
    let out_1 = (column + 0u) - out_r1 * (p_t_1);
    let out_r = out_r1 / (p_t_0);
    let out_0 = out_r1 - out_r * (p_t_0);
    let at = p_o0 + item * p_og0 + out_r * (p_on0) + out_0 * (p_ot0_0) + out_1 * (p_ot0_1) + slice * p_oslice;
    if (row + 0u < p_m) { b2[at + (row + 0u) * p_oo0] = acc0_0.x; }
    if (row + 1u < p_m) { b2[at + (row + 1u) * p_oo0] = acc1_0.x; }
    if (row + 2u < p_m) { b2[at + (row + 2u) * p_oo0] = acc2_0.x; }
    if (row + 3u < p_m) { b2[at + (row + 3u) * p_oo0] = acc3_0.x; }
  }
  if (column + 1u < p_n) {
    let out_r1 = (column + 1u) / (p_t_1);
    let out_1 = (column + 1u) - out_r1 * (p_t_1);
    let out_r = out_r1 / (p_t_0);
    let out_0 = out_r1 - out_r * (p_t_0);
    let at = p_o0 + item * p_og0 + out_r * (p_on0) + out_0 * (p_ot0_0) + out_1 * (p_ot0_1) + slice * p_oslice;
    if (row + 0u < p_m) { b2[at + (row + 0u) * p_oo0] = acc0_0.y; }
    if (row + 1u < p_m) { b2[at + (row + 1u) * p_oo0] = acc1_0.y; }
    if (row + 2u < p_m) { b2[at + (row + 2u) * p_oo0] = acc2_0.y; }
    if (row + 3u < p_m) { b2[at + (row + 3u) * p_oo0] = acc3_0.y; }
  }
  if (column + 2u < p_n) {
    let out_r1 = (column + 2u) / (p_t_1);
    let out_1 = (column + 2u) - out_r1 * (p_t_1);
    let out_r = out_r1 / (p_t_0);
    let out_0 = out_r1 - out_r * (p_t_0);
    let at = p_o0 + item * p_og0 + out_r * (p_on0) + out_0 * (p_ot0_0) + out_1 * (p_ot0_1) + slice * p_oslice;
    if (row + 0u < p_m) { b2[at + (row + 0u) * p_oo0] = acc0_0.z; }
    if (row + 1u < p_m) { b2[at + (row + 1u) * p_oo0] = acc1_0.z; }
    if (row + 2u < p_m) { b2[at + (row + 2u) * p_oo0] = acc2_0.z; }
    if (row + 3u < p_m) { b2[at + (row + 3u) * p_oo0] = acc3_0.z; }
  }
  if (column + 3u < p_n) {
    let out_r1 = (column + 3u) / (p_t_1);
    let out_1 = (column + 3u) - out_r1 * (p_t_1);
    let out_r = out_r1 / (p_t_0);
    let out_0 = out_r1 - out_r * (p_t_0);
    let at = p_o0 + item * p_og0 + out_r * (p_on0) + out_0 * (p_ot0_0) + out_1 * (p_ot0_1) + slice * p_oslice;
    if (row + 0u < p_m) { b2[at + (row + 0u) * p_oo0] = acc0_0.w; }
    if (row + 1u < p_m) { b2[at + (row + 1u) * p_oo0] = acc1_0.w; }
    if (row + 2u < p_m) { b2[at + (row + 2u) * p_oo0] = acc2_0.w; }
    if (row + 3u < p_m) { b2[at + (row + 3u) * p_oo0] = acc3_0.w; }
  }
}
