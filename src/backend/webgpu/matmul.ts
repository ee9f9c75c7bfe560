// matmul, in two families. `shared`: a workgroup of 8×8 threads computes a tile of 64×64 (32×32 for small results) from tiles in workgroup
// memory, 16 of the inner axis at a time, read in blocks of four by four. `register`: each thread computes a tile of its own, with vector loads where an operand has
// no gaps, and without barriers; where subgroups are quads, a quad's rows are loaded once.
import { numel } from '../../core/shape.ts'
import { collapse, contiguousView, type View } from '../../core/view.ts'
import type { DType } from '../../core/dtype.ts'
import type { Body, MatmulKernel } from '../../ir/kernel.ts'
import { mathFor } from './math.ts'
import { paramFields } from './program.ts'
import {
  addSlices, columnOf, component, declareSums, declareTiles, extentFields, finishSums, groupsFor, handed, INNER, locate, multiplyTiles, picked, quadTile, rowOf,
  rowsLoaded, sliceCount, splitSlots, sumAt, threadTile, tileRow, workgroupTile, type Extents, type Finish, type Tiling,
} from './tiles.ts'
import { dot, indent, Memory, NOTHING, printShader, range, scratchSlot, single, SUBGROUPS, unravel, type Field, type Job, type Target, type Work } from './wgsl.ts'

/** The product as strided arrays over one batch axis list. */
interface Product extends Extents {
  readonly batch: readonly number[]
  /** Batch strides of a, b and the others. */
  readonly over: readonly (readonly number[])[]
  readonly a: { offset: number; m: number; k: number }
  readonly b: { offset: number; k: number; n: number }
  /** The outputs, and what else an epilogue reads. */
  readonly others: readonly { offset: number; m: number; n: number }[]
}

/** Joins batch axes; those over which b does not change become rows where strides allow. */
function simplify(a: View, b: View, others: readonly View[]): Product {
  const { shape: whole } = others[0]
  const lead = whole.length - 2
  const n = whole[lead + 1]
  const k = a.shape[lead + 1]
  const right = { offset: b.offset, k: b.strides[lead], n: b.strides[lead + 1] }
  const rows = lead && b.strides.every((s, i) => i >= lead || s === 0 || b.shape[i] === 1)
    ? collapse(whole.slice(0, -1), [a, ...others].map(v => v.strides.slice(0, -1)))
    : null
  const joined = rows?.shape.length === 1
  const { shape, strides } = joined
    ? { shape: [1], strides: [a, b, ...others].map(() => [0]) }
    : collapse(whole.slice(0, lead), [a, b, ...others].map(v => v.strides.slice(0, lead)))
  return {
    items: numel(shape), batch: shape, over: strides, n, k, b: right,
    m: joined ? rows.shape[0] : whole[lead],
    a: { offset: a.offset, m: joined ? rows.strides[0][0] : a.strides[lead], k: a.strides[lead + 1] },
    others: others.map((v, i) => ({ offset: v.offset, m: joined ? rows.strides[1 + i][0] : v.strides[lead], n: v.strides[lead + 1] })),
  }
}

/** How an operand is read: in vectors of four along its inner axis (`k`) or its own axis (`o`), or one by one. */
type Reading = 'k' | 'o' | 'one'

function reading(inner: number, own: number, offset: number, over: readonly number[], k: number): Reading {
  if (offset % 4 !== 0 || over.some(s => s % 4 !== 0)) return 'one'
  if (inner === 1 && own % 4 === 0 && k % 4 === 0) return 'k'
  return own === 1 && inner % 4 === 0 ? 'o' : 'one'
}

