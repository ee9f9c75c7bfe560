// attention: a thread owns rows of one side (queries, or keys for their gradients) and walks along the other, so sums stay in registers and no score is
// stored (Dao et al. 2022, "FlashAttention"). `register`: four rows to a thread, one in each lane. `shared`: one row to a thread, and what all
// threads of a workgroup walk along comes in tiles through workgroup memory.
import { numel } from '../../core/shape.ts'
import { collapse, type View } from '../../core/view.ts'
import { attentionOperands, type AttentionKernel, type AttentionOperands } from '../../ir/kernel.ts'
import { component } from './tiles.ts'
import { CPU_GROUP, dot, gridOfGroups, gridOfThreads, indent, Memory, NOTHING, printShader, range, scratchSlot, unravel, WG, type Field, type Job, type Target, type Work } from './wgsl.ts'

/** Rows that a tile in workgroup memory has. */
const TILE = 16

type Name = keyof AttentionOperands<View>
/** An operand and the block that it lies in. */
interface Part {
  readonly name: Name
  readonly view: View
  readonly slot: number
}

/** One walk: the rows that threads own, what they walk along, and what they compute. All text is over the rows of a thread: `R` is a number for each. */
interface Walk {
  readonly name: string
  readonly own: readonly Part[]
  readonly along: readonly Part[]
  readonly mask: Part | undefined
  readonly writes: readonly Part[]
  /** The block of lse and Σ g·out of each query, and whether queries are owned or walked along. */
  readonly stats?: { readonly slot: number; readonly owned: boolean }
  readonly before: string
  readonly step: string
  readonly after: string
}

const widthOf = ({ view }: Part): number => view.shape.at(-1)!
const lengthOf = ({ view }: Part): number => view.shape.at(-2)!

/** Whether rows can be read four elements at a time. */
const isAligned = ({ view: { shape, strides, offset } }: Part): boolean =>
  strides.at(-1) === 1 && shape.at(-1)! % 4 === 0 && offset % 4 === 0 && strides.every((s, i) => i === shape.length - 1 || s % 4 === 0)

/** Σ own·other over a row, in four sums. */
const product = (to: string, own: Part, other: Part): string => {
  const n = widthOf(own)
  const sum = (c: number): string => range(n).filter(e => e % 4 === c).map(e => `${own.name}${e} * ${other.name}_${e >> 2}.${component(e)}`).join(' + ') || 'R(0.0)'
  return `let ${to} = (${sum(0)} + (${sum(1)})) + (${sum(2)} + (${sum(3)}));`
}
/** sums += factor · row */
const gather = (sums: string, factor: string, row: Part): string =>
  range(widthOf(row)).map(e => `${sums}${e} += ${factor} * ${row.name}_${e >> 2}.${component(e)};`).join('\n')
const declare = (sums: string, n: number): string => range(n).map(e => `var ${sums}${e} = R(0.0);`).join('\n')

