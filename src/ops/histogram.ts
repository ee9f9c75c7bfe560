// Counting: how often each whole number occurs, how many values fall into each of a row of bins.
import { isDifferentiable, isFloat } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { contiguousStrides, numel, sameShape } from '../core/shape.ts'
import { cast } from './cast.ts'
import { arange } from './creation.ts'
import { apply1, define, needFloat, needTensor, type Described, type Operand } from './define.ts'
import { scatterAddOp } from './gather.ts'
import { filledOp, flatten, narrow, reshape, select } from './movement.ts'
import { firstPast } from './places.ts'
import { add, clampMax, div, eq, floor, ge, gt, le, logicalAnd, logicalOr, mul, onesLike, sub, where } from './pointwise.ts'
import { amax, amin, sum } from './reduce.ts'
import { sized, type Later, type Reading } from './sized.ts'
import { Tensor } from './tensor.ts'

/** Σ of the weights at each of the places 0 … size − 1. */
const gathered = (places: Tensor, weights: Tensor, size: number): Tensor => apply1(scatterAddOp, [apply1(filledOp, [], { shape: [size], value: 0, dtype: weights.dtype }), places, weights], { axis: 0 })

export interface BincountOptions {
  /** Counted in place of ones. */
  weights?: Tensor | null
  /** Least number of bins. */
  minlength?: number
}
type Bincount = ((x: Tensor, weights?: Tensor | null | BincountOptions, minlength?: number | BincountOptions) => Tensor) & Described
const bincounts: readonly [Bincount, Later<Bincount>] = sized('bincount', ['input', 'weights', 'minlength'], function* ({ input, weights, minlength = 0 }: BincountOptions & { input: Tensor }): Reading<Tensor> {
  if (needTensor('bincount', input).ndim !== 1 || isDifferentiable(input.dtype)) fail('bincount', `expected a vector of whole numbers, got ${input}`, "x.flatten().to('int32')")
  if (weights && !sameShape(weights.shape, input.shape)) fail('bincount', `weights ${weights} do not fit ${input}`, 'give one for each value')
  if (!Number.isInteger(minlength) || minlength < 0) fail('bincount', `minlength is ${minlength}`, 'give a whole number ≥ 0')
  const x = cast(input, 'int32')
  const size = Math.max(x.numel === 0 ? 0 : (yield amax(x))[0] + 1, minlength)
  // A negative number has no bin: the kernel faults there.
  return gathered(x, weights ? (isFloat(weights.dtype) ? weights : cast(weights, 'float32')) : onesLike(x), size)
})
/**
 * How often each of the numbers 0, 1, … occurs in a vector of whole numbers ≥ 0: int32, or the sum of the weights. The largest number is read: on
 * webgpu use `bincountAsync`. As `torch.bincount`.
 *
 * @example
 * tensor(new Int32Array([0, 1, 1, 3])).bincount() // → tensor([1, 2, 0, 1])
 */
export const bincount: Bincount & Described = bincounts[0]
/**
 * `bincount` where reading must be awaited.
 *
 * @example
 * await bincountAsync(tensor(new Int32Array([0, 1, 1, 3]))) // → tensor([1, 2, 0, 1])
 */
export const bincountAsync: Later<Bincount> = bincounts[1]

/** Range of values on the device; where they are all equal, `margin` to each side. */
function rangeOf(x: Tensor, margin: number): [low: Tensor, high: Tensor] {
  const [low, high] = [amin(x), amax(x)]
  const wide = where(eq(low, high), margin, 0)
  return [sub(low, wide), add(high, wide)]
}

export interface HistcOptions {
  bins?: number
  /** The range; where min = max, that of the values. */
  min?: number
  max?: number
}
function needBins(op: string, bins: unknown): void {
  if (typeof bins !== 'number' || !Number.isInteger(bins) || bins < 1) fail(op, `bins is ${String(bins)}`, 'give a whole number ≥ 1')
}
/**
 * How many values fall into each of `bins` bins of equal width between min and max; values outside count nowhere. As `torch.histc`.
 *
 * @example
 * tensor([1, 2, 1]).histc({ bins: 4, min: 0, max: 3 }) // → tensor([0., 2., 1., 0.])
 */