/** The tiles that suit a product, the one that mostly is the fastest first. */
function tiles({ m, n }: Product, target: Target): readonly Tiling[] {
  const { family, quads } = target
  // A few rows or columns would leave most of a workgroup's tile empty.
  const [large, small] = [threadTile(8, 8, target), threadTile(m > 1 ? 4 : 1, 4, target)]
  if (family === 'shared' && m >= 8 && n >= 8) {
    const sides = [workgroupTile(8), workgroupTile(4)]
    return [...(m > 32 && n > 32 && m * n >= 128 * 128 ? sides : sides.reverse()), small]
  }
  if (m < 8 || n < 8) return quads && m >= 8 && n > 4 ? [quadTile, small] : [small]
  // Threads with 8×8 are a quarter faster on large products, and take three times as long to compile.
  const threads = m * n >= 256 * 256 ? [large, small] : [small, large]
  return quads ? [quadTile, ...threads] : threads
}

function registerLoop(t: Tiling, a: Reading, b: Reading, memory: Memory): string {
  const { rows, columns, quads } = t
  const inner = range(a === 'k' || b === 'k' ? 4 : 1)
  const vectors = (n: number): number[] => range(n / 4)
  const own = rowsLoaded(t)
  const first = quads ? 'own' : 'row'
  const at = (base: string, kk: number, step: string): string => `${base} + (k + ${kk}u) * ${step}`
  const quad = (print: (j: number) => string): string => `vec4f(${range(4).map(print).join(', ')})`
  const loadA = {
    k: () => range(own).map(r => `let a${r} = ${memory.raw(0, `a_row${r} + fours`)};`),
    o: () => inner.flatMap(kk => vectors(own).map(q => `let a${kk}_${q} = ${memory.raw(0, `${at('a_rows', kk, 'a_step')} + ${q}u`)};`)),
    one: () => inner.flatMap(kk => range(own).map(r => `let a${kk}_${r} = ${memory.raw(0, at(`a_row${r}`, kk, 'p.ak'))};`)),
  }[a]()
  // Row r of the tile, from the thread that loaded it: one vector along the inner axis, a vector of four rows for each step, or a number for each.
  const take = {
    k: (r: number) => [`let w${r} = ${handed(t, r, `a${r % own}`)};`],
    o: (r: number) => (r % 4 ? [] : inner.map(kk => `let w${kk}_${r >> 2} = ${handed(t, r, `a${kk}_${(r % own) >> 2}`)};`)),
    one: (r: number) => inner.map(kk => `let w${kk}_${r} = ${handed(t, r, `a${kk}_${r % own}`)};`),
  }[a]
  const element = {
    k: (r: number, kk: number) => `w${r}.${component(kk)}`,
    o: (r: number, kk: number) => `w${kk}_${r >> 2}.${component(r)}`,
    one: (r: number, kk: number) => `w${kk}_${r}`,
  }[a]
  // Vectors along the inner axis are turned into vectors along the columns.
  const loadB = {
    k: () => [
      ...range(columns).map(c => `let d${c} = ${memory.raw(1, `b_column${c} + fours`)};`),
      ...inner.flatMap(kk => vectors(columns).map(q => `let c${kk}_${q} = ${quad(j => `d${q * 4 + j}.${component(kk)}`)};`)),
    ],
    o: () => inner.flatMap(kk => vectors(columns).map(q => `let c${kk}_${q} = ${memory.raw(1, `${at('b_columns', kk, 'b_step')} + ${q}u`)};`)),
    one: () => inner.flatMap(kk => vectors(columns).map(q => `let c${kk}_${q} = ${quad(j => memory.raw(1, at(`b_column${q * 4 + j}`, kk, 'p.bk')))};`)),
  }[b]()
  const multiply = range(rows).flatMap(r => [...take(r), ...vectors(columns).flatMap(q => inner.map(kk => `acc${r}_${q} += ${element(r, kk)} * c${kk}_${q};`))])
  // Addresses of vectors are counted in vectors before the loop. Strides may be negative.
  return [
    ...(a === 'o'
      ? [`let a_rows = (a_base + ${first}) >> 2u;`, 'let a_step = u32(i32(p.ak) >> 2u);']
      : range(own).map(r => `let a_row${r} = (a_base + (${first} + ${r}u) * p.am)${a === 'k' ? ' >> 2u' : ''};`)),
    ...(b === 'o'
      ? ['let b_columns = (b_base + column) >> 2u;', 'let b_step = u32(i32(p.bk) >> 2u);']
      : range(columns).map(c => `let b_column${c} = (b_base + (column + ${c}u) * p.bn)${b === 'k' ? ' >> 2u' : ''};`)),
    `for (var k = k_start; k < k_end; k += ${inner.length}u) {`,
    ...(a === 'k' || b === 'k' ? ['  let fours = k >> 2u;'] : []),
    ...[...loadA, ...loadB, ...multiply].map(line => indent(line)),
    '}',
  ].join('\n')
}

