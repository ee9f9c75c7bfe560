// A kernel that computes element by element, perhaps with reductions over rows: `map`, `reduce` and `rows` in one form, in which two of them
// become one.
import { dtypes, scalarType, WORD, type DType } from '../../core/dtype.ts'
import type { Shape } from '../../core/shape.ts'
import { windowsView, type View } from '../../core/view.ts'
import type { PlannedKernel } from '../../ir/when.ts'
import type { FoldKernel, Kernel } from '../../ir/kernel.ts'
import type { Slot } from '../steps.ts'
import { bodyOfProgram, bodyOfReduce, copy, join, programOf, select, type Body, type Joined } from './body.ts'
import { count, isDense, isInjective, isRowMajor, locate, moved, sameMap, splitFor, splitShape, splitStrides, type IndexMap, type Split, type Strided } from './space.ts'
import { stagesOf } from './stages.ts'

/** An operand. The strides of a result of the row leave the axes of the row out. */
export interface Operand extends Strided {
  readonly slot: Slot
  readonly dtype: DType
}

export interface Loop {
  readonly shape: Shape
  /** How many of the last axes are the row. */
  readonly axes: number
  readonly inputs: readonly Operand[]
  readonly outputs: readonly Operand[]
  readonly body: Body
  readonly params: readonly number[]
}

const operand = ({ dtype, strides, offset }: View, slot: Slot): Operand => ({ slot, dtype, strides, offset })

/** The loop that a kernel is, or null. */
export function loopOf(kernel: PlannedKernel, slots: readonly Slot[]): Loop | null {
  const n = kernel.inputs.length
  const operands = { inputs: kernel.inputs.map((v, i) => operand(v, slots[i])), outputs: kernel.outputs.map((v, i) => operand(v, slots[n + i])) }
  const { shape } = kernel.kind === 'map' ? kernel.outputs[0] : (kernel.inputs[0] ?? kernel.outputs[0])
  if (shape.includes(0) || (kernel.kind === 'map' && kernel.override)) return null
  if (kernel.kind === 'map') return { shape, axes: 0, ...operands, body: bodyOfProgram(kernel.program), params: kernel.params }
  if (kernel.kind === 'fold' && isMove(kernel)) return { shape, axes: 0, inputs: operands.inputs, outputs: [operand(windowsOf(kernel), slots[1])], body: copy, params: [] }
  if (kernel.kind !== 'reduce' || kernel.op === 'argmax' || kernel.op === 'argmin') return null
  const axes = shape.length - kernel.outputs[0].shape.length
  return axes === 0 ? null : { shape, axes, ...operands, body: bodyOfReduce(kernel.op, scalarType(kernel.inputs[0].dtype)), params: [] }
}

const lastOf = (list: readonly number[], n: number): number[] => list.slice(list.length - n)
/** Whether windows lie side by side and fill the whole, so that nothing is added. */
function isMove({ stride, dilation, inputs: [x], outputs: [out] }: FoldKernel): boolean {
  const n = stride.length
  const taps = lastOf(x.shape, n)
  return x.dtype === 'float32' && lastOf(out.shape, n).every((size, i) => stride[i] === taps[i] && dilation[i] === 1 && size % taps[i] === 0)
}
/** The result as the windows see it. */
function windowsOf({ stride, dilation, inputs: [x], outputs: [out] }: FoldKernel): View {
  const n = stride.length
  return windowsView(out, stride.map((_, i) => out.shape.length - n + i), lastOf(x.shape, n), stride, dilation)
}

const outer = ({ shape, axes }: Loop): number => shape.length - axes
/** Whether an operand is the same along the row. */
const isSame = ({ shape, axes }: Loop, { strides }: Strided): boolean => shape.every((n, i) => i < shape.length - axes || n === 1 || !strides[i])

const viewOf = (shape: Shape, { dtype, strides, offset }: Operand): View => ({ dtype, shape: shape.slice(0, strides.length), strides, offset })