export const histc: ((x: Tensor, bins?: number | HistcOptions, min?: number | HistcOptions, max?: number | HistcOptions) => Tensor) & Described =
  define('histc', ['input', 'bins', 'min', 'max'], ({ input, bins = 100, min = 0, max = 0 }: { input: Tensor } & HistcOptions) => {
    needFloat('histc', needTensor('histc', input))
    needBins('histc', bins)
    if (!(min <= max) || !Number.isFinite(max - min)) fail('histc', `the range is ${min} … ${max}`, 'min must be at most max, both finite')
    const x = flatten(input.detach())
    const [low, high]: readonly Operand[] = min < max ? [min, max] : x.numel === 0 ? [0, 1] : rangeOf(x, 1)
    const width = low instanceof Tensor ? sub(high, low) : Number(high) - Number(low)
    const bin = clampMax(floor(mul(div(sub(x, low), width), bins)), bins - 1)
    // What lies outside goes to one bin more.
    const place = where(logicalAnd(ge(x, low), le(x, high)), bin, bins)
    return narrow(gathered(cast(place, 'int32'), onesLike(x), bins + 1), 0, 0, bins)
  })

export interface HistogramOptions {
  /** Lowest and highest edge, where `bins` is a number; else those of the values. */
  range?: readonly [number, number] | null
  /** Counted in place of ones; one for each value. */
  weight?: Tensor | null
  /** Divide by the sum and the widths, so that the integral is 1. */
  density?: boolean
}
type Histogram = ((x: Tensor, bins?: number | Tensor | HistogramOptions, options?: HistogramOptions) => { hist: Tensor; binEdges: Tensor }) & Described
/**
 * How many values (or how much weight) fall between neighbouring edges, the last bin with both of its edges: `{hist, binEdges}`. `bins` is a number
 * of bins of equal width, or the edges in ascending order. As `torch.histogram`.
 *
 * @example
 * tensor([1, 2, 1]).histogram(4, { range: [0, 3] }) // → { hist: tensor([0., 2., 1., 0.]), binEdges: tensor([0.0000, 0.7500, 1.5000, 2.2500, 3.0000]) }
 */
export const histogram: Histogram =
  define('histogram', ['input', 'bins', '*', 'range', 'weight', 'density'], ({ input, bins = 100, range, weight, density }: { input: Tensor; bins?: number | Tensor } & HistogramOptions) => {
    needFloat('histogram', needTensor('histogram', input))
    if (weight && !sameShape(weight.shape, input.shape)) fail('histogram', `weight ${weight} does not fit ${input}`, 'give one for each value')
    const { hist, edges } = counted('histogram', [flatten(input.detach())], [bins], [range ?? null], weight, density)
    return { hist, binEdges: edges[0] }
  })

export interface HistogramddOptions extends Omit<HistogramOptions, 'range'> {
  /** Lowest and highest edge of each dimension in turn. */
  range?: readonly number[] | null
}
type Bins = number | readonly number[] | readonly Tensor[]
type Histogramdd = ((x: Tensor, bins: Bins | (HistogramddOptions & { bins: Bins }), options?: HistogramddOptions) => { hist: Tensor; binEdges: Tensor[] }) & Described
/**
 * How many points, the rows of the input [n, d], fall into each box of a grid in d dimensions: `{hist, binEdges}`, the edges of each dimension in
 * a list. `bins` is a number for all dimensions, or for each a number or the edges. As `torch.histogramdd`.
 *
 * @example
 * histogramdd(tensor([[0, 1], [1, 0], [1, 1]]), [2, 2]).hist // → tensor([[0., 1.],
 * //           [1., 1.]])
 */
