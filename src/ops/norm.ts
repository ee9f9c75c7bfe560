// Norms: (Σ|x|ᵖ)^(1/p) and its limits.
import { isComplex } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { S } from '../ir/scalar.ts'
import { flat } from './arithmetic.ts'
import { cast } from './cast.ts'
import { define, type Described } from './define.ts'
import { unary, type Unary } from './pointwise-record.ts'
import { abs, eq, pow, root, square, where } from './pointwise.ts'
import { amax, amin, axesOf, finish, inFull, needDifferentiable, nonEmpty, sum, type Dims, type SumOptions } from './reduce.ts'
import type { Tensor } from './tensor.ts'

export interface NormOptions extends SumOptions {
  p?: number | 'fro' | 'nuc' | null
}
/** Norms that need more than sums; the decompositions bring them along. */
export const namedNorms = new Map<string, (x: Tensor, axes: readonly number[]) => Tensor>()

/** (Σ|x|ᵖ)^(1/p) over axes; at 0 its derivative is taken as 0. */
export const pNorm = (x: Tensor, p: number, axes: readonly number[]): Tensor => inFull(isComplex(x.dtype) ? abs(x) : x, y => sumNorm(y, p, axes))
function sumNorm(x: Tensor, p: number, axes: readonly number[]): Tensor {
  if (p === 2) return root(sum(square(x), axes))
  if (p === 1) return sum(abs(x), axes)
  if (Math.abs(p) === Infinity) return (p > 0 ? amax : amin)(abs(nonEmpty('norm', x, axes)), axes)
  if (p === 0) return sum(notZero(x), axes)
  return power(sum(power(abs(x), p), axes), 1 / p)
}
/** 1 where x ≠ 0; its gradient is 0. */
const notZero: Unary = unary('notZero', { dtype: 'float', value: x => S.cast(S.ne(x, 0), x.dtype), linear: [flat], sample: [0.3, 2] })
/** xᵖ for x ≥ 0, with no slope at 0. */
function power(x: Tensor, p: number): Tensor {
  const zero = eq(x, 0)
  return where(zero, p > 0 ? 0 : Infinity, pow(where(zero, 1, x), p))
}

type Norm = ((x: Tensor, p?: number | 'fro' | 'nuc' | null | NormOptions, dim?: Dims | NormOptions, keepdim?: boolean | NormOptions, options?: NormOptions) => Tensor) & Described
/**
 * p-norm of all elements or over dimensions: (Σ|x|ᵖ)^(1/p). p may be ±Infinity and 0, 'fro' (as 2), or 'nuc', the sum of the singular values of a
 * matrix. At 0 the gradient is 0. As `torch.norm`.
 *
 * @example
 * tensor([3, -4]).norm() // → tensor(5.)
 * tensor([3, -4]).norm(1) // → tensor(7.)
 */
export const norm: Norm =
  define('norm', ['input', 'p', 'dim', 'keepdim', '*', 'dtype'], ({ input, p, dim, keepdim, dtype }: { input: Tensor } & NormOptions) => {
    const axes = axesOf('norm', input, dim)
    const x = dtype ? cast(input, dtype) : input
    needDifferentiable('norm', x)
    const named = typeof p === 'string' && p !== 'fro' ? namedNorms.get(p) ?? fail('norm', `there is no norm '${p}' here`, "p is a number, 'fro' or, with the decompositions of the full build, 'nuc'") : null
    return finish(named ? inFull(x, y => named(y, axes)) : pNorm(x, typeof p === 'number' ? p : 2, axes), x.shape, axes, keepdim)
  })
