// factor: a workgroup works on one matrix in the memory of its results, with barriers between steps; where columns do not depend on one
// another, a thread has one of them. Dot products of columns carry what rounding took away (Kahan 1965).
import type { FactorKernel } from '../../ir/kernel.ts'
import { callerId, faultKind } from './faults.ts'
import { Items, sizesOf } from './items.ts'
import { lowerJacobi } from './jacobi.ts'
import { mathFor } from './math.ts'
import { FAULTS, NOTHING, single, type Field, type Job, type Work } from './wgsl.ts'

/** Sums and extremes over the threads of a workgroup. */
const sharing = `var<workgroup> part: array<f32, 64>;
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
`

/** sum −= a · b, with what the last additions lost in `carry`. */
const minus = (a: string, b: string): string => `let term = -(${a}) * (${b}) - carry;
let next = sum + term;
carry = select((next - sum) - term, 0.0, (bitcast<u32>(next) & 0x7fffffffu) >= 0x7f800000u);
sum = next;`

const note = (binding: number, { op }: FactorKernel): string => `@group(1) @binding(${binding}) var<storage, read_write> faults: array<atomic<u32>, 4>;
fn note(info: u32, item: u32, caller: u32) {
  if (atomicMax(&faults[0], ${faultKind(op === 'cholesky' ? 'cholesky' : 'lu')}u) == 0u) {
    atomicStore(&faults[1], info);
    atomicStore(&faults[2], item);
    atomicStore(&faults[3], caller);
  }
}
`

/** A job that fails where its info is not 0, when the kernel is strict. */
function checked(kernel: FactorKernel, job: (end: string, head: string, more: readonly Field[]) => Job): Job {
  const { strict } = kernel
  if (strict === null) return job('', '', [])
  const plain = job('', '', [])
  const made = job('if ((lid == 0u) & (info != 0u)) { note(info, item, p.caller); }', note(plain.slots.length, kernel), [['caller', callerId(strict)]])
  return { ...made, key: `${made.key} strict`, slots: [...made.slots, FAULTS] }
}

const cholesky = (kernel: FactorKernel, slots: readonly number[]): Job => {
  const { n } = sizesOf(kernel)
  return checked(kernel, (end, head, more) => new Items(kernel, slots).job('cholesky', [0, 1, 2], [['n', n], ...more], (get, set) => {
    const body = `var info = 0u;
for (var j = 0u; j < p.n; j++) {
  for (var r = lid; r < p.n; r += 64u) {
    var sum = 0.0;
    if (r >= j) {
      sum = ${get(0, 'r', 'j')};
      var carry = 0.0;
      for (var k = 0u; k < j; k++) {
        ${minus(get(1, 'r', 'k'), get(1, 'j', 'k'))}
      }
    }
    ${set(1, 'sum', 'r', 'j')}
  }
  storageBarrier();
  let square = ${get(1, 'j', 'j')};
  storageBarrier();
  // Positive and not NaN, told by bits.
  if ((info == 0u) & (bitcast<u32>(square) - 1u >= 0x7f800000u)) { info = j + 1u; }
  let length = sqrt(square);
  for (var r = j + lid; r < p.n; r += 64u) {
    let value = select(${get(1, 'r', 'j')} / length, length, r == j);
    ${set(1, 'select(value, nan(), info != 0u)', 'r', 'j')}
  }
  storageBarrier();
}
if (lid == 0u) { ${set(2, 'i32(info)')} }
${end}`
    return { head: mathFor(body) + head, body }
  }))
}

const copied = (get: string, set: string): string => `for (var e = lid; e < p.m * p.n; e += 64u) {
  let r = e / p.n;
  let c = e % p.n;
  ${set.replace('VALUE', get)}
}
storageBarrier();`

const lu = (kernel: FactorKernel, slots: readonly number[]): Job => {
  const { m, n } = sizesOf(kernel)
  return checked(kernel, (end, head, more) => new Items(kernel, slots).job('lu', [0, 1, 2, 3], [['m', m], ['n', n], ...more], (get, set) => ({
    head: sharing + head,
    body: `${copied(get(0, 'r', 'c'), set(1, 'VALUE', 'r', 'c'))}
var info = 0u;
for (var j = 0u; j < min(p.m, p.n); j++) {
  var most = -1.0;
  var best = j;
  for (var r = j + lid; r < p.m; r += 64u) {
    let size = abs(${get(1, 'r', 'j')});
    if (size > most) {
      most = size;
      best = r;
    }
  }
  let pivot_row = largest(most, best, lid);
  if (pivot_row != j) {
    for (var c = lid; c < p.n; c += 64u) {
      let upper = ${get(1, 'j', 'c')};
      ${set(1, get(1, 'pivot_row', 'c'), 'j', 'c')}
      ${set(1, 'upper', 'pivot_row', 'c')}
    }
  }
  if (lid == 0u) { ${set(2, 'i32(pivot_row + 1u)', 'j')} }
  storageBarrier();
  let pivot = ${get(1, 'j', 'j')};
  if ((info == 0u) & (pivot == 0.0)) { info = j + 1u; }
  for (var r = j + 1u + lid; r < p.m; r += 64u) {
    let value = ${get(1, 'r', 'j')};
    ${set(1, 'select(value / pivot, value, pivot == 0.0)', 'r', 'j')}
  }
  storageBarrier();
  let width = p.n - j - 1u;
  for (var e = lid; e < (p.m - j - 1u) * width; e += 64u) {
    let r = j + 1u + e / width;
    let c = j + 1u + e % width;
    ${set(1, `fma(-${get(1, 'r', 'j')}, ${get(1, 'j', 'c')}, ${get(1, 'r', 'c')})`, 'r', 'c')}
  }
  storageBarrier();
}
if (lid == 0u) { ${set(3, 'i32(info)')} }
${end}`,
  })))
}

