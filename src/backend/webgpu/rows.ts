// rows: all stages of a row in one dispatch. A thread takes a row (or four side by side, when those are neighbours in memory), or a team of 16, 64
// or 256 threads takes it and ends each pass in a tree of shared memory. Elements are read and computed again in each pass, or kept in registers
// where a team holds the whole row. Few long rows that are only reduced are cut into chunks, whose results a second kernel reduces. Sums
// go over √n blocks of √n elements, so rounding errors grow with √n at worst.
import { contiguousStrides, numel } from '../../core/shape.ts'
import { collapse, type View } from '../../core/view.ts'
import type { RowsKernel } from '../../ir/kernel.ts'
import { program, S, type Program, type Step } from '../../ir/scalar.ts'
import { needed, stepsFor, valuesOf, type Value } from './flow.ts'
import { sharesWords } from './map.ts'
import { isNarrow } from './narrow.ts'
import { KEPT, rowsSource, type Form, type Keep, type Sink } from './rows-source.ts'
import { paramFields } from './program.ts'
import {
  CPU_GROUP, gridOfGroups, gridOfThreads, Memory, NOTHING, scratchSlot, single, WG, type Field, type Job, type Target, type Work,
} from './wgsl.ts'

/** Words of registers that they may take. */
const KEPT_WORDS = 64

/** A kernel whose operands are laid out: axes joined, vectors chosen. */
interface Layout {
  readonly values: readonly Value[]
  readonly sinks: readonly Sink[]
  readonly views: readonly View[]
  readonly outer: { readonly shape: readonly number[]; readonly strides: readonly (readonly number[])[] }
  readonly inner: { readonly shape: readonly number[]; readonly strides: readonly (readonly number[])[] }
  /** `along`: vectors of four elements of a row; `across`: of one element of four rows. */
  readonly lanes: Form['lanes']
  /** Operands that are read or written in vectors. */
  readonly dense: readonly boolean[]
  /** Passes that end in reductions. */
  readonly levels: number
  /** All elements that are written are known before the first reduction, and there is one pass of those at most. */
  readonly once: boolean
  /** Most reductions that one pass does. */
  readonly accumulators: number
}

const fours = (list: readonly number[], but = -1): boolean => list.every((s, d) => d === but || s % 4 === 0)

function lay(kernel: RowsKernel, sinks: readonly Sink[], slots: readonly number[]): Layout {
  const { inputs, axes } = kernel
  const values = valuesOf(kernel)
  const views = [...inputs, ...sinks.map(s => s.view)]
  const { shape } = inputs[0]
  const kept = shape.length - axes
  const along = views.map((_, k) => (k < inputs.length ? values[k].varies : sinks[k - inputs.length].whole))
  const outer = collapse(shape.slice(0, kept), views.map(v => v.strides.slice(0, kept)))
  const inner = collapse(shape.slice(kept), views.map((v, k) => shape.slice(kept).map((_, d) => (along[k] ? v.strides[kept + d] : 0))))
  const [row, column] = [outer.shape.length - 1, inner.shape.length - 1]
  const wholes = slots.filter((_, k) => k < inputs.length || along[k])
  const free = !sharesWords(views, slots)
  const densely = {
    along: views.map((_, k) => along[k] && inner.strides[k][column] === 1),
    across: views.map((_, k) => outer.strides[k][row] === 1),
  }
  const fits = {
    along: free && inner.shape[column] % 4 === 0 && densely.along.includes(true) && views.every((v, k) =>
      densely.along[k]
        ? v.offset % 4 === 0 && fours(outer.strides[k]) && fours(inner.strides[k], column)
        : along[k] ? k < inputs.length && inner.strides[k][column] === 0 : k < inputs.length || (!isNarrow(v.dtype) && !wholes.includes(slots[k]))),
    across: free && outer.shape[row] % 4 === 0 && densely.across.includes(true) && views.every((v, k) =>
      densely.across[k]
        ? v.offset % 4 === 0 && fours(outer.strides[k], row) && fours(inner.strides[k])
        : k < inputs.length && outer.strides[k][row] === 0),
  }
  const lanes = fits.along ? 'along' : fits.across ? 'across' : 'one'
  const all = needed(values, sinks.map(s => s.value))
  const reduced = all.filter(k => values[k].reduce).map(k => values[k].level)
  const levels = Math.max(0, ...reduced)
  return {
    values, sinks, views, outer, inner, lanes, levels,
    dense: lanes === 'one' ? views.map(() => false) : densely[lanes],
    once: levels <= 1 && sinks.every(s => !s.whole || values[s.value].level === 0),
    accumulators: Math.max(0, ...reduced.map(level => reduced.filter(l => l === level).length)),
  }
}

