// A plan as bytes: the kernels that are left after rewriting and fusion, in order, with the memory that they work on, written as saved functions
// are. Reading it back gives kernels as they are run, so nothing is lowered, joined or placed again.
import { mayFail, togetherIn, type KernelPlace } from '../backend/failures.ts'
import { dtypes } from '../core/dtype.ts'
import type { View } from '../core/view.ts'
import { turn } from '../eager/pressure.ts'
import type { Storage } from '../eager/storage.ts'
import type { CacheEntry, Work, Worked } from '../graph/cached.ts'
import { describeNode } from '../graph/passes/index.ts'
import { Reader, Writer, pack, padded, unpack, type Json } from '../graph/save/file.ts'
import { tensorIn, type Fields } from '../graph/save/load.ts'
import type { Place } from '../graph/save/record.ts'
import { State } from '../graph/save/save.ts'
import { Slot, type Step } from '../graph/steps.ts'
import { innerOf } from '../ir/when.ts'
import { withViews } from '../ops/op.ts'
import { lasting } from '../ops/world.ts'
import { Hash } from './key.ts'

/** Bytes before the rest: its hash. */
const SEAL = 8
const sealOf = (bytes: Uint8Array): Uint8Array => {
  const hash = new Hash()
  hash.bytes(bytes)
  return new Uint8Array(Uint32Array.from(hash.lanes).buffer)
}

/** Where a fault of a kernel lies: what computes it, and the node of the trace whose line that is. */
type Origin = readonly [text: string, node: number]

/** The bytes, made in a later turn; what must be read is read at once, while it is there. */
export async function written({ layout, constants, updated }: Worked, { traced }: Work): Promise<Uint8Array> {
  const state = new State()
  for (const { storage, value } of constants) state.put(storage, null, 'literal', value.dtype, value.shape)
  const values = await state.read()
  await turn()
  const writer = new Writer()
  const placeOf = (slot: Slot, { offset, ...view }: View): Place => {
    const at = layout.placeOf(slot)
    return { memory: 'block' in at ? ~at.block : at.external, view, offset: offset * dtypes[view.dtype].bytes }
  }
  const runs = layout.steps.map(({ kernel, slots }) => {
    const inner = innerOf(kernel)
    const places = [...kernel.inputs, ...kernel.outputs].map((v, i) => placeOf(slots[i], v))
    const own = inner === kernel ? places : places.slice(1)
    const n = inner.inputs.length
    return { kernel: inner, inputs: own.slice(0, n), outputs: own.slice(n), ...(inner === kernel ? {} : { when: places[0] }) }
  })
  const origins = layout.steps.map(({ kernel, nodes }): readonly Origin[] =>
    mayFail(kernel) ? nodes.map(n => [describeNode({ ...n, site: undefined }), traced.graph.nodes.findIndex(m => m.site === n.site)]) : [])
  const recording = writer.recording({ allocs: layout.blocks.map(bytes => ({ dtype: 'uint8', shape: [bytes] })), runs, results: [] })
  const header = { memory: state.list, updated: [...updated], donated: [...layout.donated], spared: layout.spared, origins, plan: recording, ...writer.tables } satisfies Record<string, Json>
  const bytes = pack(header, values)
  const sealed = new Uint8Array(padded(SEAL + bytes.length))
  sealed.set(bytes, SEAL)
  sealed.set(sealOf(sealed.subarray(SEAL)))
  return sealed
}

/** The plan, for another trace of the same work. Throws when the bytes are none. */
export function read(sealed: Uint8Array, { traced: { graph, externals } }: Work): NonNullable<CacheEntry['kept']> {
  const body = sealed.subarray(SEAL)
  if (sealOf(body).some((b, i) => b !== sealed[i])) throw new RangeError('the entry is damaged')
  const { header, data } = unpack(body)
  const held = (header.memory as readonly Fields[]).map(m => lasting(() => tensorIn(m, data)))
  const constants = held.map(x => ({ value: { dtype: x.dtype, shape: x.shape, node: null, index: 0 }, storage: x.source as Storage, argument: null, literal: true, trained: false }))
  const { allocs, runs } = new Reader(header).recording(header.plan as Fields)
  const slots = new Map<number, Slot>()
  const at = ({ memory, view, offset }: Place): { view: View; slot: Slot } => {
    let slot = slots.get(memory)
    if (!slot) slots.set(memory, (slot = new Slot(memory < 0 ? allocs[~memory].shape[0] : 0, memory)))
    return { view: { ...view, offset: offset / dtypes[view.dtype].bytes }, slot }
  }
  const steps = runs.map(({ kernel: spec, inputs, outputs, when }): Step => {
    const [from, to] = [inputs.map(at), outputs.map(at)]
    const kernel = withViews({ ...spec }, from, to)
    const own = [...from, ...to].map(x => x.slot)
    if (!when) return { kernel, slots: own, nodes: [] }
    const condition = at(when)
    return { kernel: { kind: 'when', kernel, inputs: [condition.view, ...kernel.inputs], outputs: kernel.outputs }, slots: [condition.slot, ...own], nodes: [] }
  })
  const origins = header.origins as unknown as readonly (readonly Origin[])[]
  const describe = (i: number): KernelPlace => togetherIn(origins[i].map(([text, node]) => {
    const site = graph.nodes[node]?.site
    return { text: site?.line ? `${text} (${site.line})` : text, calls: site?.calls ?? null }
  }))
  const layout = {
    steps, describe, placeOf: ({ external }: Slot) => (external < 0 ? { block: ~external } : { external }), args: new Map(), values: [],
    blocks: allocs.map(a => a.shape[0]), donated: new Map(header.donated as unknown as [number, number][]), spared: header.spared as number,
    fired: [], msOfFusion: 0, msOfRules: new Map(),
  }
  const updated = new Set(header.updated as readonly number[])
  if ([...updated].some(i => i >= externals.length)) throw new RangeError('the entry is of other work')
  return { layout, constants, updated, held }
}
