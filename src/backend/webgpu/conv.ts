// conv as a matrix product that is never laid out: rows are output channels, columns are pairs of image and position, the inner axis is
// pairs of input channel and tap. Two families and slices of the inner axis as in matmul.ts; the gradient for the weights, a small
// result with long sums, lives by the slices.
import { numel } from '../../core/shape.ts'
import { contiguousView, type View } from '../../core/view.ts'
import type { Body, ConvKernel } from '../../ir/kernel.ts'
import { mathFor } from './math.ts'
import { paramFields } from './program.ts'
import {
  addSlices, columnOf, declareSums, declareTiles, eachSum, extentFields, finishSums, groupsFor, handed, INNER, locate, multiplyTiles, picked, quadTile, rowOf,
  rowsLoaded, sliceCount, splitSlots, sumAt, threadTile, tileRow, workgroupTile, type Extents, type Finish, type Tiling,
} from './tiles.ts'
import { divided, indent, Memory, NOTHING, printShader, range, scratchSlot, single, SUBGROUPS, type Field, type Job, type Target, type Work } from './wgsl.ts'

/** As in matmul.ts. */
function tiles({ m, n }: Extents, target: Target): readonly Tiling[] {
  const { family, quads } = target
  // Few output channels, as in depthwise convolution, would leave most of a workgroup's tile empty.
  const threads = threadTile(m >= 8 ? 8 : m > 1 ? 4 : 1, 4, target)
  if (m < 8) return [threads]
  if (family === 'register') return quads ? [quadTile, threads] : [threads]
  return m > 32 && n > 32 ? [workgroupTile(8), workgroupTile(4), threads] : [workgroupTile(4), workgroupTile(8), threads]
}

/**
 * Where a column begins, and what lies where along the inner axis. A tap is known by its channel and its place in the window, and carries what all columns
 * and rows add to their own addresses: found once for each step, since every look at a parameter costs as much as a load on a CPU. Where no zeros lie
 * between the elements of x, a column has the address of its first tap, which may lie outside.
 */
class Geometry {
  readonly #axes: number
  constructor(private readonly kernel: ConvKernel, private readonly memory: Memory) {
    this.#axes = kernel.stride.length
  }

