// What the compiler did, as data and as a text.
import type { GraphNode } from '../graph.ts'
import type { Place } from '../site.ts'
import type { Fired } from './index.ts'
import type { Phase } from './rewrite.ts'

/** One rewrite in one place of the user's code. */
export interface ExplainedRewrite {
  readonly phase: Phase
  readonly name: string
  readonly rule: string
  /** Whether it may have changed the rounding. */
  readonly rounds: boolean
  readonly count: number
  /** Op and line of the nodes that were rewritten, each place once. */
  readonly where: readonly string[]
}

/** A rewrite that fired: on which op, and the line of the user that built it. */
export interface LoggedRewrite {
  readonly phase: Phase
  readonly name: string
  readonly rule: string
  readonly rounds: boolean
  readonly op: string
  readonly count: number
  readonly site: Place | null
}

export interface ExplainedCounts {
  readonly nodes: readonly [before: number, after: number]
  readonly kernels: readonly [before: number, after: number]
  /** Milliseconds of tracing, of each phase, and of planning. */
  readonly ms: Readonly<Record<'trace' | Phase, number>>
  /** Milliseconds of each rewrite that was tried, whether it fired or not; the costliest first. */
  readonly msOf: Readonly<Record<string, number>>
  /** Whether the plan is one of an earlier visit (`lampas/cache`). Then the rewrites, and all times but that of the trace, are of working it out again to explain it. */
  readonly cached: boolean
  /** Whether something is added up in another order than by eager code: what it meets lies otherwise, or it is the gradient of a loop or a branch. */
  readonly reorders: boolean
}

export class Explanation implements ExplainedCounts {
  readonly rewrites: readonly ExplainedRewrite[]
  readonly nodes: readonly [before: number, after: number]
  readonly kernels: readonly [before: number, after: number]
  readonly ms: ExplainedCounts['ms']
  readonly msOf: ExplainedCounts['msOf']
  readonly cached: boolean
  readonly reorders: boolean

  constructor(
    readonly name: string,
    private readonly fired: readonly Fired[],
    counts: ExplainedCounts,
  ) {
    this.nodes = counts.nodes
    this.kernels = counts.kernels
    this.ms = counts.ms
    this.cached = counts.cached
    this.reorders = counts.reorders
    this.msOf = Object.fromEntries(Object.entries(counts.msOf).sort(([, a], [, b]) => b - a))
    const byName = new Map<string, Fired[]>()
    for (const f of fired) byName.set(f.rewrite.name, [...(byName.get(f.rewrite.name) ?? []), f])
    this.rewrites = [...byName.values()].map(list => {
      const { name, phase, rule, rounds } = list[0].rewrite
      return { phase, name, rule, rounds, count: list.reduce((n, f) => n + f.count, 0), where: [...new Set(list.map(f => placeOf(f.op, f)))] }
    })
  }

  /** All that fired, in order, as plain data. */
  get log(): LoggedRewrite[] {
    return this.fired.map(({ rewrite: { phase, name, rule, rounds }, op, count, site }) => ({ phase, name, rule, rounds, op, count, site: site?.place ?? null }))
  }

  /** Whether some rewrite that fired may change the rounding, or the order in which something is added up. If not, the numbers are those of eager code to the bit on wasm. */
  get rounds(): boolean {
    return this.reorders || this.rewrites.some(r => r.rounds)
  }

  toString(): string {
    const head = `${this.name}: ${this.nodes[0]} nodes → ${this.nodes[1]}, ${this.kernels[0]} kernels → ${this.kernels[1]}${this.cached ? ', plan from the cache' : ''}`
    const time = Object.entries(this.ms).map(([k, ms]) => `${k} ${ms.toFixed(1)} ms`).join(', ')
    const lines = this.rewrites.flatMap(r => [
      `  ${r.phase.padEnd(12)} ${r.name} ×${r.count}   ${r.rule}`,
      ...r.where.slice(0, SHOWN).map(w => `               ${w}`),
      ...(r.where.length > SHOWN ? [`               … and ${r.where.length - SHOWN} more places`] : []),
    ])
    const costly = Object.entries(this.msOf).slice(0, SHOWN).map(([k, ms]) => `${k} ${ms.toFixed(2)} ms`).join(', ')
    return [head, ...lines, `  ${time}`, ...(costly ? [`  most of it on ${costly}`] : [])].join('\n')
  }
}

/** Places of one rewrite that the text lists, and rewrites with their times. */
const SHOWN = 4

const placeOf = (op: string, { site }: Pick<GraphNode, 'site'>): string => (site?.line ? `${op} ${site.line}` : op)
