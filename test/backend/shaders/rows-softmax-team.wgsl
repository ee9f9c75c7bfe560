// rows along 16/64 keep 1 1 edwd f32x4,f32x4:0,1 4@2 0=register,2=register max[||input0:f32()>0] [||input0:f32();input1:f32();sub:f32(0,1);exp:f32(2)>3] sum[||input2:f32()>0] [||input2:f32();input3:f32();div:f32(0,1)>2]
alias F = vec4f; alias I = vec4i; alias U = vec4u; alias B = vec4<bool>;
struct Params { inf: u32, nan: u32, zero: u32, n: u32, rows: u32, total: u32, length: u32, block: u32, d_0: u32, rd_0: u32, o0: u32, o1: u32, s0_0: u32, s1_0: u32, r0_0: u32, r1_0: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<vec4<f32>>;
@group(1) @binding(1) var<storage, read_write> b1: array<vec4<f32>>;
fn inf() -> F { return F(bitcast<f32>(p.inf)); }
fn is_nan(x: F) -> B { return (bitcast<I>(x) & I(0x7fffffff)) > I(0x7f800000); }
fn either_nan(x: F, y: F) -> B { return max(bitcast<I>(x) & I(0x7fffffff), bitcast<I>(y) & I(0x7fffffff)) > I(0x7f800000); }
fn max_f(x: F, y: F) -> F {
  return select(select(select(y, x, x > y), bitcast<F>(bitcast<U>(x) & bitcast<U>(y)), x == y), x + y, either_nan(x, y));
}
fn exponent(n: F) -> I { return bitcast<I>(n + F(12582912.0)) * I(8388608); }
fn pow2(n: F) -> F { return bitcast<F>(exponent(n) + I(0x3f800000)); }
fn exp_tail(x: F) -> F {
  return ((((F(1.98458979e-4) * x + F(1.39408932e-3)) * x + F(8.33338995e-3)) * x + F(4.16663578e-2)) * x + F(1.66666664e-1)) * x + F(5.00000004e-1);
}
fn exp_f(x: F) -> F {
  let c = clamp(x, F(-104.0), F(89.0));
  let n = floor(c * F(1.44269504) + F(0.5));
  let r = (c - n * F(0.693359375)) + n * F(2.12194440e-4);
  let y = (exp_tail(r) * r * r + r) + F(1.0);
  let half = floor(n * F(0.5));
  return select(y * pow2(half) * pow2(n - half), x, is_nan(x));
}
var<workgroup> tree_F0: array<F, 64>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_n = p.n;
  let p_o0 = p.o0;
  let p_s0_0 = p.s0_0;
  let p_o1 = p.o1;
  let p_s1_0 = p.s1_0;
  let p_total = p.total;
  let p_zero = p.zero;
  let place = lid % 16u;
  let live = group * 4u + lid / 16u < p_n;
  let unit = min(group * 4u + lid / 16u, p_n - 1u);
  let row = unit;
  let c_0 = row;
  let x0 = p_o0 + c_0 * p_s0_0;
  let x1 = p_o1 + c_0 * p_s1_0;
  let end = select(0u, p_total, live);
  var kept0: array<F, 4>;
  var kept2: array<F, 4>;
  var acc1 = -inf();
  for (var j = 0u; j < 4u; j++) {
    let r = place + j * 16u;
    if (r < end) {
      let y0 = x0 + r;
      let e0 = b0[y0];
      let s0_0 = e0;
      kept0[j] = e0;
      acc1 = max_f(acc1, s0_0);
    }
  }
  tree_F0[lid] = acc1;
  workgroupBarrier();
  for (var half = 8u; half > 0u; half >>= 1u) {
    if (place < half) {
      tree_F0[lid] = max_f(tree_F0[lid], tree_F0[lid + half]);
    }
    workgroupBarrier();
  }
  acc1 = tree_F0[lid - place];
  workgroupBarrier();
  acc1 = max_f(acc1, acc1.zwxy);
  acc1 = max_f(acc1, acc1.yxwz);
  let t1 = acc1;
  var acc3 = F(0f);
  for (var j = 0u; j < 4u; j++) {
    let r = place + j * 16u;
    if (r < end) {
      let e0 = kept0[j];
      let s1_0 = e0;
      let s1_1 = t1;
      let s1_2 = s1_0 - s1_1;
      let s1_3 = exp_f(s1_2);
      let s2_0 = s1_3;
      kept2[j] = s1_3;
      acc3 = acc3 + s2_0;
    }
  }
  tree_F0[lid] = acc3;
  workgroupBarrier();
  for (var half = 8u; half > 0u; half >>= 1u) {
    if (place < half) {
      tree_F0[lid] = tree_F0[lid] + tree_F0[lid + half];
    }
    workgroupBarrier();
  }
  acc3 = tree_F0[lid - place];
  acc3 = acc3 + acc3.zwxy;
  acc3 = acc3 + acc3.yxwz;
  let t3 = acc3;
  for (var j = 0u; j < 4u; j++) {
    let r = place + j * 16u;
    if (r < end) {
      let s1_3 = kept2[j];
      let s3_0 = s1_3;
      let s3_1 = t3;
      let s3_2 = s3_0 / bitcast<F>(bitcast<U>(s3_1) ^ U(p_zero));
      b1[x1 + r] = s3_2;
    }
  }
}
