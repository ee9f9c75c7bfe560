// Profiles: where the time of compiled functions goes, by function, op, line and kernel, and what compiling took. Each kernel is run by itself
// and timed, in the order of the plan, so the numbers that a function computes stay the same to the bit.
import type { Backend, Block, Launch, Prepared, TimedPrepared } from '../../backend/backend.ts'
import { fail } from '../../core/errors.ts'
import type { GraphNode } from '../graph.ts'
import { loopOp, type LoopParams } from '../loop.ts'
import type { Plan } from '../plan.ts'
import type { Op } from '../../ops/op.ts'
import { kernelText, workOf } from '../print/work.ts'
import type { Runner } from './runner.ts'
import { placeOf, siteOf } from './words.ts'

/** What one kernel of a plan took, over all calls. */
export interface MeasuredKernel {
  /** The ops that it computes, the last one first; 'copy' for a copy of the plan's own. */
  readonly op: string
  readonly kind: string
  /** What it computes, as a formula. */
  readonly formula: string
  /** The line that built the op. */
  readonly line: string | null
  ms: number
  calls: number
  /** Bytes read and written, and arithmetic steps, of one call. */
  readonly bytes: number
  readonly flops: number
  /** The loop that it belongs to, and how many steps that has. */
  readonly loop: { readonly name: string; readonly steps: number } | null
}

/** What one function took. */
export interface Measured {
  readonly name: string
  calls: number
  /** Milliseconds of its calls, from the first kernel to the last. */
  ms: number
  /** Of compiling: tracing, the phases, planning. */
  readonly compile: Readonly<Record<string, number>>
  /** Why there are no times; null when there are. */
  readonly why: string | null
  readonly kernels: readonly MeasuredKernel[]
}

/** A row of a profile. Without times `ms`, `share`, `gflops` and `gbps` are null. */
export interface ProfileRow {
  readonly name: string
  readonly calls: number
  readonly ms: number | null
  /** Of the time of all kernels, 0 … 1. */
  readonly share: number | null
  readonly bytes: number
  readonly flops: number
  /** Arithmetic steps, 10⁹ a second. */
  readonly gflops: number | null
  /** Bytes read and written, 10⁹ a second. */
  readonly gbps: number | null
}

export interface ProfiledKernel extends ProfileRow {
  readonly function: string
  readonly op: string
  readonly kind: string
  readonly formula: string
  readonly line: string | null
}

/** All kernels of the loops of one line. */
export interface ProfiledLoop extends ProfileRow {
  /** Of one call. */
  readonly steps: number
  readonly msPerStep: number | null
}

export class Profile {
  constructor(
    /** What was measured, function by function. */
    readonly measured: readonly Measured[],
  ) {}

  get name(): string {
    return this.measured.map(m => m.name).join(', ')
  }

  /** Calls that were measured. */
  get calls(): number {
    return total(this.measured, m => m.calls)
  }

  /** Milliseconds of all kernels; null when some function has no times. */
  get ms(): number | null {
    return this.why === null ? total(this.all, k => k.ms) : null
  }

  /** Why there are no times; null when there are. */
  get why(): string | null {
    return this.measured.find(m => m.why !== null)?.why ?? null
  }

  /** Milliseconds of compiling: trace, merge, canonicalise, stabilise, specialise, plan; of all functions together. */
  get compile(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {}
    for (const m of this.measured) for (const [phase, ms] of Object.entries(m.compile)) sums[phase] = (sums[phase] ?? 0) + ms
    return sums
  }

  /** A row for each function. */
  get functions(): ProfileRow[] {
    return this.measured.map(m => ({ ...this.row(m.name, m.kernels), calls: m.calls }))
  }

  /** A row for each op, the costliest first. */
  get ops(): ProfileRow[] {
    return this.grouped(k => k.op)
  }

  /** A row for each line of the user's code. */
  get lines(): ProfileRow[] {
    return this.grouped(k => k.line ?? 'no line')
  }

  /** A row for each kernel of the plans. */
  get kernels(): ProfiledKernel[] {
    return this.measured
      .flatMap(m => m.kernels.map(k => ({ ...this.row(k.op, [k]), function: m.name, op: k.op, kind: k.kind, formula: k.formula, line: k.line })))
      .sort(costliest)
  }

