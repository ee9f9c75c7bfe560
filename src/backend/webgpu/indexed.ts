// gather and fold: kernels in which an element's place is computed. An index outside its axis is noted in the fault record, which every
// read checks.
import { numel } from '../../core/shape.ts'
import type { FoldKernel, GatherKernel } from '../../ir/kernel.ts'
import { dot, FAULTS, gridOfThreads, indent, Memory, NOTHING, printShader, range, single, unravel, type Field, type Work } from './wgsl.ts'

/** Declares the fault record at a binding, and a function that notes the first bad index. */
export const faultRecord = (binding: number, kind: number): string => `@group(1) @binding(${binding}) var<storage, read_write> faults: array<atomic<u32>, 4>;
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

/**
 * One thread for each element of the output goes through the taps and takes the window, if there is one, that has this element there. Windows that
 * lie side by side and do not meet, those of most pools, ask for no search: each element has one window at most.
 */
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
  const apart = range(axes).every(a => dilation[a] === 1 && x.shape[rank + a] <= stride[a])
  const source = (): string => {
    const one = `${range(axes).map(a => `let t_${a} = c_${outer + a} / p.stride_${a};\nlet k_${a} = c_${outer + a} % p.stride_${a};`).join('\n')}
if (${range(axes).map(a => `(t_${a} < p.t_${a}) & (k_${a} < p.k_${a})`).join(' & ')}) {
  sum = ${memory.load(0, `base + ${dot(axes, 't', 'ts')} + ${dot(axes, 'k', 'ks')}`)};
}`
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
${apart ? one : loops}
${memory.store(1, `p.o + ${dot(rank, 'c', 'os')}`, 'sum')}`,
    })
  }
  return single({ key: `fold ${apart ? 'apart ' : ''}${rank} ${axes} ${memory.key}`, source, fields, slots: memory.slots, groups: gridOfThreads(n) })
}
