// `compile` and `symbolic.func` as the visitor's program sees them: the worker remembers what they make, so that the page can show it.
import * as lampas from 'lampas'
import type { GraphDescription, GraphOptions, LoggedRewrite } from 'lampas'
import type { Profile } from 'lampas/debug'
import type { FunctionEntry, Insight, Rewriting } from '../shared/graph.ts'

/** More functions than anybody looks through; older ones are let go. */
const MANY = 50

interface Watched {
  info(): { readonly traces: number; readonly kernels: number }
  graph(stage: 'traced' | 'optimized' | 'plan', options?: GraphOptions): GraphDescription
  explain(): { readonly log: readonly LoggedRewrite[] }
  profile(): Profile
}

const watched: { readonly id: number; readonly name: string; readonly f: Watched }[] = []
let count = 0
let times = false

/** Whether the kernels of what is compiled from now on are timed, one by one. */
export function timeKernels(on: boolean): void {
  times = on
}

function watch<F extends Watched>(name: string, f: F): F {
  watched.push({ id: count++, name, f })
  if (watched.length > MANY) watched.shift()
  return f
}

const compile: typeof lampas.compile = (fn, options = {}) =>
  watch(options.name ?? (fn.name || 'anonymous'), lampas.compile(fn, times ? { ...options, profile: true } : options))

const func: typeof lampas.symbolic.func = spec => {
  const f = lampas.symbolic.func(times && spec.mode !== 'eager' ? { ...spec, profile: true } : spec)
  if (spec.mode !== 'eager') watch(spec.name ?? 'func', f)
  return f
}

/** What stands in the place of the library's own exports. */
export const overrides = { compile, symbolic: { ...lampas.symbolic, func } }

/** Those that have a plan. */
export const listFunctions = (): FunctionEntry[] =>
  watched.filter(({ f }) => f.info().kernels > 0).map(({ id, name, f }) => ({ id, name, traces: f.info().traces }))

export function inspect(id: number, file: string): Insight | null {
  const found = watched.find(w => w.id === id)
  if (!found) return null
  const { f } = found
  const after = f.graph('plan')
  return { id, traces: f.info().traces, file, before: f.graph('traced'), after, log: f.explain().log, ms: times ? timesOf(after, f.profile()) : null }
}

export function rewritingOf({ id, from, to }: { readonly id: number; readonly from: number; readonly to: number }): Rewriting | null {
  const found = watched.find(w => w.id === id)
  const at = (rewrites: number): GraphDescription => found!.f.graph('optimized', { rewrites })
  return found ? { id, from, to, before: at(from), after: at(to) } : null
}

/** Milliseconds of each kernel of the plan, which is one of those that were measured; null where there are none. */
function timesOf({ plan }: GraphDescription, { why, measured }: Profile): number[] | null {
  const kernels = plan?.kernels ?? []
  const all = measured.flatMap(m => m.kernels)
  const at = all.findIndex((_, i) => kernels.every((k, j) => all[i + j]?.kind === k.kind && all[i + j].formula === k.text))
  return why !== null || at < 0 ? null : all.slice(at, at + kernels.length).map(k => k.ms / Math.max(1, k.calls))
}
