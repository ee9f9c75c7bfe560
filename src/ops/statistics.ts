// Statistics: moments, sums that pass over NaN, quantiles, covariance. All are formulas of other ops.
import { isComplex, isDifferentiable, isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { normalizeDim } from '../core/shape.ts'
import { cast } from './cast.ts'
import { complex, imag, real } from './complex.ts'
import { apply1, define, needFloat, needTensor, type Described } from './define.ts'
import { gather } from './gather.ts'
import { matmul } from './matmul.ts'
import { diagonal, filledOp, flatten, movedim, reshape, squeeze, unsqueeze } from './movement.ts'
import { conj } from './pointwise-record.ts'
import { add, ceil, clampBoth, div, eq, floor, isnan, lerp, lt, clampMin, mul, root, round, sqrt, sub, where } from './pointwise.ts'
import { inFull, reducer, sum, varReducer, type Chosen, type Reducer, type SumOptions, type VarReducer } from './reduce.ts'
import { medianOf, sort } from './sort.ts'
import { Tensor } from './tensor.ts'

/**
 * Variance and mean over dimensions, `[variance, mean]`, with the options of `var`. As `torch.var_mean`.
 *
 * @example
 * tensor([1, 2, 3, 4, 5]).varMean() // → [ tensor(2.5000), tensor(3.) ]
 */
export const varMean: VarReducer<[variance: Tensor, mean: Tensor]> = varReducer('varMean', ({ mean, variance }, drop) => [drop(variance), drop(mean)])
/**
 * Standard deviation and mean over dimensions, `[std, mean]`, with the options of `std`. As `torch.std_mean`.
 *
 * @example
 * tensor([2, 4]).stdMean({ correction: 0 }) // → [ tensor(1.), tensor(3.) ]
 */
export const stdMean: VarReducer<[std: Tensor, mean: Tensor]> = varReducer('stdMean', ({ mean, variance }, drop) => [drop(root(variance)), drop(mean)])

const withoutNaN = (x: Tensor): Tensor => (isFloat(x.dtype) ? where(isnan(x), 0, x) : x)
/**
 * Sum over dimensions, NaN counted as 0. As `torch.nansum`.
 *
 * @example
 * tensor([1, NaN, 3]).nansum() // → tensor(4.)
 */
export const nansum: Reducer<SumOptions> = reducer('nansum', ['dtype'], (x, dim, { dtype }) => sum(withoutNaN(x), { dim, dtype }))
/**
 * Mean over dimensions of what is not NaN; NaN where nothing is left. As `torch.nanmean`.
 *
 * @example
 * tensor([1, NaN, 3]).nanmean() // → tensor(2.)
 */
export const nanmean: Reducer<SumOptions> = reducer('nanmean', ['dtype'], (input, dim, { dtype }) => {
  const x = dtype ? cast(input, dtype) : input
  needFloat('nanmean', x)
  return inFull(x, y => div(sum(withoutNaN(y), dim), sum(eq(x, x), dim)))
})
/**
 * `median` of what is not NaN; NaN where nothing is left. As `torch.nanmedian`.
 *
 * @example
 * tensor([1, NaN, 3, 2]).nanmedian() // → tensor(2.)
 */
export const nanmedian: Chosen & Described = medianOf('nanmedian', true)

const interpolations = {
  /** Between the two nearest, by distance. */
  linear: (below: Tensor, above: Tensor, weight: Tensor): Tensor => lerp(below, above, weight),
  midpoint: (below: Tensor, above: Tensor): Tensor => lerp(below, above, 0.5),
  lower: (below: Tensor): Tensor => below,
  higher: (_: Tensor, above: Tensor): Tensor => above,
}
export interface QuantileOptions {
  dim?: number | null
  keepdim?: boolean
  /** What a quantile between two values is. */
  interpolation?: 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest'
}
type Quantile = ((x: Tensor, q: number | Tensor, dim?: number | null | QuantileOptions, keepdim?: boolean | QuantileOptions, options?: QuantileOptions) => Tensor) & Described

function quantileOf(name: string, passNaN: boolean): Quantile {
  return define(name, ['input', 'q', 'dim', 'keepdim', '*', 'interpolation'], ({ input, q, dim, keepdim, interpolation = 'linear' }: { input: Tensor; q: number | Tensor } & QuantileOptions) => {
    needFloat(name, needTensor(name, input))
    if (typeof q === 'number' ? !(q >= 0 && q <= 1) : needTensor(name, q).ndim > 1 || q.dtype !== input.dtype)
      fail(name, `q is ${String(q)}`, `a number from 0 to 1, or a ${input.dtype} tensor of them of at most one dimension`)
    if (interpolation !== 'nearest' && !Object.hasOwn(interpolations, interpolation)) fail(name, `there is no interpolation '${String(interpolation)}'`, `one of ${Object.keys(interpolations).join(', ')}, nearest`)
    const along = dim === undefined || dim === null ? null : normalizeDim(name, dim, input.ndim)
    const axis = input.ndim === 0 ? null : along
    const x = axis === null ? flatten(input) : movedim(input, axis, -1)
    const n = x.shape.at(-1)!
    if (n === 0) fail(name, `${input} has no elements ${axis === null ? '' : `along dim ${axis}`}`, 'check the size first')
    const levels = typeof q === 'number' ? apply1(filledOp, [], { shape: [1], value: q, dtype: x.dtype }) : reshape(q, q.numel)
    const numbers = sum(eq(x, x), -1, true)
    // NaNs are sorted to the end; where there is any, every quantile is the last.
    const rank = passNaN ? mul(levels, clampMin(sub(numbers, 1), 0)) : where(lt(numbers, n), n - 1, mul(levels, n - 1))
    const sorted = sort(x, -1).values
    const at = (place: Tensor): Tensor => gather(sorted, -1, cast(place, 'int32'))
    const y = interpolation === 'nearest' ? at(round(rank)) : interpolations[interpolation](at(floor(rank)), at(ceil(rank)), sub(rank, floor(rank)))
    const shape = axis === null ? (keepdim ? input.shape.map(() => 1) : []) : keepdim ? input.shape.with(axis, 1) : input.shape.toSpliced(axis, 1)
    const single = typeof q === 'number' || q.ndim === 0
    return reshape(movedim(y, -1, 0), single ? shape : [levels.numel, ...shape])
  })
}
/**
 * The q-th quantiles, 0 ≤ q ≤ 1, of all elements or along a dimension; NaN if any is NaN. Several q give a leading dimension. As `torch.quantile`.
 *
 * @example
 * tensor([1, 2, 3, 4]).quantile(0.5) // → tensor(2.5000)
 * tensor([[1, 2], [3, 6]]).quantile(tensor([0, 0.5]), 0) // → tensor([[1., 2.],
 * //           [2., 4.]])
 */
export const quantile: Quantile = quantileOf('quantile', false)
/**
 * `quantile` of what is not NaN. As `torch.nanquantile`.
 *
 * @example
 * tensor([1, NaN, 3]).nanquantile(0.5) // → tensor(2.)
 */
export const nanquantile: Quantile = quantileOf('nanquantile', true)

export interface CovOptions {
  /** Degrees of freedom taken off the number of observations. */
  correction?: number
  /** How often each observation was made: int32. */
  fweights?: Tensor | null
  /** How much each observation counts: float. */
  aweights?: Tensor | null
}

/** The weights, at which a kernel faults where one is negative. */
function checked(weights: Tensor): Tensor {
  const zero = apply1(filledOp, [], { shape: [1], value: 0, dtype: weights.dtype })
  return add(weights, gather(zero, 0, where(lt(weights.detach(), 0), -1, 0)))
}

function needWeights(name: string, w: Tensor | null | undefined, ok: boolean, kind: string, n: number): void {
  if (!w) return
  if (w.ndim > 1 || w.numel !== n || !ok) fail('cov', `${name} ${w} do not fit ${n} observations`, `they are ${kind}, one for each observation`)
}

/**
 * Covariance matrix of the rows of a matrix, whose columns are observations; of a vector its variance. Weights must not be negative.
 * As `torch.cov`.
 *
 * @example
 * tensor([[1, 2, 3], [6, 4, 2]]).cov() // → tensor([[ 1., -2.],
 * //           [-2.,  4.]])
 */
export const cov: ((x: Tensor, options?: CovOptions) => Tensor) & Described =
  define('cov', ['input', '*', 'correction', 'fweights', 'aweights'], ({ input, correction = 1, fweights, aweights }: { input: Tensor } & CovOptions) => {
    if (needTensor('cov', input).ndim > 2) fail('cov', `expected at most two dimensions, got ${input}`, 'rows are variables, columns are observations')
    const x = reshape(isDifferentiable(input.dtype) ? input : cast(input, 'float32'), input.ndim < 2 ? [1, input.numel] : input.shape)
    const n = x.shape[1]
    needWeights('fweights', fweights, !!fweights && !isFloat(fweights.dtype), 'integers', n)
    needWeights('aweights', aweights, !!aweights && isFloat(aweights.dtype), 'floats', n)
    const given = [fweights, aweights].filter(w => w instanceof Tensor).map(w => reshape(checked(w), n))
    const weights = given.length === 0 ? null : given.reduce((a, b) => mul(a, b))
    const total = weights ? sum(weights) : n
    const weighted = (y: Tensor): Tensor => (weights ? mul(y, weights) : y)
    const centred = sub(x, div(sum(weighted(x), 1, true), total))
    const taken = weights && aweights ? div(mul(sum(mul(weights, reshape(aweights, n))), correction), total) : correction
    const freedom = total instanceof Tensor ? clampMin(sub(total, taken), 0) : Math.max(0, n - correction)
    return squeeze(div(matmul(weighted(centred), conj(centred).t()), freedom))
  })

/**
 * Correlation coefficients of the rows of a matrix, whose columns are observations. As `torch.corrcoef`.
 *
 * @example
 * tensor([[1, 2, 3], [6, 4, 2]]).corrcoef() // → tensor([[ 1., -1.],
 * //           [-1.,  1.]])
 */
export const corrcoef: ((x: Tensor) => Tensor) & Described = define('corrcoef', ['input'], ({ input }: { input: Tensor }) => {
  const c = cov(needTensor('corrcoef', input))
  if (c.ndim === 0) return div(c, c)
  const deviation = sqrt(diagonal(c))
  const r = div(div(c, unsqueeze(deviation, 1)), deviation)
  const limited = (x: Tensor): Tensor => clampBoth(x, -1, 1)
  return isComplex(r.dtype) ? complex(limited(real(r)), limited(imag(r))) : limited(r)
})

/**
 * Sum of the diagonal of a matrix; integers give int32. As `torch.trace`.
 *
 * @example
 * tensor([[1, 2], [3, 4]]).trace() // → tensor(5.)
 */
export const trace: ((x: Tensor) => Tensor) & Described = define('trace', ['input'], ({ input }: { input: Tensor }) => {
  if (needTensor('trace', input).ndim !== 2) fail('trace', `expected a matrix, got ${input}`, 'for stacks of matrices: x.diagonal(0, -2, -1).sum(-1)')
  return sum(diagonal(input))
})
