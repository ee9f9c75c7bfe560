// Singular values and eigenvalues by one-sided Jacobi rotations (Hestenes 1958): the columns of X = A·V are made orthogonal in pairs, those of
// a round (a tournament's) at once. The columns of a symmetric matrix, shifted so that no eigenvalue is negative, become its eigenvectors.
import type { FactorKernel } from '../../ir/kernel.ts'
import { Items, sizesOf, type Get, type Set } from './items.ts'
import { mathFor } from './math.ts'
import { indent, opaque, scratchSlot, type Field, type Job, type Target, type Work } from './wgsl.ts'

const SWEEPS = 12
/** On graphics hardware a workgroup has one pair of columns of a larger matrix, and a dispatch one round: none may take long. */
const SMALL = 32

const head = `var<workgroup> part: array<f32, 64>;
var<workgroup> parts: array<vec3f, 64>;
var<workgroup> more: u32;
var<workgroup> turned: atomic<u32>;
fn greatest(value: f32, lid: u32) -> f32 {
  part[lid] = value;
  workgroupBarrier();
  for (var s = 32u; s > 0u; s >>= 1u) {
    if (lid < s) { part[lid] = max(part[lid], part[lid + s]); }
    workgroupBarrier();
  }
  let most = part[0];
  workgroupBarrier();
  return most;
}
fn total(value: vec3f, lid: u32) -> vec3f {
  parts[lid] = value;
  workgroupBarrier();
  for (var s = 32u; s > 0u; s >>= 1u) {
    if (lid < s) { parts[lid] += parts[lid + s]; }
    workgroupBarrier();
  }
  return parts[0];
}
// Bits that order like the numbers.
fn key_of(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  return select(bits ^ 0x80000000u, ~bits, bits >= 0x80000000u);
}
`

