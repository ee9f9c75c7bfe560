// `compile` and `symbolic.func` as the visitor's program sees them: the worker remembers what they make, so that the page can show it.
import * as lampas from 'lampas'
import type { GraphDescription, LoggedRewrite } from 'lampas'
import type { FunctionEntry, Insight } from '../shared/graph.ts'

/** More functions than anybody looks through; older ones are let go. */
const MANY = 50

interface Watched {
  info(): { readonly traces: number }
  graph(stage: 'traced' | 'plan'): GraphDescription
  explain(): { readonly log: readonly LoggedRewrite[] }
}

const watched: { readonly id: number; readonly name: string; readonly f: Watched }[] = []
let count = 0

function watch<F extends Watched>(name: string, f: F): F {
  watched.push({ id: count++, name, f })
  if (watched.length > MANY) watched.shift()
  return f
}

const compile: typeof lampas.compile = (fn, options) => watch(options?.name ?? (fn.name || 'anonymous'), lampas.compile(fn, options))

const func: typeof lampas.symbolic.func = spec => {
  const f = lampas.symbolic.func(spec)
  if (spec.mode !== 'eager') watch(spec.name ?? 'func', f)
  return f
}

/** What stands in the place of the library's own exports. */
export const overrides = { compile, symbolic: { ...lampas.symbolic, func } }

export const listFunctions = (): FunctionEntry[] =>
  watched.map(({ id, name, f }) => ({ id, name, traces: f.info().traces })).filter(f => f.traces > 0)

export function inspect(id: number, file: string): Insight | null {
  const found = watched.find(w => w.id === id)
  if (!found) return null
  const { f } = found
  return { id, traces: f.info().traces, file, before: f.graph('traced'), after: f.graph('plan'), log: f.explain().log, ms: null }
}
