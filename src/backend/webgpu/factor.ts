// factor: a workgroup works on one matrix in the memory of its results, with barriers between steps; where columns do not depend on one
// another, a thread has one of them. Large matrices are worked on by panels of columns, and all else than the panel by many workgroups, so
// that no dispatch takes long. Dot products carry what rounding took away (Kahan 1965).
import type { FactorKernel } from '../../ir/kernel.ts'
import { callerId, faultKind } from './faults.ts'
import { Items, sizesOf, type Get, type Set } from './items.ts'
import { lowerJacobi } from './jacobi.ts'
import { mathFor } from './math.ts'
import { FAULTS, NOTHING, opaque, single, type Field, type Job, type Target, type Work } from './wgsl.ts'

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
let next = ${opaque('sum + term')};
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

/** Columns of a matrix that is worked on by panels; smaller ones are one panel. */
const PANEL = 32
const SMALL = 64

interface Panel {
  readonly from: number
  readonly to: number
  readonly isLast: boolean
}
const panels = (columns: number): Panel[] => {
  const width = columns <= SMALL ? Math.max(columns, 1) : PANEL
  return Array.from({ length: Math.max(1, Math.ceil(columns / width)) }, (_, i) => ({ from: i * width, to: Math.min(columns, (i + 1) * width), isLast: (i + 1) * width >= columns }))
}

/** The last job of a factorisation, which fails where its info is not 0, when the kernel is strict. */
function checked(kernel: FactorKernel, job: (end: string, head: string, more: readonly Field[]) => Job, isLast: boolean): Job {
  const { strict } = kernel
  const plain = job('', '', [])
  if (strict === null || !isLast) return plain
  const made = job('if ((lid == 0u) & (info != 0u)) { note(info, item, p.caller); }', note(plain.slots.length, kernel), [['caller', callerId(strict)]])
  return { ...made, key: `${made.key} strict`, slots: [...made.slots, FAULTS] }
}

/** A to the first result, by `value` where not all of it; and 0 to the info, if there is one. */
const copy = (items: Items, m: number, n: number, info: number | null, value = (element: string): string => element): Job =>
  items.job(`copy ${info} ${value('')}`, info === null ? [0, 1] : [0, 1, info], [['n', n]], (get, set) => ({
    body: `let r = own / p.n;
let c = own % p.n;
${set(1, value(get(0, 'r', 'c')), 'r', 'c')}
${info === null ? '' : `if (own == 0u) { ${set(info, '0')} }`}`,
  }), 'threads', m * n)

const noInfo = (items: Items, info: number): Job => items.job('nothing', [info], [], (_, set) => ({ body: `if (lid == 0u) { ${set(info, '0')} }` }))