/**
 * Fills the workgroup's tiles: each thread reads a block of four rows or columns by four steps of the inner axis, in vectors where it can, and writes
 * it as vectors across. What it reads behind the last row or column is never stored.
 */
function fill(operand: 0 | 1, t: Tiling, how: Reading, alongK: boolean, memory: Memory): string {
  const [name, first, step] = operand ? ['b', 'column', 'p.bn'] : ['a', 'row', 'p.am']
  const across = t.unitRows / 4
  const k = (kk: number): string => `(k + block_k + ${kk}u)`
  const at = (own: number, kk: number): string => `${name}_base + (own + ${own}u) * ${step} + ${k(kk)} * p.${name}k`
  const four = (print: (j: number) => string): string => `vec4f(${range(4).map(print).join(', ')})`
  const lines = {
    k: () => range(4).map(j => `let read${j} = ${memory.raw(operand, `(${at(j, 0)}) >> 2u`)};`),
    o: () => range(4).map(kk => `let read${kk} = ${memory.raw(operand, `(${at(0, kk)}) >> 2u`)};`),
    one: () => range(4).map(kk => `let read${kk} = ${four(j => memory.raw(operand, at(j, kk)))};`),
  }[how]()
  const value = (kk: number): string => (how === 'k' ? four(j => `read${j}.${component(kk)}`) : `read${kk}`)
  // Which index runs fastest over the threads: the one along which the operand has no gaps.
  return `{
  let e = ${operand ? 'lid ^ 32u' : 'lid'};
  if (e < ${4 * across}u) {
    ${alongK ? 'let block_k = (e & 3u) * 4u; let block = e >> 2u;' : `let block = e % ${across}u; let block_k = e / ${across}u * 4u;`}
    let own = ${first} + block * 4u;
${indent(lines.join('\n'), 4)}
${indent(range(4).map(kk => `tile_${name}[(block_k + ${kk}u) * ${tileRow(t)}u + block] = select(vec4f(0.0), ${value(kk)}, ${k(kk)} < k_end);`).join('\n'), 4)}
  }
}`
}

const sharedLoop = (t: Tiling, fillA: string, fillB: string): string => `for (var k = k_start; k < k_end; k += ${INNER}u) {
${indent(fillA)}
${indent(fillB)}
  workgroupBarrier();
${indent(multiplyTiles(t))}
  workgroupBarrier();
}`

