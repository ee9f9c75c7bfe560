// A plan: the kernels of a graph in order, over numbered slots. Slots that are never in use together share memory, an update is
// computed straight into its parameter when nobody reads the old value afterwards, and a map may work in the memory of an input
// that dies with it. So a step allocates nothing while it runs.
import type { Backend, Block, Launch, Prepared } from '../backend/backend.ts'
import { mayFail, placeKernel } from '../backend/failures.ts'
import { bytesOf, dtypes, WORD, type DType } from '../core/dtype.ts'
import { LampasError } from '../core/errors.ts'
import { numel, sameShape, type Shape } from '../core/shape.ts'
import { contiguousView, isContiguous, sameGeometry, type View } from '../core/view.ts'
import type { Kernel } from '../ir/kernel.ts'
import { relieve } from '../eager/pressure.ts'
import { needFloat64 } from '../eager/storage.ts'
import { copyInto, KernelLowering } from '../ops/lowering.ts'
import { withViews, type Arg, type KernelSpec } from '../ops/op.ts'
import { fuse } from './fuse/index.ts'
import { fusion } from './fuse/rules.ts'
import { liveNodes, type Graph, type GraphNode, type Value } from './graph.ts'
import { packBlocks, totalOf, type Lifetime, type Packing } from './memory.ts'
import { ordered } from './order.ts'
import { describeNode, type Fired, type PassOptions } from './passes/index.ts'
import { Slot, type Step } from './steps.ts'

const sizeOf = ({ dtype, shape }: { readonly dtype: DType; readonly shape: Shape }): number => bytesOf(dtype, numel(shape))

/** Writes kernels down instead of running them. Memory that is written anew in full becomes another slot, so that a slot has one value. */
class Recorder extends KernelLowering {
  steps: Step[] = []
  /** The node that is being lowered. */
  node: GraphNode | null = null
  private readonly written = new Set<Slot>()
  private readonly renamed = new Map<Slot, Slot>()
  constructor(private readonly backend: Backend) {
    super()
  }

  alloc(dtype: DType, shape: Shape): Arg {
    if (dtype === 'float64') needFloat64(this.backend)
    return { view: contiguousView(dtype, shape), slot: new Slot(sizeOf({ dtype, shape }), -1, this.node) }
  }

