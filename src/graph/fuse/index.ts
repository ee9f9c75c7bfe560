// Fusion: kernels that hand results to each other become one kernel, so that what only passes between them is never stored. Works on the
// lowered kernels, for all devices alike; each says whether it runs a joint kernel well. Here everything is written once and nothing
// overwritten (the plan shares memory later), so only the order matters: a joint kernel runs at the place of one of its parts.
import { dtypes, WORD } from '../../core/dtype.ts'
import type { Backend } from '../../backend/backend.ts'
import { innerOf, type PlannedKernel } from '../../ir/when.ts'
import type { GraphNode } from '../graph.ts'
import type { Fired } from '../passes/index.ts'
import type { Meter } from '../passes/meter.ts'
import type { Rewrite } from '../passes/rewrite.ts'
import type { Slot, Step } from '../steps.ts'
import { cost, once } from './body.ts'
import { alignMap, alignRows, joinLoops, kernelOf, loopOf, slotsOf, withResults, type Aligned, type Loop, type Read } from './loop.ts'
import { inSpaceOf, kernelOfProduct, productOf, type Product } from './product.ts'
import { areSiblings, batchKey, batchOf } from './beside.ts'
import { fusion, fusionRules } from './rules.ts'
import { count } from './space.ts'

/** Steps of one program, and operands of one kernel, beyond which nothing is added. */
const MOST_STEPS = 128
const MOST_OPERANDS = 32
/** Additions that are cheaper to repeat than a result is to store and read. */
const CHEAP = 3
/** A device works on rows side by side: with fewer rows than this, longer ones are left to kernels of their own once they are reduced. */
const FEW_ROWS = 8
const LONG_ROW = 2048
/** Bytes of memory that a map of a batch may keep from others by running sooner or later. */
const LIGHT = 2 ** 18

export interface Group {
  /** Place in the order. */
  at: number
  kernel: PlannedKernel
  slots: readonly Slot[]
  nodes: readonly GraphNode[]
  loop: Loop | null
  /** Of which the loop is the epilogue. */
  product: Product | null
  /** Stands between writes to memory that it reads, so it cannot move. */
  pinned: boolean
}

export interface Fused {
  readonly steps: readonly Step[]
  readonly fired: readonly Fired[]
}

/** `results` are read after the last step; of some of them `targets` says which memory they are to be computed in. */
export function fuse(steps: readonly Step[], results: ReadonlySet<Slot>, targets: ReadonlyMap<Slot, Slot>, backend: Backend, exclude: readonly string[], meter: Meter): Fused {
  return exclude.includes(fusion.name) ? { steps, fired: [] } : new Fuser(steps, results, targets, backend, exclude, meter).run()
}

class Fuser {
  private readonly writers = new Map<Slot, Group[]>()
  private readonly readers = new Map<Slot, Set<Group>>()
  private readonly fired: Fired[] = []
  private readonly groups = new Set<Group>()
  /** What is being tried. */
  private rule: Rewrite = fusion

  constructor(
    steps: readonly Step[],
    private readonly results: ReadonlySet<Slot>,
    private readonly targets: ReadonlyMap<Slot, Slot>,
    private readonly backend: Backend,
    private readonly exclude: readonly string[],
    private readonly meter: Meter,
  ) {
    steps.forEach(({ kernel, slots, nodes }, at) => {
      const made = productOf(kernel, slots)
      this.add({ at, kernel, slots, nodes, loop: made?.loop ?? loopOf(kernel, slots), product: made?.product ?? null, pinned: false })
    })
    for (const g of this.groups) g.pinned = this.inputsOf(g).some(s => (this.writers.get(s)?.at(-1)?.at ?? -1) >= g.at)
    this.trim()
  }

  private inputsOf(g: Group): readonly Slot[] {
    return g.slots.slice(0, g.kernel.inputs.length)
  }
  private outputsOf(g: Group): readonly Slot[] {
    return g.slots.slice(g.kernel.inputs.length)
  }

  private add(g: Group): void {
    this.groups.add(g)
    for (const s of this.inputsOf(g)) (this.readers.get(s) ?? this.readers.set(s, new Set()).get(s)!).add(g)
    for (const s of this.outputsOf(g)) {
      const list = this.writers.get(s) ?? []
      if (!list.includes(g)) this.writers.set(s, [...list, g])
    }
  }

  private remove(g: Group): void {
    this.groups.delete(g)
    for (const s of this.inputsOf(g)) this.readers.get(s)?.delete(g)
    for (const s of this.outputsOf(g)) this.writers.set(s, this.writers.get(s)!.filter(w => w !== g))
  }

