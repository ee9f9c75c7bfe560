// factor copy 3  1 f32,f32,i32:0,1,2
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, items: u32, parts: u32, d_0: u32, v0: u32, s0_0: u32, r0: u32, c0: u32, v1: u32, s1_0: u32, r1: u32, c1: u32, v3: u32, s3_0: u32, r3: u32, c3: u32, n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f32>;
@group(1) @binding(1) var<storage, read_write> b1: array<f32>;
@group(1) @binding(2) var<storage, read_write> b2: array<i32>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_parts = p.parts;
  let p_items = p.items;
  let p_v0 = p.v0;
  let p_s0_0 = p.s0_0;
  let p_v1 = p.v1;
  let p_s1_0 = p.s1_0;
  let p_v3 = p.v3;
  let p_s3_0 = p.s3_0;
  let p_n = p.n;
  let p_r1 = p.r1;
  let p_c1 = p.c1;
  let p_r0 = p.r0;
  let p_c0 = p.c0;
  let p_r3 = p.r3;
  let p_c3 = p.c3;
  let item = i / p_parts;
  if (item >= p_items) { return; }
  let own = i % p_parts;
  let c_0 = item;
  let x0 = p_v0 + c_0 * p_s0_0;
  let x1 = p_v1 + c_0 * p_s1_0;
  let x3 = p_v3 + c_0 * p_s3_0;
  let r = own / p_n;
  let c = own % p_n;
  b1[x1 + (r) * p_r1 + (c) * p_c1] = b0[x0 + (r) * p_r0 + (c) * p_c0];
  if (own == 0u) { b2[x3 + (0u) * p_r3 + (0u) * p_c3] = 0; }
}

// factor lu 1 f32,i32,i32:0,1,2 strict
alias F = f32; alias I = i32; alias U = u32; alias B = bool;
struct Params { inf: u32, nan: u32, zero: u32, items: u32, parts: u32, d_0: u32, v1: u32, s1_0: u32, r1: u32, c1: u32, v2: u32, s2_0: u32, r2: u32, c2: u32, v3: u32, s3_0: u32, r3: u32, c3: u32, m: u32, n: u32, start: u32, end: u32, edge: u32, caller: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(1) @binding(0) var<storage, read_write> b0: array<f32>;
@group(1) @binding(1) var<storage, read_write> b1: array<i32>;
@group(1) @binding(2) var<storage, read_write> b2: array<i32>;
var<workgroup> part: array<f32, 64>;
var<workgroup> place: array<u32, 64>;
fn total(value: f32, lid: u32) -> f32 {
  part[lid] = value;
  workgroupBarrier();
  for (var s = 32u; s > 0u; s >>= 1u) {
    if (lid < s) { part[lid] += part[lid + s]; }
    workgroupBarrier();
  }
  let sum = part[0];
  workgroupBarrier();
  return sum;
}
/** Where the largest value is; the first place of equal ones. */
fn largest(value: f32, at: u32, lid: u32) -> u32 {
  part[lid] = value;
  place[lid] = at;
  workgroupBarrier();
  for (var s = 32u; s > 0u; s >>= 1u) {
    if (lid < s) {
      let more = part[lid + s] > part[lid];
      let same = (part[lid + s] == part[lid]) & (place[lid + s] < place[lid]);
      if (more | same) {
        part[lid] = part[lid + s];
        place[lid] = place[lid + s];
      }
    }
    workgroupBarrier();
  }
  let found = place[0];
  workgroupBarrier();
  return found;
}
@group(1) @binding(3) var<storage, read_write> faults: array<atomic<u32>, 4>;
fn note(info: u32, item: u32, caller: u32) {
  if (atomicMax(&faults[0], 4u) == 0u) {
    atomicStore(&faults[1], info);
    atomicStore(&faults[2], item);
    atomicStore(&faults[3], caller);
  }
}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) count: vec3u, @builtin(local_invocation_index) lid: u32) {
  let group = wid.y * count.x + wid.x;
  let i = group * 64u + lid;
  let p_parts = p.parts;
  let p_items = p.items;
  let p_v1 = p.v1;
  let p_s1_0 = p.s1_0;
  let p_v2 = p.v2;
  let p_s2_0 = p.s2_0;
  let p_v3 = p.v3;
  let p_s3_0 = p.s3_0;
  let p_r3 = p.r3;
  let p_c3 = p.c3;
  let p_start = p.start;
  let p_end = p.end;
  let p_m = p.m;
  let p_r1 = p.r1;
  let p_c1 = p.c1;
  let p_n = p.n;
  let p_r2 = p.r2;
  let p_c2 = p.c2;
  let p_edge = p.edge;
  let p_caller = p.caller;
  let item = group / p_parts;
  if (item >= p_items) { return; }
  let own = group % p_parts;
  let c_0 = item;
  let x1 = p_v1 + c_0 * p_s1_0;
  let x2 = p_v2 + c_0 * p_s2_0;
  let x3 = p_v3 + c_0 * p_s3_0;
  var info = u32(b2[x3 + (0u) * p_r3 + (0u) * p_c3]);
  for (var j = p_start; j < p_end; j++) {
    var most = -1.0;
    var best = j;
    for (var r = j + lid; r < p_m; r += 64u) {
      let size = abs(b0[x1 + (r) * p_r1 + (j) * p_c1]);
      if (size > most) {
        most = size;
        best = r;
      }
    }
    let pivot_row = largest(most, best, lid);
    if (pivot_row != j) {
      for (var c = lid; c < p_n; c += 64u) {
        let upper = b0[x1 + (j) * p_r1 + (c) * p_c1];
        b0[x1 + (j) * p_r1 + (c) * p_c1] = b0[x1 + (pivot_row) * p_r1 + (c) * p_c1];
        b0[x1 + (pivot_row) * p_r1 + (c) * p_c1] = upper;
      }
    }
    if (lid == 0u) { b1[x2 + (j) * p_r2 + (0u) * p_c2] = i32(pivot_row + 1u); }
    storageBarrier();
    let pivot = b0[x1 + (j) * p_r1 + (j) * p_c1];
    if ((info == 0u) & (pivot == 0.0)) { info = j + 1u; }
    for (var r = j + 1u + lid; r < p_m; r += 64u) {
      let value = b0[x1 + (r) * p_r1 + (j) * p_c1];
      b0[x1 + (r) * p_r1 + (j) * p_c1] = select(value / pivot, value, pivot == 0.0);
    }
    storageBarrier();
    let width = p_edge - j - 1u;
    for (var e = lid; e < (p_m - j - 1u) * width; e += 64u) {
      let r = j + 1u + e / width;
      let c = j + 1u + e % width;
      b0[x1 + (r) * p_r1 + (c) * p_c1] = fma(-b0[x1 + (r) * p_r1 + (j) * p_c1], b0[x1 + (j) * p_r1 + (c) * p_c1], b0[x1 + (r) * p_r1 + (c) * p_c1]);
    }
    storageBarrier();
  }
  if (lid == 0u) { b2[x3 + (0u) * p_r3 + (0u) * p_c3] = i32(info); }
  if ((lid == 0u) & (info != 0u)) { note(info, item, p_caller); }
}