function walkJob({ name, own, along, mask, writes, stats, before, step, after }: Walk, { causal, scale }: AttentionKernel, { family }: Target): Job {
  const shared = family === 'shared'
  const lanes = shared ? 1 : 4
  const reads = [...own, ...along]
  const others = [...(mask ? [mask] : []), ...writes]
  const vector = reads.every(isAligned) && reads.every(r => others.every(o => o.slot !== r.slot))
  const parts = [...reads, ...others]
  const [sums, single] = [writes.filter(w => w.name !== 'lse'), others.filter(o => o === mask || o.name === 'lse')]
  const wide = sums.every(isAligned) && sums.every(w => [...reads, ...single].every(o => o.slot !== w.slot))
  const memory = new Memory(
    [...parts.map(p => p.view.dtype), ...(stats ? ['float32' as const] : [])], [...parts.map(p => p.slot), ...(stats ? [stats.slot] : [])],
    parts.map(p => (reads.includes(p) ? vector : wide && sums.includes(p))),
  )
  const lead = own[0].view.shape.length - 2
  const { shape: batch, strides } = collapse(own[0].view.shape.slice(0, lead), parts.map(p => p.view.strides.slice(0, lead)))
  const rank = batch.length
  const [rows, length] = [lengthOf(own[0]), lengthOf(along[0])]
  const tiles = Math.ceil(rows / (shared ? WG : lanes))
  const units = numel(batch) * tiles
  const fields: Field[] = [
    ['units', units], ['tiles', tiles], ['rows', rows], ['length', length], ['scale', scale, 'f32'], ['d', batch],
    ...parts.flatMap(({ name: x, view }, i): Field[] => [[x, view.offset], [`${x}_s`, strides[i]], [`${x}_r`, view.strides[lead]], [`${x}_c`, view.strides[lead + 1]]]),
  ]
  const queriesOwned = own[0].name === 'q'
  const source = (): string => {
    const index = new Map(parts.map((p, i) => [p.name, i]))
    /** Four elements of a row, from a printed vector number on. */
    const four = (p: Part, row: string, q: string): string => {
      const k = index.get(p.name)!
      if (vector) return memory.raw(k, `((${row}) >> 2u) + ${q}`)
      const n = widthOf(p)
      return `vec4f(${range(4).map(c => (/^\d/.test(q) && 4 * parseInt(q) + c >= n ? '0.0' : memory.load(k, `${row} + (4u * ${q} + ${c}u) * p.${p.name}_c`))).join(', ')})`
    }
    const quads = (p: Part): number[] => range(Math.ceil(widthOf(p) / 4))
    const lane = (text: (r: number) => string): string => (lanes === 1 ? text(0) : `R(${range(lanes).map(text).join(', ')})`)
    const ofRows = own.flatMap(p => quads(p).flatMap(q => [
      ...range(lanes).map(r => `let ${p.name}_${q}_${r} = ${four(p, `${p.name}_at + min(row + ${r}u, p.rows - 1u) * p.${p.name}_r`, `${q}u`)};`),
      ...range(4).filter(c => 4 * q + c < widthOf(p)).map(c => `let ${p.name}${4 * q + c} = ${lane(r => `${p.name}_${q}_${r}.${component(c)}`)}${p === own[0] ? ' * p.scale' : ''};`),
    ]))
    const statsAt = (what: 0 | 1, row: string): string => memory.load(parts.length, `2u * (item * ${stats?.owned ? 'p.rows' : 'p.length'} + ${row}) + ${what}u`)
    const scalars = (at: (r: number) => string): string => `let lse = ${stats ? lane(r => statsAt(0, at(r))) : ''};\nlet mean = ${stats ? lane(r => statsAt(1, at(r))) : ''};`
    const alongLoads = along.flatMap(p => quads(p).map(q => `let ${p.name}_${q} = ${shared ? `tile_${p.name}[jj * ${quads(p).length}u + ${q}u]` : four(p, `${p.name}_at + j * p.${p.name}_r`, `${q}u`)};`))
    const own4 = lanes === 1 ? 'row' : '(vec4u(row) + vec4u(0u, 1u, 2u, 3u))'
    const maskAt = (r: number): string => {
      const o = `min(row + ${r}u, p.rows - 1u)`
      return memory.load(index.get('mask')!, `mask_at + ${queriesOwned ? o : 'j'} * p.mask_r + ${queriesOwned ? 'j' : o} * p.mask_c`)
    }
    const isBool = mask?.view.dtype === 'bool'
    const hide = [
      ...(mask && !isBool ? [`s += ${lane(maskAt)};`] : []),
      ...(mask && isBool ? [`s = select(R(-inf), s, ${lanes === 1 ? maskAt(0) : `vec4<bool>(${range(4).map(maskAt).join(', ')})`});`] : []),
      ...(causal ? [`s = select(R(-inf), s, ${lanes === 1 ? 'U' : 'vec4u'}(j) ${queriesOwned ? '<=' : '>='} ${own4});`] : []),
    ]
    const each = [
      ...alongLoads,
      product('score', own[0], along[0]), 'var s = score;', ...hide,
      ...(stats && !stats.owned ? [`let lse = R(${statsAt(0, 'j')});\nlet mean = R(${statsAt(1, 'j')});`] : []),
      step,
    ].join('\n')
    // With causality a query meets no later key, and a key no earlier query.
    const last = shared ? `(unit % p.tiles + 1u) * ${WG}u` : `row + ${lanes}u`
    const from = causal && !queriesOwned ? (shared ? `unit % p.tiles * ${WG}u` : 'row') : '0u'
    const to = causal && queriesOwned ? `min(p.length, ${last})` : 'p.length'
    const fill = along.map(p => `for (var e = lid; e < ${TILE * quads(p).length}u; e += ${WG}u) {
  let q = e % ${quads(p).length}u;
  let at = ${p.name}_at + min(first + e / ${quads(p).length}u, p.length - 1u) * p.${p.name}_r;
  tile_${p.name}[e] = ${four(p, 'at', 'q')};
}`).join('\n')
    const loop = shared
      ? `for (var first = ${from}; first < ${to}; first += ${TILE}u) {
${indent(fill)}
  workgroupBarrier();
  let count = min(${TILE}u, ${to} - first);
  for (var jj = 0u; jj < count; jj++) {
    let j = first + jj;
${indent(each, 4)}
  }
  workgroupBarrier();
}`
      : `for (var j = ${from}; j < ${to}; j++) {\n${indent(each)}\n}`
    const stores = (p: Part, factor: string): string => range(lanes).map(r => {
      const k = index.get(p.name)!
      const value = (e: number): string => `(${p.name}${e} * ${factor})${lanes === 1 ? '' : `.${component(r)}`}`
      const lines = wide
        ? quads(p).map(q => memory.store(k, `(at >> 2u) + ${q}u`, `vec4f(${range(4).map(c => value(4 * q + c)).join(', ')})`))
        : range(widthOf(p)).map(e => memory.store(k, `at + ${e}u * p.${p.name}_c`, value(e)))
      return `if (row + ${r}u < p.rows) {
  let at = ${p.name}_at + (row + ${r}u) * p.${p.name}_r;
${indent(lines.join('\n'))}
}`
    }).join('\n')
    const body = [
      `let unit = ${shared ? 'group' : 'i'};`, 'if (unit >= p.units) { return; }', 'let item = unit / p.tiles;',
      `let row = unit % p.tiles * ${shared ? WG : lanes}u${shared ? ' + lid' : ''};`, 'let inf = bitcast<f32>(p.inf);',
      unravel('item', rank, 'd', 'c'), ...parts.map(p => `let ${p.name}_at = p.${p.name} + ${dot(rank, 'c', `${p.name}_s`)};`),
      ...ofRows, ...(stats?.owned ? [scalars(r => `min(row + ${r}u, p.rows - 1u)`)] : []), before, loop, after,
      ...sums.map(w => stores(w, w.name === 'out' ? 'share' : w.name === 'dv' ? '1.0' : 'p.scale')),
      ...writes.filter(w => w.name === 'lse').flatMap(w => range(lanes).map(r =>
        `if (row + ${r}u < p.rows) { ${memory.store(index.get(w.name)!, `lse_at + (row + ${r}u) * p.lse_r`, lanes === 1 ? 'lse' : `lse.${component(r)}`)} }`)),
    ].join('\n')
    const head = `alias R = ${lanes === 1 ? 'f32' : 'vec4f'};\n${shared ? along.map(p => `var<workgroup> tile_${p.name}: array<vec4f, ${TILE * quads(p).length}>;\n`).join('') : ''}`
    return printShader({ fields, memory, size: shared ? WG : CPU_GROUP, head, body })
  }
  return {
    key: `attention ${name} ${family} ${reads.map(widthOf).join()} ${rank} ${causal} ${memory.key}`,
    source, fields, slots: memory.slots, groups: shared ? gridOfGroups(units) : gridOfThreads(units, CPU_GROUP),
  }
}

