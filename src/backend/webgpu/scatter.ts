// scatter, without float atomics, so that results repeat exactly. Three ways: one thread walks along each column of the axis; one thread for
// each element of a small output looks through the whole column; or the index is sorted, and one thread for each run of equal indices takes
// its values in order (to set, the last of them). The last two are for graphics hardware, which wants many threads.
import { numel } from '../../core/shape.ts'
import { contiguousView, permuteView, type View } from '../../core/view.ts'
import type { ScatterKernel, ScatterOp } from '../../ir/kernel.ts'
import { faultRecord } from './indexed.ts'
import { mathFor } from './math.ts'
import { lowerSort } from './sort.ts'
import { dot, FAULTS, gridOfThreads, indent, Memory, NOTHING, printShader, scratchSlot, single, unravel, type Field, type Target, type Work } from './wgsl.ts'

const SCATTER = 2

/** What becomes of an old value and a new one. */
const joined = (op: ScatterOp, float: boolean): ((old: string, value: string) => string) => ({
  set: (_: string, b: string) => b,
  sum: (a: string, b: string) => `${a} + ${b}`,
  prod: (a: string, b: string) => `${a} * ${b}`,
  max: (a: string, b: string) => `${float ? 'max_f' : 'max'}(${a}, ${b})`,
  min: (a: string, b: string) => `${float ? 'min_f' : 'min'}(${a}, ${b})`,
})[op]

const across = (v: View, axis: number): readonly number[] => v.strides.toSpliced(axis, 1)

export function lowerScatter(kernel: ScatterKernel, slots: readonly number[], target: Target): Work {
  const { axis, inputs: [, x], outputs: [out] } = kernel
  const [length, size] = [x.shape[axis], out.shape[axis]]
  const columns = numel(x.shape.toSpliced(axis, 1))
  if (columns === 0 || length === 0) return NOTHING
  const search = target.family === 'shared' && columns < 1024 && length > 64 && length <= 2048 && columns * size <= 32768
  const sorts = target.family === 'shared' && !search && columns < 8192 && length > 512
  return sorts ? bySorting(kernel, slots) : inOrder(kernel, slots, search)
}

function inOrder({ axis, op, inputs: [index, x], outputs: [out] }: ScatterKernel, slots: readonly number[], search: boolean): Work {
  const columnShape = x.shape.toSpliced(axis, 1)
  const [columns, size] = [numel(columnShape), out.shape[axis]]
  const rank = columnShape.length
  const memory = new Memory([index.dtype, x.dtype, out.dtype], slots)
  const fields: Field[] = [
    ['n', search ? columns * size : columns], ['length', x.shape[axis]], ['size', size], ['d', columnShape],
    ['j', index.offset], ['js', across(index, axis)], ['jstep', index.strides[axis]], ['x', x.offset], ['xs', across(x, axis)], ['xstep', x.strides[axis]],
    ['o', out.offset], ['os', across(out, axis)], ['ostep', out.strides[axis]],
  ]
  const source = (): string => {
    const at = 'o0 + u32(j) * p.ostep'
    const loop = (inner: string): string => `for (var r = 0u; r < p.length; r++) {
  let j = ${memory.load(0, 'j0 + r * p.jstep')};
  if (u32(j) >= p.size) {
    note(j, p.size);
    continue;
  }
${indent(inner)}
}`
    const value = memory.load(1, 'x0 + r * p.xstep')
    const join = joined(op, out.dtype === 'float32')
    const walk = loop(memory.store(2, at, join(memory.load(2, at), value)))
    const look = `let own = i / (p.n / p.size);
var acc = ${memory.load(2, 'o0 + own * p.ostep')};
${loop(`if (u32(j) == own) { acc = ${join('acc', value)}; }`)}
${memory.store(2, 'o0 + own * p.ostep', 'acc')}`
    const body = `if (i >= p.n) { return; }
let column = ${search ? 'i % (p.n / p.size)' : 'i'};
${unravel('column', rank, 'd', 'c')}
let j0 = p.j + ${dot(rank, 'c', 'js')};
let x0 = p.x + ${dot(rank, 'c', 'xs')};
let o0 = p.o + ${dot(rank, 'c', 'os')};
${search ? look : walk}`
    return printShader({ fields, memory, head: mathFor(body) + faultRecord(memory.slots.length, SCATTER), body })
  }
  const key = `scatter ${op} ${search ? 'search' : 'walk'} ${rank} ${memory.key}`
  return single({ key, source, fields, slots: [...memory.slots, FAULTS], groups: gridOfThreads(search ? columns * size : columns) })
}

