// Distinct values. How many there are depends on values, so their count is read; all else happens on the device.
import { fail } from '../core/errors.ts'
import { normalizeDim, numel } from '../core/shape.ts'
import { cumsum } from './cumulate.ts'
import { cast } from './cast.ts'
import { apply1, needTensor, type Described } from './define.ts'
import { gather, indexSelect, scatterAddOp } from './gather.ts'
import { cat, filledOp, flatten, movedim, narrow, reshape, select, sliceOp } from './movement.ts'
import { placesOf } from './places.ts'
import { logicalOr, ne, sub, zerosLike } from './pointwise.ts'
import { any } from './reduce.ts'
import { sized, type Later, type Reading } from './sized.ts'
import { argsort, sort } from './sort.ts'
import type { Tensor } from './tensor.ts'

export interface ConsecutiveOptions {
  /** Also where each value went: its place among the distinct ones. */
  returnInverse?: boolean
  /** Also how often each distinct value occurs. */
  returnCounts?: boolean
  /** Compare whole slices of this dimension, not single elements. */
  dim?: number | null
}
export interface UniqueOptions extends ConsecutiveOptions {
  /** In ascending order, which they are in any case. */
  sorted?: boolean
}
type Plain<O> = O & { returnInverse?: false; returnCounts?: false }
export interface UniqueMethod {
  (options?: Plain<UniqueOptions>): Tensor
  (sorted?: boolean | UniqueOptions, returnInverse?: boolean, returnCounts?: boolean, dim?: number | null): Tensor | Tensor[]
}
export interface Unique {
  (x: Tensor, options?: Plain<UniqueOptions>): Tensor
  (x: Tensor, sorted?: boolean | UniqueOptions, returnInverse?: boolean, returnCounts?: boolean, dim?: number | null): Tensor | Tensor[]
}
export interface ConsecutiveMethod {
  (options?: Plain<ConsecutiveOptions>): Tensor
  (returnInverse?: boolean | ConsecutiveOptions, returnCounts?: boolean, dim?: number | null): Tensor | Tensor[]
}
export interface UniqueConsecutive {
  (x: Tensor, options?: Plain<ConsecutiveOptions>): Tensor
  (x: Tensor, returnInverse?: boolean | ConsecutiveOptions, returnCounts?: boolean, dim?: number | null): Tensor | Tensor[]
}

/** Along the last dimension, where a value differs from the one before; the first does. */
function begins(x: Tensor): Tensor {
  const n = x.shape.at(-1)!
  const first = apply1(filledOp, [], { shape: [...x.shape.slice(0, -1), Math.min(1, n)], value: 1, dtype: 'bool' })
  return n < 2 ? first : cat([first, ne(narrow(x, -1, 1, n - 1), narrow(x, -1, 0, n - 1))], -1)
}
/** Number of the run that each position lies in, from 0. */
const runs = (begin: Tensor): Tensor => sub(cumsum(cast(begin, 'int32'), -1), 1)
/** The inverse of `gather(…, order)` along the last dimension. */
const scattered = (x: Tensor, order: Tensor): Tensor => apply1(scatterAddOp, [zerosLike(x), order, x], { axis: x.ndim - 1 })

/** Order of rows [rows, columns] as of words in a dictionary. Ranks of columns are joined in pairs until one is left. */
function rowOrder(rows: Tensor): Tensor {
  const { values, indices } = sort(rows.t(), -1)
  let ranks = scattered(runs(begins(values)), indices)
  while (ranks.shape[0] > 1) {
    const pairs = ranks.shape[0] >> 1
    const every = (start: number): Tensor => apply1(sliceOp, [ranks], { axis: 0, start, step: 2, length: pairs })
    const [major, minor] = [every(0), every(1)]
    const byMinor = argsort(minor, -1)
    const order = gather(byMinor, -1, argsort(gather(major, -1, byMinor), -1))
    const begin = logicalOr(begins(gather(major, -1, order)), begins(gather(minor, -1, order)))
    const joined = scattered(runs(begin), order)
    ranks = ranks.shape[0] % 2 ? cat([joined, narrow(ranks, 0, 2 * pairs, 1)], 0) : joined
  }
  return argsort(select(ranks, 0, 0), -1)
}