  private isRead(s: Slot, except: Group | null): boolean {
    if (this.results.has(s) || s.external >= 0) return true
    for (const r of this.readers.get(s) ?? []) if (r !== except) return true
    return false
  }

  /** Drops what nobody reads. */
  private trim(): void {
    for (const g of [...this.groups].reverse()) {
      if (!g.loop || g.product) continue
      const wanted = [...g.loop.outputs.keys()].filter(k => this.isRead(g.loop!.outputs[k].slot, null))
      if (wanted.length === g.loop.outputs.length) continue
      this.remove(g)
      if (wanted.length > 0) this.add(this.grouped({ ...g, loop: withResults(g.loop, wanted) })!)
    }
  }

  /** The group with the kernel of its loop, or null when there is none. */
  private grouped(g: Omit<Group, 'kernel' | 'slots'> & { readonly loop: Loop }): Group | null {
    if (g.product) {
      const made = kernelOfProduct(g.product, g.loop)
      return made && { ...g, ...made }
    }
    const kernel = kernelOf(g.loop)
    return kernel && { ...g, kernel, slots: slotsOf(g.loop) }
  }

  private inOrder(): Group[] {
    return [...this.groups].sort((a, b) => a.at - b.at)
  }

  run(): Fused {
    for (const g of this.inOrder()) if (this.groups.has(g) && g.loop) this.gather(g)
    this.meter.start()
    this.rule = fusionRules.siblings
    for (const g of this.inOrder()) if (this.groups.has(g)) this.joinSiblings(g)
    this.meter.mark(this.rule.name)
    this.rule = fusionRules.batch
    if (!this.exclude.includes(this.rule.name)) this.batch()
    this.meter.mark(this.rule.name)
    const steps = this.inOrder().map(({ kernel, slots, nodes }): Step => ({ kernel, slots, nodes }))
    return { steps, fired: this.fired }
  }

  /** Takes in whatever makes what a kernel reads. */
  private gather(first: Group): void {
    let reader = first
    const refused = new Set<Group>()
    for (let i = reader.loop!.inputs.length - 1; i >= 0; i--) {
      const makers = this.writers.get(reader.loop!.inputs[i].slot)
      if (makers?.length !== 1 || makers[0] === reader || !makers[0].loop || refused.has(makers[0])) continue
      this.meter.start()
      const joint = this.join(makers[0], reader)
      this.meter.mark(this.rule.name)
      if (joint) {
        reader = joint
        i = reader.loop!.inputs.length
      } else refused.add(makers[0])
    }
  }

  /** One kernel for both, in the place of the reader and, unless it is needed elsewhere, of the maker. */
  private join(maker: Group, reader: Group): Group | null {
    const [first, second] = [maker.loop!, reader.loop!]
    this.rule = ruleFor(maker, reader)
    const reads: Read[] = []
    second.inputs.forEach((x, input) => {
      const output = first.outputs.findIndex(o => o.slot === x.slot)
      if (output >= 0) reads.push({ input, output })
    })
    // What somebody else writes to as well is not what the maker put there, and of two parts of one memory it is not said which one is read.
    const isOwn = (slot: Slot): boolean => this.writers.get(slot)!.length === 1 && first.outputs.filter(o => o.slot === slot).length === 1
    if (reads.some(({ input, output }) => !passes(first, output, second, input) || !isOwn(second.inputs[input].slot))) return null
    const keep = [...first.outputs.keys()].filter(k => this.isRead(first.outputs[k].slot, reader))
    if (keep.length > 0 && this.awaitsRows(reader)) return null
    // The operands of a product are stored before it runs.
    const { product } = reader
    if (product && first.outputs.some(x => product.slots.includes(x.slot))) return null
    if (maker.product) return this.epilogue(maker, reader, reads, keep)
    const aligned = first.axes > 0 ? (reader.product ? null : alignRows(first, second, reads)) : alignMap(first, second, reads)
    if (!aligned || (reader.product && aligned.second.shape.length !== second.shape.length)) return null
    if (first.axes > 0 && tooFew(aligned)) return null
    if (keep.length > 0 && first.axes === 0 && first.inputs.length > 0 && this.isDeferred(reader)) return null
    const makes = { ...reader, nodes: united(maker.nodes, reader.nodes) }
    const isCheap = first.axes === 0 && cost(first.body) <= CHEAP && first.inputs.length <= 1
    if (keep.length === 0 ? aligned.single : aligned.whole) {
      const at = this.placeFor(maker, reader, keep)
      if (at !== null) {
        const joint = this.accept({ ...makes, at, pinned: maker.pinned || reader.pinned, loop: joinLoops(aligned.first, aligned.second, aligned.reads, keep) })
        if (joint) return this.replace([maker, reader], joint)
      }
    }
    // Computed again here; the maker goes once nobody needs it any more.
    if (!isCheap || maker.pinned || (keep.length > 0 && first.inputs.length > 0 && !this.isPassing(maker))) return null
    this.meter.mark(this.rule.name)
    this.rule = fusionRules.recompute
    const joint = this.accept({ ...makes, loop: joinLoops(aligned.first, aligned.second, aligned.reads, []) })
    if (!joint) return null
    this.replace([reader], joint)
    if (!first.outputs.some(x => this.isRead(x.slot, null))) this.remove(maker)
    return joint
  }

