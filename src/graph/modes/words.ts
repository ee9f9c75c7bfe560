// How modes speak of values and nodes.
import { dtypes } from '../../core/dtype.ts'
import type { GraphNode, Value } from '../graph.ts'
import type { External } from '../trace.ts'

export const typeOf = (v: Pick<Value, 'dtype' | 'shape'>): string => `${dtypes[v.dtype].short}[${v.shape.join()}]`
export const siteOf = (n: GraphNode): string | null => n.site?.line ?? null
/** Op and line. */
export const placeOf = (n: GraphNode): string => (siteOf(n) ? `${n.op.name} ${siteOf(n)}` : n.op.name)

export const nameOfExternal = (e: External): string => (e.argument === null ? (e.literal ? 'a constant' : 'a captured tensor') : `argument ${e.argument}`)

/** A number as people read it. */
export function brief(x: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'NaN' : x > 0 ? '∞' : '−∞'
  return String(Number(x.toPrecision(4))).replace('-', '−')
}

/** The smallest and the largest of some numbers, and how many are none. */
export interface Range {
  readonly min: number
  readonly max: number
  readonly nan: number
}

export function rangeOf(values: Iterable<number>): Range {
  let [min, max, nan] = [Infinity, -Infinity, 0]
  for (const v of values) {
    if (Number.isNaN(v)) nan++
    if (v < min) min = v
    if (v > max) max = v
  }
  return { min, max, nan }
}

export const rangeText = ({ min, max, nan }: Range): string =>
  `${min > max ? 'no numbers' : `from ${brief(min)} to ${brief(max)}`}${nan > 0 ? `, ${nan} NaN` : ''}`
