// reduce argmax group 1 1 f  f32,i32:0,1
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, rows: u32, total: u32, length: u32, d_0: u32, x: u32, xs_0: u32, rd_0: u32, rs_0: u32, o: u32, os_0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f32>;
@group(1) @binding(1) var<storage, read_write> b1: array<i32>;
fn is_nan(x: F) -> B { return (bitcast<I>(x) & I(0x7fffffff)) > I(0x7f800000); }
fn either_nan(x: F, y: F) -> B { return max(bitcast<I>(x) & I(0x7fffffff), bitcast<I>(y) & I(0x7fffffff)) > I(0x7f800000); }
fn lt_f(x: F, y: F) -> B { return (x < y) & !either_nan(x, y); }
const none = 0xffffffffu;
struct Acc { value: F, at: u32 }
fn ahead(x: F, y: F) -> bool { return (is_nan(x) & !is_nan(y)) | lt_f(y, x); }
fn join(a: Acc, b: Acc) -> Acc {
  let wins = (b.at != none) & ((a.at == none) | ahead(b.value, a.value) | (!ahead(a.value, b.value) & (b.at < a.at)));
  return Acc(select(a.value, b.value, wins), select(a.at, b.at, wins));
}
var<workgroup> tree: array<Acc, 64>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_n = p.n;
  let p_x = p.x;
  let p_xs_0 = p.xs_0;
  let p_total = p.total;
  let p_rs_0 = p.rs_0;
  let p_o = p.o;
  let p_os_0 = p.os_0;
  let unit = group;
  if (unit >= p_n) { return; }
  let row = unit;
  let c_0 = row;
  let base = p_x + c_0 * p_xs_0;
  let start = 0u;
  let end = p_total;
  var acc = Acc(F(0), none);
  for (var r = start + lid; r < end; r += 64u) {
    acc = join(acc, Acc(b0[base + r * p_rs_0], r));
  }
  tree[lid] = acc;
  workgroupBarrier();
  for (var half = 32u; half > 0u; half >>= 1u) {
    if (lid < half) { tree[lid] = join(tree[lid], tree[lid + half]); }
    workgroupBarrier();
  }
  if (lid == 0u) {
    acc = tree[0];
    b1[p_o + c_0 * p_os_0] = I(acc.at);
  }
}