  /** Whether all that read it may take it in. */
  private isPassing(maker: Group): boolean {
    return this.outputsOf(maker).every(s => !this.results.has(s) && s.external < 0 && [...(this.readers.get(s) ?? [])].every(r => r.loop && !r.product))
  }

  /** Whether it is cheap to compute from one stored result: then that is left to those who read it. */
  private isDeferred(g: Group): boolean {
    return !g.product && cost(g.loop!.body) <= CHEAP && g.loop!.inputs.length === 1 && this.isPassing(g) && this.outputsOf(g).every(s => [...this.readers.get(s)!].every(r => r.loop!.axes === 0))
  }

  /** Whether all that read it reduce: then it goes into them, and is not stored. */
  private awaitsRows(g: Group): boolean {
    return g.loop!.axes === 0 && this.outputsOf(g).every(s => !this.results.has(s) && s.external < 0 && [...(this.readers.get(s) ?? [])].every(r => r.loop && r.loop.axes > 0))
  }

  private epilogue(maker: Group, reader: Group, reads: readonly Read[], keep: readonly number[]): Group | null {
    if (reader.product || (keep.length > 0 && this.isDeferred(reader))) return null
    const second = inSpaceOf(maker.loop!, reader.loop!, reads)
    const at = second && this.placeFor(maker, reader, keep)
    if (!second || at === null) return null
    const loop = joinLoops(maker.loop!, second, reads, keep)
    const joint = this.accept({ at, product: maker.product, pinned: maker.pinned || reader.pinned, nodes: united(maker.nodes, reader.nodes), loop })
    return joint && this.replace([maker, reader], joint)
  }

  /** Whether it may move, as far as what it reads and what reads it allow. */
  private isFree(g: Group): boolean {
    return !g.pinned && this.outputsOf(g).every(s => this.writers.get(s)!.length === 1)
  }

  /** Where both can run as one: all that they read is there, and nobody was to read a result before. */
  private placeFor(maker: Group, reader: Group, keep: readonly number[]): number | null {
    const early = keep.some(k => [...(this.readers.get(maker.loop!.outputs[k].slot) ?? [])].some(r => r !== reader && r.at < reader.at))
    if (this.isFree(maker) && !early) return reader.at
    const late = this.inputsOf(reader).some(s => this.writers.get(s)?.some(w => w !== maker && w.at > maker.at))
    return this.isFree(reader) && !late ? maker.at : null
  }

  /** Whether it can run as late as that: nobody reads its results before. */
  private canWait(g: Group, at: number): boolean {
    return this.isFree(g) && this.outputsOf(g).every(s => [...(this.readers.get(s) ?? [])].every(r => r.at > at))
  }

  /** Whether it can run as early as that: all that it reads is there. */
  private canHurry(g: Group, at: number): boolean {
    return this.isFree(g) && this.inputsOf(g).every(s => (this.writers.get(s) ?? []).every(w => w.at < at))
  }

  /** Whether neither touches what the other writes, nor the memory that this is to be computed in. */
  private areApart(a: Group, b: Group): boolean {
    const touches = (g: Group, made: Group): boolean => this.outputsOf(made).some(s => g.slots.includes(s) || g.slots.includes(this.targets.get(s) ?? s))
    return !touches(a, b) && !touches(b, a)
  }

  /** Reductions over the same rows that read one input go into the last of them, or where that cannot wait into this one. */
  private joinSiblings(first: Group): void {
    if (!first.loop?.body.reduces) return
    const others = new Set(first.loop.inputs.flatMap(x => [...this.readers.get(x.slot)!]))
    let group = first
    for (const other of [...others].sort((a, b) => a.at - b.at)) {
      if (other === first || !this.groups.has(other) || !other.loop || !areSiblings(group.loop!, other.loop) || !this.areApart(group, other)) continue
      const [early, late] = group.at < other.at ? [group, other] : [other, group]
      const at = this.canWait(early, late.at) ? late.at : this.canHurry(late, early.at) ? early.at : null
      if (at === null) continue
      const keep = [...early.loop!.outputs.keys()]
      const joint = this.accept({ at, product: null, pinned: early.pinned || late.pinned, nodes: united(early.nodes, late.nodes), loop: joinLoops(early.loop!, late.loop!, [], keep) })
      if (joint) group = this.replace([early, late], joint)
    }
  }

