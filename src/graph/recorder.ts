// From nodes to kernels: each node is lowered as eager code lowers it, onto memory that is only numbered yet.
import type { Backend } from '../backend/backend.ts'
import { bytesOf, dtypes, type DType } from '../core/dtype.ts'
import { LampasError } from '../core/errors.ts'
import { numel, type Shape } from '../core/shape.ts'
import { contiguousView, isContiguous } from '../core/view.ts'
import { needFloat64 } from '../eager/storage.ts'
import { KernelLowering } from '../ops/lowering.ts'
import { withViews, type Arg, type KernelSpec } from '../ops/op.ts'
import { liveNodes, type Graph, type GraphNode, type Value } from './graph.ts'
import { Slot, type Step } from './steps.ts'
import { Under } from './when.ts'

export const sizeOf = ({ dtype, shape }: { readonly dtype: DType; readonly shape: Shape }): number => bytesOf(dtype, numel(shape))

/** Writes kernels down instead of running them. Memory that is written anew in full becomes another slot, so that a slot has one value. */
export class Recorder extends KernelLowering {
  steps: Step[] = []
  /** The node that is being lowered. */
  node: GraphNode | null = null
  private readonly written = new Set<Slot>()
  private readonly renamed = new Map<Slot, Slot>()
  private readonly under = new Under()
  /** A device that cannot look at a value before it goes on has a kernel for that. */
  readonly waitsLong: boolean
  constructor(private readonly backend: Backend) {
    super()
    this.waitsLong = backend.readSync === undefined
  }

  alloc(dtype: DType, shape: Shape): Arg {
    if (dtype === 'float64') needFloat64(this.backend)
    return { view: contiguousView(dtype, shape), slot: new Slot(sizeOf({ dtype, shape }), -1, this.node) }
  }

  when(condition: Arg, make: () => void): void {
    this.under.during(this, condition, make)
  }

  protected emit(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    const from = inputs.map(x => this.slotOf(x))
    const to = outputs.map(x => (kernel.kind === 'scatter' ? this.slotOf(x) : this.fresh(x)))
    for (const s of to) this.written.add(s)
    const { condition } = this.under
    const when = condition ? { slot: this.slotOf(condition), view: condition.view } : undefined
    this.steps.push({ kernel: withViews(kernel, inputs, outputs), slots: [...from, ...to], nodes: this.node ? [this.node] : [], when })
  }

  /** The slot that has the argument's latest value. */
  slotOf({ slot }: Arg): Slot {
    return this.renamed.get(slot as Slot) ?? (slot as Slot)
  }

  private fresh(x: Arg): Slot {
    const slot = this.slotOf(x)
    const { view: { dtype, shape, offset } } = x
    // In bytes, since elements shorter than a word may leave room in the last one that others lie in.
    const isFull = offset === 0 && numel(shape) * dtypes[dtype].bytes === slot.bytes && isContiguous(x.view)
    if (!isFull || !this.written.has(slot) || slot.external >= 0) return slot
    const made = new Slot(slot.bytes, -1, slot.node)
    this.renamed.set(x.slot as Slot, made)
    return made
  }
}

/** Lowers every live node; what each value is as a view into a slot. */
export function lowerGraph(graph: Graph, recorder: Recorder): Map<Value, Arg> {
  const args = new Map<Value, Arg>()
  graph.externals.forEach((v, i) => args.set(v, { view: contiguousView(v.dtype, v.shape), slot: new Slot(sizeOf(v), i) }))
  const argOf = (v: Value): Arg => {
    const known = args.get(v)
    if (known) return known
    const constant: Arg = { view: contiguousView(v.dtype, v.shape), slot: v, constant: v.constant }
    args.set(v, constant)
    return constant
  }
  for (const node of liveNodes(graph)) {
    const inputs = node.inputs.map(argOf)
    const view = inputs.length === 1 && inputs[0].constant === undefined ? (node.op.view?.(inputs[0].view, node.params) ?? null) : null
    const results = view ? [{ view, slot: inputs[0].slot }] : lowerNode(node, recorder, inputs)
    node.outputs.forEach((v, i) => args.set(v, results[i]))
  }
  for (const [v, a] of args) if (a.slot instanceof Slot) args.set(v, { ...a, slot: recorder.slotOf(a) })
  return args
}

/** A fault names the line that built the node. */
function lowerNode(node: GraphNode, recorder: Recorder, inputs: readonly Arg[]): Arg[] {
  recorder.node = node
  try {
    return node.op.lower!(recorder, inputs, node.params, node.outputs)
  } catch (error) {
    if (!(error instanceof LampasError) || !node.site?.line) throw error
    throw new LampasError(error.op, `${error.problem} (${node.site.line})`, error.help)
  } finally {
    recorder.node = null
  }
}
