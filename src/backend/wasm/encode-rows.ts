// Lays a rows kernel out for assembly/rows.ts, where the payload is described: how it is walked, where each value lies that a stage
// leaves for later ones, and the loops of its stages. Which way it is walked, and where sums are cut, is decided as for the `reduce` kernel.
import { Way } from '../../../assembly/reduce-ways.ts'
import { Place, RowsWay, StageKind } from '../../../assembly/rows-ways.ts'
import { dtypes, WORD, wordType, type DType, type ScalarType } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import { numel } from '../../core/shape.ts'
import { collapse, type View } from '../../core/view.ts'
import type { Body, RowsKernel } from '../../ir/kernel.ts'
import { program, S, type Program } from '../../ir/scalar.ts'
import { loopCost, placeLoop, writeCommon } from './emit/program.ts'
import type { Form } from './emit/loop.ts'
import { placeRows, type Held, type RowsProgram } from './emit/rows.ts'
import { align, type Writer } from './encode.ts'
import { CHUNK, foldings, MAX_CHUNKED_OUTPUTS, wayOf, type Folding } from './encode-reduce.ts'
import { tasksFor } from './work.ts'

/** Most rows in a block; their buffers should stay in the second cache. */
const COLUMNS = 2048
const FEW_COLUMNS = 512
const MIN_COLUMNS = 16
const BUFFER_BYTES = 1 << 18
/** Buffers beyond this are worse than kernels of their own. */
const MAX_BUFFER_BYTES = 1 << 21
/** Across fewer rows than this, or of rows in shorter pieces, the start of each line would cost more than the line. */
const MIN_WIDTH = 32
const MIN_PIECE = 16
/** Bytes that no cache near a core holds: there it pays to copy what is folded as it lies, so as to read it once. */
const FAR_BYTES = 1 << 23
/** Elements from which one thread should not be alone with the work. */
const SHARED_WORK = 1 << 16

/** Where a value lies; the form is how a loop meets it. */
interface Located {
  readonly place: Place
  readonly index: number
  readonly form: Form
}

interface Fold {
  readonly op: Folding
  readonly dtype: ScalarType
  readonly slot: number
}

interface StagePlan {
  readonly kind: StageKind
  readonly body: Body
  /** Of a reduction: all that is folded lies in runs, so it needs no loop. */
  readonly inRuns: boolean
  readonly inputs: readonly Located[]
  /** Of a reduction without a loop: what is reduced; of others where results go. */
  readonly outputs: readonly Located[]
  readonly folds: readonly Fold[]
  /** Numbers of the values that it reads, and makes. */
  readonly reads: readonly number[]
  readonly makes: readonly number[]
}

interface Layout {
  readonly way: RowsWay
  readonly kept: ReturnType<typeof collapse>
  readonly reduced: ReturnType<typeof collapse>
  readonly stages: readonly StagePlan[]
  /** Of values once a row that are results: slot, view, value. */
  readonly results: readonly (readonly [slot: number, view: number, value: number])[]
  readonly values: readonly Located[]
  readonly formAt: (view: number) => Form
  readonly buffers: number
  readonly slots: number
  /** Rows in a block. */
  readonly block: number
  readonly chunks: number
}

const ways: { readonly [W in Way]?: RowsWay } = { [Way.lines]: RowsWay.lines, [Way.columns]: RowsWay.columns, [Way.blocks]: RowsWay.blocks }

/** The program over those values alone that it reads, and their numbers. */
function compact(p: Program): { used: number[]; program: Program } {
  const used = [...new Set(p.steps.flatMap(s => (s.op === 'input' ? [s.index!] : [])))].sort((a, b) => a - b)
  const steps = p.steps.map(s => (s.op === 'input' ? { ...s, index: used.indexOf(s.index!) } : s))
  return { used, program: { ...p, steps, inputs: used.map(i => p.inputs[i]) } }
}

const copyOf = (dtype: DType): Body => ({ program: program([S.input(0, dtype)], [dtype]), params: [] })

