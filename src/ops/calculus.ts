// Integrals and slopes of sampled functions.
import { isDifferentiable } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { normalizeDim, normalizeDims } from '../core/shape.ts'
import { cast } from './cast.ts'
import { cumsum } from './cumulate.ts'
import { define, needTensor, type Described, type Operand } from './define.ts'
import { cat, narrow, reshape } from './movement.ts'
import { add, div, mul, neg, sub } from './pointwise.ts'
import { sum } from './reduce.ts'
import { Tensor } from './tensor.ts'

export interface TrapezoidOptions {
  /** Where the samples are: a vector along `dim`, or of the shape of y. */
  x?: Tensor | null
  /** Distance of samples. */
  dx?: number | null
  dim?: number
}
type Trapezoid = ((y: Tensor, x?: Tensor | null | TrapezoidOptions, options?: TrapezoidOptions) => Tensor) & Described

const neighbours = (y: Tensor, axis: number): [earlier: Tensor, later: Tensor] => {
  const n = Math.max(0, y.shape[axis] - 1)
  return [narrow(y, axis, 0, n), narrow(y, axis, Math.min(1, y.shape[axis]), n)]
}

/** `finish` gets twice the areas between neighbours. */
function trapezoidOf(name: string, finish: (areas: Tensor, axis: number) => Tensor): Trapezoid {
  return define(name, ['y', 'x', '*', 'dx', 'dim'], ({ y, x, dx, dim = -1 }: { y: Tensor } & TrapezoidOptions) => {
    const axis = normalizeDim(name, dim, needTensor(name, y).ndim)
    if (y.ndim === 0) fail(name, `${y} has no samples in a row`, 'give a tensor of at least one dimension')
    if (y.dtype === 'bool') fail(name, `${y} has no areas`, "convert it: y.to('int32')")
    if (x && typeof dx === 'number') fail(name, 'both x and dx are given', 'x tells the distances')
    let width: Operand = dx ?? 1
    if (x) {
      const places = needTensor(name, x).ndim === 1 && y.ndim > 1 ? reshape(x, y.shape.map((_, i) => (i === axis ? x.numel : 1))) : x
      const along = axis - y.ndim + places.ndim
      if (along < 0 || (places.shape[along] !== y.shape[axis] && places.shape[along] !== 1)) fail(name, `x ${x} does not fit y ${y} along dim ${axis}`, 'one x for each sample')
      const [earlier, later] = neighbours(places, along)
      width = sub(later, earlier)
    }
    const [earlier, later] = neighbours(y, axis)
    return finish(mul(add(earlier, later), width), axis)
  })
}
/**
 * Integral along a dimension (the last by default) by the trapezoidal rule; float32 for integers. As `torch.trapezoid`.
 *
 * @example
 * trapezoid(tensor([1, 2, 3])) // → tensor(4.)
 * trapezoid(tensor([1, 2, 3]), tensor([0, 1, 3])) // → tensor(6.5000)
 */
export const trapezoid: Trapezoid = trapezoidOf('trapezoid', (areas, axis) => div(sum(areas, axis), 2))
/**
 * Another name of `trapezoid`. As `torch.trapz`.
 *
 * @example
 * trapz(tensor([1, 2, 3]), { dx: 2 }) // → tensor(8.)
 */
export const trapz: Trapezoid = trapezoidOf('trapz', (areas, axis) => div(sum(areas, axis), 2))
/**
 * Running integral along a dimension (the last by default) by the trapezoidal rule; one result fewer than samples. As `torch.cumulative_trapezoid`.
 *
 * @example
 * cumulativeTrapezoid(tensor([1, 2, 3])) // → tensor([1.5000, 4.0000])
 */
export const cumulativeTrapezoid: Trapezoid = trapezoidOf('cumulativeTrapezoid', (areas, axis) => cumsum(div(areas, 2), axis))

export interface GradientOptions {
  /** Distance of samples: one for all, one for each dimension, or a vector of places for each. */
  spacing?: number | readonly (number | Tensor)[] | null
  dim?: number | readonly number[] | null
  /** Order of the polynomial that tells the slope at the ends: 1 or 2. */
  edgeOrder?: 1 | 2
}

/** Σ weight · sample, the samples being positions of an axis, the weights numbers or of the shape of the others. */
type Weighted = readonly (readonly [weight: Operand, sample: Tensor])[]
const total = (terms: Weighted): Tensor => terms.map(([w, s]) => mul(s, w)).reduce((a, b) => add(a, b))

