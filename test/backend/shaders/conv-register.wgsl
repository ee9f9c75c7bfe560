// conv register 2 4x4 f32,f32,f32:0,1,2
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, units: u32, m: u32, n: u32, k: u32, slice: u32, tiles_m: u32, tiles_n: u32, items: u32, oslice: u32, x: u32, xg: u32, xn: u32, xc: u32, xs_0: u32, xs_1: u32, w: u32, wg: u32, wo: u32, wc: u32, ws_0: u32, ws_1: u32, k_0: u32, k_1: u32, t_0: u32, t_1: u32, o0: u32, og0: u32, on0: u32, oo0: u32, ot0_0: u32, ot0_1: u32, stride_0: u32, stride_1: u32, dilation_0: u32, dilation_1: u32, xk_0: u32, xk_1: u32, pad_0: u32, pad_1: u32, spread_0: u32, spread_1: u32, span_0: u32, span_1: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f32>;
@group(1) @binding(1) var<storage, read_write> b1: array<f32>;
@group(1) @binding(2) var<storage, read_write> b2: array<f32>;
struct Column { x: u32, at_0: u32, at_1: u32 }
struct Tap { c: u32, k_0: u32, k_1: u32 }
fn column_at(column: u32, group: u32) -> Column {
  let r0 = column;
  let t_1 = r0 % p.t_1;
  let r1 = r0 / p.t_1;
  let t_0 = r1 % p.t_0;
  let r2 = r1 / p.t_0;
  let at_0 = t_0 * p.stride_0 - p.pad_0;
  let at_1 = t_1 * p.stride_1 - p.pad_1;
  return Column(p.x + group * p.xg + r2 * p.xn + at_0 * p.xs_0 + at_1 * p.xs_1, at_0, at_1);
}
fn place0(column: u32, group: u32) -> u32 {
  let r0 = column;
  let t_1 = r0 % p.t_1;
  let r1 = r0 / p.t_1;
  let t_0 = r1 % p.t_0;
  let r2 = r1 / p.t_0;
  return p.o0 + group * p.og0 + r2 * p.on0 + t_0 * p.ot0_0 + t_1 * p.ot0_1;
}
fn tap_at(k: u32) -> Tap {
  let rest0 = k;
  let k_1 = rest0 % p.k_1;
  let rest1 = rest0 / p.k_1;
  let k_0 = rest1 % p.k_0;
  let rest2 = rest1 / p.k_0;
  return Tap(rest2, k_0, k_1);
}
fn next_tap(tap: Tap) -> Tap {
  var next = tap;
  next.k_1 += 1u;
  let wrap_1 = next.k_1 == p.k_1;
  next.k_1 = select(next.k_1, 0u, wrap_1);
  next.k_0 += u32(wrap_1);
  let wrap_0 = next.k_0 == p.k_0;
  next.k_0 = select(next.k_0, 0u, wrap_0);
  next.c += u32(wrap_0);
  return next;
}
fn read_x(column: Column, tap: Tap) -> f32 {
  let q_0 = column.at_0 + tap.k_0 * p.dilation_0;
  let q_1 = column.at_1 + tap.k_1 * p.dilation_1;
  let inside = (q_0 < p.span_0) & (q_1 < p.span_1);
  let at = column.x + (tap.c * p.xc + tap.k_0 * p.xk_0 + tap.k_1 * p.xk_1);
  return select(0.0, b0[at], inside);
}
fn read_w(base: u32, tap: Tap) -> f32 {
  return b1[base + tap.c * p.wc + tap.k_0 * p.ws_0 + tap.k_1 * p.ws_1];
}
@compute @workgroup_size(16)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 16u + lid;
  let unit = i;
  if (unit >= p.units) { return; }
  let column = unit % p.tiles_n * 4u;
  let across = unit / p.tiles_n;
  let row = across % p.tiles_m * 4u;
  let item_slice = across / p.tiles_m;
  let item = item_slice % p.items;
  let slice = item_slice / p.items;
  let k_start = slice * p.slice;
  let k_end = min(k_start + p.slice, p.k);
  let w_base = p.w + item * p.wg;
  var acc0_0 = vec4f(0.0);
  var acc1_0 = vec4f(0.0);
  var acc2_0 = vec4f(0.0);
  var acc3_0 = vec4f(0.0);
  let column0 = column_at(column + 0u, item);
  let column1 = column_at(column + 1u, item);
  let column2 = column_at(column + 2u, item);
  let column3 = column_at(column + 3u, item);
  let w_row0 = w_base + (row + 0u) * p.wo;
  let w_row1 = w_base + (row + 1u) * p.wo;
  let w_row2 = w_base + (row + 2u) * p.wo;
  let w_row3 = w_base + (row + 3u) * p.wo;
  var tap = tap_at(k_start);
  for (var k = k_start; k < k_end; k++) {
    let x0 = vec4f(read_x(column0, tap), read_x(column1, tap), read_x(column2, tap), read_x(column3, tap));
    let w0 = read_w(w_row0, tap);
    let w1 = read_w(w_row1, tap);
    let w2 = read_w(w_row2, tap);
    let w3 = read_w(w_row3, tap);
    acc0_0 += w0 * x0;
    acc1_0 += w1 * x0;
    acc2_0 += w2 * x0;
    acc3_0 += w3 * x0;
    tap = next_tap(tap);
  }
  if (column + 0u < p.n) {
    let at = place0(column + 0u, item) + slice * p.oslice;
    if (row + 0u < p.m) { b2[at + (row + 0u) * p.oo0] = acc0_0.x; }
    if (row + 1u < p.m) { b2[at + (row + 1u) * p.oo0] = acc1_0.x; }
    if (row + 2u < p.m) { b2[at + (row + 2u) * p.oo0] = acc2_0.x; }
    if (row + 3u < p.m) { b2[at + (row + 3u) * p.oo0] = acc3_0.x; }
  }
  if (column + 1u < p.n) {
    let at = place0(column + 1u, item) + slice * p.oslice;
    if (row + 0u < p.m) { b2[at + (row + 0u) * p.oo0] = acc0_0.y; }
    if (row + 1u < p.m) { b2[at + (row + 1u) * p.oo0] = acc1_0.y; }
    if (row + 2u < p.m) { b2[at + (row + 2u) * p.oo0] = acc2_0.y; }
    if (row + 3u < p.m) { b2[at + (row + 3u) * p.oo0] = acc3_0.y; }
  }
  if (column + 2u < p.n) {
    let at = place0(column + 2u, item) + slice * p.oslice;
    if (row + 0u < p.m) { b2[at + (row + 0u) * p.oo0] = acc0_0.z; }
    if (row + 1u < p.m) { b2[at + (row + 1u) * p.oo0] = acc1_0.z; }
    if (row + 2u < p.m) { b2[at + (row + 2u) * p.oo0] = acc2_0.z; }
    if (row + 3u < p.m) { b2[at + (row + 3u) * p.oo0] = acc3_0.z; }
  }
  if (column + 3u < p.n) {
    let at = place0(column + 3u, item) + slice * p.oslice;
    if (row + 0u < p.m) { b2[at + (row + 0u) * p.oo0] = acc0_0.w; }
    if (row + 1u < p.m) { b2[at + (row + 1u) * p.oo0] = acc1_0.w; }
    if (row + 2u < p.m) { b2[at + (row + 2u) * p.oo0] = acc2_0.w; }
    if (row + 3u < p.m) { b2[at + (row + 3u) * p.oo0] = acc3_0.w; }
  }
}
