// matmul, in two families. `shared`: a workgroup of 8×8 threads computes a tile of 64×64 (32×32 for small results) from tiles in workgroup
// memory, 16 of the inner axis at a time. `register`: each thread computes a tile of its own, with vector loads where an operand has
// no gaps, and without barriers. A long inner axis with few tiles is cut into slices that a reduce adds up.
import { numel } from '../../core/shape.ts'
import { collapse, contiguousView, type View } from '../../core/view.ts'
import type { MatmulKernel } from '../../ir/kernel.ts'
import { lowerReduce } from './reduce.ts'
import { dot, fold, indent, Memory, printShader, range, scratchSlot, spread, unravel, type Field, type Job, type Target, type Work } from './wgsl.ts'

/** The product as strided arrays over one batch axis list. */
interface Product {
  readonly batch: readonly number[]
  /** Batch strides of a, b and out. */
  readonly over: readonly (readonly number[])[]
  readonly m: number
  readonly n: number
  readonly k: number
  readonly a: { offset: number; m: number; k: number }
  readonly b: { offset: number; k: number; n: number }
  readonly out: { offset: number; m: number; n: number }
}

/** Joins batch axes; those over which b does not change become rows where strides allow. */
function simplify(a: View, b: View, out: View): Product {
  const lead = out.shape.length - 2
  const n = out.shape[lead + 1]
  const k = a.shape[lead + 1]
  const right = { offset: b.offset, k: b.strides[lead], n: b.strides[lead + 1] }
  const rows = lead && b.strides.every((s, i) => i >= lead || s === 0 || b.shape[i] === 1)
    ? collapse(out.shape.slice(0, -1), [a.strides.slice(0, -1), out.strides.slice(0, -1)])
    : null
  const joined = rows?.shape.length === 1
  const { shape, strides } = joined ? { shape: [1], strides: [[0], [0], [0]] } : collapse(out.shape.slice(0, lead), [a, b, out].map(v => v.strides.slice(0, lead)))
  return {
    batch: shape, over: strides, n, k, b: right,
    m: joined ? rows.shape[0] : out.shape[lead],
    a: { offset: a.offset, m: joined ? rows.strides[0][0] : a.strides[lead], k: a.strides[lead + 1] },
    out: { offset: out.offset, m: joined ? rows.strides[1][0] : out.strides[lead], n: out.strides[lead + 1] },
  }
}

/** How an operand is read: in vectors of four along its inner axis (`k`) or its own axis (`o`), or one by one. */
type Reading = 'k' | 'o' | 'one'

function reading(inner: number, own: number, offset: number, over: readonly number[], k: number): Reading {
  if (offset % 4 !== 0 || over.some(s => s % 4 !== 0)) return 'one'
  if (inner === 1 && own % 4 === 0 && k % 4 === 0) return 'k'
  return own === 1 && inner % 4 === 0 ? 'o' : 'one'
}

interface Tiling {
  /** Rows and columns of a thread's tile. */
  readonly rows: number
  readonly columns: number
  /** Rows and columns of what one unit of the grid (a thread or a workgroup) computes. */
  readonly unitRows: number
  readonly unitColumns: number
}

function tile({ m, n }: Product, target: Target): Tiling {
  if (target.family === 'shared') {
    const side = m > 32 && n > 32 && m * n >= 128 * 128 ? 8 : 4
    return { rows: side, columns: side, unitRows: 8 * side, unitColumns: 8 * side }
  }
  const rows = m >= 8 ? 8 : m > 1 ? 4 : 1
  const columns = n >= 8 ? 8 : 4
  return { rows, columns, unitRows: rows, unitColumns: columns }
}

const LANES = ['x', 'y', 'z', 'w']

/** The columns that thread tiles hold, four to a vector. */
const grid = (rows: number, columns: number, print: (r: number, q: number) => string): string =>
  range(rows).flatMap(r => range(columns / 4).map(q => print(r, q))).join('\n')