function product(view: Product, dtypes: readonly DType[], slots: readonly number[], t: Tiling, slices: number, epilogue?: Body): Job {
  const { batch, over, k, a, b, others } = view
  const shared = t.family === 'shared'
  const rank = batch.length
  let readA = reading(a.k, a.m, a.offset, over[0], k)
  let readB = reading(b.k, b.n, b.offset, over[1], k)
  if (t.rows < 4 && readA === 'o') readA = 'one'
  // A block is bound once, as vectors or as scalars, and all but the factors are scalars.
  if (slots.includes(slots[0], 2)) readA = 'one'
  if (slots.includes(slots[1], 2)) readB = 'one'
  if (slots[0] === slots[1] && (readA === 'one') !== (readB === 'one')) readA = readB = 'one'
  // Results that lie in vectors are stored in vectors, and what an epilogue reads beside them is read so.
  const wide = view.n % 4 === 0 && slots.slice(2).every(s => s !== slots[0] && s !== slots[1]) &&
    others.every(({ offset, m, n }, i) => n === 1 && [offset, m, ...over[2 + i]].every(s => s % 4 === 0))
  const memory = new Memory(['float32', 'float32', ...dtypes], slots, [readA !== 'one', readB !== 'one', ...others.map(() => wide)])
  const fields: Field[] = [
    ...extentFields(view, t, slices), ['d', batch], ['as', over[0]], ['bs', over[1]],
    ['a', a.offset], ['am', a.m], ['ak', a.k], ['b', b.offset], ['bk', b.k], ['bn', b.n],
    ...others.flatMap(({ offset, m, n }, i): Field[] => [[`o${i}`, offset], [`os${i}`, over[2 + i]], [`om${i}`, m], [`on${i}`, n]]),
    ...(epilogue ? paramFields(epilogue) : []),
  ]
  const aAlongK = a.k === 1
  const bAlongN = b.n === 1
  const source = (): string => {
    const base = (i: number): string => `p.o${i} + ${dot(rank, 'c', `os${i}`)}`
    const place = (r: number, c: number): string => `o_base + (${rowOf(t, r)}) * p.om0 + ${wide ? columnOf(t, c) : `(${columnOf(t, c)}) * p.on0`}`
    const stored = wide
      ? (r: number) => range(t.columns / 4).map(q => `if (${columnOf(t, 4 * q)} < p.n) { ${memory.store(2, `(${place(r, 4 * q)}) >> 2u`, `acc${r}_${q}`)} }`)
      : (r: number) => range(t.columns).map(c => `if (${columnOf(t, c)} < p.n) { ${memory.store(2, place(r, c), sumAt(r, c))} }`)
    const stores = epilogue
      ? finishSums(t, epilogue, memory, '', i => `${wide ? 'columns' : `columns * p.on${i}`} + (${base(i)})`, i => `om${i}`, others.length, wide)
      : [`let o_base = slice * p.oslice + ${base(0)};`, ...range(t.rows).map(r => `if (${rowOf(t, r)} < p.m) {
${indent(stored(r).join('\n'))}
}`)].join('\n')
    const body = `${locate(t)}
${unravel('item', rank, 'd', 'c')}
let a_base = p.a + ${dot(rank, 'c', 'as')};
let b_base = p.b + ${dot(rank, 'c', 'bs')};
${declareSums(t)}
${shared ? sharedLoop(t, fill(0, t, readA, aAlongK, memory), fill(1, t, readB, !bAlongN, memory)) : registerLoop(t, readA, readB, memory)}
${stores}`
    return printShader({ fields, memory, lanes: epilogue ? 4 : 1, size: t.size, enable: t.quads ? SUBGROUPS : '', head: mathFor(epilogue ? body : '') + declareTiles(t), body })
  }
  const form = `${t.quads ? 'quad' : t.family} ${readA} ${readB}${shared ? ` ${aAlongK} ${bAlongN}` : ''}`
  return {
    key: `matmul ${form} ${t.rows}x${t.columns} ${rank} ${memory.key}${epilogue ? ` ${epilogue.program.key}` : ''}`,
    source, fields, slots: memory.slots, groups: groupsFor(view, t, slices),
  }
}

export function lowerMatmul({ inputs: [a, b, ...more], outputs, epilogue }: MatmulKernel, slots: readonly number[], target: Target): Work {
  const { shape } = outputs[0]
  if (numel(shape) === 0) return NOTHING
  const finish: Finish = { epilogue, more, outputs }
  const parts = splitSlots(slots, finish)
  const others = [...outputs, ...more]
  const view = simplify(a, b, others)
  const t = picked('matmul', view, tiles(view, target), target)
  const slices = sliceCount(view, t, target)
  if (slices === 1) return single(product(view, others.map(v => v.dtype), [...parts.own, ...parts.outputs, ...parts.more], t, 1, epilogue))
  const at = scratchSlot(slots)
  const sum = addSlices(finish, slices, at, parts, target)
  const partial = simplify(a, b, [contiguousView('float32', shape)])
  return {
    jobs: [product(partial, ['float32'], [...parts.own, at], t, slices), ...sum.jobs],
    scratch: [numel(shape) * slices * 4, ...sum.scratch],
  }
}
