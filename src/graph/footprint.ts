// What memory a plan takes, told before it runs.
import { bytesOf, type DType } from '../core/dtype.ts'
import { numel, type Shape } from '../core/shape.ts'
import { isContiguous } from '../core/view.ts'
import type { Tensor } from '../ops/tensor.ts'
import { liveBytes, mostLive } from './memory.ts'
import type { GraphNode, Value } from './graph.ts'
import type { Layout, Plan, PlanValue } from './plan.ts'
import type { External } from './trace.ts'

/** A value in the plan's own memory. */
export interface HeldValue {
  /** The op that it is a result of; 'copy' for one that the plan makes. */
  readonly op: string
  /** The line that built it. */
  readonly site: string | null
  readonly bytes: number
}

/** What lives in the plan's own memory while a kernel runs. */
export interface KernelMemory {
  /** The ops that it computes. */
  readonly ops: readonly string[]
  readonly live: number
  /** The largest values, the largest first. */
  readonly largest: readonly HeldValue[]
}

export interface FootprintParts {
  /** Of the arguments, and of copies of those that are views with gaps or in another order. */
  readonly arguments: number
  /** What the code reaches by itself: parameters, their gradients, state of optimisers and of random numbers. */
  readonly captured: number
  /** Numbers that the code wrote down, as the compiler keeps them. */
  readonly constants: number
  /** Less those that lie in donated arguments. */
  readonly results: number
  /** The plan's own blocks, for values on the way. It keeps them between calls. */
  readonly intermediates: number
  /** What the device keeps for the kernels of the plan. */
  readonly scratch: number
}

const sum = <T>(list: Iterable<T>, of: (item: T) => number): number => [...list].reduce((n, x) => n + of(x), 0)
const sizeOf = ({ dtype, shape }: { readonly dtype: DType; readonly shape: Shape }): number => bytesOf(dtype, numel(shape))

/** The bytes that are not the plan's own. */
export function partsOf(externals: readonly External[], outputs: readonly Value[], args: readonly Tensor[]): Omit<FootprintParts, 'intermediates' | 'scratch'> {
  const storages = (literal: boolean): number => sum(new Set(externals.filter(e => e.argument === null && e.literal === literal).map(e => e.storage)), s => s.block.bytes)
  return {
    arguments: sum(externals, e => (e.argument === null ? 0 : sizeOf(e.value))) + sum(args, x => (isContiguous(x.layout) && x.layout.offset === 0 ? 0 : sizeOf(x))),
    captured: storages(false),
    constants: storages(true),
    results: sum(outputs, sizeOf),
  }
}

export const totalOf = (parts: Partial<FootprintParts>): number => sum(Object.values(parts), n => n)

const LARGEST = 5

const heldOf = ({ node, bytes }: PlanValue): HeldValue => ({ op: node?.op.name ?? 'copy', site: node?.site?.line ?? null, bytes })

/** The same op at the same line is one row. */
function gathered(values: readonly PlanValue[]): (HeldValue & { readonly count: number })[] {
  const rows = new Map<string, HeldValue & { count: number }>()
  for (const v of values) {
    const held = heldOf(v)
    const key = `${held.op} ${held.site}`
    const row = rows.get(key)
    rows.set(key, { ...held, bytes: held.bytes + (row?.bytes ?? 0), count: 1 + (row?.count ?? 0) })
  }
  return [...rows.values()].sort((a, b) => b.bytes - a.bytes)
}

/** The values that live while kernel `i` runs. */
export const liveAt = (layout: Layout, i: number): PlanValue[] => layout.values.filter(v => v.first <= i && v.last >= i).sort((a, b) => b.bytes - a.bytes)

/** The memory of a compiled function in bytes, known before its first call; it equals what `memory().held` then shows. */
export class Footprint implements FootprintParts {
  readonly arguments: number
  readonly captured: number
  readonly constants: number
  readonly results: number
  readonly intermediates: number
  readonly scratch: number
  /** All that is held while a call runs: the sum of the parts. */
  readonly peak: number
  /** The most bytes of values on the way that live at once; blocks cannot take less. */
  readonly live: number
  /** In how many blocks they lie. */
  readonly blocks: number
  /** Bytes of results that lie in donated arguments. */
  readonly donated: number
  private readonly layout: Layout
  #timeline: readonly KernelMemory[] | null = null