export function registerLoop({ rows, columns }: Tiling, a: Reading, b: Reading, memory: Memory): string {
  const step = a === 'k' || b === 'k' ? 4 : 1
  const inner = range(step)
  const vecs = (n: number): number[] => range(n / 4)
  const rowBases = range(rows).map(r => `let ar${r} = a_base + (row + ${r}u) * p.am;`)
  const columnBases = range(columns).map(c => `let bc${c} = b_base + (column + ${c}u) * p.bn;`)
  const at = (base: string, kk: number, stride: string): string => `${base} + (k + ${kk}u) * p.${stride}`
  const loadA = {
    k: () => range(rows).map(r => `let a${r} = ${memory.raw(0, `(ar${r} + k) >> 2u`)};`),
    o: () => inner.flatMap(kk => vecs(rows).map(q => `let a${kk}_${q} = ${memory.raw(0, `((${at('a_base', kk, 'ak')} + row) >> 2u) + ${q}u`)};`)),
    one: () => inner.flatMap(kk => range(rows).map(r => `let a${kk}_${r} = ${memory.raw(0, at(`ar${r}`, kk, 'ak'))};`)),
  }[a]()
  const loadB = {
    k: () => [
      ...range(columns).map(c => `let c${c} = ${memory.raw(1, `(bc${c} + k) >> 2u`)};`),
      ...inner.flatMap(kk => vecs(columns).map(q => `let b${kk}_${q} = vec4f(${range(4).map(j => `c${q * 4 + j}.${LANES[kk]}`).join(', ')});`)),
    ],
    o: () => inner.flatMap(kk => vecs(columns).map(q => `let b${kk}_${q} = ${memory.raw(1, `((${at('b_base', kk, 'bk')} + column) >> 2u) + ${q}u`)};`)),
    one: () => inner.flatMap(kk => vecs(columns).map(q =>
      `let b${kk}_${q} = vec4f(${range(4).map(j => memory.raw(1, at(`bc${q * 4 + j}`, kk, 'bk'))).join(', ')});`)),
  }[b]()
  const element = { k: (r: number, kk: number) => `a${r}.${LANES[kk]}`, o: (r: number, kk: number) => `a${kk}_${r >> 2}.${LANES[r & 3]}`, one: (r: number, kk: number) => `a${kk}_${r}` }[a]
  return `${a === 'o' ? '' : rowBases.join('\n')}
${b === 'o' ? '' : columnBases.join('\n')}
for (var k = k_start; k < k_end; k += ${step}u) {
${indent([...loadA, ...loadB].join('\n'))}
${indent(inner.map(kk => grid(rows, columns, (r, q) => `acc${r}_${q} += ${element(r, kk)} * b${kk}_${q};`)).join('\n'))}
}`
}

const INNER = 16

/**
 * Fills both tiles, one of each a column longer than it need be so that neighbours lie in different banks, and multiplies them. Threads take
 * rows and columns eight apart: neighbouring threads read neighbouring words.
 */
export const sharedTiles = (side: number): string => {
  const row = 8 * side + 1
  return `var<workgroup> tile_a: array<f32, ${INNER * row}>;\nvar<workgroup> tile_b: array<f32, ${INNER * row}>;\n`
}

export function multiplyTiles(side: number): string {
  const row = 8 * side + 1
  return `for (var kk = 0u; kk < ${INNER}u; kk++) {
${indent(range(side).map(r => `let a${r} = tile_a[kk * ${row}u + ty + ${8 * r}u];`).join('\n'))}
${indent(range(side / 4).map(q => `let c${q} = vec4f(${range(4).map(j => `tile_b[kk * ${row}u + tx + ${8 * (4 * q + j)}u]`).join(', ')});`).join('\n'))}
${indent(grid(side, side, (r, q) => `acc${r}_${q} += a${r} * c${q};`))}
}`
}

function sharedLoop(side: number, aAlongK: boolean, bAlongN: boolean, memory: Memory): string {
  const width = 8 * side
  const row = width + 1
  // Which index runs fastest over the threads: the one along which the operand has no gaps.
  const place = (alongK: boolean): string => (alongK ? `let kk = e % ${INNER}u; let own = e / ${INNER}u;` : `let own = e % ${width}u; let kk = e / ${width}u;`)
  return `for (var k = k_start; k < k_end; k += ${INNER}u) {
  for (var e = lid; e < ${INNER * width}u; e += 64u) {
    ${place(aAlongK)}
    tile_a[kk * ${row}u + own] = select(0.0, ${memory.raw(0, 'a_base + (row + own) * p.am + (k + kk) * p.ak')}, (row + own < p.m) & (k + kk < k_end));
  }
  for (var e = lid; e < ${INNER * width}u; e += 64u) {
    ${place(!bAlongN)}
    tile_b[kk * ${row}u + own] = select(0.0, ${memory.raw(1, 'b_base + (k + kk) * p.bk + (column + own) * p.bn')}, (column + own < p.n) & (k + kk < k_end));
  }
  workgroupBarrier();
${indent(multiplyTiles(side))}
  workgroupBarrier();
}`
}

/** Declares the sums of a thread. */
export const accumulators = (rows: number, columns: number): string => grid(rows, columns, (r, q) => `var acc${r}_${q} = vec4f(0.0);`)