function layoutOf(kernel: RowsKernel, threads: number): Layout {
  const { inputs, outputs, axes, stages, results } = kernel
  const { shape } = inputs[0]
  const split = shape.length - axes
  const views: readonly View[] = [...inputs, ...outputs]
  const isWhole = (v: View): boolean => v.shape.length === shape.length
  const kept = collapse(shape.slice(0, split), views.map(v => v.strides.slice(0, split)))
  const reduced = collapse(shape.slice(split), views.map(v => (isWhole(v) ? v.strides.slice(split) : new Array<number>(axes).fill(0))))
  const rows = numel(kept.shape)
  const count = numel(reduced.shape)
  const width = kept.shape[kept.shape.length - 1]

  // The operand that fills most axes stands for a value of every element.
  const filled = (v: View): number => (isWhole(v) ? v.strides.filter((s, i) => s !== 0 && shape[i] > 1).length : -1)
  const lead = views.reduce((best, v, i) => (filled(v) > filled(views[best]) ? i : best), 0)
  const [along, across] = [reduced.strides[lead].at(-1), kept.strides[lead].at(-1)]
  const hasPositions = stages.some(s => s.program.steps.some(x => x.op === 'index'))
  const way = hasPositions ? RowsWay.lines : ways[wayOf(false, rows, count, along === 1 ? reduced.shape[reduced.shape.length - 1] : 0, across === 1 && along !== 1 ? width : 0)]!
  const byLines = way === RowsWay.lines

  const viewAt = (i: number): Located => {
    const stride = (byLines ? reduced : kept).strides[i].at(-1)
    return { place: Place.view, index: i, form: stride === 1 ? 'run' : stride === 0 && i < inputs.length ? 'same' : 'strided' }
  }
  const values = inputs.map((_, i) => viewAt(i))
  const typeOf: ScalarType[] = inputs.map(v => wordType(v.dtype))
  const copied = results.some(v => v < inputs.length)
  const reads = stages.map(s => compact(s.program).used)
  let buffers = 0
  let slots = 0
  const newSlot = (): Located => ({ place: Place.slot, index: slots++, form: byLines ? 'same' : 'run' })
  const isOfRow = ({ place, index }: Located): boolean => place === Place.slot || (place === Place.view && index < inputs.length && reduced.strides[index].every(s => s === 0))
  const filledOutputs = new Set<number>()
  const lent = new Set<number>()
  const makers = [...inputs.map(() => -1), ...stages.flatMap((s, i) => s.program.outputs.map(() => i))]
  /** Where a result of a later stage will lie, a value of stage `i` may lie that is read no more then: one row fewer in the cache. */
  const lender = (value: number, i: number): number => {
    const last = Math.max(i + 1, reads.findLastIndex(list => list.includes(value)))
    return byLines ? results.findIndex((v, o) => isWhole(outputs[o]) && !lent.has(o) && makers[v] >= last && viewAt(inputs.length + o).form === 'run') : -1
  }
  const plans = stages.map((stage, i): StagePlan => {
    const { used, program: own } = compact(stage.program)
    const makes = stage.program.outputs.map((_, k) => values.length + k)
    const from = used.map(v => values[v])
    const once = !stage.reduce && from.every(isOfRow) && !stage.program.steps.some(s => s.op === 'index')
    const types = own.outputs.map(o => own.steps[o].dtype)
    typeOf.push(...types)
    if (stage.reduce) {
      const direct = own.outputs.map(o => (own.steps[o].op === 'input' ? from[own.steps[o].index!] : null))
      const inRuns = direct.every((v): v is Located => v !== null && v.place !== Place.slot && v.form === 'run')
      const made = types.map(newSlot)
      values.push(...made)
      const nowhere: Located = { place: Place.slot, index: 0, form: 'run' }
      return {
        kind: StageKind.reduce,
        body: { program: own, params: stage.params },
        inRuns,
        inputs: inRuns ? [] : from,
        outputs: inRuns ? direct : made.map(() => nowhere),
        folds: stage.reduce.map((op, k) => ({ op: op as Folding, dtype: types[k], slot: made[k].index })),
        reads: used,
        makes,
      }
    }
    // What is written where an input may lie must wait until all have been read.
    const inputsRead = copied || reads.slice(i + 1).some(list => list.some(v => v < inputs.length))
    const made = types.map((_, k): Located => {
      if (once) return newSlot()
      const output = results.findIndex((v, o) => v === values.length + k && isWhole(outputs[o]))
      if (!inputsRead && output >= 0) {
        filledOutputs.add(output)
        return viewAt(inputs.length + output)
      }
      const loan = inputsRead ? -1 : lender(values.length + k, i)
      if (loan < 0) return { place: Place.buffer, index: buffers++, form: 'run' }
      lent.add(loan)
      return viewAt(inputs.length + loan)
    })
    values.push(...made)
    return { kind: once ? StageKind.once : StageKind.map, body: { program: own, params: stage.params }, inRuns: false, inputs: from, outputs: made, folds: [], reads: used, makes }
  })
  const rowResults: [number, number, number][] = []
  results.forEach((v, o) => {
    if (filledOutputs.has(o)) return
    if (isWhole(outputs[o])) plans.push({ kind: StageKind.map, body: copyOf(typeOf[v]), inRuns: false, inputs: [values[v]], outputs: [viewAt(inputs.length + o)], folds: [], reads: [v], makes: [] })
    else rowResults.push([values[v].index, inputs.length + o, v])
  })
  // As many blocks as threads: what a row gives does not depend on the rows beside it.
  const perThread = Math.max(128, Math.ceil(width / Math.max(1, threads / Math.max(rows / Math.max(width, 1), 1))))
  const whole = Math.min(way === RowsWay.columns ? COLUMNS : FEW_COLUMNS, align(perThread, 16))
  const fitting = buffers === 0 ? whole : Math.floor(BUFFER_BYTES / (WORD * buffers * Math.max(count, 1))) & ~7
  const block = Math.min(align(Math.max(width, 1), 8), Math.max(MIN_COLUMNS, Math.min(whole, fitting)))
  const chunked = byLines && rows <= MAX_CHUNKED_OUTPUTS && count > 2 * CHUNK && plans.every((s, i) => (i === 0 ? s.kind === StageKind.reduce : s.kind === StageKind.once))
  return { way, kept, reduced, stages: plans, results: rowResults, values, formAt: i => viewAt(i).form, buffers, slots, block, chunks: chunked ? Math.ceil(count / CHUNK) : 1 }
}