/** The kernel that a loop is, or null when no kind says it. */
export function kernelOf(loop: Loop): Kernel | null {
  const { shape, axes, body, params } = loop
  const views = { inputs: loop.inputs.map(x => viewOf(shape, x)), outputs: loop.outputs.map(x => viewOf(shape, x)) }
  const all = [...views.inputs, ...views.outputs]
  if (axes === 0) {
    // Only maps of 32-bit numbers convert narrow ones.
    const mixed = all.some(v => v.dtype === 'float64') && all.some(v => dtypes[v.dtype].bytes < WORD)
    return mixed ? null : { kind: 'map', program: programOf(body), params, ...views }
  }
  // What rows there are is said by the inputs.
  if (views.inputs.length === 0 || body.index || all.some(v => dtypes[v.dtype].bytes < WORD)) return null
  const { stages, results, ofRow } = stagesOf(body, loop.inputs.map(x => isSame(loop, x)))
  // A result of the row is stored once; to repeat it along the row is left to whoever reads it.
  if (loop.outputs.some((x, k) => ofRow[k] !== x.strides.length < shape.length)) return null
  const [input, reduce] = body.steps
  if (body.steps.length === 2 && body.outputs.length === 1 && input.op === 'input' && reduce.op === 'reduce') return { kind: 'reduce', op: reduce.reduce!, ...views }
  return { kind: 'rows', axes, stages: stages.map(s => ({ program: s.program, params: s.params.map(p => params[p]), reduce: s.reduce })), results, ...views }
}

/** The loop with some of its results only. */
export function withResults(loop: Loop, outputs: readonly number[]): Loop {
  return finished(loop, select(loop.body, outputs), loop.inputs, loop.params, outputs.map(k => loop.outputs[k]))
}

const finished = (space: Loop, { body, inputs, params }: Joined, operands: readonly Operand[], numbers: readonly number[], outputs: readonly Operand[]): Loop =>
  ({ shape: space.shape, axes: space.axes, body, inputs: inputs.map(i => operands[i]), params: params.map(p => numbers[p]), outputs })

export const sameOperand = (a: Operand, b: Operand): boolean =>
  a.slot === b.slot && a.dtype === b.dtype && a.offset === b.offset && a.strides.length === b.strides.length && a.strides.every((s, i) => s === b.strides[i])

/** Input `input` of the consumer reads result `output` of the producer. */
export interface Read {
  readonly input: number
  readonly output: number
}

/** The consumer over what the producer computes, both in one space; results `keep` of the producer stay results. */
export function joinLoops(first: Loop, second: Loop, reads: readonly Read[], keep: readonly number[]): Loop {
  const operands: Operand[] = []
  const numberOf = (x: Operand): number => {
    const known = operands.findIndex(o => sameOperand(o, x))
    return known >= 0 ? known : operands.push(x) - 1
  }
  const wiring = {
    first: first.inputs.map(numberOf),
    second: second.inputs.map((x, i) => {
      const read = reads.find(r => r.input === i)
      return read ? ~read.output : numberOf(x)
    }),
    keep,
  }
  return finished(second, join(first.body, second.body, wiring), operands, [...first.params, ...second.params], [...second.outputs, ...keep.map(k => first.outputs[k])])
}

/** Producer and consumer in one space. */
export interface Aligned {
  readonly first: Loop
  readonly second: Loop
  /** The reads that are of the element at hand. */
  readonly reads: readonly Read[]
  /** Whether each element of the producer is read once, so that all its results can be had. */
  readonly whole: boolean
  /** Whether no element of the producer is computed twice. */
  readonly single: boolean
}

const split = (loop: Loop, s: Split): Loop => {
  const cut = (x: Operand): Operand => (s.axis < x.strides.length ? { ...x, strides: splitStrides(x.strides, s) } : x)
  return { ...loop, shape: splitShape(loop.shape, s), axes: loop.axes + Number(s.axis >= outer(loop)), inputs: loop.inputs.map(cut), outputs: loop.outputs.map(cut) }
}

