// reduce max thread 1 1 f  f32,f32:0,1
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, n: u32, rows: u32, total: u32, length: u32, block: u32, d_0: u32, x: u32, xs_0: u32, rd_0: u32, rs_0: u32, o: u32, os_0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f32>;
@group(1) @binding(1) var<storage, read_write> b1: array<f32>;
fn inf() -> F { return F(bitcast<f32>(p.inf)); }
fn nan() -> F { return F(bitcast<f32>(p.nan)); }
fn either_nan(x: F, y: F) -> B { return max(bitcast<U>(x) & U(0x7fffffffu), bitcast<U>(y) & U(0x7fffffffu)) > U(0x7f800000u); }
fn max_f(x: F, y: F) -> F {
  return select(select(select(y, x, x > y), bitcast<F>(bitcast<U>(x) & bitcast<U>(y)), x == y), nan(), either_nan(x, y));
}
alias Acc = F;
fn join(a: Acc, b: Acc) -> Acc { return max_f(a, b); }
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let unit = i;
  if (unit >= p.n) { return; }
  let row = unit;
  let c_0 = row;
  let base = p.x + c_0 * p.xs_0;
  let start = 0u;
  let end = p.total;
  var acc = -inf();
  for (var s = start; s < end; s += p.block) {
    var part = -inf();
    let stop = min(s + p.block, end);
    for (var r = s; r < stop; r += 1u) {
      part = join(part, b0[base + r * p.rs_0]);
    }
    acc = join(acc, part);
  }
  b1[p.o + c_0 * p.os_0] = acc;
}