/** lse and Σ g·out of each query, side by side in a scratch block. */
function statsJob(lse: Part, g: Part, out: Part, slot: number): Job {
  const { shape } = lse.view
  const n = numel(shape)
  const rank = shape.length
  const memory = new Memory(['float32', 'float32', 'float32', 'float32'], [lse.slot, g.slot, out.slot, slot])
  const fields: Field[] = [
    ['n', n], ['depth', widthOf(g)], ['d', shape], ['l', lse.view.offset], ['ls', lse.view.strides],
    ...([['g', g], ['o', out]] as const).flatMap(([x, { view }]): Field[] => [[x, view.offset], [`${x}s`, view.strides.slice(0, -1)], [`${x}c`, view.strides.at(-1)!]]),
  ]
  const source = (): string => printShader({
    fields, memory,
    body: `if (i >= p.n) { return; }
${unravel('i', rank, 'd', 'c')}
let g0 = p.g + ${dot(rank, 'c', 'gs')};
let o0 = p.o + ${dot(rank, 'c', 'os')};
var sum = 0.0;
for (var e = 0u; e < p.depth; e++) { sum += ${memory.load(1, 'g0 + e * p.gc')} * ${memory.load(2, 'o0 + e * p.oc')}; }
${memory.store(3, '2u * i', memory.load(0, `p.l + ${dot(rank, 'c', 'ls')}`))}
${memory.store(3, '2u * i + 1u', 'sum')}`,
  })
  return { key: `attention stats ${rank} ${memory.key}`, source, fields, slots: memory.slots, groups: gridOfThreads(n) }
}

