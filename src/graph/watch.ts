// What looks on while a compiled function runs: checks of its values, its times, callbacks at its nodes. `lampas/lite` has none of it:
// who watches registers here.
import type { Backend, Block } from '../backend/backend.ts'
import type { Storage } from '../eager/storage.ts'
import type { Graph } from './graph.ts'
import { absent } from './late.ts'
import type { Monitor } from './modes/monitor.ts'
import type { NanGuardOptions } from './modes/nan-guard.ts'
import type { Profile } from './modes/profile.ts'
import type { PassOptions } from './passes/index.ts'
import type { Plan } from './plan.ts'
import type { External } from './trace.ts'

export interface WatchOptions {
  /** Looks for NaN and infinities in every value that the function computes; `mode: 'nanGuard'` is the same. */
  nanGuard?: boolean | NanGuardOptions
  /** Is called before and after every node, with its values. */
  monitor?: Monitor
  /** Takes the time of every kernel; `profile()` tells. */
  profile?: boolean
}
export const watchOptions = ['nanGuard', 'monitor', 'profile'] as const satisfies readonly (keyof WatchOptions)[]
/** Modes that watch; all rewrites are applied, as in 'fastRun'. */
export type WatchMode = 'debug' | 'nanGuard'
export const watchModes: readonly WatchMode[] = ['debug', 'nanGuard']

/** A traced function that is about to be planned. */
export interface Watched {
  readonly backend: Backend
  readonly traced: Graph
  readonly graph: Graph
  /** What the externals of the graph are; those of the traced one come first. */
  readonly externals: readonly External[]
  readonly passes: PassOptions
}

export interface Watch {
  /** What is planned in the place of the graph. It has the same outputs and updates first, and may have more outputs. */
  readonly graph: Graph
  run(plan: Plan, swap: Map<Block, Block>): void
  /**
   * Looks at what the call that just ran has found; `made` are the memories of its results and of what it changed. Throws where the device can be
   * read at once; elsewhere reading them waits for the news.
   */
  check(made: readonly Storage[]): void
  dispose(): void
}

/** One for each compiled function. */
export interface Watcher {
  watch(step: Watched): Watch
  /** Throws the fault of an earlier call that was not told yet. */
  settle(): void
  checked(): Promise<void>
  /** What was measured; `ms` is what compiling took. */
  profile(ms: Readonly<Record<string, number>>): Profile
}

type Watching = (name: string, options: WatchOptions, mode: WatchMode | null) => Watcher
let watching: Watching | null = null
export const provideWatching = (make: Watching): void => void (watching = make)

/** Null when nobody asked for anything. */
export function watcherOf(name: string, options: WatchOptions, mode: string): Watcher | null {
  const watched = watchModes.find(m => m === mode) ?? null
  if (!watched && !options.nanGuard && !options.monitor && !options.profile) return null
  return (watching ?? absent('compile', 'debug, nanGuard, monitor and profile'))(name, options, watched)
}
