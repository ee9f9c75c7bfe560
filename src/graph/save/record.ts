// Nodes as the kernels that they lower to. Those are plain data, whatever the op: what is written down needs neither the record of the
// op nor the code that made it, and lowers to the same kernels on every device.
import { dtypes, type DType } from '../../core/dtype.ts'
import { internal } from '../../core/errors.ts'
import type { Shape } from '../../core/shape.ts'
import { contiguousView, type View } from '../../core/view.ts'
import type { Arg, KernelSpec, Lowering, Op } from '../../ops/op.ts'
import type { GraphNode } from '../graph.ts'
import { Under } from '../when.ts'

/**
 * A view of memory: of operand `memory` of the node, or (~memory) of what it allocated. `offset` counts bytes from where the view of that
 * memory begins; `view` tells dtype, shape and strides.
 */
export interface Place {
  readonly memory: number
  readonly view: Omit<View, 'offset'>
  readonly offset: number
}
export interface Run {
  readonly kernel: KernelSpec
  readonly inputs: readonly Place[]
  readonly outputs: readonly Place[]
  /** The bool that says whether it runs. */
  readonly when?: Place
}
export interface Recording {
  readonly allocs: readonly { readonly dtype: DType; readonly shape: Shape }[]
  readonly runs: readonly Run[]
  readonly results: readonly Place[]
}

const start = ({ dtype, offset }: View): number => offset * dtypes[dtype].bytes

class Tape implements Lowering {
  readonly allocs: { dtype: DType; shape: Shape }[] = []
  readonly runs: Run[] = []
  private readonly known = new Map<object, { memory: number; start: number }>()
  private readonly under = new Under()

  constructor(inputs: readonly Arg[]) {
    inputs.forEach((x, memory) => this.known.has(x.slot) || this.known.set(x.slot, { memory, start: start(x.view) }))
  }
  alloc(dtype: DType, shape: Shape): Arg {
    const slot = {}
    this.known.set(slot, { memory: ~this.allocs.length, start: 0 })
    this.allocs.push({ dtype, shape: [...shape] })
    return { view: contiguousView(dtype, shape), slot }
  }
  when(condition: Arg, make: () => void): void {
    this.under.during(this, condition, make)
  }
  run(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    const place = (x: Arg): Place => this.place(x)
    const { condition } = this.under
    this.runs.push({ kernel, inputs: inputs.map(place), outputs: outputs.map(place), ...(condition ? { when: place(condition) } : {}) })
  }
  place({ view, slot }: Arg): Place {
    const { memory, start: from } = this.known.get(slot) ?? internal('a kernel works on memory that is neither an operand nor allocated')
    const { dtype, shape, strides } = view
    return { memory, view: { dtype, shape, strides }, offset: start(view) - from }
  }
}

/** What lowering a node on given operands does, and its results. */
export function record({ op, params, inputs: values, outputs }: GraphNode, inputs: readonly Arg[]): { recording: Recording; results: Arg[] } {
  const tape = new Tape(inputs)
  const view = inputs.length === 1 && values[0].constant === undefined ? (op.view?.(inputs[0].view, params) ?? null) : null
  const results = view ? [{ view, slot: inputs[0].slot }] : op.lower!(tape, inputs, params, outputs)
  return { recording: { allocs: tape.allocs, runs: tape.runs, results: results.map(r => tape.place(r)) }, results }
}

/** An op that does again what was written down. */
export const replayed = (name: string, { allocs, runs, results }: Recording, metas: readonly { dtype: DType; shape: Shape }[]): Op => ({
  name,
  infer: () => [...metas],
  lower(k, inputs) {
    const made = allocs.map(({ dtype, shape }) => k.alloc(dtype, shape))
    const at = ({ memory, view, offset }: Place): Arg => {
      const base = memory >= 0 ? inputs[memory] : made[~memory]
      return { view: { ...view, offset: (start(base.view) + offset) / dtypes[view.dtype].bytes }, slot: base.slot }
    }
    for (const { kernel, inputs: from, outputs, when } of runs) {
      const run = (): void => k.run({ ...kernel }, from.map(at), outputs.map(at))
      if (when && k.when) k.when(at(when), run)
      else run()
    }
    return results.map(at)
  },
  saves: 'nothing',
})