export const histogramdd: Histogramdd =
  define('histogramdd', ['input', 'bins', '*', 'range', 'weight', 'density'], ({ input, bins, range, weight, density }: { input: Tensor; bins: Bins } & HistogramddOptions) => {
    needFloat('histogramdd', needTensor('histogramdd', input))
    if (input.ndim < 2) fail('histogramdd', `expected points [n, d], got ${input}`, 'the last dimension holds coordinates')
    const d = input.shape.at(-1)!
    const each: readonly (number | Tensor)[] = typeof bins === 'number' ? Array.from({ length: d }, () => bins) : bins
    if (!Array.isArray(each) || each.length !== d) fail('histogramdd', `bins ${String(bins)} for points of ${d} coordinates`, 'give a number, or one entry for each')
    if (range && range.length !== 2 * d) fail('histogramdd', `${range.length} numbers of a range for ${d} coordinates`, 'give two for each')
    if (weight && !sameShape(weight.shape, input.shape.slice(0, -1))) fail('histogramdd', `weight ${weight} does not fit ${input}`, 'give one for each point')
    const columns = each.map((_, i) => flatten(select(input.detach(), -1, i)))
    const { hist, edges } = counted('histogramdd', columns, each, each.map((_, i) => (range ? [range[2 * i], range[2 * i + 1]] : null)), weight, density)
    return { hist, binEdges: edges }
  })

type Range = readonly [number, number] | null

/** Counts of points, given by their coordinates, in a grid. */
function counted(op: string, columns: readonly Tensor[], bins: readonly (number | Tensor)[], ranges: readonly Range[], weight?: Tensor | null, density?: boolean) {
  const edges = columns.map((x, i) => edgesFor(op, x, bins[i], ranges[i]))
  const sizes = edges.map(e => e.numel - 1)
  const size = numel(sizes)
  const steps = contiguousStrides(sizes)
  const places = columns.map((x, i) => binOf(x, edges[i]))
  const outside = places.map((bin, i) => eq(bin, sizes[i])).reduce((l, r) => logicalOr(l, r))
  // What lies outside in any dimension goes to one place more.
  const place = where(outside, size, places.map((bin, i) => mul(bin, steps[i])).reduce((l, r) => add(l, r)))
  const sums = reshape(narrow(gathered(place, weight ? cast(flatten(weight), columns[0].dtype) : onesLike(columns[0]), size + 1), 0, 0, size), sizes)
  if (!density) return { hist: sums, edges }
  const widths = edges.map((e, i) => reshape(sub(narrow(e, 0, 1, sizes[i]), narrow(e, 0, 0, sizes[i])), sizes.map((n, j) => (i === j ? n : 1))))
  return { hist: widths.reduce((h, w) => div(h, w), div(sums, sum(sums))), edges }
}

/** The bin of each value; the number of bins where it lies outside. */
function binOf(x: Tensor, edges: Tensor): Tensor {
  const n = edges.numel - 1
  const inside = logicalAnd(ge(x, narrow(edges, 0, 0, 1)), le(x, narrow(edges, 0, n, 1)))
  return where(inside, clampMax(sub(firstPast(edges, x, gt), 1), n - 1), n)
}

/** The edges as given, or of bins of equal width, from both ends towards the middle. */
function edgesFor(op: string, x: Tensor, bins: number | Tensor, range: Range): Tensor {
  if (bins instanceof Tensor) {
    if (bins.ndim !== 1 || bins.numel < 2 || bins.dtype !== x.dtype) fail(op, `edges ${bins}`, `give a vector of at least two, as ${x.dtype}`)
    if (range) fail(op, 'both edges and a range are given', 'the edges tell the range')
    return bins
  }
  needBins(op, bins)
  if (range && !(range[0] <= range[1] && Number.isFinite(range[1] - range[0]))) fail(op, `the range is ${range.join(' … ')}`, 'two finite numbers in ascending order')
  const scalar = (value: number): Tensor => apply1(filledOp, [], { shape: [], value, dtype: x.dtype })
  const wide = range && range[0] === range[1] ? 0.5 : 0
  const [low, high] = range ? [scalar(range[0] - wide), scalar(range[1] + wide)] : x.numel === 0 ? [scalar(0), scalar(1)] : rangeOf(x, 0.5)
  const step = div(sub(high, low), bins)
  const i = cast(arange(bins + 1), x.dtype)
  return where(gt(i, bins / 2), sub(high, mul(sub(bins, i), step)), add(low, mul(i, step)))
}
