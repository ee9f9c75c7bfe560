// Values that are computed again rather than kept. Where too much lives at once, values that are not needed there but later are dropped,
// those first that free the most bytes for the least work, and computed again just before they are needed. Nodes are pure (random draws
// are functions of their state, updates happen at the end), so the results stay the same bits. A greedy form of the search of Checkmate
// (Jain et al. 2020), on the plan itself.
import type { Backend, Block } from '../backend/backend.ts'
import { fail } from '../core/errors.ts'
import { inBytes, liveAt } from './footprint.ts'
import { liveNodes, type Graph, type GraphNode, type Value } from './graph.ts'
import { liveBytes, mostLive, totalOf } from './memory.ts'
import { makePlan, type Layout, type Plan, type PlanValue } from './plan.ts'
import { workOf } from './print/work.ts'

type Slot = PlanValue['slot']

export interface Fitted {
  readonly graph: Graph
  readonly layout: Layout
  /** The nodes that are computed a second time. */
  readonly again: readonly GraphNode[]
}

/** Arithmetic steps that take as long as a byte of traffic. */
const STEPS_PER_BYTE = 8
/** Nodes that may be computed to get one value back. */
const CHAIN = 60
/** What takes this many times less than a value may be kept for it. */
const LITTLE = 32
/** Layouts that are tried for one aim, and how many with one value each. */
const TRIES = 80
const SINGLES = 12
/** Parts of the wanted bytes that are aimed at: where small steps lead nowhere, larger ones may. */
const AIMS = [1, 0.85, 0.7, 0.5]

/** Bytes of the plan's own blocks, less those that results need not have because they lie in donated arguments. */
const total = (layout: Layout): number => totalOf(layout) - layout.spared

/** Makes the plan's own memory at most `limit` bytes; `rest` are those that it cannot do without, for the message. */
function fitGraph(name: string, graph: Graph, layOut: (graph: Graph) => Layout, limit: number, rest: number): Fitted {
  const whole: Fitted = { graph, layout: layOut(graph), again: [] }
  let least = whole
  for (const aim of AIMS) {
    const found = search(whole, layOut, limit, Math.max(0, limit) * aim)
    if (total(found.layout) < total(least.layout)) least = found
    if (total(least.layout) <= limit) return least
  }
  const { at } = mostLive(least.layout.values, least.layout.steps.length)
  const holders = liveAt(least.layout, at).slice(0, 3).map(v => `${inBytes(v.bytes)} ${v.node?.op.name ?? 'copy'}${v.node?.site?.line ? ` (${v.node.site.line})` : ''}`)
  return fail('compile', `${name} cannot run in ${limit + rest} bytes: the least peak that was found is ${total(least.layout) + rest} bytes, of which ${rest} are arguments, captured tensors and results. The largest values on the way: ${holders.join(', ') || 'none'}`,
    'give a larger budget, or make the batch smaller')
}

/** Goes on until the limit is met or nothing helps any more. */
function search(whole: Fitted, layOut: (graph: Graph) => Layout, limit: number, aim: number): Fitted {
  let now = whole
  let least = whole
  for (let tries = 0; total(now.layout) > limit && tries < TRIES;) {
    const { layout } = now
    // Blocks take a little more than what lives in them.
    const most = mostLive(layout.values, layout.steps.length)
    const target = Math.min(aim - (total(layout) - most.bytes), most.bytes - 1)
    const over = excess(layout, target)
    const attempt = (list: readonly Candidate[]): boolean => {
      tries++
      const changed = without(now, list)
      const next = layOut(changed.graph)
      if (excess(next, target) >= over) return false
      now = { ...changed, layout: next }
      if (total(next) < total(least.layout)) least = now
      return true
    }
    const all = candidates(now, most.at)
    let sum = 0
    const enough = all.findIndex(c => (sum += c.value.bytes) >= most.bytes - target)
    let done = false
    for (let count = enough < 0 ? all.length : enough + 1; !done && count > 1; count >>= 1) done = attempt(all.slice(0, count))
    for (let i = 0; !done && i < Math.min(all.length, SINGLES); i++) done = attempt([all[i]])
    if (!done) break
  }
  return least
}