function cholesky(kernel: FactorKernel, slots: readonly number[]): Job[] {
  const { n } = sizesOf(kernel)
  const items = new Items(kernel, slots)
  if (n === 0) return [noInfo(items, 2)]
  // Columns of the panel, by what their columns before took from them.
  const panel = ({ from, to, isLast }: Panel): Job => checked(kernel, (end, head, more) => items.job('cholesky', [1, 2], [['n', n], ['start', from], ['end', to], ...more], (get, set) => {
    const body = `var info = u32(${get(2)});
for (var j = p.start; j < p.end; j++) {
  for (var r = j + lid; r < p.n; r += 64u) {
    var sum = ${get(1, 'r', 'j')};
    var carry = 0.0;
    for (var k = p.start; k < j; k++) {
      ${minus(get(1, 'r', 'k'), get(1, 'j', 'k'))}
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
  }), isLast)
  const rest = ({ from, to }: Panel): Job => items.job('cholesky rest', [1], [['width', n - to], ['start', from], ['end', to]], (get, set) => ({
    body: `let r = p.end + own / p.width;
let c = p.end + own % p.width;
if (c > r) { return; }
var sum = ${get(1, 'r', 'c')};
var carry = 0.0;
for (var k = p.start; k < p.end; k++) {
  ${minus(get(1, 'r', 'k'), get(1, 'c', 'k'))}
}
${set(1, 'sum', 'r', 'c')}`,
  }), 'threads', (n - to) ** 2)
  return [copy(items, n, n, 2, x => `select(${x}, 0.0, c > r)`), ...panels(n).flatMap(p => (p.isLast ? [panel(p)] : [panel(p), rest(p)]))]
}

function lu(kernel: FactorKernel, slots: readonly number[]): Job[] {
  const { m, n } = sizesOf(kernel)
  const k = Math.min(m, n)
  const items = new Items(kernel, slots)
  if (k === 0) return [noInfo(items, 3)]
  // A panel goes to the edge of the matrix when it is the only one.
  const panel = ({ from, to, isLast }: Panel): Job => checked(kernel, (end, head, more) => items.job('lu', [1, 2, 3], [['m', m], ['n', n], ['start', from], ['end', to], ['edge', from === 0 && isLast ? n : to], ...more], (get, set) => ({
    head: sharing + head,
    body: `var info = u32(${get(3)});
for (var j = p.start; j < p.end; j++) {
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
  let width = p.edge - j - 1u;
  for (var e = lid; e < (p.m - j - 1u) * width; e += 64u) {
    let r = j + 1u + e / width;
    let c = j + 1u + e % width;
    ${set(1, `fma(-${get(1, 'r', 'j')}, ${get(1, 'j', 'c')}, ${get(1, 'r', 'c')})`, 'r', 'c')}
  }
  storageBarrier();
}
if (lid == 0u) { ${set(3, 'i32(info)')} }
${end}`,
  })), isLast)
  /** To the right of a panel: its rows of U, then what they take from the rows below. */
  const right = ({ from, to }: Panel): Job[] => {
    const fields: Field[] = [['start', from], ['end', to], ['width', n - to]]
    const taken = (get: Get, set: Set, end: string): string => `var sum = ${get(1, 'r', 'c')};
var carry = 0.0;
for (var k = p.start; k < ${end}; k++) {
  ${minus(get(1, 'r', 'k'), get(1, 'k', 'c'))}
}
${set(1, 'sum', 'r', 'c')}`
    const rows = items.job('lu rows', [1], fields, (get, set) => ({
      body: `let c = p.end + own;
for (var r = p.start + 1u; r < p.end; r++) {
  ${taken(get, set, 'r')}
}`,
    }), 'threads', n - to)
    const rest = items.job('lu rest', [1], fields, (get, set) => ({
      body: `let r = p.end + own / p.width;
let c = p.end + own % p.width;
${taken(get, set, 'p.end')}`,
    }), 'threads', (m - to) * (n - to))
    return [rows, ...(m > to ? [rest] : [])]
  }
  const list = panels(k)
  return [copy(items, m, n, 3), ...list.flatMap(p => [panel(p), ...(list.length > 1 && n > p.to ? right(p) : [])])]
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
  }), 'threads')

/** Column c of operand k times H_j, whose vector stands in column j of `packed`. */
const reflected = (get: Get, set: Set, packed: number, k: number): string => `var sum = -${get(k, 'j', 'c')};
var carry = 0.0;
for (var r = j + 1u; r < p.m; r++) {
  ${minus(get(packed, 'r', 'j'), get(k, 'r', 'c'))}
}
let by = sum * tau;
${set(k, `${get(k, 'j', 'c')} + by`, 'j', 'c')}
for (var r = j + 1u; r < p.m; r++) { ${set(k, `fma(by, ${get(packed, 'r', 'j')}, ${get(k, 'r', 'c')})`, 'r', 'c')} }`

function qr(kernel: FactorKernel, slots: readonly number[]): Job[] {
  const { m, n } = sizesOf(kernel)
  const k = Math.min(m, n)
  const items = new Items(kernel, slots)
  /** Columns `from` to `to`; those up to `edge` are reflected here, the others after each column by many workgroups. */
  const columns = (from: number, to: number, edge: number): Job => items.job('qr', [1, 2], [['m', m], ['start', from], ['end', to], ['edge', edge]], (get, set) => ({
    head: sharing,
    body: `for (var j = p.start; j < p.end; j++) {
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
  for (var c = j + 1u + lid; c < p.edge; c += 64u) {
    ${reflected(get, set, 1, 1)}
  }
  storageBarrier();
}`,
  }))
  const others = (j: number): Job => items.job('qr others', [1, 2], [['m', m], ['j', j]], (get, set) => ({
    body: `let j = p.j;
let c = j + 1u + own;
let tau = ${get(2, 'j')};
${reflected(get, set, 1, 1)}`,
  }), 'threads', n - j - 1)
  const steps = k <= SMALL ? [columns(0, k, n)] : Array.from({ length: k }, (_, j) => [columns(j, j + 1, 0), ...(j + 1 < n ? [others(j)] : [])]).flat()
  return [copy(items, m, n, null), ...steps]
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
  }), 'threads', out)
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
  }), 'threads', last)
}

export function lowerFactor(kernel: FactorKernel, slots: readonly number[], target: Target): Work {
  if (kernel.outputs.every(v => v.shape.includes(0))) return NOTHING
  switch (kernel.op) {
    case 'cholesky': return { jobs: cholesky(kernel, slots), scratch: [] }
    case 'lu': return { jobs: lu(kernel, slots), scratch: [] }
    case 'permutation': return single(permutation(kernel, slots))
    case 'qr': return { jobs: qr(kernel, slots), scratch: [] }
    case 'householder': return single(householder(kernel, slots))
    case 'eigh':
    case 'svd': return lowerJacobi(kernel, slots, target)
    default: return single(solve(kernel, slots))
  }
}
