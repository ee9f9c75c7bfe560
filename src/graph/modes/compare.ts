// Whether two lists of numbers are the same but for rounding, and where they differ most.
import { dtypes, isComplex, type DType } from '../../core/dtype.ts'
import type { Shape } from '../../core/shape.ts'
import { brief } from './words.ts'

export interface Difference {
  /** Position in row-major order. */
  readonly at: number
  readonly expected: number
  readonly found: number
}

/** How far an element may be off. */
export type Allowed = (expected: number, at: number) => number

const same = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b))

/** The element that is furthest beyond what is allowed; null when none is. `skip` leaves elements out. */
export function furthest(expected: ArrayLike<number>, found: ArrayLike<number>, allowed: Allowed, skip: (at: number) => boolean = () => false): Difference | null {
  let worst: Difference | null = null
  let most = 0
  for (let at = 0; at < expected.length; at++) {
    const [e, f] = [expected[at], found[at]]
    if (same(e, f)) continue
    const off = Number.isFinite(e) && Number.isFinite(f) ? Math.abs(e - f) : Infinity
    if (off <= allowed(e, at) || off <= most || skip(at)) continue
    most = off
    worst = { at, expected: e, found: f }
  }
  return worst
}

export function largest(values: ArrayLike<number>): number {
  let most = 0
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i])
    if (size > most && size < Infinity) most = size
  }
  return most
}

/** Half a unit in the last place of 1. */
export const rounding: Readonly<Record<DType, number>> = {
  float32: 2 ** -24, complex64: 2 ** -24, float64: 2 ** -53, float16: 2 ** -11, bfloat16: 2 ** -8, int32: 0, uint32: 0, uint8: 0, bool: 0,
}
export const isExact = (dtype: DType): boolean => dtypes[dtype].kind === 'int' || dtypes[dtype].kind === 'bool'

/** `[1, 2]: 0.5 became 0.7`. */
export function differenceText({ at, expected, found }: Difference, { dtype, shape }: { readonly dtype: DType; readonly shape: Shape }, verb = 'became'): string {
  const place: number[] = []
  let rest = isComplex(dtype) ? Math.floor(at / 2) : at
  for (const size of [...shape].reverse()) {
    place.unshift(rest % size)
    rest = Math.floor(rest / size)
  }
  const off = Math.abs(expected - found)
  return `the largest difference is ${brief(off)}, at [${place.join(', ')}]: ${exact(expected)} ${verb} ${exact(found)}`
}
const exact = (x: number): string => (Number.isFinite(x) ? String(Number(x.toPrecision(9))).replace('-', '−') : brief(x))

/** What float64 may make of two ways to compute the same, relative to the number and to the largest one. */
const ALIKE = 1e-5
const ALIKE_TO_LARGEST = 1e-7

/**
 * Where two values differ that should be the same. Where the first is infinite or no number, a rewrite that `improves` may do better.
 */
export function changed(before: { readonly dtype: DType }, expected: Float64Array, found: Float64Array, improves: boolean): Difference | null {
  const size = Math.max(largest(expected), largest(found))
  const eps = rounding[before.dtype]
  // 16-bit floats are rounded by the reference too.
  const narrow = before.dtype === 'float16' || before.dtype === 'bfloat16' ? 4 * eps : 0
  const allowed = isExact(before.dtype) ? 0 : 1
  return furthest(
    expected, found,
    e => allowed * (Math.max(ALIKE, narrow) * Math.abs(e) + Math.max(ALIKE_TO_LARGEST, narrow) * size + 1e-12),
    at => improves && !Number.isFinite(expected[at]),
  )
}