const permutation = (kernel: FactorKernel, slots: readonly number[]): Job =>
  new Items(kernel, slots).job('permutation', [0, 1], [['k', kernel.inputs[0].shape.at(-1)!], ['m', kernel.outputs[0].shape.at(-1)!]], (get, set) => ({
    body: `for (var r = 0u; r < p.m; r++) { ${set(1, 'i32(r)', 'r')} }
for (var r = 0u; r < p.k; r++) {
  let other = u32(${get(0, 'r')} - 1);
  if (other >= p.m) { continue; }
  let value = ${get(1, 'r')};
  ${set(1, get(1, 'other'), 'r')}
  ${set(1, 'value', 'other')}
}`,
  }), 1)

/** Column c of operand k times H_j, whose vector stands in column j of `packed`. */
const reflected = (get: (k: number, r?: string, c?: string) => string, set: (k: number, v: string, r?: string, c?: string) => string, packed: number, k: number): string => `var sum = -${get(k, 'j', 'c')};
var carry = 0.0;
for (var r = j + 1u; r < p.m; r++) {
  ${minus(get(packed, 'r', 'j'), get(k, 'r', 'c'))}
}
let by = sum * tau;
${set(k, `${get(k, 'j', 'c')} + by`, 'j', 'c')}
for (var r = j + 1u; r < p.m; r++) { ${set(k, `fma(by, ${get(packed, 'r', 'j')}, ${get(k, 'r', 'c')})`, 'r', 'c')} }`

const qr = (kernel: FactorKernel, slots: readonly number[]): Job => {
  const { m, n } = sizesOf(kernel)
  return new Items(kernel, slots).job('qr', [0, 1, 2], [['m', m], ['n', n]], (get, set) => ({
    head: sharing,
    body: `${copied(get(0, 'r', 'c'), set(1, 'VALUE', 'r', 'c'))}
for (var j = 0u; j < min(p.m, p.n); j++) {
  // Divided by the largest, squares neither overflow nor vanish.
  var most = 0.0;
  for (var r = j + 1u + lid; r < p.m; r += 64u) { most = max(most, abs(${get(1, 'r', 'j')})); }
  _ = largest(most, lid, lid);
  let unit = part[0];
  workgroupBarrier();
  let alpha = ${get(1, 'j', 'j')};
  var squares = 0.0;
  if (unit > 0.0) {
    for (var r = j + 1u + lid; r < p.m; r += 64u) {
      let value = ${get(1, 'r', 'j')} / unit;
      squares += value * value;
    }
  }
  let below = total(squares, lid);
  var tau = 0.0;
  if (unit > 0.0) {
    let scaled = alpha / unit;
    let length = unit * sqrt(below + scaled * scaled);
    let beta = select(-length, length, alpha < 0.0);
    tau = (beta - alpha) / beta;
    for (var r = j + 1u + lid; r < p.m; r += 64u) { ${set(1, `${get(1, 'r', 'j')} / (alpha - beta)`, 'r', 'j')} }
    if (lid == 0u) { ${set(1, 'beta', 'j', 'j')} }
  }
  if (lid == 0u) { ${set(2, 'tau', 'j')} }
  storageBarrier();
  for (var c = j + 1u + lid; c < p.n; c += 64u) {
    ${reflected(get, set, 1, 1)}
  }
  storageBarrier();
}`,
  }))
}

const householder = (kernel: FactorKernel, slots: readonly number[]): Job => {
  const { m, last, out } = sizesOf(kernel)
  return new Items(kernel, slots).job('householder', [0, 1, 2], [['m', m], ['k', last]], (get, set) => ({
    body: `let c = own;
for (var r = 0u; r < p.m; r++) { ${set(2, 'select(0.0, 1.0, r == c)', 'r', 'c')} }
for (var step = p.k; step > 0u; step--) {
  let j = step - 1u;
  if (c < j) { continue; }
  let tau = ${get(1, 'j')};
  ${reflected(get, set, 0, 2)}
}`,
  }), out)
}

/** One thread has one column of B. */
const solve = (kernel: FactorKernel, slots: readonly number[]): Job => {
  const { n, last } = sizesOf(kernel)
  const lower = kernel.op === 'lowerSolve' || kernel.op === 'unitLowerSolve'
  const unit = kernel.op === 'unitLowerSolve' || kernel.op === 'unitUpperSolve'
  return new Items(kernel, slots).job(kernel.op, [0, 1, 2], [['n', n]], (get, set) => ({
    body: `for (var step = 0u; step < p.n; step++) {
  let r = ${lower ? 'step' : 'p.n - 1u - step'};
  var sum = ${get(1, 'r', 'own')};
  var carry = 0.0;
  for (var k = ${lower ? '0u' : 'r + 1u'}; k < ${lower ? 'r' : 'p.n'}; k++) {
    ${minus(get(0, 'r', 'k'), get(2, 'k', 'own'))}
  }
  ${set(2, unit ? 'sum' : `sum / ${get(0, 'r', 'r')}`, 'r', 'own')}
}`,
  }), last)
}

export function lowerFactor(kernel: FactorKernel, slots: readonly number[]): Work {
  if (kernel.outputs.every(v => v.shape.includes(0))) return NOTHING
  switch (kernel.op) {
    case 'cholesky': return single(cholesky(kernel, slots))
    case 'lu': return single(lu(kernel, slots))
    case 'permutation': return single(permutation(kernel, slots))
    case 'qr': return single(qr(kernel, slots))
    case 'householder': return single(householder(kernel, slots))
    case 'eigh':
    case 'svd': return lowerJacobi(kernel, slots)
    default: return single(solve(kernel, slots))
  }
}
