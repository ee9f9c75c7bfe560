// The text of a `rows` kernel: what is the same along the row stands before the passes that need it, each pass is a loop over the row.
import { wordType, type ScalarType } from '../../core/dtype.ts'
import type { View } from '../../core/view.ts'
import type { ReduceOp, RowsKernel } from '../../ir/kernel.ts'
import { needed, stepsFor, type Value } from './flow.ts'
import { mathFor } from './math.ts'
import { literal, printProgram } from './program.ts'
import { dot, indent, printShader, SUBGROUPS, unravel, type Field, type Memory } from './wgsl.ts'

/** Elements, or vectors of four, that a thread keeps of a row. */
export const KEPT = 4

export interface Form {
  /** `along`: vectors of four elements of a row; `across`: of one element of four rows. */
  readonly lanes: 'along' | 'across' | 'one'
  /** Threads that share a row. */
  readonly team: number
  /** Threads of a workgroup. */
  readonly size: number
  /** Into how many pieces a row is cut, each for a thread or team. */
  readonly chunks: number
  /** A team holds the whole row. */
  readonly keep: boolean
  /** A team is a workgroup, whose threads hand results round by subgroups first. */
  readonly subgroups: boolean
}

/** Where a value goes. */
export interface Sink {
  readonly value: number
  readonly view: View
  /** It has a place for each element, not for each row. */
  readonly whole: boolean
  /** It takes the results of chunks, one after another. */
  readonly part: boolean
}

/** Where a value waits for later passes: in registers, or in the memory of a sink. */
export type Keep = 'register' | number

interface Source {
  readonly kernel: RowsKernel
  readonly values: readonly Value[]
  readonly sinks: readonly Sink[]
  /** Operands that are read or written in vectors. */
  readonly dense: readonly boolean[]
  readonly memory: Memory
  readonly fields: readonly Field[]
  readonly form: Form
  readonly levels: number
  /** In which pass each sink is written. */
  readonly passes: readonly number[]
  /** Values that are not computed again. */
  readonly kept: ReadonlyMap<number, Keep>
  readonly rank: number
  readonly deep: number
}

const BUILTINS = ', @builtin(subgroup_size) subgroup_size: u32, @builtin(subgroup_invocation_id) subgroup_lane: u32, @builtin(subgroup_id) subgroup: u32, @builtin(num_subgroups) subgroups: u32'

const aliasOf: Record<ScalarType, string> = { float32: 'F', float64: 'F', int32: 'I', bool: 'B' }
/** Bools are reduced as integers, 0 or 1. */
const accumulated = (t: ScalarType): 'F' | 'I' => (wordType(t) === 'float32' ? 'F' : 'I')

function identity(op: ReduceOp, t: ScalarType): string {
  const float = accumulated(t) === 'F'
  if (op === 'sum' || op === 'prod') return literal(op === 'sum' ? 0 : 1, float ? 'float32' : 'int32')
  const least = op === 'max'
  if (float) return least ? '-inf()' : 'inf()'
  return t === 'bool' ? `I(${least ? 0 : 1})` : least ? 'I(-2147483648)' : 'I(2147483647)'
}

function join(op: ReduceOp, t: ScalarType, a: string, b: string): string {
  if (op === 'sum' || op === 'prod') return `${a} ${op === 'sum' ? '+' : '*'} ${b}`
  return `${op}${accumulated(t) === 'F' ? '_f' : ''}(${a}, ${b})`
}

