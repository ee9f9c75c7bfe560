// The modes of compiled functions that watch: which of them a function has, and how their news reach its caller. A device that can be read at
// once lets the call throw. Elsewhere the news come later: reading a result waits for them, and so do the next call and `checked()`.
import type { Block } from '../../backend/backend.ts'
import { fail } from '../../core/errors.ts'
import { needKnown } from '../../core/options.ts'
import type { Storage } from '../../eager/storage.ts'
import type { Graph } from '../graph.ts'
import type { Plan } from '../plan.ts'
import { provideWatching, type Watch, type Watched, type Watcher, type WatchMode, type WatchOptions } from '../watch.ts'
import { Debugging } from './debug.ts'
import { Monitoring } from './monitor.ts'
import { guardOptions, isGuard, NanGuard, type Finding, type NanGuardOptions } from './nan-guard.ts'
import { Profile, Timing, type Measured } from './profile.ts'
import { plainly, type Runner } from './runner.ts'

/** Checks that are under way, and the first that failed. */
class News {
  private readonly pending = new Set<Promise<void>>()
  private untold: Error | null = null

  /** Reading `made` waits for the check. */
  await(check: Promise<void>, made: readonly Storage[]): void {
    const tell = (): Promise<void> =>
      check.catch((error: unknown) => {
        if (this.untold === error) this.untold = null
        throw error
      })
    for (const s of made) s.check = tell
    const settled = check.then(
      () => {
        for (const s of made) if (s.check === tell) s.check = null
      },
      (error: Error) => void (this.untold ??= error),
    )
    this.pending.add(settled)
    void settled.then(() => this.pending.delete(settled))
  }

  settle(): void {
    const error = this.untold
    this.untold = null
    if (error) throw error
  }

  async all(): Promise<void> {
    await Promise.all(this.pending)
    this.settle()
  }
}

class Watching implements Watch {
  readonly graph: Graph
  private readonly late: Promise<void>[] = []
  private finding: Finding | null = null

  constructor(
    private readonly news: News,
    step: Watched,
    private readonly guard: NanGuard | null,
    private readonly runner: Runner,
  ) {
    this.graph = guard?.graph ?? step.graph
  }

  run(plan: Plan, swap: Map<Block, Block>): void {
    this.late.length = 0
    const finding = this.guard?.prepare(plan, swap) ?? null
    try {
      const late = this.runner.run(plan, swap)
      if (late) this.late.push(late)
    } catch (error) {
      if (finding) this.guard!.free(finding)
      throw error
    }
    this.finding = finding
  }

  check(made: readonly Storage[]): void {
    const found = this.finding
    this.finding = null
    const late = found && this.guard!.check(found)
    const all = late ? [...this.late, late] : [...this.late]
    if (all.length) this.news.await(Promise.all(all).then(() => {}), made)
  }

  dispose(): void {
    this.runner.dispose()
  }
}

class Modes implements Watcher {
  private readonly news = new News()
  private readonly guarding: Required<NanGuardOptions> | null
  private readonly debugging: boolean
  private readonly timings: Timing[] = []

  constructor(private readonly name: string, private readonly options: WatchOptions, mode: WatchMode | null) {
    this.debugging = mode === 'debug'
    const asked = [this.debugging && "mode: 'debug'", options.profile && 'profile', options.monitor && 'monitor'].filter(Boolean)
    if (asked.length > 1) fail('compile', `${name} is asked for ${asked.join(' and ')} at once, and each runs the kernels in its own way`, 'one of them; nanGuard goes with each')
    if (options.monitor) needKnown('monitor', options.monitor, ['before', 'after'])
    this.guarding = options.nanGuard || mode === 'nanGuard' ? guardOptions(name, options.nanGuard ?? true) : null
  }

  watch(step: Watched): Watch {
    // There are no values to look at on 'meta'.
    const guarding = step.backend.info.name === 'meta' ? null : this.guarding
    const guard = guarding && new NanGuard(this.name, step, guarding)
    return new Watching(this.news, step, guard, this.runner(step, guard?.graph ?? step.graph))
  }

  private runner(step: Watched, graph: Graph): Runner {
    if (step.backend.info.name === 'meta') return plainly
    if (this.debugging) return new Debugging(this.name, step)
    if (this.options.monitor) return new Monitoring(step.backend, graph, this.options.monitor, isGuard)
    if (!this.options.profile) return plainly
    const timing = new Timing(step.backend)
    this.timings.push(timing)
    return timing
  }

  settle(): void {
    this.news.settle()
  }

  checked(): Promise<void> {
    return this.news.all()
  }

  profile(compile: Readonly<Record<string, number>>): Profile {
    if (!this.options.profile) fail('profile', `${this.name} is not profiled`, 'compile(fn, { profile: true })')
    const { name, timings } = this
    const measured: Measured = {
      name, compile,
      calls: timings.reduce((n, t) => n + t.calls, 0),
      ms: timings.reduce((n, t) => n + t.ms, 0),
      why: timings.find(t => t.why !== null)?.why ?? null,
      kernels: timings.flatMap(t => t.kernels.map(k => ({ ...k }))),
    }
    return new Profile([measured])
  }
}

provideWatching((name, options, mode) => new Modes(name, options, mode))