/** Slopes along an axis: those of the parabola through three neighbours, whose distances are h and k. */
function slope(x: Tensor, axis: number, spacing: number | Tensor, edgeOrder: number): Tensor {
  const n = x.shape[axis]
  const part = (start: number, length: number): Tensor => narrow(x, axis, start, length)
  const at = (i: number): Tensor => part(i < 0 ? n + i : i, 1)
  const line = (v: Tensor): Tensor => reshape(v, x.shape.map((_, i) => (i === axis ? v.numel : 1)))
  const even = typeof spacing === 'number'
  const step = (start: number, length: number): Operand => {
    if (even) return spacing
    const places = (from: number): Tensor => narrow(spacing, 0, from, length)
    return line(sub(places(start + 1), places(start)))
  }
  const inner = even
    ? div(sub(part(2, n - 2), part(0, n - 2)), 2 * spacing)
    : parabola(step(0, n - 2), step(1, n - 2), 0, [part(0, n - 2), part(1, n - 2), part(2, n - 2)])
  const ends = edgeOrder === 1
    ? [div(sub(at(1), at(0)), step(0, 1)), div(sub(at(-1), at(-2)), step(n - 2, 1))]
    : [parabola(step(0, 1), step(1, 1), -1, [at(0), at(1), at(2)]), parabola(step(n - 3, 1), step(n - 2, 1), 1, [at(-3), at(-2), at(-1)])]
  return cat([ends[0], inner, ends[1]], axis)
}

/** Slope of the parabola through three samples, at the first (-1), the middle (0) or the last (1); the distances between them are h and k. */
function parabola(h: Operand, k: Operand, place: -1 | 0 | 1, [a, b, c]: readonly Tensor[]): Tensor {
  if (typeof h === 'number') {
    const weights = place === -1 ? [-1.5, 2, -0.5] : place === 1 ? [0.5, -2, 1.5] : [-0.5, 0, 0.5]
    return div(total([[weights[0], a], [weights[1], b], [weights[2], c]]), h)
  }
  const whole = add(h, k)
  const [left, middle, right] =
    place === -1 ? [neg(div(add(h, whole), mul(h, whole))), div(whole, mul(h, k)), neg(div(h, mul(k, whole)))]
    : place === 1 ? [div(k, mul(h, whole)), neg(div(whole, mul(h, k))), div(add(k, whole), mul(k, whole))]
    : [neg(div(k, mul(h, whole))), div(sub(k, h), mul(h, k)), div(h, mul(k, whole))]
  return total([[left, a], [middle, b], [right, c]])
}

/**
 * Slopes of a sampled function along each dimension (or those given), by central differences: a list with one tensor for each. As
 * `torch.gradient`.
 *
 * @example
 * gradient(tensor([1, 4, 9, 16])) // → [ tensor([3., 4., 6., 7.]) ]
 */
export const gradient: ((x: Tensor, options?: GradientOptions) => Tensor[]) & Described =
  define('gradient', ['input', '*', 'spacing', 'dim', 'edgeOrder'], ({ input, spacing, dim, edgeOrder = 1 }: { input: Tensor } & GradientOptions) => {
    needTensor('gradient', input)
    const dims = dim === undefined || dim === null ? [...input.shape.keys()] : [dim].flat().map(d => normalizeDim('gradient', d, input.ndim))
    normalizeDims('gradient', dims, input.ndim)
    const each = Array.isArray(spacing) ? (spacing as readonly (number | Tensor)[]) : dims.map(() => (spacing as number | null | undefined) ?? 1)
    if (each.length !== dims.length) fail('gradient', `${each.length} spacings for ${dims.length} dimensions`, 'give one for each, or a single number')
    if (edgeOrder !== 1 && edgeOrder !== 2) fail('gradient', `edgeOrder is ${String(edgeOrder)}`, '1 or 2')
    const x = isDifferentiable(input.dtype) ? input : cast(input, 'float32')
    return dims.map((d, i) => {
      const [n, step] = [input.shape[d] ?? 0, each[i]]
      if (n < edgeOrder + 1) fail('gradient', `dimension ${d} of ${input} has ${n} samples`, `slopes need at least ${edgeOrder + 1}`)
      if (step instanceof Tensor && (step.ndim !== 1 || step.numel !== n)) fail('gradient', `places ${step} for the ${n} samples of dimension ${d}`, 'a vector, one place for each sample')
      return slope(x, d, step, edgeOrder)
    })
  })