  constructor(
    readonly name: string,
    rest: ReturnType<typeof partsOf>,
    plan: Plan,
    /** What is computed again so that the budget is met. */
    private readonly again: readonly GraphNode[],
  ) {
    const { layout } = plan
    this.layout = layout
    this.arguments = rest.arguments
    this.captured = rest.captured
    this.constants = rest.constants
    this.donated = layout.spared
    this.results = rest.results - layout.spared
    this.intermediates = sum(layout.blocks, n => n)
    this.scratch = plan.bytes - this.intermediates
    this.peak = totalOf(rest) + plan.bytes - layout.spared
    this.live = mostLive(layout.values, layout.steps.length).bytes
    this.blocks = layout.blocks.length
  }

  /** Kernel by kernel in the order in which they run. */
  get timeline(): readonly KernelMemory[] {
    if (this.#timeline) return this.#timeline
    const { layout } = this
    const live = liveBytes(layout.values, layout.steps.length)
    const largest = layout.steps.map((): PlanValue[] => [])
    for (const v of [...layout.values].sort((a, b) => b.bytes - a.bytes))
      for (let i = v.first; i <= v.last; i++) if (largest[i].length < LARGEST) largest[i].push(v)
    return (this.#timeline = layout.steps.map(({ nodes }, i) => ({ ops: nodes.map(n => n.op.name), live: live[i], largest: largest[i].map(heldOf) })))
  }

  /** Ops that are computed a second time to save memory, with their lines. */
  get recomputed(): readonly { readonly op: string; readonly site: string | null }[] {
    return this.again.map(n => ({ op: n.op.name, site: n.site?.line ?? null }))
  }

  toString(): string {
    const { at } = mostLive(this.layout.values, this.layout.steps.length)
    const rows: [string, number, string][] = [
      ['arguments', this.arguments, ''],
      ['captured', this.captured, 'parameters, their gradients, state'],
      ['constants', this.constants, ''],
      ['results', this.results, ''],
      ['donated', this.donated, 'of results that lie in arguments, counted there'],
      ['intermediates', this.intermediates, `in ${this.blocks} block${this.blocks === 1 ? '' : 's'}, for ${inBytes(this.live)} that live at once`],
      ['scratch', this.scratch, 'of kernels'],
    ]
    const shown = rows.filter(([, bytes]) => bytes > 0).map(([label, bytes, text]) => `  ${label.padEnd(14)} ${inBytes(bytes).padStart(10)}  ${text}`.trimEnd())
    const values = gathered(liveAt(this.layout, at))
    const ops = this.layout.steps[at]?.nodes.map(n => n.op.name).join(', ') || 'copy'
    return [
      `${this.name}: ${inBytes(this.peak)} during a call`,
      ...shown,
      ...(values.length ? [`most of them live in kernel ${at + 1} of ${this.layout.steps.length} (${ops}):`] : []),
      ...values.slice(0, LARGEST).map(v => `  ${inBytes(v.bytes).padStart(25)}  ${v.op}${v.count > 1 ? ` ×${v.count}` : ''}${v.site ? ` ${v.site}` : ''}`),
      ...(values.length > LARGEST ? [`  ${inBytes(values.slice(LARGEST).reduce((n, v) => n + v.bytes, 0)).padStart(25)}  ${values.length - LARGEST} more`] : []),
      ...(this.again.length ? [`computed again: ${counted(this.again.map(n => n.op.name))}`] : []),
    ].join('\n')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

/** `relu ×3, matmul` */
function counted(names: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const n of names) counts.set(n, (counts.get(n) ?? 0) + 1)
  return [...counts].map(([n, c]) => (c > 1 ? `${n} ×${c}` : n)).join(', ')
}

const units = ['B', 'KiB', 'MiB', 'GiB'] as const
export function inBytes(bytes: number): string {
  const k = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${k === 0 ? bytes : (bytes / 1024 ** k).toFixed(1)} ${units[k]}`
}
