// Plans of earlier visits. Who opens a cache registers it here: `lampas/cache`.
import type { Backend } from '../backend/backend.ts'
import type { Tensor } from '../ops/tensor.ts'
import type { PassOptions } from './passes/index.ts'
import type { Layout } from './plan.ts'
import type { External, Trace, Traced } from './trace.ts'

/** What is to be planned. */
export interface Work {
  readonly backend: Backend
  readonly trace: Trace
  readonly traced: Traced
  readonly passes: PassOptions
  /** The arguments that are given away. */
  readonly given: readonly number[]
}

/** What came of it. */
export interface Worked {
  readonly layout: Layout
  /** Numbers that were worked out beforehand; they follow the externals of the trace. */
  readonly constants: readonly External[]
  /** The externals that change. */
  readonly updated: ReadonlySet<number>
}

/** The place of one piece of work in the cache. */
export interface CacheEntry {
  /** What an earlier visit made of it; `held` are the constants, to be released with the plan. */
  readonly kept: (Worked & { readonly held: readonly Tensor[] }) | null
  keep(worked: Worked): void
}

export interface PlanCache {
  entry(work: Work): CacheEntry | null
}

let open: PlanCache | null = null
export const planCache = (): PlanCache | null => open
export const usePlanCache = (cache: PlanCache): void => void (open = cache)
/** Goes on without it, unless another one was opened meanwhile. */
export const leavePlanCache = (cache: PlanCache): void => void (open === cache && (open = null))