/** By how much, summed over the kernels, more lives than wanted. */
const excess = (layout: Layout, target: number): number => liveBytes(layout.values, layout.steps.length).reduce((n, b) => n + Math.max(0, b - target), 0)

interface Candidate {
  readonly value: PlanValue
  /** The node before which it is needed again. */
  readonly before: GraphNode
  /** The kernel from which on it is dropped. */
  readonly at: number
}

/** What lives through kernel `at` without being used by it and can be computed again, the most bytes for the least work first. */
function candidates(now: Fitted, at: number): Candidate[] {
  const { layout } = now
  const maps = indexOf(now)
  const found: (Candidate & { readonly worth: number })[] = []
  for (const value of layout.values) {
    if (!value.node || value.first >= at || value.last <= at || value.uses.includes(at) || maps.fixed.has(value.slot)) continue
    const before = maps.readers(value.slot).find(n => (maps.stepOf.get(n) ?? -1) > at)
    if (!before) continue
    const chain = chainOf(now, maps, value, at)
    if (!chain) continue
    const work = chain.reduce((n, c) => n + (maps.work.get(c) ?? 0), 0)
    found.push({ value, before, at, worth: value.bytes / (work + 1) })
  }
  return found.sort((a, b) => b.worth - a.worth)
}

interface Index {
  readonly stepOf: ReadonlyMap<GraphNode, number>
  /** Of each node what its kernels take. */
  readonly work: ReadonlyMap<GraphNode, number>
  /** Memory whose values are results or updates. */
  readonly fixed: ReadonlySet<object>
  /** The nodes that compute with what lies in a slot, in order; those that only view it are looked through. */
  readonly readers: (slot: Slot) => readonly GraphNode[]
  readonly lifeOf: ReadonlyMap<object, PlanValue>
}

const indexes = new WeakMap<Layout, Index>()
function indexOf({ graph, layout }: Fitted): Index {
  const known = indexes.get(layout)
  if (known) return known
  const stepOf = new Map<GraphNode, number>()
  const work = new Map<GraphNode, number>()
  layout.steps.forEach(({ kernel, nodes }, i) => {
    const { bytes, flops } = workOf(kernel)
    for (const n of nodes) {
      if (!stepOf.has(n)) stepOf.set(n, i)
      work.set(n, (work.get(n) ?? 0) + (bytes + flops / STEPS_PER_BYTE) / nodes.length)
    }
  })
  const readers = new Map<object, GraphNode[]>()
  for (const n of liveNodes(graph))
    for (const slot of new Set(n.inputs.flatMap(v => layout.args.get(v)?.slot ?? []))) {
      if (n.outputs.some(y => layout.args.get(y)?.slot === slot)) continue
      const list = readers.get(slot)
      if (list) list.push(n)
      else readers.set(slot, [n])
    }
  const index: Index = {
    stepOf,
    work,
    fixed: new Set([...graph.outputs, ...graph.updates.map(u => u.value)].flatMap(v => layout.args.get(v)?.slot ?? [])),
    readers: slot => readers.get(slot) ?? [],
    lifeOf: new Map(layout.values.map(v => [v.slot, v])),
  }
  indexes.set(layout, index)
  return index
}

/** Whether a value is there anyway when another, dropped from kernel `at` on, is computed again. */
function isThere(now: Fitted, { lifeOf }: Index, v: Value, { value, at }: Pick<Candidate, 'value' | 'at'>, dropped: ReadonlySet<object>): boolean {
  if (v.node === null) return true
  const slot = now.layout.args.get(v)?.slot
  if (slot === undefined || dropped.has(slot)) return false
  const life = lifeOf.get(slot)
  // Results and updated memory keep what was written; of the plan's own, what lives now anyway or takes little.
  return life ? life.first <= at && (life.last > at || LITTLE * life.bytes <= value.bytes) : 'external' in now.layout.placeOf(slot as Slot)
}