  get #dilated(): boolean {
    return this.kernel.inputDilation.some(d => d > 1)
  }

  #each(print: (d: number) => string, join: string): string {
    return range(this.#axes).map(print).join(join)
  }

  /** Declares `NAME_x`, the address of a column, and `NAME_at_d`, its place along each axis. */
  column(name: string, column: string): string {
    return `${unravelled(this.#axes, column, name, 't')}
${this.#each(d => `let ${name}_at_${d} = ${name}_${d} * p.stride_${d} - p.pad_${d};`, '\n')}
let ${name}_x = p.x + item * p.xg + ${name}_r * p.xn${this.#dilated ? '' : this.#each(d => ` + ${name}_at_${d} * p.xs_${d}`, '')};`
  }

  /** Declares the variables of the tap at step k. */
  tap(k: string): string {
    return `${unravelled(this.#axes, k, 'tap', 'k')}
var tap_c = tap_r;
${this.#each(d => `var at_${d} = tap_${d};`, '\n')}`
  }

  /** Declares what the tap adds to addresses. */
  get offsets(): string {
    return `${this.#each(d => `let far_${d} = at_${d} * p.dilation_${d};`, '\n')}
let tap_x = tap_c * p.xc${this.#dilated ? '' : this.#each(d => ` + at_${d} * p.xk_${d}`, '')};
let tap_w = tap_c * p.wc + ${this.#each(d => `at_${d} * p.ws_${d}`, ' + ')};`
  }

  /** Goes to the next tap: the last axis runs fastest, the channel slowest. */
  get next(): string {
    const steps = range(this.#axes).reverse().map((d, i) => `at_${d} += ${i === 0 ? '1u' : `u32(wrap_${d + 1})`};
let wrap_${d} = at_${d} == p.k_${d};
at_${d} = select(at_${d}, 0u, wrap_${d});`)
    return [...steps, 'tap_c += u32(wrap_0);'].join('\n')
  }

  /** The element of x at a column and the tap. */
  x(name: string): string {
    const at = (d: number): string => `(${name}_at_${d} + far_${d})`
    const inside = this.#each(d => `(${at(d)} < p.span_${d})${this.#dilated ? ` & (${at(d)} % p.spread_${d} == 0u)` : ''}`, ' & ')
    const gaps = this.#dilated ? this.#each(d => ` + ${at(d)} / p.spread_${d} * p.xs_${d}`, '') : ''
    return `select(0.0, ${this.memory.raw(0, `${name}_x + tap_x${gaps}`)}, ${inside})`
  }

  w(base: string): string {
    return this.memory.raw(1, `${base} + tap_w`)
  }
}

/** Declares `NAME_d` for each axis and `NAME_r`, what is left: for a column the image, for a step of the inner axis the channel. */
function unravelled(axes: number, linear: string, name: string, sizes: string, type = ''): string {
  const names = range(axes).reverse().map((d, i) => ({ d, from: i === 0 ? linear : `${name}_r${i}`, rest: i === axes - 1 ? `${name}_r` : `${name}_r${i + 1}` }))
  return names.flatMap(({ d, from, rest }) => divided(from, `${type}(p.${sizes}_${d})`, rest, `${name}_${d}`)).join('\n')
}

function registerLoop(t: Tiling, g: Geometry): string {
  const { columns, quads } = t
  const own = rowsLoaded(t)
  return `${range(columns).map(c => g.column(`column${c}`, `(column + ${c}u)`)).join('\n')}
${range(own).map(r => `let w_row${r} = w_base + (${quads ? 'own' : 'row'} + ${r}u) * p.wo;`).join('\n')}
${g.tap('k_start')}
for (var k = k_start; k < k_end; k++) {
${indent(g.offsets)}
${indent(range(columns / 4).map(q => `let x${q} = vec4f(${range(4).map(j => g.x(`column${4 * q + j}`)).join(', ')});`).join('\n'))}
${indent(range(own).map(r => `let w${r} = ${g.w(`w_row${r}`)};`).join('\n'))}
${indent(eachSum(t, (r, q) => `acc${r}_${q} += ${handed(t, r, `w${r % own}`)} * x${q};`))}
${indent(g.next)}
}`
}

/** Each thread fills part of four columns of the tile of x, so their places are found once, and their taps one from another. */
function sharedLoop(t: Tiling, g: Geometry): string {
  const width = t.unitRows / 4
  const step = tileRow(t)
  const share = (INNER * width) / 64
  const four = (print: (j: number) => string): string => `vec4f(${range(4).map(print).join(', ')})`
  return `let own = lid % ${width}u;
${range(4).map(j => g.column(`own${j}`, `(column + own * 4u + ${j}u)`)).join('\n')}
let own_k = lid / ${width}u * ${share}u;
let w_k = lid % ${INNER}u;
for (var k = k_start; k < k_end; k += ${INNER}u) {
  {
${indent(g.tap('(k + w_k)'), 4)}
${indent(g.offsets, 4)}
    for (var e = lid / ${INNER}u; e < ${width}u; e += ${64 / INNER}u) {
      tile_a[w_k * ${step}u + e] = select(vec4f(0.0), ${four(j => g.w(`w_base + (row + e * 4u + ${j}u) * p.wo`))}, k + w_k < k_end);
    }
  }
${indent(g.tap('(k + own_k)'))}
  for (var e = 0u; e < ${share}u; e++) {
${indent(g.offsets, 4)}
    tile_b[(own_k + e) * ${step}u + own] = select(vec4f(0.0), ${four(j => g.x(`own${j}`))}, k + own_k + e < k_end);
${indent(g.next, 4)}
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
    const g = new Geometry(kernel, memory)
    /** Where results and further operands have a column, whose indices are `out_…`; `type` is that of columns, one or four. */
    const place = (i: number, type = ''): string => `p.o${i} + item * p.og${i} + out_r * ${type}(p.on${i}) + ${range(axes).map(d => `out_${d} * ${type}(p.ot${i}_${d})`).join(' + ')}`
    const stores = epilogue
      ? finishSums(t, epilogue, memory, unravelled(axes, 'columns', 'out', 't', 'U'), i => place(i, 'U'), i => `oo${i}`, others.length)
      : range(t.columns).map(c => `if (${columnOf(t, c)} < p.n) {
${indent(unravelled(axes, `(${columnOf(t, c)})`, 'out', 't'))}
  let at = ${place(0)} + slice * p.oslice;
${indent(range(t.rows).map(r => `if (${rowOf(t, r)} < p.m) { ${memory.store(2, `at + (${rowOf(t, r)}) * p.oo0`, sumAt(r, c))} }`).join('\n'))}
}`).join('\n')
    return printShader({
      fields, memory, lanes: epilogue ? 4 : 1, size: t.size, enable: t.quads ? SUBGROUPS : '', head: mathFor(epilogue ? stores : '') + declareTiles(t),
      body: `${locate(t)}
let w_base = p.w + item * p.wg;
${declareSums(t)}
${t.family === 'shared' ? sharedLoop(t, g) : registerLoop(t, g)}
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
  const t = picked('conv', extents, tiles(extents, target), target)
  const slices = sliceCount(extents, t, target)
  if (slices === 1) return single(product(kernel, [...outputs, ...more], extents, [...parts.own, ...parts.outputs, ...parts.more], t, 1, epilogue))
  const at = scratchSlot(slots)
  const sum = addSlices(finish, slices, at, parts, target)
  return {
    jobs: [product(kernel, [contiguousView('float32', shape)], extents, [...parts.own, at], t, slices), ...sum.jobs],
    scratch: [numel(shape) * slices * 4, ...sum.scratch],
  }
}
