// What only some compiled functions ask for. `lampas/lite` has none of it: who brings it registers here (whole.ts).
import { fail } from '../core/errors.ts'
import type { Dynamic } from './dynamic.ts'
import type { Footprint, partsOf, totalOf } from './footprint.ts'
import type { planWithin } from './remat.ts'

/** Axes that change, what memory a call takes, and plans that keep to a budget of it. */
export interface Extras {
  readonly Dynamic: typeof Dynamic
  readonly Footprint: typeof Footprint
  readonly partsOf: typeof partsOf
  readonly totalOf: typeof totalOf
  readonly planWithin: typeof planWithin
}

let given: Extras | null = null
export const provideExtras = (extras: Extras): void => void (given = extras)

export const extras = (what: string): Extras => given ?? absent('compile', what)

/** Fails: the small entry does not have it. */
export const absent = (op: string, what: string): never => fail(op, `lampas/lite has no ${what}`, "import from 'lampas', or load lampas.min.js")