  /** A row for each loop (`scan` and its kin), with the time of a step. */
  get loops(): ProfiledLoop[] {
    const groups = new Map<string, MeasuredKernel[]>()
    for (const k of this.all) if (k.loop) groups.set(k.loop.name, [...(groups.get(k.loop.name) ?? []), k])
    return [...groups].map(([name, list]): ProfiledLoop => {
      const [{ calls, loop }] = list
      const row = this.row(name, list)
      return { ...row, calls, steps: loop!.steps, msPerStep: row.ms === null || calls === 0 ? null : row.ms / calls / loop!.steps }
    }).sort(costliest)
  }

  private get all(): MeasuredKernel[] {
    return this.measured.flatMap(m => m.kernels)
  }

  private grouped(nameOf: (k: MeasuredKernel) => string): ProfileRow[] {
    const groups = new Map<string, MeasuredKernel[]>()
    for (const k of this.all) groups.set(nameOf(k), [...(groups.get(nameOf(k)) ?? []), k])
    return [...groups].map(([name, list]) => this.row(name, list)).sort(costliest)
  }

  private row(name: string, list: readonly MeasuredKernel[]): ProfileRow {
    const { ms: whole } = this
    const ms = whole === null ? null : total(list, k => k.ms)
    const bytes = total(list, k => k.bytes * k.calls)
    const flops = total(list, k => k.flops * k.calls)
    const rate = (n: number): number | null => (ms ? n / ms / 1e6 : null)
    return { name, calls: total(list, k => k.calls), ms, share: ms === null || !whole ? null : ms / whole, bytes, flops, gflops: rate(flops), gbps: rate(bytes) }
  }

  toString(): string {
    const compiling = Object.entries(this.compile).map(([phase, ms]) => `${phase} ${ms.toFixed(1)} ms`).join(', ')
    const head = `${this.name}: ${this.calls} calls, ${this.ms === null ? `no times of kernels: ${this.why}` : `${this.ms.toFixed(2)} ms in kernels`}`
    const place = (k: ProfiledKernel): ProfileRow => ({ ...k, name: k.line ? `${k.op} ${k.line}` : k.op })
    return [
      head,
      ...(compiling ? [`compiling: ${compiling}`] : []),
      ...(this.measured.length > 1 ? table('functions', this.functions) : []),
      ...table('ops', this.ops),
      ...table('kernels', this.kernels.map(place)),
      ...(this.loops.length > 0 ? ['loops:', ...this.loops.slice(0, SHOWN).map(l => `  ${l.name}: ${l.steps} steps${l.msPerStep === null ? '' : `, ${l.msPerStep.toFixed(4)} ms each`}`)] : []),
    ].join('\n')
  }
}

/** Rows that the text shows. */
const SHOWN = 20
const columns: readonly (readonly [string, (r: ProfileRow) => string])[] = [
  ['share', r => (r.share === null ? '' : `${(100 * r.share).toFixed(1)} %`)],
  ['ms', r => r.ms?.toFixed(3) ?? ''],
  ['calls', r => String(r.calls)],
  ['ms/call', r => (r.ms === null || r.calls === 0 ? '' : (r.ms / r.calls).toFixed(4))],
  ['bytes', r => scaled(r.bytes)],
  ['flops', r => scaled(r.flops)],
  ['GFLOP/s', r => (r.gflops === null || r.flops === 0 ? '' : r.gflops.toFixed(2))],
  ['GB/s', r => r.gbps?.toFixed(2) ?? ''],
]

function table(title: string, rows: readonly ProfileRow[]): string[] {
  const shown = rows.slice(0, SHOWN)
  const cells = [columns.map(([name]) => name), ...shown.map(r => columns.map(([, text]) => text(r)))]
  const widths = columns.map((_, i) => Math.max(...cells.map(c => c[i].length)))
  const line = (c: readonly string[], name: string): string => `  ${c.map((x, i) => x.padStart(widths[i])).join('  ')}  ${name}`
  const rest = rows.length - shown.length
  return [`${title}:`, line(cells[0], ''), ...shown.map((r, i) => line(cells[i + 1], r.name)), ...(rest > 0 ? [`  … and ${rest} more`] : [])].map(l => l.trimEnd())
}