export function rowsSource(source: Source): string {
  const { kernel: { inputs, stages }, values, sinks, dense, memory, fields, form, levels, passes, kept, rank, deep } = source
  const { lanes, team, size, chunks, keep, subgroups } = form
  const all = needed(values, sinks.map(s => s.value))

  const name = (k: number): string => {
    const { stage, output, reduce } = values[k]
    return stage < 0 ? `e${output}` : reduce ? `t${k}` : `s${stage}_${stages[stage].program.outputs[output]}`
  }
  const index = { along: 'I(i32(row * p.total + r) * 4) + I(0, 1, 2, 3)', across: '(I(i32(row) * 4) + I(0, 1, 2, 3)) * I(i32(p.total)) + I(i32(r))', one: 'I(row * p.total + r)' }[lanes]
  /** Operand k at the element of the loop. */
  const place = (k: number): string => `x${k} + ${deep > 1 ? dot(deep, 'q', `r${k}`) : lanes === 'along' && dense[k] ? 'r' : `r * p.r${k}_0`}`
  const load = (k: number, at: string): string => (lanes === 'one' || dense[k] ? memory.load(k, at) : memory.loadSplat(k, at))

  /** Declares values, but for steps that the scope knows already. */
  const declare = (list: readonly number[], scope: Set<string>): string[] => list.flatMap((k, i) => {
    const { stage, varies } = values[k]
    if (stage < 0) return varies ? [`let y${k} = ${place(k)};`, `let e${k} = ${load(k, `y${k}`)};`] : [`let e${k} = ${load(k, `x${k}`)};`]
    // The outputs of one stage come one after another, and are printed together.
    if (i && values[list[i - 1]].stage === stage) return []
    const { program } = stages[stage]
    const own = stepsFor(program, list.filter(o => values[o].stage === stage).map(o => values[o].output)).filter(s => !scope.has(`${stage}_${s}`))
    for (const s of own) scope.add(`${stage}_${s}`)
    return own.length ? [printProgram(program, name, index, { step: `s${stage}_`, param: `a${stage}_` }, own)] : []
  })

  const outside = new Set<string>()
  const before = (level: number): string[] => declare(all.filter(k => !values[k].varies && !values[k].reduce && values[k].level === level), outside)

  const held = new Set<number>()
  const sinkOf = (k: number): number | null => {
    const at = kept.get(k)!
    return at === 'register' ? null : at
  }
  const save = (k: number): string => {
    const at = sinkOf(k)
    if (at === null) return `kept${k}[j] = ${name(k)};`
    return sinks[at].value === k ? '' : memory.store(inputs.length + at, place(inputs.length + at), name(k))
  }
  const recall = (k: number): string => {
    const at = sinkOf(k)
    return at === null ? `kept${k}[j]` : load(inputs.length + at, place(inputs.length + at))
  }
  const trees = { F: 0, I: 0 }

  function pass(level: number): string[] {
    const reduces = all.filter(k => values[k].reduce && values[k].level === level + 1)
    const stores = sinks.flatMap((s, k) => (s.whole && passes[k] === level ? [k] : []))
    if (!reduces.length && !stores.length) return []
    const targets = [...reduces, ...stores.map(k => sinks[k].value)]
    const taken = new Set<number>()
    const list = needed(values, targets, k => {
      if (held.has(k)) taken.add(k)
      return held.has(k) || (!values[k].varies && !reduces.includes(k))
    })
    const scope = new Set(outside)
    for (const k of taken) if (values[k].stage >= 0) scope.add(name(k).slice(1))
    const own = list.filter(k => kept.has(k) && !held.has(k))
    const each = reduces.map(k => {
      const { reduce, dtype, stage, output } = values[k]
      const value = `s${stage}_${stages[stage].program.outputs[output]}`
      return {
        k, type: accumulated(dtype), start: identity(reduce!, dtype), exact: reduce === 'max' || reduce === 'min',
        taken: dtype === 'bool' ? `I(${value})` : value, join: (a: string, b: string): string => join(reduce!, dtype, a, b),
      }
    })
    const blocks = !keep && each.some(r => !r.exact)
    const into = blocks ? 'part' : 'acc'
    const body = [
      deep > 1 ? unravel('r', deep, 'rd', 'q') : '',
      ...[...taken].map(k => `let ${name(k)} = ${recall(k)};`),
      ...declare(list, scope),
      ...own.map(save),
      ...each.map(r => `${into}${r.k} = ${r.join(`${into}${r.k}`, r.taken)};`),
      ...stores.map(k => memory.store(inputs.length + k, place(inputs.length + k), name(sinks[k].value))),
    ].filter(Boolean).join('\n')
    for (const k of own) held.add(k)
    const step = `r += ${team}u`
    const first = team > 1 ? (chunks > 1 ? 'start + place' : 'place') : 'start'
    const loop = keep
      ? `for (var j = 0u; j < ${KEPT}u; j++) {
  let r = place + j * ${team}u;
  if (r < end) {
${indent(body, 4)}
  }
}`
      : !blocks
        ? `for (var r = ${first}; r < end; ${step}) {
${indent(body)}
}`
        : `for (var b = ${first}; b < end; b += p.block) {
${each.map(r => `  var part${r.k} = ${r.start};`).join('\n')}
  let stop = min(b + p.block, end);
  for (var r = b; r < stop; ${step}) {
${indent(body, 4)}
  }
${each.map(r => `  acc${r.k} = ${r.join(`acc${r.k}`, `part${r.k}`)};`).join('\n')}
}`
    const counts = { F: 0, I: 0 }
    const tree = each.map(r => ({ ...r, tree: `tree_${r.type}${counts[r.type]++}` }))
    trees.F = Math.max(trees.F, counts.F)
    trees.I = Math.max(trees.I, counts.I)
    const joined = team === 1 || !each.length ? [] : subgroups ? [
      // Lane by lane of a subgroup; then each thread joins the results of the subgroups.
      `for (var d = 1u; d < min(subgroup_size, ${size}u); d <<= 1u) {
${tree.map(r => `  acc${r.k} = ${r.join(`acc${r.k}`, `subgroupShuffleXor(acc${r.k}, d)`)};`).join('\n')}
}`,
      ...tree.map(r => `if (subgroup_lane == 0u) { ${r.tree}[subgroup] = acc${r.k}; }`),
      'workgroupBarrier();',
      ...tree.map(r => `acc${r.k} = ${r.tree}[0];`),
      `for (var s = 1u; s < subgroups; s++) {
${tree.map(r => `  acc${r.k} = ${r.join(`acc${r.k}`, `${r.tree}[s]`)};`).join('\n')}
}`,
      ...(level + 1 < levels ? ['workgroupBarrier();'] : []),
    ] : [
      ...tree.map(r => `${r.tree}[lid] = acc${r.k};`),
      'workgroupBarrier();',
      `for (var half = ${team / 2}u; half > 0u; half >>= 1u) {
  if (place < half) {
${tree.map(r => `    ${r.tree}[lid] = ${r.join(`${r.tree}[lid]`, `${r.tree}[lid + half]`)};`).join('\n')}
  }
  workgroupBarrier();
}`,
      ...tree.map(r => `acc${r.k} = ${r.tree}[lid - place];`),
      ...(level + 1 < levels ? ['workgroupBarrier();'] : []),
    ]
    return [
      ...each.map(r => `var acc${r.k} = ${r.start};`),
      loop,
      ...joined,
      ...(lanes === 'along' ? each.flatMap(r => ['zwxy', 'yxwz'].map(turn => `acc${r.k} = ${r.join(`acc${r.k}`, `acc${r.k}.${turn}`)};`)) : []),
      ...each.map(r => `let t${r.k} = ${values[r.k].dtype === 'bool' ? `acc${r.k} != I(0)` : `acc${r.k}`};`),
    ]
  }

  const used = (k: number): boolean => (k < inputs.length ? all.includes(k) : !sinks[k - inputs.length].part)
  const work = Array.from({ length: levels + 1 }, (_, level) => [...before(level), ...pass(level)]).flat()
  const ends = sinks.flatMap(({ whole, value, part }, k) => {
    const [at, address] = [inputs.length + k, part ? 'unit' : `x${inputs.length + k}`]
    return whole ? [] : [lanes === 'along' ? memory.storeLane(at, address, name(value), 'x') : memory.store(at, address, name(value))]
  }).join('\n')
  const unit = team === 1
    ? 'let unit = i;\nif (unit >= p.n) { return; }'
    : team === size
      ? 'let place = lid;\nlet unit = group;\nif (unit >= p.n) { return; }'
      : `let place = lid % ${team}u;\nlet live = group * ${size / team}u + lid / ${team}u < p.n;\nlet unit = min(group * ${size / team}u + lid / ${team}u, p.n - 1u);`
  const stop = chunks > 1 ? 'min(start + p.length, p.total)' : 'p.total'
  const first = team === 1 ? '' : team === size ? 'place == 0u' : 'live && place == 0u'
  const body = [
    unit,
    `let row = unit${chunks > 1 ? ' % p.rows' : ''};`,
    unravel('row', rank, 'd', 'c'),
    ...dense.map((_, k) => (used(k) ? `let x${k} = p.o${k} + ${dot(rank, 'c', `s${k}`)};` : '')),
    chunks > 1 ? 'let start = unit / p.rows * p.length;' : team === 1 ? 'let start = 0u;' : '',
    `let end = ${team > 1 && team < size ? `select(0u, ${stop}, live)` : stop};`,
    ...[...kept].map(([k, at]) => (at === 'register' ? `var kept${k}: array<${aliasOf[values[k].dtype]}, ${KEPT}>;` : '')),
    ...work,
    !ends ? '' : first ? `if (${first}) {\n${indent(ends)}\n}` : ends,
  ].filter(Boolean).join('\n')
  const shared = (['F', 'I'] as const).flatMap(t => Array.from({ length: team > 1 ? trees[t] : 0 }, (_, k) => `var<workgroup> tree_${t}${k}: array<${t}, ${size}>;\n`)).join('')
  return printShader({ fields, memory, lanes: lanes === 'one' ? 1 : 4, size, ...(subgroups ? { enable: SUBGROUPS, builtins: BUILTINS } : {}), head: mathFor(body) + shared, body })
}