/** The nodes that must run again to get the value back; null when they are too many. */
function chainOf(now: Fitted, index: Index, value: PlanValue, at: number): GraphNode[] | null {
  const dropped = new Set<object>([value.slot])
  const chain = new Set<GraphNode>()
  const stack = [value.node!]
  while (stack.length) {
    const n = stack.pop()!
    if (chain.has(n)) continue
    chain.add(n)
    if (chain.size > CHAIN) return null
    for (const v of n.inputs) if (!isThere(now, index, v, { value, at }, dropped)) stack.push(v.node!)
  }
  return [...chain]
}

/** The graph in which these values end early and are computed again later. */
function without(now: Fitted, list: readonly Candidate[]): { graph: Graph; again: readonly GraphNode[] } {
  const index = indexOf(now)
  const dropped = new Set<object>(list.map(c => c.value.slot))
  const again = [...now.again]
  const inserted = new Map<GraphNode, GraphNode[]>()
  /** Of the nodes that read a dropped value late: what they read instead. */
  const instead = new Map<GraphNode, Map<Value, Value>>()
  /** What was computed again before a node, for all that need it there. */
  const copies = new Map<GraphNode, Map<Value, Value>>()
  for (const { value, before, at } of list) {
    const made = copies.get(before) ?? new Map<Value, Value>()
    copies.set(before, made)
    const place = inserted.get(before) ?? []
    inserted.set(before, place)
    const anew = (v: Value): Value => {
      const known = made.get(v)
      if (known) return known
      if (isThere(now, index, v, { value, at }, dropped)) return v
      const node = v.node!
      const copy = copyOf(node, node.inputs.map(anew))
      node.outputs.forEach((y, i) => made.set(y, copy.outputs[i]))
      place.push(copy)
      again.push(node)
      return made.get(v)!
    }
    for (const reader of index.readers(value.slot)) {
      if ((index.stepOf.get(reader) ?? -1) <= at) continue
      const swap = instead.get(reader) ?? new Map<Value, Value>()
      instead.set(reader, swap)
      for (const v of reader.inputs) if (now.layout.args.get(v)?.slot === value.slot) swap.set(v, anew(v))
    }
  }
  const renamed = new Map<Value, Value>()
  const of = (v: Value): Value => renamed.get(v) ?? v
  const nodes = liveNodes(now.graph).flatMap(n => {
    const swap = instead.get(n)
    const more = (inserted.get(n) ?? []).map(c => rename(c, c.inputs.map(of), renamed))
    return [...more, rename(n, n.inputs.map(v => of(swap?.get(v) ?? v)), renamed)]
  })
  const { externals, outputs, updates } = now.graph
  const graph: Graph = { nodes, externals, outputs: outputs.map(of), updates: updates.map(u => ({ ...u, value: of(u.value) })) }
  return { graph, again }
}

let count = 0
function copyOf(node: GraphNode, inputs: readonly Value[], id = -++count): GraphNode {
  const outputs: Value[] = []
  const copy: GraphNode = { id, op: node.op, params: node.params, site: node.site, inputs, outputs }
  node.outputs.forEach(v => outputs.push({ ...v, node: copy }))
  return copy
}

/** The node itself where its operands stay, else one with the new ones. */
function rename(node: GraphNode, inputs: readonly Value[], renamed: Map<Value, Value>): GraphNode {
  if (inputs.every((v, i) => v === node.inputs[i])) return node
  const made = copyOf(node, inputs, node.id)
  node.outputs.forEach((v, i) => renamed.set(v, made.outputs[i]))
  return made
}

export interface Planned {
  readonly plan: Plan
  readonly graph: Graph
  readonly again: readonly GraphNode[]
}

/** A plan with which a call holds at most `budget` bytes, of which `rest` are not the plan's own. */
export function planWithin(name: string, graph: Graph, backend: Backend, fixed: readonly (Block | null)[], layOut: (graph: Graph) => Layout, budget: number, rest: number): Planned {
  // What kernels need besides is known when they are prepared.
  for (let scratch = 0; ;) {
    const { layout, again, graph: fitted } = fitGraph(name, graph, layOut, budget - rest - scratch, rest + scratch)
    const plan = makePlan(fitted, backend, fixed, layout)
    if (rest + plan.bytes - layout.spared <= budget) return { plan, graph: fitted, again }
    scratch = plan.bytes - totalOf(layout)
    plan.dispose()
  }
}