export function lowerJacobi(kernel: FactorKernel, slots: readonly number[], { family }: Target): Work {
  const { n } = sizesOf(kernel)
  const symmetric = kernel.op === 'eigh'
  const m = symmetric ? n : sizesOf(kernel).m
  const columns = n + (n % 2)
  const at = [0, 1, 2, 3].map(k => scratchSlot(slots, k))
  const items = new Items(kernel, slots, [
    { rows: m, columns: n, slot: at[0] },
    { rows: n, columns: n, slot: at[1] },
    { rows: n, columns: 1, slot: at[2] },
    { rows: 5, columns: 1, slot: at[3] },
  ])
  // Operands: A and the results, then X, V, the values in the order of the columns, and
  // [whether to go on, unit, shift, whether an element is NaN or infinite, whether a round of many workgroups turned anything].
  const [X, V, VALUES, STATE] = [0, 1, 2, 3].map(k => slots.length + k)
  const [A, OUT_VALUES, OUT_VECTORS] = symmetric ? [0, 1, 2] : [0, 2, 3]
  const fields: Field[] = [['m', m], ['n', n]]
  const element = symmetric ? (r: string, c: string): [string, string] => [`max(${r}, ${c})`, `min(${r}, ${c})`] : (r: string, c: string): [string, string] => [r, c]

  const start = items.job(`${kernel.op} start`, [A, X, V, STATE], fields, (get, set) => ({
    head,
    body: `var most = 0.0;
var wild = 0.0;
for (var e = lid; e < p.m * p.n; e += 64u) {
  let size = abs(${get(A, ...element('e / p.n', 'e % p.n'))});
  most = max(most, size);
  if (bitcast<u32>(size) >= 0x7f800000u) { wild = 1.0; }
}
wild = greatest(wild, lid);
// A power of two, so that nothing is rounded.
let exponent = bitcast<u32>(greatest(most, lid)) & 0x7f800000u;
let unit = select(bitcast<f32>(exponent), 1.0, (exponent == 0u) | (exponent == 0x7f800000u));
var shift = 0.0;
${symmetric ? `var longest = 0.0;
for (var r = lid; r < p.n; r += 64u) {
  var sum = 0.0;
  for (var c = 0u; c < p.n; c++) { sum += abs(${get(A, ...element('r', 'c'))} / unit); }
  longest = max(longest, sum);
}
shift = greatest(longest, lid);` : ''}
for (var e = lid; e < p.m * p.n; e += 64u) {
  let r = e / p.n;
  let c = e % p.n;
  ${set(X, `${get(A, ...element('r', 'c'))} / unit + select(0.0, shift, r == c)`, 'r', 'c')}
}
for (var e = lid; e < p.n * p.n; e += 64u) { ${set(V, 'select(0.0, 1.0, e / p.n == e % p.n)', 'e / p.n', 'e % p.n')} }
if (lid == 0u) {
  ${set(STATE, '1.0 - wild', '0u')}
  ${set(STATE, 'unit', '1u')}
  ${set(STATE, 'shift', '2u')}
  ${set(STATE, 'wild', '3u')}
  ${set(STATE, '0.0', '4u')}
}`,
  }))

  const pair = `let others = p.columns - 1u;
let first = select((round + t) % others, others, t == 0u);
let second = (round + others - t) % others;
let a = min(first, second);
let b = max(first, second);`
  const angle = `// The smaller of the two angles that make the pair orthogonal.
let zeta = (bb - aa) / (2.0 * ab);
let size = abs(zeta);
let tangent = select(1.0, -1.0, zeta < 0.0) / (size + select(sqrt(1.0 + zeta * zeta), size, size > 1e8));
let cosine = 1.0 / sqrt(1.0 + tangent * tangent);
let sine = cosine * tangent;
// cos = 1 − sin·rest: small angles change little, and exactly so (Rutishauser 1966).
let rest = sine / (1.0 + cosine);`
  const small = '!(abs(ab) > 1.2e-7 * sqrt(aa) * sqrt(bb))'
  const sums = (get: Get, loop: string): string => `var aa = 0.0;
var bb = 0.0;
// Close to 0 it is all rounding, but for what the carry saves (Kahan 1965).
var ab = 0.0;
var carry = 0.0;
for (${loop}) {
  let u = ${get(X, 'r', 'a')};
  let w = ${get(X, 'r', 'b')};
  aa += u * u;
  bb += w * w;
  let term = fma(u, w, -carry);
  let next = ${opaque('ab + term')};
  carry = (next - ab) - term;
  ab = next;
}`
  const turn = (get: Get, set: Set, k: number, loop: string): string => `for (${loop}) {
  let u = ${get(k, 'r', 'a')};
  let w = ${get(k, 'r', 'b')};
  ${set(k, 'u - sine * fma(rest, u, w)', 'r', 'a')}
  ${set(k, 'w + sine * fma(-rest, w, u)', 'r', 'b')}
}`
  const rows = (count: string): string => `var r = 0u; r < p.${count}; r++`
  const shared = (count: string): string => `var r = lid; r < p.${count}; r += 64u`

  /** All sweeps of a small matrix: a thread has a pair. */
  const sweeps = (): Job => items.job(`${kernel.op} sweeps`, [X, V, STATE], [...fields, ['columns', columns]], (get, set) => ({
    head,
    body: `if (lid == 0u) { more = u32(${get(STATE, '0u')}); }
for (var s = 0u; s < ${SWEEPS}u; s++) {
  if (workgroupUniformLoad(&more) == 0u) { break; }
  if (lid == 0u) { atomicStore(&turned, 0u); }
  workgroupBarrier();
  for (var round = 0u; round + 1u < p.columns; round++) {
    for (var t = lid; t < p.columns / 2u; t += 64u) {
${indent(pair, 6)}
      if (b >= p.n) { continue; }
${indent(sums(get, rows('m')), 6)}
      if (${small}) { continue; }
      atomicStore(&turned, 1u);
${indent(angle, 6)}
${indent(turn(get, set, X, rows('m')), 6)}
${indent(turn(get, set, V, rows('n')), 6)}
    }
    storageBarrier();
    workgroupBarrier();
  }
  if (lid == 0u) { more = atomicLoad(&turned); }
}`,
  }))

  const round = (number: number): Job => items.job(`${kernel.op} round`, [X, V, STATE], [...fields, ['columns', columns], ['round', number]], (get, set) => ({
    head,
    body: `let round = p.round;
let t = own;
${pair}
if (lid == 0u) { more = select(0u, 1u, (b < p.n) & (${get(STATE, '0u')} != 0.0)); }
if (workgroupUniformLoad(&more) == 0u) { return; }
${sums(get, shared('m'))}
let all = total(vec3f(aa, bb, ab), lid);
aa = all.x;
bb = all.y;
ab = all.z;
if (${small}) { return; }
if (lid == 0u) { ${set(STATE, '1.0', '4u')} }
${angle}
${turn(get, set, X, shared('m'))}
${turn(get, set, V, shared('n'))}`,
  }), 'groups', columns / 2)
  const next = (): Job => items.job('go on', [STATE], [], (get, set) => ({
    body: `${set(STATE, get(STATE, '4u'), '0u')}
${set(STATE, '0.0', '4u')}`,
  }), 'threads')
  const rounds = (): Job[] => Array.from({ length: columns - 1 }, (_, i) => round(i))

  // Of a symmetric matrix vᵀ·A·v, without the shift and what it rounded away.
  const finish = items.job(`${kernel.op} finish`, symmetric ? [A, OUT_VALUES, OUT_VECTORS, V, VALUES, STATE] : [1, OUT_VALUES, OUT_VECTORS, X, V, VALUES, STATE], fields, (get, set) => ({
    head: mathFor('nan()') + head,
    body: `let wild = ${get(STATE, '3u')} != 0.0;
for (var j = lid; j < p.n; j += 64u) {
  var sum = 0.0;
  ${symmetric ? `for (var r = 0u; r < p.n; r++) {
    var product = 0.0;
    for (var c = 0u; c < p.n; c++) { product += ${get(A, ...element('r', 'c'))} * ${get(V, 'c', 'j')}; }
    sum += product * ${get(V, 'r', 'j')};
  }` : `for (var r = 0u; r < p.m; r++) { sum += ${get(X, 'r', 'j')} * ${get(X, 'r', 'j')}; }
  sum = sqrt(sum) * ${get(STATE, '1u')};`}
  ${set(VALUES, 'sum', 'j')}
}
storageBarrier();
for (var j = lid; j < p.n; j += 64u) {
  let value = ${get(VALUES, 'j')};
  let key = key_of(value);
  var to = 0u;
  for (var c = 0u; c < p.n; c++) {
    let other = key_of(${get(VALUES, 'c')});
    to += select(0u, 1u, (other ${symmetric ? '<' : '>'} key) | ((other == key) & (c < j)));
  }
  var most = 0.0;
  for (var r = 0u; r < p.n; r++) { most = max(most, abs(${get(V, 'r', 'j')})); }
  var sign = 0.0;
  for (var r = 0u; r < p.n; r++) {
    let x = ${get(V, 'r', 'j')};
    if ((sign == 0.0) & (abs(x) > most / 2.0)) { sign = select(1.0, -1.0, x < 0.0); }
  }
  ${set(OUT_VALUES, 'select(value, nan(), wild)', 'to')}
  for (var r = 0u; r < p.n; r++) { ${set(OUT_VECTORS, `select(sign * ${get(V, 'r', 'j')}, nan(), wild)`, 'r', 'to')} }
  ${symmetric ? '' : `for (var r = 0u; r < p.m; r++) { ${set(1, `select(sign * ${get(STATE, '1u')} * ${get(X, 'r', 'j')}, nan(), wild)`, 'r', 'to')} }`}
}`,
  }))

  const turns = n <= SMALL || family === 'register' ? [sweeps()] : Array.from({ length: SWEEPS }, () => [...rounds(), next()]).flat()
  const bytes = (elements: number): number => Math.max(4, items.count * elements * 4)
  return { jobs: [start, ...turns, finish], scratch: [bytes(m * n), bytes(n * n), bytes(n), bytes(5)] }
}
