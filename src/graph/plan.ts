// A plan: the kernels of a graph in order, over numbered slots. Slots that are never in use together share memory, an update is
// computed straight into its parameter when nobody reads the old value afterwards, and a map may work in the memory of an input
// that dies with it. So a step allocates nothing while it runs.
import type { Backend, Block, Launch, Prepared } from '../backend/backend.ts'
import { mayFail, placeKernel, togetherIn, type KernelPlace } from '../backend/failures.ts'
import { WORD } from '../core/dtype.ts'
import type { PlannedKernel } from '../ir/when.ts'
import { giveBack, take } from '../eager/pressure.ts'
import type { Arg } from '../ops/op.ts'
import { fuse } from './fuse/index.ts'
import { fusion } from './fuse/rules.ts'
import type { Graph, GraphNode, Value } from './graph.ts'
import { packBlocks, totalOf, type Lifetime, type Packing } from './memory.ts'
import { ordered } from './order.ts'
import { describeNode, type Fired, type PassOptions } from './passes/index.ts'
import { Meter } from './passes/meter.ts'
import { fitsInPlace, gatherUpdates, placeDonated, placeOutputs, placeUpdates } from './place.ts'
import { lowerGraph, Recorder, sizeOf } from './recorder.ts'
import type { Slot, Step } from './steps.ts'
import { fuseBranches } from './when.ts'

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
  /** What a step computes, for messages. */
  readonly describe: (step: number) => KernelPlace
  /** What memory an operand of a step lies in: an external or an output of the graph, or a block of the plan's own. */
  readonly placeOf: (slot: Slot) => { readonly external: number } | { readonly block: number }
  /** What each value of the graph is as a view into a slot. */
  readonly args: ReadonlyMap<Value, Arg>
  readonly values: readonly PlanValue[]
  /** Bytes of the plan's own blocks. */
  readonly blocks: readonly number[]
  /** Of the results that lie in the memory of a donated argument: which external that is. */
  readonly donated: ReadonlyMap<number, number>
  /** The bytes of these. */
  readonly spared: number
  /** What was fused. */
  readonly fired: readonly Fired[]
  /** Milliseconds that this took. */
  readonly msOfFusion: number
  /** The same of each rule. */
  readonly msOfRules: ReadonlyMap<string, number>
}

/** Lowers a graph, fuses kernels and decides which values share memory. Results may take that of the `donated` externals. */
export function layOut(graph: Graph, backend: Backend, { exclude = [], mode }: PassOptions = {}, donated: readonly number[] = []): Layout {
  const recorder = new Recorder(backend)
  const args = lowerGraph(graph, recorder)
  const outputs = placeOutputs(graph, recorder, args)
  const updates = gatherUpdates(graph, recorder, args, outputs)
  const start = performance.now()
  const targets = new Map([...updates].map(([slot, { to }]) => [slot, to.slot as Slot]))
  const results = new Set([...outputs.keys(), ...updates.keys()])
  const without = mode === 'fastCompile' ? [fusion.name] : exclude
  const meter = new Meter()
  const branches = fuseBranches(recorder.steps, results, backend, without, meter)
  const fused = fuse(branches.steps, results, targets, backend, without, meter)
  const msOfFusion = performance.now() - start
  recorder.steps = [...fused.steps]
  const alias = placeUpdates(recorder, updates, outputs)
  const taken = placeDonated(recorder, donated.map(i => args.get(graph.externals[i])!.slot as Slot), graph.externals.length, alias)
  const spared = [...taken.keys()].reduce((n, i) => n + sizeOf(graph.outputs[i]), 0)
  const slotOf = (s: Slot): Slot => alias.get(s) ?? s
  const { steps, values, packing, of } = [recorder.steps, ordered(recorder.steps, slotOf)]
    .map(list => ({ steps: list, ...assignMemory(list, slotOf) }))
    .reduce((a, b) => (totalOf(b.packing) < totalOf(a.packing) ? b : a))
  const placeOf = (s: Slot): { external: number } | { block: number } => {
    const slot = slotOf(s)
    return slot.external >= 0 ? { external: slot.external } : { block: of.get(slot)! }
  }
  return { steps, describe: i => togetherIn(steps[i].nodes.map(n => ({ text: describeNode(n), calls: n.site?.calls ?? null }))), placeOf, args, values, blocks: packing.blocks, donated: taken, spared, fired: [...branches.fired, ...fused.fired], msOfFusion, msOfRules: meter.ms }
}

/** `fixed[i]` is the block of external i when it is the same in every run, else null. */
export function makePlan(graph: Graph, backend: Backend, fixed: readonly (Block | null)[], layout = layOut(graph, backend)): Plan {
  const { steps, placeOf } = layout
  const { held } = backend.memory()
  const blocks = layout.blocks.map(bytes => take(backend, bytes))
  const outside = [...graph.externals.map((v, i) => fixed[i] ?? backend.standIn(sizeOf(v))), ...graph.outputs.map(v => backend.standIn(sizeOf(v)))]
  const launches = steps.map(({ kernel, slots }): Launch => ({
    kernel,
    blocks: slots.map(s => {
      const place = placeOf(s)
      return 'block' in place ? blocks[place.block] : outside[place.external]
    }),
  }))
  // As text: what releases the plan holds its kernels, and must not hold through them what the plan was made from.
  for (const [i, { kernel }] of launches.entries()) if (mayFail(kernel)) placeKernel(kernel, layout.describe(i))
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
  for (const b of blocks) giveBack(backend, b)
}

/** How many kernels the graph is, lowered as it stands. */
export function countKernels(graph: Graph, backend: Backend): number {
  return layOut(graph, backend, { exclude: [fusion.name] }).steps.length
}

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
const worksInPlace = (kernel: PlannedKernel, slots: readonly Slot[], d: Slot, k: number): boolean =>
  slots.every((s, i) => s !== d || (i < kernel.inputs.length && fitsInPlace(kernel, i, k - kernel.inputs.length)))