/** Rows and elements of a row, in vectors where those go that way. */
const extents = ({ outer, inner, lanes }: Layout): { rows: number; total: number } => ({
  rows: numel(outer.shape) / (lanes === 'across' ? 4 : 1),
  total: numel(inner.shape) / (lanes === 'along' ? 4 : 1),
})

function choose(layout: Layout, { family, subgroups = false }: Target): Form {
  const { outer, inner, lanes, levels, once, accumulators, values } = layout
  const { rows, total } = extents(layout)
  /** Chunks of about `length`, at most so many that there are `units` of them in all. */
  const cut = (length: number, units: number): number => {
    const chunks = once && levels === 1 ? Math.max(1, Math.min(Math.ceil(total / length), Math.ceil(units / rows))) : 1
    return Math.max(1, Math.ceil(total / Math.ceil(total / chunks)))
  }
  const threads = (size: number, chunks: number): Form => ({ lanes, team: 1, size, chunks, keep: false, subgroups: false })
  // Many small groups cost something themselves.
  if (family === 'register') return threads(rows >= 4096 ? WG : CPU_GROUP, rows < 128 && total > 512 ? cut(256, 1024) : 1)
  // Threads side by side should read words side by side: of one row, or of rows that are themselves side by side.
  const lead = values.findIndex(v => v.stage < 0 && v.varies)
  const turned = lanes !== 'along' && lead >= 0 && inner.strides[lead].at(-1) !== 1 && outer.strides[lead].at(-1) === 1
  if (total <= KEPT || turned) return threads(WG, total > 128 ? cut(64, 16384) : 1)
  const team = total <= 16 * KEPT ? 16 : total <= WG * KEPT || accumulators > 3 ? WG : 256
  const chunks = rows < 128 && total > 4096 ? cut(1024, 512) : 1
  return { lanes, team, size: Math.max(team, WG), chunks, keep: chunks === 1 && total <= team * KEPT, subgroups: subgroups && team >= WG }
}

/** Operations that cost more than writing a number down and reading it again. */
const cheap: ReadonlySet<string> = new Set<Step['op']>([
  'input', 'param', 'const', 'cast', 'neg', 'abs', 'sign', 'floor', 'ceil', 'trunc', 'round', 'sqrt', 'not', 'add', 'sub', 'mul', 'div', 'min', 'max', 'and', 'or', 'xor',
  'shl', 'shr', 'shru', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'select',
])

/**
 * Values that later passes do not compute again, those nearest to the end: in a team that holds the row they stay in registers; else, when
 * they are dear, they wait in the memory of an output that is written later, or is the value itself. `passes` says in which pass outputs are written.
 */
function keeping({ stages, inputs }: RowsKernel, { values, sinks, levels, lanes }: Layout, keep: boolean, passes: readonly number[], slots: readonly number[]): Map<number, Keep> {
  const kept = new Map<number, Keep>()
  const seen = new Set<number>()
  const most = KEPT_WORDS / KEPT / (lanes === 'along' ? 4 : 1)
  const all = needed(values, sinks.map(s => s.value))
  const dear = ({ stage, output }: Value): boolean => stage >= 0 && stepsFor(stages[stage].program, [output]).some(k => !cheap.has(stages[stage].program.steps[k].op))
  const free = (k: number): number => sinks.findIndex((s, at) => {
    if (!s.whole || s.view.dtype !== 'float32' || values[k].dtype !== 'float32') return false
    if (s.value === k) return passes[at] === values[k].level
    const slot = slots[inputs.length + at]
    return passes[at] === levels && slots.filter(other => other === slot).length === 1 && ![...kept.values()].includes(at)
  })
  const place = (k: number): Keep | null => {
    if (keep) return kept.size < most ? 'register' : null
    const at = dear(values[k]) ? free(k) : -1
    return at < 0 ? null : at
  }
  for (let pass = 0; pass <= levels; pass++) {
    const reduces = all.filter(k => values[k].reduce && values[k].level === pass + 1)
    const targets = [...reduces, ...sinks.flatMap((s, k) => (s.whole && passes[k] === pass ? [s.value] : []))]
    const known = (k: number): boolean => {
      if (!values[k].varies) return !reduces.includes(k)
      if (!seen.has(k)) return false
      const at = kept.get(k) ?? place(k)
      if (at !== null) kept.set(k, at)
      return at !== null
    }
    for (const k of needed(values, targets, known)) seen.add(k)
  }
  return kept
}