/** Opcode, and the word that changes nothing. */
function foldOf({ op, dtype }: Fold): { code: number; neutral: number } {
  const [code, neutral] = foldings[op][wordType(dtype)] ?? internal(`the wasm backend has no ${op} of ${dtype}`)
  return { code, neutral: dtype === 'float32' ? new Int32Array(Float32Array.of(neutral).buffer)[0] : neutral }
}

const unitsOf = ({ way, kept, block, chunks }: Layout): number => {
  const rows = numel(kept.shape)
  const width = kept.shape[kept.shape.length - 1]
  return way === RowsWay.lines ? rows * chunks : rows === 0 ? 0 : (rows / width) * Math.ceil(width / block)
}

const bufferBytes = ({ way, reduced, buffers, block }: Layout): number =>
  buffers * (numel(reduced.shape) * (way === RowsWay.lines ? WORD : WORD * block) + 16)

/** Whether it is well run as one: lines are long enough, buffers stay in the caches, and threads have something to share. */
export function fusesRows(kernel: RowsKernel, threads: number): boolean {
  if ([...kernel.inputs, ...kernel.outputs].some(v => dtypes[v.dtype].bytes !== WORD)) return false
  const layout = layoutOf(kernel, threads)
  // What goes out once a row must be made once a row, from nothing but what is.
  if (layout.results.some(([, , value]) => layout.values[value].place !== Place.slot)) return false
  const [width, pieces] = [layout.kept.shape.at(-1)!, layout.reduced.shape]
  if (layout.way === RowsWay.columns && width < MIN_WIDTH) return false
  if (layout.way === RowsWay.lines && pieces.length > 1 && pieces.at(-1)! < MIN_PIECE) return false
  const copies = layout.stages.some(s => s.kind === StageKind.reduce && !s.inRuns && s.body.program.outputs.some(o => s.body.program.steps[o].op === 'input'))
  if (copies && numel(kernel.inputs[0].shape) * WORD < FAR_BYTES) return false
  return bufferBytes(layout) <= MAX_BUFFER_BYTES && (unitsOf(layout) >= 4 || numel(kernel.inputs[0].shape) < SHARED_WORK)
}

const areasOf = ({ stages }: Layout): number => Math.max(0, ...stages.map(s => s.folds.length))