/** The sort is stable, so values for one place still come in ascending order. */
function bySorting({ axis, op, inputs: [index, x], outputs: [out] }: ScatterKernel, slots: readonly number[]): Work {
  const columnShape = x.shape.toSpliced(axis, 1)
  const [columns, length] = [numel(columnShape), x.shape[axis]]
  const rank = columnShape.length
  // One index for all columns (rows of a table) is sorted once.
  const common = columnShape.every((n, i) => n === 1 || across(index, axis)[i] === 0)
  const last = permuteView(index, [...x.shape.keys()].filter(d => d !== axis).concat(axis))
  const from: View = common ? { ...last, shape: [length], strides: [index.strides[axis]] } : last
  const n = numel(from.shape)
  const sorted = contiguousView('int32', from.shape)
  const [keys, places] = [scratchSlot(slots), scratchSlot(slots, 1)]
  const sort = lowerSort({ kind: 'sort', descending: false, inputs: [from], outputs: [sorted, sorted] }, [slots[0], keys, places])

  const memory = new Memory(['int32', 'int32', x.dtype, out.dtype], [keys, places, slots[1], slots[2]])
  const fields: Field[] = [
    ['n', length * columns], ['columns', columns], ['length', length], ['size', out.shape[axis]], ['d', columnShape],
    ['x', x.offset], ['xs', across(x, axis)], ['xstep', x.strides[axis]], ['o', out.offset], ['os', across(out, axis)], ['ostep', out.strides[axis]],
  ]
  const source = (): string => {
    const key = (r: string): string => memory.load(0, `row + ${r}`)
    const value = (r: string): string => memory.load(2, `x0 + u32(${memory.load(1, `row + ${r}`)}) * p.xstep`)
    const body = `if (i >= p.n) { return; }
let column = i % p.columns;
let first = i / p.columns;
let row = ${common ? '0u' : 'column * p.length'};
let j = ${key('first')};
if (u32(j) >= p.size) {
  note(j, p.size);
  return;
}
${op === 'set' ? `if (first + 1u < p.length) {
  if (${key('first + 1u')} == j) { return; }
}` : `if (first > 0u) {
  if (${key('first - 1u')} == j) { return; }
}`}
${unravel('column', rank, 'd', 'c')}
let x0 = p.x + ${dot(rank, 'c', 'xs')};
let at = p.o + ${dot(rank, 'c', 'os')} + u32(j) * p.ostep;
${op === 'set' ? memory.store(3, 'at', value('first')) : `var acc = ${memory.load(3, 'at')};
for (var r = first; r < p.length; r++) {
  if (${key('r')} != j) { break; }
  acc = ${joined(op, out.dtype === 'float32')('acc', value('r'))};
}
${memory.store(3, 'at', 'acc')}`}`
    return printShader({ fields, memory, head: mathFor(body) + faultRecord(memory.slots.length, SCATTER), body })
  }
  const runs = { key: `scatter ${op} sorted ${common} ${rank} ${memory.key}`, source, fields, slots: [...memory.slots, FAULTS], groups: gridOfThreads(length * columns) }
  return { jobs: [...sort.jobs, runs], scratch: [n * 4, n * 4, ...sort.scratch] }
}