function job(kernel: RowsKernel, layout: Layout, form: Form, slots: readonly number[], target: Target): Job {
  const { values, sinks, views, outer, inner, lanes, dense, levels, once } = layout
  const { inputs, stages } = kernel
  const { team, size, chunks } = form
  const { rows, total } = extents(layout)
  const vectors = views.map((_, k) => lanes !== 'one' && (lanes === 'across' || k < inputs.length || sinks[k - inputs.length].whole))
  const memory = new Memory(views.map(v => v.dtype), slots, vectors, views.map((v, k) => lanes === 'one' && k >= inputs.length && isNarrow(v.dtype)), target)
  const length = Math.ceil(total / chunks)
  const [row, column] = [outer.shape.length - 1, inner.shape.length - 1]
  const shorter = (shape: readonly number[], by: boolean): readonly number[] => (by ? [...shape.slice(0, -1), shape.at(-1)! / 4] : shape)
  const scaled = (strides: readonly number[], k: number, but: number): number[] => strides.map((s, d) => (dense[k] && d !== but ? s / 4 : s))
  const fields: Field[] = [
    ['n', rows * chunks], ['rows', rows], ['total', total], ['length', length], ['block', Math.max(1, Math.ceil(Math.sqrt(length / team))) * team],
    ['d', shorter(outer.shape, lanes === 'across')], ['rd', shorter(inner.shape, lanes === 'along')],
    ...views.map((v, k): Field => [`o${k}`, dense[k] ? v.offset / 4 : v.offset]),
    ...views.map((_, k): Field => [`s${k}`, scaled(outer.strides[k], k, lanes === 'across' ? row : -1)]),
    ...views.map((_, k): Field => [`r${k}`, scaled(inner.strides[k], k, lanes === 'along' ? column : -1)]),
    ...stages.flatMap((stage, k) => paramFields(stage, `a${k}_`)),
  ]
  // An element may be written early where nobody reads it afterwards.
  const passes = sinks.map((s, k) => (once ? 0 : slots.indexOf(slots[inputs.length + k]) < inputs.length ? levels : values[s.value].level))
  const kept = keeping(kernel, layout, form.keep, passes, slots)
  const source = (): string => rowsSource({
    kernel, values, sinks, dense, memory, fields, form, levels, passes, kept, rank: outer.shape.length, deep: inner.shape.length,
  })
  const operands = views.map((_, k) => (k < inputs.length ? (values[k].varies ? 'e' : 'u') : sinks[k - inputs.length].whole ? 'w' : 'r') + (dense[k] ? 'd' : '')).join('')
  return {
    key: `rows ${lanes} ${team}/${size} ${form.keep ? 'keep ' : ''}${form.subgroups ? 'subgroups ' : ''}${sinks.some(s => s.part) ? 'split ' : ''}${outer.shape.length} ${inner.shape.length} ${operands} ${memory.key} ` +
      `${sinks.map((s, k) => `${s.value}@${passes[k]}`).join()} ${[...kept].map(([k, at]) => `${k}=${at}`).join()} ${stages.map(s => `${s.reduce?.join() ?? ''}[${s.program.key}]`).join(' ')}`,
    source, fields, slots: memory.slots,
    groups: team === 1 ? gridOfThreads(rows * chunks, size) : gridOfGroups(Math.ceil((rows * chunks) / (size / team))),
  }
}

/** Reads other values than it was written for. */
export const renumbered = ({ steps, outputs, key, ...rest }: Program, numbers: ReadonlyMap<number, number>, keep: readonly number[]): Program => ({
  ...rest,
  steps: steps.map(s => (s.op === 'input' ? { ...s, index: numbers.get(s.index!) ?? 0 } : s)),
  outputs: keep.map(k => outputs[k]),
  key: `${key} of ${[...numbers].join(';')} gives ${keep.join()}`,
})

