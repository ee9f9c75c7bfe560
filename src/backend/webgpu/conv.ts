// conv as a matrix product that is never laid out: rows are output channels, columns are pairs of image and position, the inner axis is
// pairs of input channel and tap. Two families and slices of the inner axis as in matmul.ts; the gradient for the weights, a small
// result with long sums, lives by the slices.
import { numel } from '../../core/shape.ts'
import { contiguousView, type View } from '../../core/view.ts'
import type { Body, ConvKernel } from '../../ir/kernel.ts'
import { mathFor } from './math.ts'
import { paramFields } from './program.ts'
import {
  addSlices, columnOf, declareSums, declareTiles, eachSum, enableQuads, extentFields, finishSums, groupsFor, handed, INNER, locate, multiplyTiles, quadTile, rowOf,
  rowsLoaded, sliceCount, splitSlots, sumAt, threadTile, tileRow, workgroupTile, type Extents, type Finish, type Tiling,
} from './tiles.ts'
import { indent, Memory, NOTHING, printShader, range, scratchSlot, single, type Field, type Job, type Target, type Work } from './wgsl.ts'

function tile({ m, n }: Extents, target: Target): Tiling {
  const { family, quads } = target
  // Few output channels, as in depthwise convolution, would leave most of a workgroup's tile empty.
  if (family === 'shared' && m >= 8) return workgroupTile(m > 32 && n > 32 ? 8 : 4)
  return quads && m >= 8 ? quadTile : threadTile(m >= 8 ? 8 : m > 1 ? 4 : 1, 4, target)
}

/**
 * Indices of a column and of a step along the inner axis, and the reads that they lead to. Where no zeros lie between the elements of x, a column has
 * the address of its first tap, which may lie outside, and a tap the same distance from it in all columns.
 */
function geometry(axes: number, dilated: boolean, memory: Memory, others: number): string {
  const each = (print: (d: number) => string, join = '\n  '): string => range(axes).map(print).join(join)
  const taps = each(d => `k_${d}: u32`, ', ')
  // The last tap runs fastest; the channel slowest.
  const split = range(axes).reverse().map((d, i) => `let k_${d} = rest${i} % p.k_${d};\n  let rest${i + 1} = rest${i} / p.k_${d};`).join('\n  ')
  const place = range(axes).reverse().map((d, i) => `let t_${d} = r${i} % p.t_${d};\n  let r${i + 1} = r${i} / p.t_${d};`).join('\n  ')
  const advance = range(axes).reverse().map((d, i) => `next.k_${d} += ${i === 0 ? '1u' : `u32(wrap_${d + 1})`};
  let wrap_${d} = next.k_${d} == p.k_${d};
  next.k_${d} = select(next.k_${d}, 0u, wrap_${d});`).join('\n  ')
  const places = range(others).map(i => `fn place${i}(column: u32, group: u32) -> u32 {
  let r0 = column;
  ${place}
  return p.o${i} + group * p.og${i} + r${axes} * p.on${i} + ${each(d => `t_${d} * p.ot${i}_${d}`, ' + ')};
}
`).join('')
  return `struct Column { x: u32, ${each(d => `at_${d}: u32`, ', ')} }
struct Tap { c: u32, ${taps} }
fn column_at(column: u32, group: u32) -> Column {
  let r0 = column;
  ${place}
  ${each(d => `let at_${d} = t_${d} * p.stride_${d} - p.pad_${d};`)}
  return Column(p.x + group * p.xg + r${axes} * p.xn${dilated ? '' : each(d => ` + at_${d} * p.xs_${d}`, '')}, ${each(d => `at_${d}`, ', ')});
}
${places}fn tap_at(k: u32) -> Tap {
  let rest0 = k;
  ${split}
  return Tap(rest${axes}, ${each(d => `k_${d}`, ', ')});
}
fn next_tap(tap: Tap) -> Tap {
  var next = tap;
  ${advance}
  next.c += u32(wrap_0);
  return next;
}
fn read_x(column: Column, tap: Tap) -> f32 {
  ${each(d => `let q_${d} = column.at_${d} + tap.k_${d} * p.dilation_${d};`)}
  let inside = ${each(d => (dilated ? `(q_${d} < p.span_${d}) & (q_${d} % p.spread_${d} == 0u)` : `(q_${d} < p.span_${d})`), ' & ')};
  let at = column.x + (tap.c * p.xc + ${each(d => (dilated ? `q_${d} / p.spread_${d} * p.xs_${d}` : `tap.k_${d} * p.xk_${d}`), ' + ')});
  return select(0.0, ${memory.raw(0, 'at')}, inside);
}
fn read_w(base: u32, tap: Tap) -> f32 {
  return ${memory.raw(1, `base + tap.c * p.wc + ${each(d => `tap.k_${d} * p.ws_${d}`, ' + ')}`)};
}
`
}

function registerLoop(t: Tiling): string {
  const { columns, quads } = t
  const own = rowsLoaded(t)
  return `${range(columns).map(c => `let column${c} = column_at(column + ${c}u, item);`).join('\n')}
${range(own).map(r => `let w_row${r} = w_base + (${quads ? 'own' : 'row'} + ${r}u) * p.wo;`).join('\n')}
var tap = tap_at(k_start);
for (var k = k_start; k < k_end; k++) {
${indent(range(columns / 4).map(q => `let x${q} = vec4f(${range(4).map(j => `read_x(column${4 * q + j}, tap)`).join(', ')});`).join('\n'))}
${indent(range(own).map(r => `let w${r} = read_w(w_row${r}, tap);`).join('\n'))}
${indent(eachSum(t, (r, q) => `acc${r}_${q} += ${handed(t, r, `w${r % own}`)} * x${q};`))}
  tap = next_tap(tap);
}`
}

