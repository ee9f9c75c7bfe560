// What matmul and conv share: a grid of tiles, computed by a thread each (`register`) or by a workgroup of 8×8 threads through tiles in
// workgroup memory (`shared`), and slices of a long inner axis that a reduce adds up. On a CPU a load costs as much as a dozen multiplications,
// since each lane's address is checked by itself; so four threads side by side, a quad, take the same rows of the first factor, load a quarter each
// and hand it round.
import { numel } from '../../core/shape.ts'
import { contiguousView, type View } from '../../core/view.ts'
import type { Body } from '../../ir/kernel.ts'
import { program, S } from '../../ir/scalar.ts'
import { printProgram } from './program.ts'
import { lowerReduce } from './reduce.ts'
import { lowerRows, renumbered } from './rows.ts'
import { CPU_GROUP, divided, gridOfGroups, gridOfThreads, indent, range, WG, type Field, type Memory, type Target, type Work } from './wgsl.ts'

/** Steps of the inner axis that workgroup tiles hold. */
export const INNER = 16

const LANES = ['x', 'y', 'z', 'w']

/** Component k of a row of vectors. */
export const component = (k: number): string => LANES[k & 3]

export interface Tiling {
  readonly family: Target['family']
  /** Rows and columns of a thread's tile. */
  readonly rows: number
  readonly columns: number
  /** Rows and columns of what one unit of the grid, a thread or a workgroup, computes. */
  readonly unitRows: number
  readonly unitColumns: number
  /** Threads come in fours that share their rows, of which each loads its own quarter. */
  readonly quads: boolean
  /** Threads of a workgroup. */
  readonly size: number
}

/** A tile of side·side for each of 8×8 threads. */
export const workgroupTile = (side: 4 | 8): Tiling => ({ family: 'shared', rows: side, columns: side, unitRows: 8 * side, unitColumns: 8 * side, quads: false, size: WG })
export const threadTile = (rows: number, columns: number, { family }: Target): Tiling =>
  ({ family: 'register', rows, columns, unitRows: rows, unitColumns: columns, quads: false, size: family === 'register' ? CPU_GROUP : WG })
export const quadTile: Tiling = { family: 'register', rows: 16, columns: 4, unitRows: 16, unitColumns: 4, quads: true, size: CPU_GROUP }

/** The extents of a product: `items` of them, each m × n with an inner axis of k, which is cut into slices. */
export interface Extents {
  readonly items: number
  readonly m: number
  readonly n: number
  readonly k: number
}

/** The tile that is used of those that suit. */
export const picked = (kind: 'matmul' | 'conv', extents: Extents, tiles: readonly Tiling[], { pick }: Target): Tiling => pick?.(kind, extents, tiles) ?? tiles[0]

/** Down and across; quads are whole. */
const tilesOf = ({ m, n }: Extents, t: Tiling): [number, number] =>
  [Math.ceil(m / t.unitRows), t.quads ? 4 * Math.ceil(n / t.unitColumns / 4) : Math.ceil(n / t.unitColumns)]

const unitsOf = (e: Extents, t: Tiling): number => {
  const [down, across] = tilesOf(e, t)
  return down * across * e.items
}

export const groupsFor = (e: Extents, t: Tiling, slices: number): [number, number, number] =>
  t.family === 'shared' ? gridOfGroups(unitsOf(e, t) * slices) : gridOfThreads(unitsOf(e, t) * slices, t.size)

export function extentFields(e: Extents, t: Tiling, slices: number): Field[] {
  const [down, across] = tilesOf(e, t)
  return [
    ['units', unitsOf(e, t) * slices], ['m', e.m], ['n', e.n], ['k', e.k], ['slice', sliceLength(e.k, slices)],
    ['tiles_m', down], ['tiles_n', across], ['items', e.items], ['oslice', e.items * e.m * e.n],
  ]
}

/** Rows of the first factor that a thread loads. */
export const rowsLoaded = ({ rows, quads }: Tiling): number => (quads ? rows / 4 : rows)

/** A value that belongs to row r of the tile, from the thread that has loaded it. */
export const handed = (t: Tiling, r: number, value: string): string => (t.quads ? `quadBroadcast(${value}, ${Math.floor(r / rowsLoaded(t))}u)` : value)

