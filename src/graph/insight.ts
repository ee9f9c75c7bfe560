// What printing and saving see of compiled functions. `lampas/lite` has neither of them: who describes graphs registers here.
import type { Backend } from '../backend/backend.ts'
import { fail } from '../core/errors.ts'
import type { Storage } from '../eager/storage.ts'
import type { Graph } from './graph.ts'
import { absent } from './late.ts'
import type { Plan } from './plan.ts'
import type { External, Traced } from './trace.ts'
import type { GraphDescription, GraphOptions, Stage } from './print/description.ts'

/** What an external of a graph is; the memory of an argument may be another in each call. */
export interface Outside extends Pick<External, 'value' | 'argument' | 'literal' | 'trained'> {
  readonly storage: Storage | null
}

/** A traced function with its plan: one for each kind of arguments. */
export interface Version {
  readonly traced: Pick<Traced, 'graph' | 'argumentGrads'> & { readonly externals: readonly Outside[] }
  /** What was planned, after all rewrites. */
  readonly graph: Graph
  /** The graph as it is after so many rewrites of the log; after all that look at single nodes it stays. */
  rewritten?(count: number): Graph
  /** What its externals are; those of the traced graph come first. */
  readonly externals: readonly Outside[]
  readonly plan: Plan
  readonly backend: Backend
  /** The arguments, tensors as `Remembered`. */
  readonly args: readonly unknown[]
  /** What the function returns, with tensors in the places of the graph's outputs. */
  readonly result: unknown
  /** The arguments that are part of the plan itself, because they share memory that the code changes. */
  readonly pinned: readonly unknown[] | null
}

export interface Inside {
  readonly name: string
  /** The plan of the last call. */
  last(): Version | null
  /** All plans, of all kinds of arguments. */
  versions(): readonly Version[]
  /** The arguments of a plan with their names, as far as those are known, and what is taken when a call gives none. */
  inputsOf(version: Version): readonly (readonly [name: string | null, value: unknown, otherwise?: unknown])[]
  /** Whether calls may give inputs by name. */
  readonly named?: boolean
  /** What can be said of it before its first call. */
  readonly written?: () => GraphDescription
}

const insides = new WeakMap<object, Inside>()
export const letIn = <F extends object>(f: F, inside: Inside): F => (insides.set(f, inside), f)
export const insideOf = (f: unknown): Inside | undefined => (typeof f === 'function' ? insides.get(f) : undefined)

/** The inside of a compiled function that was called before. */
export function needInside(op: string, f: unknown): { inside: Inside; version: Version } {
  const inside = insideOf(f) ?? fail(op, `${typeof f === 'function' ? `${f.name || 'a function'}` : String(f)} is no compiled function`, 'pass what compile(fn) or symbolic.func(…) gave')
  return { inside, version: inside.last() ?? fail(op, `${inside.name} was not called yet, so nothing is compiled`, 'call it once before') }
}

type Describe = (x: unknown, stage: Stage | null, options: GraphOptions) => GraphDescription | null
const describers: Describe[] = []
/** Adds a way to describe a kind of things; it gives null for others. */
export const provideDescribing = (describe: Describe): void => void describers.push(describe)
/** The description of whatever has one; stage null: the one that says most at this time. */
export function describeGraph(x: unknown, stage: Stage | null = null, options: GraphOptions = {}): GraphDescription {
  for (const describe of describers) {
    const found = describe(x, stage, options)
    if (found) return found
  }
  if (!describers.length) absent('graph', 'descriptions of graphs')
  return fail('graph', `${String(x)} has no graph`, 'pass what compile(fn) or symbolic.func(…) gave, an expression, or a description of a graph')
}

/** Names of the parameters of a function, where its code says them plainly. */
export function parameterNames(fn: (...args: never[]) => unknown): string[] {
  const list = /^(?:async\s+)?(?:function\b[^(]*)?\(?\s*([\w$,\s]*?)\s*\)?\s*(?:=>|\{)/.exec(fn.toString())?.[1] ?? ''
  return list.split(',').map(s => s.trim()).filter(s => /^[A-Za-z_$][\w$]*$/.test(s))
}