export function lowerAttention(kernel: AttentionKernel, slots: readonly number[], target: Target): Work {
  const { pass, inputs, outputs } = kernel
  const views = attentionOperands(pass, inputs, outputs)
  const at = attentionOperands(pass, slots.slice(0, inputs.length), slots.slice(inputs.length))
  if (numel(views.q.shape) === 0) return NOTHING
  const part = (name: Name): Part => {
    const view = views[name]!
    return { name, view: name === 'lse' ? { ...view, shape: [...view.shape, 1], strides: [...view.strides, 0] } : view, slot: at[name]! }
  }
  const [q, k, v] = (['q', 'k', 'v'] as const).map(part)
  const mask = views.mask && part('mask')
  const [width, depth] = [widthOf(k), widthOf(v)]
  if (pass === 'forward') {
    const scaleSums = range(depth).map(e => `out${e} *= shrink;`).join(' ')
    const walk: Walk = {
      name: 'forward', own: [q], along: [k, v], mask, writes: [part('out'), part('lse')],
      before: `var top = R(-3.0e38);\nvar total = R(0.0);\n${declare('out', depth)}`,
      // The largest score so far seldom grows; when it does, what was summed is made to agree.
      step: `if (any(s > top)) {
  let next = max(top, s);
  let shrink = exp(top - next);
  top = next;
  total *= shrink;
  ${scaleSums}
}
let w = exp(s - top);
total += w;
${gather('out', 'w', v)}`,
      after: 'let share = select(R(1.0) / total, R(0.0), total == R(0.0));\nlet lse = select(top + log(total), R(inf), total == R(0.0));',
    }
    return { jobs: [walkJob(walk, kernel, target)], scratch: [] }
  }
  const [g, out, lse] = [part('g'), part('out'), { name: 'lse', view: views.lse, slot: at.lse } as const]
  const slot = scratchSlot(slots)
  const shares = 'let w = exp(s - lse);'
  const queries: Walk = {
    name: 'queries', own: [q, g], along: [k, v], mask, writes: [part('dq')], stats: { slot, owned: true },
    before: declare('dq', width),
    step: `${shares}\n${product('flow', g, v)}\nlet ds = w * (flow - mean);\n${gather('dq', 'ds', k)}`,
    after: '',
  }
  const keys: Walk = {
    name: 'keys', own: [k, v], along: [q, g], mask, writes: [part('dk'), part('dv')], stats: { slot, owned: false },
    before: `${declare('dk', width)}\n${declare('dv', depth)}`,
    step: `${shares}\n${gather('dv', 'w', g)}\n${product('flow', v, g)}\nlet ds = w * (flow - mean);\n${gather('dk', 'ds', q)}`,
    after: '',
  }
  return { jobs: [statsJob(lse, g, out, slot), walkJob(queries, kernel, target), walkJob(keys, kernel, target)], scratch: [2 * numel(lse.view.shape) * 4] }
}