/** Declares where a unit works: `row column item slice k_start k_end`, and the place of a thread in a workgroup, or the first row that it loads for its quad. */
export const locate = ({ family, unitRows, unitColumns, quads }: Tiling): string => `let unit = ${family === 'shared' ? 'group' : 'i'};
if (unit >= p.units) { return; }
${[...divided('unit', 'p.tiles_n', 'across', 'tile_n'), ...divided('across', 'p.tiles_m', 'item_slice', 'tile_m'), ...divided('item_slice', 'p.items', 'slice', 'item')].join('\n')}
let column = tile_n * ${unitColumns}u;
let row = tile_m * ${unitRows}u;
let k_start = slice * p.slice;
let k_end = min(k_start + p.slice, p.k);
${family === 'shared' ? 'let tx = lid & 7u;\nlet ty = lid >> 3u;' : quads ? `let own = row + (lid & 3u) * ${unitRows / 4}u;` : ''}`.trimEnd()

/** Row r and column c of a thread's tile. In a workgroup threads take four at a time, 32 apart, so that neighbours touch neighbouring vectors. */
const spread = (k: number): number => (k >> 2) * 32 + (k & 3)
export const rowOf = (t: Tiling, r: number): string => (t.family === 'shared' ? `row + ty * 4u + ${spread(r)}u` : `row + ${r}u`)
export const columnOf = (t: Tiling, c: number): string => (t.family === 'shared' ? `column + tx * 4u + ${spread(c)}u` : `column + ${c}u`)

/** Something for each vector of a thread's sums: row r, columns 4q … 4q + 3. */
export const eachSum = ({ rows, columns }: Tiling, print: (r: number, q: number) => string): string =>
  range(rows).flatMap(r => range(columns / 4).map(q => print(r, q))).join('\n')

export const declareSums = (t: Tiling): string => eachSum(t, (r, q) => `var acc${r}_${q} = vec4f(0.0);`)

/** The sum in row r, column c. */
export const sumAt = (r: number, c: number): string => `acc${r}_${c >> 2}.${component(c)}`

/** Vectors of four rows or columns from one step of the inner axis to the next in a workgroup tile: one more than needed, so that they lie in different banks. */
export const tileRow = (t: Tiling): number => t.unitRows / 4 + 1

export const declareTiles = (t: Tiling): string =>
  t.family === 'shared' ? `var<workgroup> tile_a: array<vec4f, ${INNER * tileRow(t)}>;\nvar<workgroup> tile_b: array<vec4f, ${INNER * tileRow(t)}>;\n` : ''

/** Multiplies the workgroup's tiles into the sums. */
export function multiplyTiles(t: Tiling): string {
  const step = tileRow(t)
  return `for (var kk = 0u; kk < ${INNER}u; kk++) {
${indent(range(t.rows / 4).map(q => `let a${q} = tile_a[kk * ${step}u + ty + ${8 * q}u];`).join('\n'))}
${indent(range(t.columns / 4).map(q => `let c${q} = tile_b[kk * ${step}u + tx + ${8 * q}u];`).join('\n'))}
${indent(eachSum(t, (r, q) => `acc${r}_${q} += a${r >> 2}.${component(r)} * c${q};`))}
}`
}

/** Words of scratch that slices may take only to keep sums short. */
const SCRATCH = 2 ** 24
const SHORT = 1024
/** Units that keep a device busy: workgroups, or threads on a CPU. */
const ENOUGH = 128

/**
 * How many slices to cut the inner axis into: enough to give the device something to do when there are few units, and, where the results
 * are not too many, so many that none is long, for the sake of rounding.
 */
export function sliceCount(e: Extents, t: Tiling, target: Target): number {
  const units = unitsOf(e, t)
  const enough = target.family === 'shared' && t.family === 'register' ? ENOUGH * WG : ENOUGH
  const busy = units < enough / 2 && e.k >= 512 ? Math.min(Math.floor(e.k / 256), Math.ceil(enough / units)) : 1
  const short = Math.ceil(e.k / SHORT)
  const slices = Math.max(1, busy, short * e.items * e.m * e.n <= SCRATCH ? short : 1)
  return Math.max(1, Math.ceil(e.k / sliceLength(e.k, slices)))
}

const sliceLength = (k: number, slices: number): number => Math.max(1, Math.ceil(k / slices / INNER)) * INNER

