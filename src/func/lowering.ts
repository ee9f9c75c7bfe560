// Kernels that an op writes for one example, run for a whole batch of them. All memory has one more axis in front, of which the op knows nothing; a
// rule for each kind of kernel says where that axis goes. So every op that lowers to kernels works on batches, derivatives included.
import { dtypes, type DType } from '../core/dtype.ts'
import { internal } from '../core/errors.ts'
import { contiguousStrides, numel, type Shape } from '../core/shape.ts'
import { permuteView, type View } from '../core/view.ts'
import type { Program, Step } from '../ir/scalar.ts'
import { copyInto } from '../ops/lowering.ts'
import type { Arg, KernelSpec, Lowering } from '../ops/op.ts'

/** Memory of a batch: of every example so many bytes behind those of the one before; 0 where all share it. */
class Rows {
  constructor(
    readonly slot: object,
    readonly step: number,
  ) {}
}

/** A view of a batch as one example sees it: without the axis in front. */
export const rowOf = ({ dtype, shape, strides, offset }: View): View => ({ dtype, shape: shape.slice(1), strides: strides.slice(1), offset })

/** Axes `axis` and `axis` + 1 as one, or null where strides cannot say it. */
function joined(v: View, axis: number): View | null {
  const [m, n] = [v.shape[axis], v.shape[axis + 1]]
  const [outer, inner] = [v.strides[axis], v.strides[axis + 1]]
  if (m !== 1 && n !== 1 && outer !== n * inner) return null
  return { ...v, shape: v.shape.toSpliced(axis, 2, m * n), strides: v.strides.toSpliced(axis, 2, n === 1 ? outer : inner) }
}

const moved = (v: View, from: number, to: number): View => {
  const order = [...v.shape.keys()].toSpliced(from, 1)
  return permuteView(v, order.toSpliced(to, 0, from))
}

const perExample = new WeakMap<Program, Program>()
/** A program that asks where an element is, told its place within the example, whose size is one more param. Random words differ along the batch. */
function placed(p: Program): Program {
  const known = perExample.get(p)
  if (known) return known
  if (!p.steps.some(s => s.op === 'index') || p.steps.some(s => s.op === 'randomBits')) return p
  const first: Step[] = [
    { op: 'index', dtype: 'int32', args: [] },
    { op: 'param', dtype: 'int32', args: [], index: p.params.length },
    { op: 'mod', dtype: 'int32', args: [0, 1] },
  ]
  const at = (i: number): number => (p.steps[i].op === 'index' ? 2 : i + first.length)
  const steps = [...first, ...p.steps.map(s => (s.op === 'index' ? first[0] : { ...s, args: s.args.map(at) }))]
  const made: Program = { ...p, steps, outputs: p.outputs.map(at), params: [...p.params, 'int32'], key: `each(${p.key})` }
  perExample.set(p, made)
  return made
}

export class BatchLowering implements Lowering {
  constructor(
    private readonly k: Lowering,
    private readonly size: number,
  ) {}

  /** An operand of the batch as the op sees it. Numbers are the same for all. */
  take(x: Arg, each: boolean): Arg {
    if (!each) return x.constant === undefined ? { view: x.view, slot: new Rows(x.slot, 0) } : x
    return { view: rowOf(x.view), slot: new Rows(x.slot, x.view.strides[0] * dtypes[x.view.dtype].bytes) }
  }

  /** What the op sees with the axis of the batch in front. */
  whole({ view, slot }: Arg): Arg {
    const { slot: own, step } = rowsIn(slot)
    return { view: { ...view, shape: [this.size, ...view.shape], strides: [step / dtypes[view.dtype].bytes, ...view.strides] }, slot: own }
  }

  alloc(dtype: DType, shape: Shape): Arg {
    return this.take(this.k.alloc(dtype, [this.size, ...shape]), true)
  }

  // There is no `when`: examples need not agree on a condition, so all sides are computed and chosen from.

  run(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    const [from, to] = [inputs, outputs].map(list => list.map(x => this.whole(x)))
    switch (kernel.kind) {
      case 'map': {
        const program = placed(kernel.program)
        const params = program === kernel.program ? kernel.params : [...kernel.params, numel(outputs[0].view.shape)]
        return this.k.run({ ...kernel, program, params }, from, to)
      }
      case 'gather':
      case 'scatter':
        return this.k.run({ ...kernel, axis: kernel.axis + 1 }, from, to)
      case 'matmul':
        return kernel.epilogue ? internal('an op lowers to a product that is joined with others') : this.product(inputs, from, to[0])
      case 'conv':
        return kernel.epilogue ? internal('an op lowers to a convolution that is joined with others') : this.conv(kernel, inputs, from, to[0])
      case 'batch':
        return internal('an op lowers to a batch of maps')
      default:
        // Their first axes, of any number, are a batch already.
        return this.k.run(kernel, from, to)
    }
  }

  /** Where all examples share one factor their rows (or columns) make one tall (or wide) product. */
  private product([a, b]: readonly Arg[], from: readonly Arg[], out: Arg): void {
    const axis = isShared(b) ? 0 : 1
    const many = from[axis]
    const [stacked, into] = [many, out].map(({ view }) => joined(moved(view, 0, axis), axis))
    if (a.view.shape.length !== 2 || isShared(a) === isShared(b) || !stacked || !into) return this.k.run({ kind: 'matmul' }, from, [out])
    const tall = { view: stacked, slot: many.slot }
    this.k.run({ kind: 'matmul' }, axis === 0 ? [tall, common(b)] : [common(a), tall], [{ view: into, slot: out.slot }])
  }

  /** Examples under one kernel are more images; those with kernels of their own are more groups. */
  private conv(kernel: KernelSpec, [, w]: readonly Arg[], [x, kernels]: readonly Arg[], out: Arg): void {
    const axis = isShared(w) ? 1 : 0
    const join = ({ view, slot }: Arg): Arg | null => {
      const together = joined(moved(view, 0, axis), axis)
      return together && { view: together, slot }
    }
    /** Fresh memory that lies as the kernel wants it. */
    const room = ({ view }: Arg): { readonly joint: Arg; readonly apart: Arg } => {
      const { dtype, shape } = moved(view, 0, axis)
      const joint = this.k.alloc(dtype, shape.toSpliced(axis, 2, shape[axis] * shape[axis + 1]))
      const apart: View = { dtype, shape, strides: contiguousStrides(shape), offset: joint.view.offset }
      return { joint, apart: { view: moved(apart, axis, 0), slot: joint.slot } }
    }
    const dense = (a: Arg): Arg => {
      const as = join(a)
      if (as) return as
      const { joint, apart } = room(a)
      copyInto(this.k, a, apart)
      return joint
    }
    const operands = [dense(x), axis === 1 ? common(w) : dense(kernels)]
    const target = join(out)
    if (target) return this.k.run(kernel, operands, [target])
    const { joint, apart } = room(out)
    this.k.run(kernel, operands, [joint])
    copyInto(this.k, apart, out)
  }
}

const rowsIn = (slot: object): Rows => (slot instanceof Rows ? slot : internal('a lowering works on memory that is neither an operand nor its own'))
/** Whether all examples see the same elements. */
const isShared = (x: Arg): boolean => rowsIn(x.slot).step === 0
/** What all examples share, as it is around. */
const common = ({ view, slot }: Arg): Arg => ({ view, slot: rowsIn(slot).slot })
