// How the kernels of a call are run.
import type { Block } from '../../backend/backend.ts'
import type { Plan } from '../plan.ts'

export interface Runner {
  /** What it finds may come later. */
  run(plan: Plan, swap: ReadonlyMap<Block, Block>): Promise<void> | void
  dispose(): void
}

export const plainly: Runner = {
  run: (plan, swap) => plan.prepared.run(swap),
  dispose: () => {},
}
