// The modes of compiled functions that watch: which of them a function has, and how their news reach its caller. A device that can be read at
// once lets the call throw. Elsewhere the news come later: reading a result waits for them, and so do the next call and `checked()`.
import type { Block } from '../../backend/backend.ts'
import type { Storage } from '../../eager/storage.ts'
import type { Graph } from '../graph.ts'
import type { Plan } from '../plan.ts'
import { provideWatching, type Watch, type Watched, type Watcher, type WatchMode, type WatchOptions } from '../watch.ts'
import type { Profile } from './profile.ts'
import { guardOptions, NanGuard, type Finding, type NanGuardOptions } from './nan-guard.ts'

/** How the kernels of a call are run; what it finds may come later. */
export interface Runner {
  run(plan: Plan, swap: ReadonlyMap<Block, Block>): Promise<void> | void
  dispose(): void
}

const plainly: Runner = {
  run: (plan, swap) => plan.prepared.run(swap),
  dispose: () => {},
}

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

  constructor(private readonly name: string, options: WatchOptions, mode: WatchMode | null) {
    this.guarding = options.nanGuard || mode === 'nanGuard' ? guardOptions(name, options.nanGuard ?? true) : null
  }

  watch(step: Watched): Watch {
    return new Watching(this.news, step, this.guarding && new NanGuard(this.name, step, this.guarding), plainly)
  }

  settle(): void {
    this.news.settle()
  }

  checked(): Promise<void> {
    return this.news.all()
  }

  profile(ms: Readonly<Record<string, number>>): Profile {
    return { ms }
  }
}

provideWatching((name, options, mode) => new Modes(name, options, mode))
