// gather, scatter and fold: kernels in which an element's place is computed. No float atomics, so results repeat exactly. An index
// outside its axis is noted in the fault record, which every read checks.
import { numel } from '../../core/shape.ts'
import type { View } from '../../core/view.ts'
import type { FoldKernel, GatherKernel, ScatterKernel, ScatterOp } from '../../ir/kernel.ts'
import { mathFor } from './math.ts'
import { dot, FAULTS, gridOfThreads, indent, Memory, NOTHING, printShader, range, single, unravel, type Field, type Target, type Work } from './wgsl.ts'

/** Declares the fault record at a binding, and a function that notes the first bad index. */
const faultRecord = (binding: number, kind: number): string => `@group(1) @binding(${binding}) var<storage, read_write> faults: array<atomic<u32>, 4>;
fn note(index: i32, size: u32) {
  if (atomicMax(&faults[0], ${kind}u) == 0u) {
    atomicStore(&faults[1], bitcast<u32>(index));
    atomicStore(&faults[2], size);
  }
}
`

export function lowerGather({ axis, inputs: [x, index], outputs: [out] }: GatherKernel, slots: readonly number[]): Work {
  const n = numel(out.shape)
  if (n === 0) return NOTHING
  const rank = out.shape.length
  const memory = new Memory([x.dtype, index.dtype, out.dtype], slots)
  const fields: Field[] = [
    ['n', n], ['d', out.shape], ['size', x.shape[axis]], ['step', x.strides[axis]],
    ['x', x.offset], ['xs', x.strides.with(axis, 0)], ['j', index.offset], ['js', index.strides], ['o', out.offset], ['os', out.strides],
  ]
  const source = (): string => printShader({
    fields, memory, head: faultRecord(memory.slots.length, 1),
    body: `if (i >= p.n) { return; }
${unravel('i', rank, 'd', 'c')}
let j = ${memory.load(1, `p.j + ${dot(rank, 'c', 'js')}`)};
if (u32(j) >= p.size) {
  note(j, p.size);
  return;
}
${memory.store(2, `p.o + ${dot(rank, 'c', 'os')}`, memory.load(0, `p.x + u32(j) * p.step + ${dot(rank, 'c', 'xs')}`))}`,
  })
  return single({ key: `gather ${rank} ${memory.key}`, source, fields, slots: [...memory.slots, FAULTS], groups: gridOfThreads(n) })
}

/** What becomes of an old value and a new one. */
const joined = (op: ScatterOp, float: boolean): ((old: string, value: string) => string) => ({
  set: (_: string, b: string) => b,
  sum: (a: string, b: string) => `${a} + ${b}`,
  prod: (a: string, b: string) => `${a} * ${b}`,
  max: (a: string, b: string) => `${float ? 'max_f' : 'max'}(${a}, ${b})`,
  min: (a: string, b: string) => `${float ? 'min_f' : 'min'}(${a}, ${b})`,
})[op]

/**
 * One thread walks along each column of the axis and adds in order. Where columns are few and the output is small, a graphics adapter does
 * better with one thread for each element of the output, which looks through the whole column for what it must add.
 */
export function lowerScatter({ axis, op, inputs: [index, x], outputs: [out] }: ScatterKernel, slots: readonly number[], target: Target): Work {
  const length = x.shape[axis]
  const columnShape = x.shape.toSpliced(axis, 1)
  const columns = numel(columnShape)
  if (columns === 0 || length === 0) return NOTHING
  const rank = columnShape.length
  const size = out.shape[axis]
  const search = target.family === 'shared' && columns < 1024 && length > 64 && columns * size <= 32768
  const memory = new Memory([index.dtype, x.dtype, out.dtype], slots)
  const across = (v: View): readonly number[] => v.strides.toSpliced(axis, 1)
  const fields: Field[] = [
    ['n', search ? columns * size : columns], ['length', length], ['size', size], ['d', columnShape],
    ['j', index.offset], ['js', across(index)], ['jstep', index.strides[axis]], ['x', x.offset], ['xs', across(x)], ['xstep', x.strides[axis]],
    ['o', out.offset], ['os', across(out)], ['ostep', out.strides[axis]],
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
    return printShader({ fields, memory, head: mathFor(body) + faultRecord(memory.slots.length, 2), body })
  }
  const key = `scatter ${op} ${search ? 'search' : 'walk'} ${rank} ${memory.key}`
  return single({ key, source, fields, slots: [...memory.slots, FAULTS], groups: gridOfThreads(search ? columns * size : columns) })
}

/** One thread for each element of the output goes through the taps and takes the window, if there is one, that has this element there. */
export function lowerFold({ stride, dilation, inputs: [x], outputs: [out] }: FoldKernel, slots: readonly number[]): Work {
  const n = numel(out.shape)
  if (n === 0) return NOTHING
  const axes = stride.length
  const rank = out.shape.length
  const outer = rank - axes
  const memory = new Memory(['float32', 'float32'], slots)
  const fields: Field[] = [
    ['n', n], ['d', out.shape], ['o', out.offset], ['os', out.strides], ['x', x.offset], ['xs', x.strides.slice(0, outer)],
    ['t', x.shape.slice(outer, rank)], ['ts', x.strides.slice(outer, rank)], ['k', x.shape.slice(rank)], ['ks', x.strides.slice(rank)],
    ['stride', stride], ['dilation', dilation],
  ]
  const source = (): string => {
    // For axis a: the tap k reaches this element from window (c − k·dilation) / stride.
    const loops = range(axes).reduceRight((inner, a) => `for (var k_${a} = 0u; k_${a} < p.k_${a}; k_${a}++) {
  let far_${a} = k_${a} * p.dilation_${a};
  let span_${a} = c_${outer + a} - far_${a};
  let t_${a} = span_${a} / p.stride_${a};
  if (far_${a} > c_${outer + a} || span_${a} % p.stride_${a} != 0u || t_${a} >= p.t_${a}) { continue; }
${indent(inner)}
}`, `sum += ${memory.load(0, `base + ${dot(axes, 't', 'ts')} + ${dot(axes, 'k', 'ks')}`)};`)
    return printShader({
      fields, memory,
      body: `if (i >= p.n) { return; }
${unravel('i', rank, 'd', 'c')}
let base = p.x + ${dot(outer, 'c', 'xs')};
var sum = 0.0;
${loops}
${memory.store(1, `p.o + ${dot(rank, 'c', 'os')}`, 'sum')}`,
    })
  }
  return single({ key: `fold ${rank} ${axes} ${memory.key}`, source, fields, slots: memory.slots, groups: gridOfThreads(n) })
}