function product(view: Product, slots: readonly number[], target: Target, slices: number): Job {
  const { batch, over, m, n, k, a, b, out } = view
  const tiling = tile(view, target)
  const shared = target.family === 'shared'
  const rank = batch.length
  let readA: Reading = shared ? 'one' : reading(a.k, a.m, a.offset, over[0], k)
  let readB: Reading = shared ? 'one' : reading(b.k, b.n, b.offset, over[1], k)
  if (tiling.rows < 4 && readA === 'o') readA = 'one'
  // A block is bound once, as vectors or as scalars.
  if (slots[0] === slots[2]) readA = 'one'
  if (slots[1] === slots[2]) readB = 'one'
  if (slots[0] === slots[1] && (readA === 'one') !== (readB === 'one')) readA = readB = 'one'
  const memory = new Memory(['float32', 'float32', 'float32'], slots, [readA !== 'one', readB !== 'one'])
  const tilesM = Math.ceil(m / tiling.unitRows)
  const tilesN = Math.ceil(n / tiling.unitColumns)
  const items = numel(batch)
  const units = tilesM * tilesN * items * slices
  const fields: Field[] = [
    ['units', units], ['m', m], ['n', n], ['k', k], ['slice', sliceLength(k, slices)], ['tiles_m', tilesM], ['tiles_n', tilesN], ['items', items],
    ['d', batch], ['as', over[0]], ['bs', over[1]], ['os', over[2]],
    ['a', a.offset], ['am', a.m], ['ak', a.k], ['b', b.offset], ['bk', b.k], ['bn', b.n], ['o', out.offset], ['om', out.m], ['on', out.n], ['oslice', items * m * n],
  ]
  const aAlongK = a.k === 1
  const bAlongN = b.n === 1
  const source = (): string => {
    const { rows, columns } = tiling
    const [rowOf, columnOf] = shared ? [(r: number) => `row + ty + ${8 * r}u`, (c: number) => `column + tx + ${8 * c}u`] : [(r: number) => `row + ${r}u`, (c: number) => `column + ${c}u`]
    const stores = range(rows).map(r => `if (${rowOf(r)} < p.m) {
${indent(range(columns).map(c => `if (${columnOf(c)} < p.n) { ${memory.store(2, `o_base + (${rowOf(r)}) * p.om + (${columnOf(c)}) * p.on`, `acc${r}_${c >> 2}.${LANES[c & 3]}`)} }`).join('\n'))}
}`)
    return printShader({
      fields, memory, head: shared ? sharedTiles(rows) : '',
      body: `let unit = ${shared ? 'group' : 'i'};
if (unit >= p.units) { return; }
let column = (unit % p.tiles_n) * ${tiling.unitColumns}u;
let across = unit / p.tiles_n;
let row = (across % p.tiles_m) * ${tiling.unitRows}u;
let item_slice = across / p.tiles_m;
let item = item_slice % p.items;
let slice = item_slice / p.items;
let k_start = slice * p.slice;
let k_end = min(k_start + p.slice, p.k);
${unravel('item', rank, 'd', 'c')}
let a_base = p.a + ${dot(rank, 'c', 'as')};
let b_base = p.b + ${dot(rank, 'c', 'bs')};
let o_base = p.o + slice * p.oslice + ${dot(rank, 'c', 'os')};
${shared ? 'let tx = lid % 8u;\nlet ty = lid / 8u;\n' : ''}${accumulators(rows, columns)}
${shared ? sharedLoop(rows, aAlongK, bAlongN, memory) : registerLoop(tiling, readA, readB, memory)}
${stores.join('\n')}`,
    })
  }
  const form = shared ? `shared ${aAlongK} ${bAlongN}` : `register ${readA} ${readB}`
  return {
    key: `matmul ${form} ${tiling.rows}x${tiling.columns} ${rank} ${memory.key}`,
    source, fields, slots: memory.slots, groups: shared ? fold(units) : spread(units),
  }
}

/** Words of scratch that slices may take only to keep sums short. */
const SCRATCH = 2 ** 24
const SHORT = 1024

/**
 * How many slices to cut an inner axis of length k into: enough to give the device something to do when there are few units, and, where
 * the results are not too many, so many that none is long, for the sake of rounding.
 */
export function sliceCount(units: number, k: number, results: number): number {
  const enough = 128
  const busy = units < enough / 2 && k >= 512 ? Math.min(Math.floor(k / 256), Math.ceil(enough / units)) : 1
  const short = Math.ceil(k / SHORT)
  const slices = Math.max(busy, short * results <= SCRATCH ? short : 1)
  return Math.ceil(k / sliceLength(k, slices))
}

export const sliceLength = (k: number, slices: number): number => Math.max(1, Math.ceil(k / slices / INNER)) * INNER

/** Adds up the slices, which lie one after another in a scratch block. */
export function addSlices(out: View, slices: number, from: number, slot: number, target: Target): Work {
  const part = contiguousView('float32', out.shape)
  const x: View = { ...part, shape: [...out.shape, slices], strides: [...part.strides, numel(out.shape)] }
  return lowerReduce({ kind: 'reduce', op: 'sum', inputs: [x], outputs: [out] }, [from, slot], target)
}

export function lowerMatmul({ inputs: [a, b], outputs: [out] }: MatmulKernel, slots: readonly number[], target: Target): Work {
  if (numel(out.shape) === 0) return { jobs: [], scratch: [] }
  const view = simplify(a, b, out)
  const { unitRows, unitColumns } = tile(view, target)
  const slices = sliceCount(Math.ceil(view.m / unitRows) * Math.ceil(view.n / unitColumns) * numel(view.batch), view.k, numel(out.shape))
  if (slices === 1) return { jobs: [product(view, slots, target, 1)], scratch: [] }
  const at = scratchSlot(slots)
  const sum = addSlices(out, slices, at, slots[2], target)
  const partial = simplify(a, b, contiguousView('float32', out.shape))
  return {
    jobs: [product(partial, [slots[0], slots[1], at], target, slices), ...sum.jobs],
    scratch: [numel(out.shape) * slices * 4, ...sum.scratch],
  }
}
