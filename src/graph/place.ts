// Where values lie that somebody outside sees. A result and a new value of a parameter are computed straight into their memory where nobody reads
// the old content afterwards; a result takes that of a donated argument on the same terms. Else they are copied there.
import { dtypes } from '../core/dtype.ts'
import { sameShape } from '../core/shape.ts'
import { contiguousView, isContiguous, sameGeometry } from '../core/view.ts'
import type { PlannedKernel } from '../ir/when.ts'
import { copyInto } from '../ops/lowering.ts'
import type { Arg } from '../ops/op.ts'
import type { Graph, Value } from './graph.ts'
import { sizeOf, type Recorder } from './recorder.ts'
import { Slot, type Step } from './steps.ts'

const fills = (a: Arg, v: Value): boolean => a.slot instanceof Slot && a.slot.bytes === sizeOf(v) && a.view.offset === 0 && isContiguous(a.view)

/** Gives each output a slot of its own, made in place where the value is alone in its memory, else copied there. */
export function placeOutputs(graph: Graph, recorder: Recorder, args: Map<Value, Arg>): Map<Slot, Slot> {
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
export interface Update {
  readonly from: Arg
  readonly to: Arg
}

/** Gives each update a slot of its own: that of its value where this is alone in its memory, else one that the value is copied to. By that slot. */
export function gatherUpdates(graph: Graph, recorder: Recorder, args: Map<Value, Arg>, outputs: ReadonlyMap<Slot, Slot>): Map<Slot, Update> {
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

/** Tells whether computing a slot in the memory of another changes nothing that is read later. */
function overwriting(steps: readonly Step[]): (slot: Slot, target: Slot) => boolean {
  const first = new Map<Slot, number>()
  const last = new Map<Slot, number>()
  steps.forEach(({ slots }, i) => {
    for (const s of slots) {
      if (!first.has(s)) first.set(s, i)
      last.set(s, i)
    }
  })
  return (slot, target) => {
    const start = first.get(slot)
    const end = last.get(target) ?? -1
    if (start === undefined || end > start) return false
    // In the very step that begins to write, an elementwise read of the same elements is fine.
    const { kernel, slots } = steps[start]
    return end < start || slots.every((s, k) => s !== target || (k < kernel.inputs.length && readsInPlace(kernel, slots, k, slot)))
  }
}

/** Lets each update be computed in the memory that it updates, or copies it there at the end. What lies where. */
export function placeUpdates(recorder: Recorder, updates: ReadonlyMap<Slot, Update>, outputs: ReadonlyMap<Slot, Slot>): Map<Slot, Slot> {
  const alias = new Map(outputs)
  const { steps } = recorder
  const mayOverwrite = overwriting(steps)
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

/** Lets results be computed in the memory of donated arguments; `alias` and the steps change. Which result lies in which. */
export function placeDonated(recorder: Recorder, donated: readonly Slot[], results: number, alias: Map<Slot, Slot>): Map<number, number> {
  const taken = new Map<number, number>()
  if (donated.length === 0) return taken
  const mayOverwrite = overwriting(recorder.steps)
  const made = new Map<number, Slot>()
  for (const { kernel, slots } of recorder.steps)
    for (const s of slots.slice(kernel.inputs.length)) {
      const { external } = alias.get(s) ?? s
      if (external >= results) made.set(external - results, s)
    }
  const free = new Set(donated)
  for (const [output, slot] of [...made].sort(([a], [b]) => a - b)) {
    const room = [...free].find(d => d.bytes === slot.bytes && mayOverwrite(slot, d))
    if (!room) continue
    free.delete(room)
    taken.set(output, room.external)
    for (const s of [slot, alias.get(slot) ?? slot]) alias.set(s, room)
  }
  recorder.steps = recorder.steps.filter(s => !copiesOntoItself(s, alias))
  return taken
}

/** Whether result `o` of a kernel may lie on the elements of its operand `i`: each is read before it is written, and by nobody else. */
export function fitsInPlace(kernel: PlannedKernel, i: number, o: number): boolean {
  if (kernel.kind === 'batch' && Math.floor(i / kernel.program.inputs.length) !== Math.floor(o / kernel.program.outputs.length)) return false
  if (kernel.kind !== 'map' && kernel.kind !== 'rows' && kernel.kind !== 'batch') return false
  const [from, to] = [kernel.inputs[i], kernel.outputs[o]]
  return dtypes[from.dtype].bytes === dtypes[to.dtype].bytes && sameGeometry(from, to)
}

const readsInPlace = (kernel: PlannedKernel, slots: readonly Slot[], input: number, written: Slot): boolean =>
  kernel.outputs.every((_, o) => slots[kernel.inputs.length + o] !== written || fitsInPlace(kernel, input, o))

const copiesOntoItself = ({ kernel, slots }: Step, alias: Map<Slot, Slot>): boolean =>
  kernel.kind === 'map' && kernel.inputs.length === 1 && kernel.outputs.length === 1 && kernel.program.steps.length === 1 && kernel.program.steps[0].op === 'input' &&
  (alias.get(slots[0]) ?? slots[0]) === (alias.get(slots[1]) ?? slots[1]) && sameGeometry(kernel.inputs[0], kernel.outputs[0])