/** Where a product goes: what is computed of it, the further inputs of that, and the outputs. */
export interface Finish {
  readonly epilogue?: Body
  readonly more: readonly View[]
  readonly outputs: readonly View[]
}

/** The blocks of a product with an epilogue: of a and b, of the outputs, of the further inputs. */
export const splitSlots = (slots: readonly number[], { more, outputs }: Finish): { own: readonly number[]; outputs: readonly number[]; more: readonly number[] } =>
  ({ own: slots.slice(0, 2), more: slots.slice(2, 2 + more.length), outputs: slots.slice(2 + more.length, 2 + more.length + outputs.length) })

/**
 * Computes the epilogue from a thread's sums, four columns at a time, and stores its results. Operand 2 + k of the memory is an output, or, behind
 * those, a further input. `place` prints where in operand k the `columns` of a vector begin, after what `before` declares; `step` names the field with
 * its stride from row to row. `wide`: all these operands are bound as vectors, and `columns` is the first of four.
 */
export function finishSums(t: Tiling, { program: { outputs }, program: body }: Body, memory: Memory, before: string, place: (k: number) => string, step: (k: number) => string, others: number, wide = false): string {
  const across = t.columns / 4
  const shared = t.family === 'shared'
  const first = `column + ${shared ? 'tx * 4u + q * 32u' : 'q * 4u'}`
  const stores = wide
    ? outputs.map((at, k) => memory.store(2 + k, `y${k} >> 2u`, `v${at}`))
    : LANES.map(lane => `if (columns.${lane} < p.n) { ${outputs.map((at, k) => memory.storeLane(2 + k, `y${k}.${lane}`, `v${at}`, lane)).join(' ')} }`)
  const more = (k: number): string => (wide ? memory.load(2 + k, `y${k} >> 2u`) : memory.gather(2 + k, `y${k}`))
  return `var sums = array<F, ${t.rows * across}>(${range(t.rows).flatMap(r => range(across).map(q => `acc${r}_${q}`)).join(', ')});
for (var q = 0u; q < ${across}u; q++) {
  let columns = ${wide ? first : `U(${first}) + U(0u, 1u, 2u, 3u)`};${wide ? '\n  if (columns >= p.n) { break; }' : ''}
${indent([before, ...range(others).map(k => `let x${k} = ${place(k)};`)].filter(Boolean).join('\n'))}
  for (var r = 0u; r < ${t.rows}u; r++) {
    let own = row + ${shared ? 'ty * 4u + (r >> 2u) * 32u + (r & 3u)' : 'r'};
    if (own >= p.m) { break; }
    let sum = sums[r * ${across}u + q];
${indent([
    ...range(others).map(k => `let y${k} = x${k} + own * p.${step(k)};`),
    ...range(others - outputs.length).map(k => `let e${k + 1} = ${more(outputs.length + k)};`),
    printProgram(body, k => (k ? `e${k}` : 'sum'), ''),
    ...stores,
  ].join('\n'), 4)}
  }
}`
}

/** Adds up the slices, which lie one after another in a scratch block, and computes the epilogue. */
export function addSlices({ epilogue, more, outputs }: Finish, slices: number, from: number, slots: ReturnType<typeof splitSlots>, target: Target): Work {
  const { shape } = outputs[0]
  const part = contiguousView('float32', shape)
  const x: View = { ...part, shape: [...shape, slices], strides: [...part.strides, numel(shape)] }
  if (!epilogue) return lowerReduce({ kind: 'reduce', op: 'sum', inputs: [x], outputs }, [from, ...slots.outputs], target)
  const inputs = [x, ...more.map((v): View => ({ ...v, shape: x.shape, strides: [...v.strides, 0] }))]
  const results = epilogue.program.outputs.map((_, k) => k)
  const numbers = new Map([[0, inputs.length], ...more.map((_, k) => [k + 1, k + 1] as const)])
  const stages = [
    { program: program([S.input(0, 'float32')], ['float32']), params: [], reduce: ['sum' as const] },
    { program: renumbered(epilogue.program, numbers, results), params: epilogue.params, reduce: null },
  ]
  return lowerRows({ kind: 'rows', axes: 1, inputs, outputs, stages, results: results.map(k => inputs.length + 1 + k) }, [from, ...slots.more, ...slots.outputs], target)
}