const scaled = (n: number): string => {
  const at = n < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(n) / 3))
  return at === 0 ? String(n) : `${(n / 1000 ** at).toFixed(1)}${'kMGT'[at - 1]}`
}
const costliest = (a: ProfileRow, b: ProfileRow): number => (b.ms ?? 0) - (a.ms ?? 0) || b.flops - a.flops || b.bytes - a.bytes
const total = <T>(list: readonly T[], of: (x: T) => number): number => list.reduce((n, x) => n + of(x), 0)

/** A fused kernel is called by what it ends in. */
const nameOf = (nodes: readonly GraphNode[]): string => (nodes.length ? nodes.map(n => n.op.name).reverse().join(' ← ') : 'copy')

const measuredKernel = ({ kernel }: Launch, nodes: readonly GraphNode[]): MeasuredKernel => {
  const last = nodes.at(-1)
  const node = nodes.find(n => n.op === (loopOp as Op))
  const loop = node ? { name: `n${node.id} ${placeOf(node)}`, steps: (node.params as LoopParams).steps } : null
  return { op: nameOf(nodes), kind: kernel.kind, formula: kernelText(kernel), line: last ? siteOf(last) : null, ms: 0, calls: 0, ...workOf(kernel), loop }
}

/** Runs the kernels of a plan one by one, and keeps their times. */
export class Timing implements Runner {
  readonly kernels: MeasuredKernel[] = []
  calls = 0
  ms = 0
  readonly why: string | null
  private parts: { readonly prepared: Prepared; readonly blocks: readonly Block[] }[] | null = null
  private timed: TimedPrepared | null = null

  constructor(private readonly backend: Backend) {
    this.why = backend.readSync || backend.prepareTimed ? null : `the device '${backend.info.name}' (${backend.info.detail}) does not tell the times of kernels`
  }

  run(plan: Plan, swap: ReadonlyMap<Block, Block>): Promise<void> | void {
    const { backend } = this
    if (this.kernels.length === 0) this.kernels.push(...plan.launches.map((l, i) => measuredKernel(l, plan.origins[i])))
    this.calls++
    for (const k of this.kernels) k.calls++
    if (backend.readSync) return this.oneByOne(plan, swap)
    if (!backend.prepareTimed) return plan.prepared.run(swap)
    this.timed ??= backend.prepareTimed(plan.launches)
    return this.timed.run(swap).then(times => {
      times.forEach((ms, i) => (this.kernels[i].ms += ms))
      this.ms += times.reduce((a, b) => a + b, 0)
    })
  }

  private oneByOne(plan: Plan, swap: ReadonlyMap<Block, Block>): void {
    const { kernels } = this
    this.parts ??= plan.launches.map(l => ({ prepared: this.backend.prepare([l]), blocks: [...new Set(l.blocks)] }))
    const begin = performance.now()
    this.parts.forEach(({ prepared, blocks }, i) => {
      const own = new Map(blocks.flatMap(b => (swap.has(b) ? [[b, swap.get(b)!] as const] : [])))
      const start = performance.now()
      prepared.run(own)
      kernels[i].ms += performance.now() - start
    })
    this.ms += performance.now() - begin
  }

  dispose(): void {
    for (const { prepared } of this.parts ?? []) prepared.dispose()
    this.timed?.dispose()
    this.parts = this.timed = null
  }
}

/**
 * The profiles of several functions as one, to be read or printed. As `theano`'s summary of all functions.
 *
 * @example
 * const f = compile(x => x.mul(2).exp(), { profile: true, name: 'f' })
 * const g = compile(x => x.sum(), { profile: true, name: 'g' })
 * g(f(tensor([1, 2])))
 * profile(f, g).calls // → 2
 */
export function profile(...functions: readonly { profile(): Profile }[]): Profile {
  if (functions.length === 0) fail('profile', 'no function is given', 'profile(f, g) with f = compile(…, { profile: true })')
  return new Profile(functions.flatMap(f => f.profile().measured))
}