  /** Maps of one program that can run at one place become one kernel. */
  private batch(): void {
    const open = new Map<string, Group[]>()
    const batches: Group[][] = []
    const mayBatch = once((g: Group) => this.backend.fuses(batchOf([g]).kernel, new Set(g.slots).size))
    for (const g of this.inOrder()) {
      if (!g.loop || g.kernel.kind !== 'map') continue
      const key = batchKey(g.kernel)
      const parts = open.get(key)
      if (parts && !mayBatch(g)) continue
      const at = parts && mayBatch(parts[0]) ? this.placeAmong(parts, g) : null
      if (parts && at !== null) for (const p of [...parts, g]) p.at = at
      if (parts && at !== null) parts.push(g)
      else open.set(key, batches[batches.push([g]) - 1])
    }
    for (const parts of batches) {
      if (parts.length < 2) continue
      for (const { nodes: [node] } of parts) this.fired.push({ rewrite: this.rule, op: node?.op.name ?? 'copy', site: node?.site, count: 1 })
      for (const p of parts) this.remove(p)
      this.add({ at: parts[0].at, ...batchOf(parts), nodes: united(parts.flatMap(p => p.nodes), []), loop: null, product: null, pinned: true })
    }
  }

  /** Where maps that run together and one more can run. */
  private placeAmong(parts: readonly Group[], g: Group): number | null {
    if (!parts.every(p => this.areApart(p, g))) return null
    if (parts.every(p => this.isLight(p) && this.canWait(p, g.at))) return g.at
    return this.isLight(g) && this.canHurry(g, parts[0].at) ? parts[0].at : null
  }

  /** Whether it keeps little memory from others, wherever it runs. */
  private isLight(g: Group): boolean {
    return g.slots.reduce((n, s) => n + (s.external >= 0 || this.results.has(s) ? 0 : s.bytes), 0) <= LIGHT
  }

  private accept(g: Omit<Group, 'kernel' | 'slots'> & { readonly loop: Loop }): Group | null {
    const { rule } = this
    if (this.exclude.includes(rule.name) || g.loop.body.steps.length > MOST_STEPS || g.loop.inputs.length + g.loop.outputs.length > MOST_OPERANDS) return null
    const made = this.grouped(g)
    if (!made || this.spoils(made) || !this.backend.fuses(innerOf(made.kernel), new Set(made.slots).size)) return null
    const node = g.nodes.at(-1)
    this.fired.push({ rewrite: rule, op: node?.op.name ?? 'copy', site: node?.site, count: 1 })
    return made
  }

  /** Whether a result would be computed in memory that the kernel reads otherwise than element by element. */
  private spoils({ kernel, slots, loop, product }: Group): boolean {
    return loop!.outputs.some(({ slot, strides }) => {
      const target = this.targets.get(slot)
      return target !== undefined && (product !== null || strides.length < loop!.shape.length) && slots.slice(0, kernel.inputs.length).includes(target)
    })
  }

  private replace(old: readonly Group[], made: Group): Group {
    for (const g of old) this.remove(g)
    this.add(made)
    return made
  }
}

const ruleFor = (maker: Group, reader: Group): Rewrite => {
  const [first, second] = [maker.loop!.axes > 0, reader.loop!.axes > 0]
  if (maker.product || (reader.product && !first)) return fusionRules.epilogue
  return first ? (second ? fusionRules.rowsIntoRows : fusionRules.rowsIntoMap) : second ? fusionRules.mapIntoRows : fusionRules.mapIntoMap
}

/** Whether the number that one stores is the number that the other reads: of the same dtype, and not rounded in between. */
function passes(first: Loop, output: number, second: Loop, input: number): boolean {
  const { dtype } = first.outputs[output]
  return dtype === second.inputs[input].dtype && dtypes[dtype].bytes >= WORD && first.body.steps[first.body.outputs[output]].dtype === second.body.inputs[input]
}

const tooFew = ({ second }: Aligned): boolean => {
  const edge = second.shape.length - second.axes
  return count(second.shape, 0, edge) < FEW_ROWS && count(second.shape, edge) > LONG_ROW && (second.body.reduces || second.outputs.some(x => x.strides.length === second.shape.length))
}

const united = (a: readonly GraphNode[], b: readonly GraphNode[]): GraphNode[] => [...new Set([...a, ...b])]