/** Whether one function runs all stages: each row is one run, and its buffers are not large. */
const isMade = (layout: Layout): boolean =>
  layout.way === RowsWay.lines && layout.chunks === 1 && layout.reduced.shape.length === 1 && (layout.buffers + areasOf(layout)) * layout.reduced.shape[0] <= MAX_BUFFER_BYTES / WORD

function rowsProgram({ stages, values, results, buffers }: Layout, forms: readonly Form[]): RowsProgram {
  const heldAt = ({ place, index }: Located): Held | null => (place === Place.view ? { view: index } : place === Place.buffer ? { buffer: index } : null)
  return {
    forms,
    held: values.map(heldAt),
    stages: stages.map(s => ({
      program: s.body.program,
      reads: s.reads,
      makes: s.makes,
      kind: s.kind === StageKind.reduce ? 'reduce' : s.kind === StageKind.once ? 'once' : 'map',
      direct: s.inRuns,
      to: s.outputs.map((o, k) => (s.kind === StageKind.reduce && !s.inRuns ? { buffer: buffers + k } : heldAt(o)!)),
      folds: s.folds.map(foldOf),
    })),
    results: results.map(([, view, value]) => [value, view]),
  }
}

export function encodeRows(kernel: RowsKernel, w: Writer): void {
  if ([...kernel.inputs, ...kernel.outputs].some(v => dtypes[v.dtype].bytes !== WORD)) internal('rows of elements that are not words')
  const layout = layoutOf(kernel, w.threads)
  const { way, kept, reduced, stages, results, buffers, slots, block, chunks } = layout
  const byLines = way === RowsWay.lines
  const made = isMade(layout)
  const units = unitsOf(layout)
  const count = numel(reduced.shape)
  const forms = ({ inputs, outputs, folds }: StagePlan): Form[] => [...inputs, ...outputs].map((v, i) => (i >= inputs.length && (folds.length > 0 || v.place !== Place.view) ? 'run' : v.form))
  const places = made ? [placeRows(rowsProgram(layout, kept.strides.map((_, i) => layout.formAt(i))), w.functions)] : stages.map(s => (s.inRuns ? 0 : placeLoop(s.body.program, forms(s), w.functions)))
  const cost = stages.reduce((sum, s) => sum + s.folds.length + (!s.inRuns && s.kind !== StageKind.once ? loopCost(s.body.program, forms(s)) : 0), 0)
  const areas = areasOf(layout)
  const operands = Math.max(...stages.map(s => s.inputs.length + s.outputs.length))

  w.list([
    tasksFor(numel(kept.shape) * count * cost, Math.max(units, 1)), units, made ? RowsWay.made : way, chunks > 1 ? CHUNK : count, chunks, count,
    kept.shape[kept.shape.length - 1], block, kept.shape.length, reduced.shape.length, kept.strides.length,
    made ? buffers + areas : buffers, slots, stages.length, made ? 0 : results.length, areas, operands, Math.max(...places), 0,
  ])
  w.list(kept.shape)
  w.list(reduced.shape)
  kept.strides.forEach((s, i) => {
    w.list(s.map(x => x * WORD))
    w.list(reduced.strides[i].map(x => x * WORD))
  })
  if (made) {
    for (const s of stages) if (!s.inRuns) writeCommon(s.body, w)
    w.scratch(4 * 64 + 20 + kept.strides.length * 12 + 32 * 16 + (buffers + areas) * (count * WORD + 16))
    return
  }
  for (const [slot, view] of results) w.list([slot, view])
  stages.forEach(({ kind, body, inRuns, inputs, outputs, folds }, i) => {
    const start = w.length
    w.list([0, places[i], kind, inputs.length, outputs.length])
    for (const { place, index } of inputs) w.list([place, index, 0, 0, 0])
    outputs.forEach(({ place, index }, k) => {
      w.list([place, index])
      if (folds.length === 0) return w.list([0, 0, 0])
      const { code, neutral } = foldOf(folds[k])
      w.list([code, neutral, folds[k].slot])
    })
    if (!inRuns) writeCommon(body, w)
    w.words[start] = w.length - start
  })
  const slotBytes = byLines ? 16 : block * WORD
  const area = byLines ? 17_024 : slotBytes * 49
  w.scratch(5 * 64 + 8 + operands * 12 + kept.strides.length * WORD + bufferBytes(layout) + slots * slotBytes + areas * area + (chunks > 1 ? units * areas * 16 + 64 : 0))
}