/** What is left to do when the chunks are reduced: reduce their results, which are its first inputs, and compute what is wanted once a row. */
function rest({ inputs, axes, stages }: RowsKernel, values: readonly Value[], sinks: readonly Sink[], reduced: readonly number[], parts: readonly View[]): { kernel: RowsKernel; more: readonly number[] } {
  const kept = inputs[0].shape.length - axes
  const { shape } = parts[0]
  const once = needed(values, sinks.map(s => s.value), k => values[k].varies || values[k].reduce !== null)
  const more = once.filter(k => values[k].stage < 0)
  const numbers = new Map([...more.map((k, i) => [k, parts.length + i] as const), ...reduced.map((k, i) => [k, parts.length + more.length + i] as const)])
  const types = parts.map(v => v.dtype)
  const later = stages.flatMap((stage, at) => {
    const own = once.filter(k => values[k].stage === at)
    if (!own.length) return []
    const body = { program: renumbered(stage.program, numbers, own.map(k => values[k].output)), params: stage.params, reduce: null }
    for (const k of own) numbers.set(k, parts.length + numbers.size)
    return [body]
  })
  return {
    more,
    kernel: {
      kind: 'rows', axes: 1,
      inputs: [...parts, ...more.map((k): View => ({ ...inputs[k], shape, strides: [...inputs[k].strides.slice(0, kept), 0] }))],
      outputs: sinks.map(s => s.view),
      stages: [{ program: program(types.map((t, k) => S.input(k, t)), types), params: [], reduce: reduced.map(k => values[k].reduce!) }, ...later],
      results: sinks.map(s => numbers.get(s.value)!),
    },
  }
}

const sinksOf = ({ inputs, outputs, results }: RowsKernel): Sink[] =>
  outputs.map((view, k) => ({ value: results[k], view, whole: view.shape.length === inputs[0].shape.length, part: false }))

export function lowerRows(kernel: RowsKernel, slots: readonly number[], target: Target): Work {
  const { inputs, axes } = kernel
  const { shape } = inputs[0]
  const keptShape = shape.slice(0, shape.length - axes)
  const rows = numel(keptShape)
  const all = sinksOf(kernel)
  const layout = lay(kernel, all, slots)
  if (rows === 0) return NOTHING
  const { chunks } = choose(layout, target)
  if (chunks === 1) return single(job(kernel, layout, choose(layout, target), slots, target))

  const { values } = layout
  const reduced = needed(values, all.map(s => s.value)).filter(k => values[k].reduce)
  const at = (sinks: readonly Sink[]): number[] => sinks.map(s => slots[inputs.length + all.indexOf(s)])
  const [wholes, ends] = [all.filter(s => s.whole), all.filter(s => !s.whole)]
  const parts = reduced.map((k): View => ({ dtype: values[k].dtype, shape: [...keptShape, chunks], strides: [...contiguousStrides(keptShape), rows], offset: 0 }))
  const partSlots = parts.map((_, k) => scratchSlot(slots, k))
  const ownSinks = [...wholes, ...reduced.map((value, k): Sink => ({ value, view: { ...parts[k], shape: keptShape, strides: contiguousStrides(keptShape) }, whole: false, part: true }))]
  const ownSlots = [...slots.slice(0, inputs.length), ...at(wholes), ...partSlots]
  const own = lay(kernel, ownSinks, ownSlots)
  const second = rest(kernel, values, ends, reduced, parts)
  const ending = lowerRows(second.kernel, [...partSlots, ...second.more.map(k => slots[k]), ...at(ends)], target)
  return {
    jobs: [job(kernel, own, { ...choose(own, target), chunks, keep: false }, ownSlots, target), ...ending.jobs],
    scratch: [...parts.map(v => numel(v.shape) * 4), ...ending.scratch],
  }
}

/** Whether the rows keep the device busy, and what they need is there; `blocks` counts the different blocks. */
export function rowsFit(kernel: RowsKernel, blocks: number, limit: number, target: Target): boolean {
  const sinks = sinksOf(kernel)
  const layout = lay(kernel, sinks, [...kernel.inputs, ...kernel.outputs].map((_, k) => k))
  const { team, chunks } = choose(layout, target)
  if (layout.accumulators > 8 || (chunks > 1 && blocks + layout.accumulators > limit)) return false
  if (chunks > 1) return true
  const { rows, total } = extents(layout)
  return target.family === 'shared' ? total / team <= 32 || rows * team >= 2048 : total <= 512 || rows >= 16
}