  protected emit(kernel: KernelSpec, inputs: readonly Arg[], outputs: readonly Arg[]): void {
    const from = inputs.map(x => this.slotOf(x))
    const to = outputs.map(x => (kernel.kind === 'scatter' ? this.slotOf(x) : this.fresh(x)))
    for (const s of to) this.written.add(s)
    this.steps.push({ kernel: withViews(kernel, inputs, outputs), slots: [...from, ...to], nodes: this.node ? [this.node] : [] })
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

/** A value in the plan's own memory. */
export interface PlanValue extends Lifetime {
  /** The node that it is a result of, or that needs it on the way; null for a copy of the plan's own. */
  readonly node: GraphNode | null
  readonly slot: Slot
  /** The kernels that write or read it, in order. */
  readonly uses: readonly number[]
}

export interface Plan {
  readonly launches: readonly Launch[]
  /** The nodes that each launch computes. */
  readonly origins: readonly (readonly GraphNode[])[]
  readonly prepared: Prepared
  /** Stand for the graph's externals and then its outputs; a run swaps the real blocks in. */
  readonly placeholders: readonly Block[]
  /** Where and when its own values lie. */
  readonly layout: Layout
  /** Bytes of memory that the plan keeps for itself: for its values, and for the list of its kernels and their scratch. */
  readonly bytes: number
  dispose(): void
}

/** The kernels of a graph and the memory that they ask for, before there is any. */
export interface Layout {
  readonly steps: readonly Step[]
  /** What memory an operand of a step lies in: an external or an output of the graph, or a block of the plan's own. */
  readonly placeOf: (slot: Slot) => { readonly external: number } | { readonly block: number }
  /** What each value of the graph is as a view into a slot. */
  readonly args: ReadonlyMap<Value, Arg>
  readonly values: readonly PlanValue[]
  /** Bytes of the plan's own blocks. */
  readonly blocks: readonly number[]
  /** What was fused. */
  readonly fired: readonly Fired[]
  /** Milliseconds that this took. */
  readonly msOfFusion: number
}

/** Lowers a graph, fuses kernels and decides which values share memory. */
export function layOut(graph: Graph, backend: Backend, { exclude = [], mode }: PassOptions = {}): Layout {
  const recorder = new Recorder(backend)
  const args = lowerGraph(graph, recorder)
  const outputs = placeOutputs(graph, recorder, args)
  const updates = gatherUpdates(graph, recorder, args, outputs)
  const start = performance.now()
  const targets = new Map([...updates].map(([slot, { to }]) => [slot, to.slot as Slot]))
  const fused = fuse(recorder.steps, new Set([...outputs.keys(), ...updates.keys()]), targets, backend, mode === 'fastCompile' ? [fusion.name] : exclude)
  const msOfFusion = performance.now() - start
  recorder.steps = [...fused.steps]
  const alias = placeUpdates(recorder, updates, outputs)
  const slotOf = (s: Slot): Slot => alias.get(s) ?? s
  const { steps, values, packing, of } = [recorder.steps, ordered(recorder.steps, slotOf)]
    .map(list => ({ steps: list, ...assignMemory(list, slotOf) }))
    .reduce((a, b) => (totalOf(b.packing) < totalOf(a.packing) ? b : a))
  const placeOf = (s: Slot): { external: number } | { block: number } => {
    const slot = slotOf(s)
    return slot.external >= 0 ? { external: slot.external } : { block: of.get(slot)! }
  }
  return { steps, placeOf, args, values, blocks: packing.blocks, fired: fused.fired, msOfFusion }
}

/** `fixed[i]` is the block of external i when it is the same in every run, else null. */
export function makePlan(graph: Graph, backend: Backend, fixed: readonly (Block | null)[], layout = layOut(graph, backend)): Plan {
  const { steps, placeOf } = layout
  const { held } = backend.memory()
  const blocks = layout.blocks.map(bytes => {
    relieve(backend, bytes)
    return backend.alloc(bytes)
  })
  const outside = [...graph.externals.map((v, i) => fixed[i] ?? backend.standIn(sizeOf(v))), ...graph.outputs.map(v => backend.standIn(sizeOf(v)))]
  const launches = steps.map(({ kernel, slots }): Launch => ({
    kernel,
    blocks: slots.map(s => {
      const place = placeOf(s)
      return 'block' in place ? blocks[place.block] : outside[place.external]
    }),
  }))
  launches.forEach(({ kernel }, i) => {
    if (!mayFail(kernel)) return
    const place = steps[i].nodes.map(describeNode).join(' and ')
    placeKernel(kernel, () => place)
  })
  const prepared = backend.prepare(launches)
  return {
    launches,
    origins: steps.map(s => s.nodes),
    prepared,
    placeholders: outside,
    layout,
    bytes: backend.memory().held - held,
    dispose: releaseOf(prepared, blocks, backend),
  }
}

/** Gives memory back, and holds nothing else: it outlives a plan that was dropped. */
const releaseOf = (prepared: Prepared, blocks: readonly Block[], backend: Backend) => (): void => {
  prepared.dispose()
  for (const b of blocks) backend.free(b)
}

/** How many kernels the graph is, lowered as it stands. */
export function countKernels(graph: Graph, backend: Backend): number {
  return layOut(graph, backend, { exclude: [fusion.name] }).steps.length
}

/** Lowers every live node; what each value is as a view into a slot. */
function lowerGraph(graph: Graph, recorder: Recorder): Map<Value, Arg> {
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

const fills = (a: Arg, v: Value): boolean => a.slot instanceof Slot && a.slot.bytes === sizeOf(v) && a.view.offset === 0 && isContiguous(a.view)

/** Gives each output a slot of its own, made in place where the value is alone in its memory, else copied there. */
function placeOutputs(graph: Graph, recorder: Recorder, args: Map<Value, Arg>): Map<Slot, Slot> {
  const taken = new Map<Slot, Slot>()
  const updated = new Set(graph.updates.map(u => args.get(u.value)?.slot))
  graph.outputs.forEach((v, i) => {
    const place: Arg = { view: contiguousView(v.dtype, v.shape), slot: new Slot(sizeOf(v), graph.externals.length + i) }
    const from = args.get(v)!
    if (from.slot instanceof Slot && from.slot.external < 0 && fills(from, v) && !taken.has(from.slot) && !updated.has(from.slot)) taken.set(from.slot, place.slot as Slot)
    else copyInto(recorder, from, place)
  })
  return taken
}

/** Memory of an external that takes a value. */
interface Update {
  readonly from: Arg
  readonly to: Arg
}

/** Gives each update a slot of its own: that of its value where this is alone in its memory, else one that the value is copied to. By that slot. */
function gatherUpdates(graph: Graph, recorder: Recorder, args: Map<Value, Arg>, outputs: ReadonlyMap<Slot, Slot>): Map<Slot, Update> {
  const updates = new Map<Slot, Update>()
  for (const { external, value } of graph.updates) {
    const from = args.get(value)!
    const to: Arg = { view: contiguousView(value.dtype, value.shape), slot: args.get(external)!.slot }
    const own = from.slot instanceof Slot && from.slot.external < 0 && fills(from, value) && sameShape(external.shape, value.shape)
    if (own && !outputs.has(from.slot as Slot) && !updates.has(from.slot as Slot)) updates.set(from.slot as Slot, { from, to })
    else {
      const aside = recorder.alloc(from.view.dtype, from.view.shape)
      copyInto(recorder, from, aside)
      updates.set(aside.slot as Slot, { from: aside, to })
    }
  }
  return updates
}

/** Lets each update be computed in the memory that it updates, or copies it there at the end. What lies where. */
function placeUpdates(recorder: Recorder, updates: ReadonlyMap<Slot, Update>, outputs: ReadonlyMap<Slot, Slot>): Map<Slot, Slot> {
  const alias = new Map(outputs)
  const { steps } = recorder
  const first = new Map<Slot, number>()
  const last = new Map<Slot, number>()
  steps.forEach(({ slots }, i) => {
    for (const s of slots) {
      if (!first.has(s)) first.set(s, i)
      last.set(s, i)
    }
  })
  /** True when computing `slot` in the memory of `target` changes nothing that is read later. */
  const mayOverwrite = (slot: Slot, target: Slot): boolean => {
    const start = first.get(slot)
    const end = last.get(target) ?? -1
    if (start === undefined || end > start) return false
    // In the very step that begins to write, an elementwise read of the same elements is fine.
    const { kernel, slots } = steps[start]
    return end < start || slots.every((s, k) => s !== target || (k < kernel.inputs.length && readsInPlace(kernel, slots, k, slot)))
  }
  const late: Update[] = []
  for (const [slot, update] of updates) {
    const to = update.to.slot as Slot
    if (mayOverwrite(slot, to)) alias.set(slot, to)
    else late.push(update)
  }
  for (const { from, to } of late) copyInto(recorder, from, to)
  recorder.steps = steps.filter(s => !copiesOntoItself(s, alias))
  return alias
}

/** Whether two views of one memory put each element at the same bytes. */
const sameElements = (a: View, b: View): boolean => dtypes[a.dtype].bytes === dtypes[b.dtype].bytes && sameGeometry(a, b)

/** Kernels whose results may lie on the same elements of operands. */
const goesInPlace = (kernel: Kernel): boolean => kernel.kind === 'map' || kernel.kind === 'rows'

function readsInPlace(kernel: Kernel, slots: readonly Slot[], input: number, written: Slot): boolean {
  if (!goesInPlace(kernel)) return false
  return kernel.outputs.every((out, o) => slots[kernel.inputs.length + o] !== written || sameElements(out, kernel.inputs[input]))
}

const copiesOntoItself = ({ kernel, slots }: Step, alias: Map<Slot, Slot>): boolean =>
  kernel.kind === 'map' && kernel.inputs.length === 1 && kernel.program.steps.length === 1 && kernel.program.steps[0].op === 'input' &&
  (alias.get(slots[0]) ?? slots[0]) === (alias.get(slots[1]) ?? slots[1]) && sameGeometry(kernel.inputs[0], kernel.outputs[0])

/** The plan's own values, each with its place; what a map computes in the memory of an input that dies with it is one with that input. */
function assignMemory(steps: readonly Step[], slotOf: (s: Slot) => Slot): { values: PlanValue[]; packing: Packing; of: Map<Slot, number> } {
  const uses = new Map<Slot, number[]>()
  steps.forEach(({ slots }, i) => {
    for (const s of slots) {
      const slot = slotOf(s)
      const list = uses.get(slot)
      if (!list) uses.set(slot, [i])
      else if (list[list.length - 1] !== i) list.push(i)
    }
  })
  const lastOf = (s: Slot): number => uses.get(s)!.at(-1)!
  const of = new Map<Slot, number>()
  const lives: { bytes: number; first: number; last: number }[] = []
  const values: PlanValue[] = []
  steps.forEach(({ kernel, slots: raw }, i) => {
    const slots = raw.map(slotOf)
    const dying = slots.filter((s, k) => s.external < 0 && lastOf(s) === i && slots.indexOf(s) === k)
    // Of the inputs only those without elements may not have been written before.
    for (let k = 0; k < slots.length; k++) {
      const slot = slots[k]
      if (slot.external >= 0 || of.has(slot)) continue
      const life = { bytes: Math.max(slot.bytes, WORD), first: i, last: lastOf(slot) }
      values.push({ ...life, node: slot.node, slot, uses: uses.get(slot)! })
      const reuse = dying.find(d => k >= kernel.inputs.length && of.has(d) && d.bytes === slot.bytes && worksInPlace(kernel, slots, d, k))
      if (reuse) {
        of.set(slot, of.get(reuse)!)
        lives[of.get(reuse)!].last = life.last
        // From here on the memory is the result's.
        const at = values.findLastIndex(v => v.slot === reuse)
        values[at] = { ...values[at], last: Math.max(values[at].first, i - 1) }
        dying.splice(dying.indexOf(reuse), 1)
      } else of.set(slot, lives.push(life) - 1)
    }
  })
  const packing = packBlocks(lives)
  for (const [slot, i] of of) of.set(slot, packing.blockOf[i])
  return { values, packing, of }
}

/** True when output k may be written over the dying slot d. */
function worksInPlace(kernel: Kernel, slots: readonly Slot[], d: Slot, k: number): boolean {
  if (!goesInPlace(kernel)) return false
  const out = kernel.outputs[k - kernel.inputs.length]
  return slots.every((s, i) => s !== d || (i < kernel.inputs.length && sameElements(kernel.inputs[i], out)))
}