/** Each thread fills part of one column of the tile of x, so a column's place is found once, and its taps one from another. */
function sharedLoop(t: Tiling): string {
  const width = t.unitRows
  const step = tileRow(t)
  const share = (INNER * width) / 64
  return `let own = lid % ${width}u;
let own_column = column_at(column + own, item);
let own_k = lid / ${width}u * ${share}u;
let w_k = lid % ${INNER}u;
for (var k = k_start; k < k_end; k += ${INNER}u) {
  let w_tap = tap_at(k + w_k);
  for (var e = lid / ${INNER}u; e < ${width}u; e += ${64 / INNER}u) {
    tile_a[w_k * ${step}u + e] = select(0.0, read_w(w_base + (row + e) * p.wo, w_tap), (row + e < p.m) & (k + w_k < k_end));
  }
  var tap = tap_at(k + own_k);
  for (var e = 0u; e < ${share}u; e++) {
    tile_b[(own_k + e) * ${step}u + own] = select(0.0, read_x(own_column, tap), k + own_k + e < k_end);
    tap = next_tap(tap);
  }
  workgroupBarrier();
${indent(multiplyTiles(t))}
  workgroupBarrier();
}`
}

function product(kernel: ConvKernel, others: readonly View[], extents: Extents, slots: readonly number[], t: Tiling, slices: number, epilogue?: Body): Job {
  const { stride, dilation, inputDilation, padLow, inputs: [x, w] } = kernel
  const axes = stride.length
  const dilated = inputDilation.some(d => d > 1)
  const memory = new Memory(['float32', 'float32', ...others.map(v => v.dtype)], slots)
  const fields: Field[] = [
    ...extentFields(extents, t, slices),
    ['x', x.offset], ['xg', x.strides[0]], ['xn', x.strides[1]], ['xc', x.strides[2]], ['xs', x.strides.slice(3)],
    ['w', w.offset], ['wg', w.strides[0]], ['wo', w.strides[1]], ['wc', w.strides[2]], ['ws', w.strides.slice(3)], ['k', w.shape.slice(3)],
    ['t', others[0].shape.slice(3)],
    ...others.flatMap(({ offset, strides: [g, n, o, ...t] }, i): Field[] => [[`o${i}`, offset], [`og${i}`, g], [`on${i}`, n], [`oo${i}`, o], [`ot${i}`, t]]),
    ['stride', stride], ['dilation', dilation], ['xk', x.strides.slice(3).map((s, d) => s * dilation[d])], ['pad', padLow], ['spread', inputDilation],
    ['span', x.shape.slice(3).map((s, d) => (s - 1) * inputDilation[d] + 1)],
    ...(epilogue ? paramFields(epilogue) : []),
  ]
  const source = (): string => {
    const quad = (i: number, columns: string): string => `U(${['x', 'y', 'z', 'w'].map(lane => `place${i}(${columns}.${lane}, item)`).join(', ')})`
    const stores = epilogue
      ? finishSums(t, epilogue, memory, quad, i => `oo${i}`, others.length)
      : range(t.columns).map(c => `if (${columnOf(t, c)} < p.n) {
  let at = place0(${columnOf(t, c)}, item) + slice * p.oslice;
${indent(range(t.rows).map(r => `if (${rowOf(t, r)} < p.m) { ${memory.store(2, `at + (${rowOf(t, r)}) * p.oo0`, sumAt(r, c))} }`).join('\n'))}
}`).join('\n')
    return printShader({
      fields, memory, lanes: epilogue ? 4 : 1, size: t.size, enable: enableQuads(t), head: mathFor(epilogue ? stores : '') + declareTiles(t) + geometry(axes, dilated, memory, others.length),
      body: `${locate(t)}
let w_base = p.w + item * p.wg;
${declareSums(t)}
${t.family === 'shared' ? sharedLoop(t) : registerLoop(t)}
${stores}`,
    })
  }
  return {
    key: `conv ${t.quads ? 'quad' : t.family} ${axes} ${dilated ? 'dilated ' : ''}${t.rows}x${t.columns} ${memory.key}${epilogue ? ` ${epilogue.program.key}` : ''}`,
    source, fields, slots: memory.slots, groups: groupsFor(extents, t, slices),
  }
}

export function lowerConv(kernel: ConvKernel, slots: readonly number[], target: Target): Work {
  const { inputs: [, w, ...more], outputs, epilogue } = kernel
  const { shape } = outputs[0]
  if (numel(shape) === 0) return NOTHING
  const finish: Finish = { epilogue, more, outputs }
  const parts = splitSlots(slots, finish)
  const [items, images, m] = shape
  const extents: Extents = { items, m, n: images * numel(shape.slice(3)), k: numel(w.shape.slice(2)) }
  const t = tile(extents, target)
  const slices = sliceCount(extents, t, target)
  if (slices === 1) return single(product(kernel, [...outputs, ...more], extents, [...parts.own, ...parts.outputs, ...parts.more], t, 1, epilogue))
  const at = scratchSlot(slots)
  const sum = addSlices(finish, slices, at, parts, target)
  return {
    jobs: [product(kernel, [contiguousView('float32', shape)], extents, [...parts.own, at], t, slices), ...sum.jobs],
    scratch: [numel(shape) * slices * 4, ...sum.scratch],
  }
}