/** The consumer with axes short enough that each stays within one of the producer. */
function refined(second: Loop, first: Loop, reads: readonly Read[]): Loop {
  let loop = second
  for (const { input, output } of reads) {
    const places = first.outputs[output]
    const from = first.shape.slice(0, places.strides.length)
    for (let s; (s = splitFor(loop.shape, loop.inputs[input], from, places)); ) loop = split(loop, s)
  }
  return loop
}

/** A producer's operands in the space of another loop. */
function transported(first: Loop, second: Loop, map: IndexMap): Loop {
  const rowless = outer(second)
  const carry = (x: Operand, isOutput: boolean): Operand => {
    const { strides, offset } = moved(x.strides.length === first.shape.length ? x : { ...x, strides: [...x.strides, ...new Array<number>(first.axes).fill(0)] }, map)
    const ofRow = isOutput && second.axes > 0 && (first.axes > 0 ? x.strides.length < first.shape.length : map.by.slice(rowless).every(digits => digits.every(d => d === 0)))
    return { ...x, strides: ofRow ? strides.slice(0, rowless) : strides, offset }
  }
  return { ...first, shape: second.shape, axes: second.axes, inputs: first.inputs.map(x => carry(x, false)), outputs: first.outputs.map(x => carry(x, true)) }
}

const zeros = (n: number): number[] => new Array<number>(n).fill(0)
const axesOf = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** A map and a reader of it. */
export function alignMap(first: Loop, reader: Loop, reads: readonly Read[]): Aligned | null {
  const second = refined(reader, first, reads)
  const { shape } = second
  let map: IndexMap | null = null
  const same: Read[] = []
  for (const r of reads) {
    const places = first.outputs[r.output]
    if (!isDense(first.shape, places)) return null
    const found = locate(shape, second.inputs[r.input], first.shape, places)
    if (!found) return null
    map ??= found
    if (sameMap(map, found)) same.push(r)
  }
  if (!map) return null
  const read = second.inputs[same[0].input]
  if (first.body.index && !(isRowMajor(shape, read) && isRowMajor(first.shape, first.outputs[same[0].output]) && second.axes === 0)) return null
  const ofRow = second.axes > 0 && isSame(second, read)
  const used = axesOf(0, ofRow ? outer(second) : shape.length)
  const single = isInjective(shape, read.strides, used)
  const whole = single && same.length === reads.length && count(shape, 0, used.length) === count(first.shape, 0) && (second.axes > 0 || isRowMajor(shape, read))
  return { first: transported(first, second, map), second, reads: same, whole, single: single && same.length === reads.length }
}