function* distinct(name: string, ordered: boolean, { input, dim, returnInverse, returnCounts }: ConsecutiveOptions & { input: Tensor }): Reading<Tensor | Tensor[]> {
  const whole = dim === undefined || dim === null
  const axis = normalizeDim(name, dim ?? 0, needTensor(name, input).ndim)
  const x = (whole || input.ndim === 0 ? flatten(input) : input).detach()
  const n = x.shape[axis]
  if (n > 0 && x.numel === 0) fail(name, `the slices of dim ${axis} of ${x} have no elements`, 'check the size first')
  let order: Tensor | null = null
  let begin: Tensor
  if (x.ndim === 1) {
    const sorted = ordered ? sort(x) : null
    order = sorted && sorted.indices
    begin = begins(sorted ? sorted.values : x)
  } else {
    const rows = reshape(movedim(x, axis, 0), [n, numel(x.shape.toSpliced(axis, 1))])
    if (ordered && n > 0) order = rowOrder(rows)
    const inOrder = order ? indexSelect(rows, 0, order) : rows
    begin = any(begins(inOrder.t()), 0)
  }
  const first = yield* placesOf(begin)
  const values = indexSelect(x, axis, order ? indexSelect(order, 0, first) : first)
  const extras: Tensor[] = []
  if (returnInverse) {
    const run = runs(begin)
    extras.push(reshape(order ? scattered(run, order) : run, whole ? input.shape : [n]))
  }
  if (returnCounts) {
    const end = apply1(filledOp, [], { shape: [Math.min(1, n)], value: n, dtype: 'int32' })
    extras.push(n === 0 ? first : sub(cat([narrow(first, 0, 1, first.numel - 1), end]), first))
  }
  return extras.length > 0 ? [values, ...extras] : values
}

type Pair<F extends (...args: never[]) => unknown> = readonly [now: F & Described, later: Later<F>]
const uniques: Pair<Unique> = sized('unique', ['input', 'sorted', 'returnInverse', 'returnCounts', 'dim'], (a: UniqueOptions & { input: Tensor }) => distinct('unique', true, a))
/**
 * The distinct values in ascending order, of all elements or slices of a dimension (compared like words); with `returnInverse` and `returnCounts` a
 * list of values, the place of each element among them, and how often each occurs. NaNs are distinct. Their number is read: on webgpu use `uniqueAsync`. As `torch.unique`.
 *
 * @example
 * unique(tensor([3, 1, 3])) // → tensor([1., 3.])
 * unique(tensor([3, 1, 3]), { returnInverse: true, returnCounts: true }) // → [ tensor([1., 3.]), tensor([1, 0, 1]), tensor([1, 2]) ]
 */
export const unique: Unique & Described = uniques[0]
/**
 * `unique` where reading must be awaited.
 *
 * @example
 * await uniqueAsync(tensor([3, 1, 3])) // → tensor([1., 3.])
 */
export const uniqueAsync: Later<Unique> = uniques[1]

const consecutives: Pair<UniqueConsecutive> = sized('uniqueConsecutive', ['input', 'returnInverse', 'returnCounts', 'dim'], (a: ConsecutiveOptions & { input: Tensor }) => distinct('uniqueConsecutive', false, a))
/**
 * The first of each run of equal values, of all elements or slices of a dimension, with the options of `unique`. Their number is read: on webgpu
 * use `uniqueConsecutiveAsync`. As `torch.unique_consecutive`.
 *
 * @example
 * uniqueConsecutive(tensor([1, 1, 2, 1])) // → tensor([1., 2., 1.])
 */
export const uniqueConsecutive: UniqueConsecutive & Described = consecutives[0]
/**
 * `uniqueConsecutive` where reading must be awaited.
 *
 * @example
 * await uniqueConsecutiveAsync(tensor([1, 1, 2, 1])) // → tensor([1., 2., 1.])
 */
export const uniqueConsecutiveAsync: Later<UniqueConsecutive> = consecutives[1]