/** Something with rows and a reader of it, in the same rows. */
export function alignRows(first: Loop, reader: Loop, reads: readonly Read[]): Aligned | null {
  if (reader.axes === 0 && reader.body.index) return null
  const ofRow = (r: Read): boolean => first.outputs[r.output].strides.length < first.shape.length
  for (const { output } of reads) if (!isDense(first.shape.slice(0, first.outputs[output].strides.length), first.outputs[output])) return null
  let second: Loop | null = refined(reader, first, reads)
  if (second.axes === 0) second = asRows(second, first, reads, ofRow)
  if (!second) return null
  const rows = outer(first)
  const lead = reads.find(r => !ofRow(r))
  if (!lead) {
    // Nothing says how the elements of the rows lie to each other, so any order will do: that in which they stand.
    if (count(second.shape, outer(second)) !== count(first.shape, rows)) return null
    for (let s; (s = splitFor(second.shape, rowPlaces(second), first.shape.slice(rows), rowPlaces(first, rows))); ) second = split(second, s)
  }
  const edge = outer(second)
  const mapOf = ({ input, output }: Read, axes: number): IndexMap | null =>
    locate(second.shape, second.inputs[input], first.shape.slice(0, axes), first.outputs[output])
  const whole = lead ? mapOf(lead, first.shape.length) : null
  const along = lead ? null : locate(second.shape, rowPlaces(second), first.shape.slice(rows), rowPlaces(first, rows))
  let head: IndexMap | null = null
  for (const r of reads) {
    const read = second.inputs[r.input]
    if (!ofRow(r)) {
      const map = mapOf(r, first.shape.length)
      if (!map || !whole || !sameMap(map, whole) || !isInjective(second.shape, read.strides, axesOf(0, second.shape.length))) return null
      continue
    }
    const map = mapOf(r, rows)
    if (!map || !isSame(second, read) || !isInjective(second.shape, read.strides, axesOf(0, edge)) || (head && !sameMap(head, map))) return null
    head = map
  }
  if (count(second.shape, 0, edge) !== count(first.shape, 0, rows) || count(second.shape, edge) !== count(first.shape, rows)) return null
  const map = whole ?? (head && along && { start: [...head.start, ...along.start], by: head.by.map((digits, a) => [...digits, ...along.by[a]]) })
  if (!map) return null
  // Rows go into rows, and what they are the same in agrees.
  if (map.by.some((digits, a) => digits.some((d, b) => d !== 0 && second.shape[a] > 1 && b >= rows !== a >= edge))) return null
  if (head && whole && !sameMap(head, { start: whole.start.slice(0, rows), by: whole.by.map(digits => digits.slice(0, rows)) })) return null
  return { first: transported(first, second, map), second, reads, whole: true, single: true }
}

/** Row-major places along the row, which do not depend on what row it is. */
function rowPlaces(loop: Loop, from?: number): Strided {
  const edge = outer(loop)
  const strides = zeros(loop.shape.length)
  let step = 1
  for (let i = loop.shape.length - 1; i >= edge; i--) {
    strides[i] = step
    step *= loop.shape[i]
  }
  return { strides: from === undefined ? strides : strides.slice(from), offset: 0 }
}

/** A map that reads something with rows, in those rows: axes that it repeats a row's result along come last. */
function asRows(loop: Loop, first: Loop, reads: readonly Read[], ofRow: (r: Read) => boolean): Loop | null {
  const rows = outer(first)
  const inRow = new Set<number>()
  const lead = reads.find(r => !ofRow(r))
  if (lead) {
    const map = locate(loop.shape, loop.inputs[lead.input], first.shape, first.outputs[lead.output])
    if (!map) return null
    map.by.forEach((digits, a) => digits.some((d, b) => d !== 0 && b >= rows) && inRow.add(a))
  } else loop.shape.forEach((n, a) => n > 1 && reads.every(r => loop.inputs[r.input].strides[a] === 0) && inRow.add(a))
  if (inRow.size === 0) {
    if (lead && count(first.shape, rows) > 1) return null
    // One value a row.
    const spread = (x: Operand): Operand => ({ ...x, strides: [...x.strides, ...zeros(first.axes)] })
    return { ...loop, shape: [...loop.shape, ...first.shape.slice(rows)], axes: first.axes, inputs: loop.inputs.map(spread) }
  }
  const order = [...loop.shape.keys()].sort((a, b) => Number(inRow.has(a)) - Number(inRow.has(b)))
  const turn = <T>(list: readonly T[]): T[] => order.map(a => list[a])
  const turned = (x: Operand): Operand => ({ ...x, strides: turn(x.strides) })
  return { ...loop, shape: turn(loop.shape), axes: inRow.size, inputs: loop.inputs.map(turned), outputs: loop.outputs.map(turned) }
}

/** A kernel as a step of the plan has it. */
export const slotsOf = ({ inputs, outputs }: Loop): Slot[] => [...inputs, ...outputs].map(x => x.slot)
