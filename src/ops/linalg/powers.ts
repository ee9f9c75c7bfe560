// Products of many matrices: chains, powers, the exponential.
import { fail } from '../../core/errors.ts'
import { define, describe, needTensor, type Described } from '../define.ts'
import { matmul } from '../matmul.ts'
import { cat, expand, reshape, unsqueeze } from '../movement.ts'
import { abs, add, ceil, clampMax, clampMin, div, exp2, gt, log2, mul, onesLike, round, where } from '../pointwise.ts'
import { amax, sum } from '../reduce.ts'
import { cumprod } from '../cumulate.ts'
import type { Tensor } from '../tensor.ts'
import { inverseOf } from './solve.ts'
import { identityLike, needSquare } from './tools.ts'

/**
 * The product of matrices in the order that costs least; the first and the last may be vectors. As `torch.linalg.multi_dot`.
 *
 * @example
 * linalg.multiDot([randn(10, 100), randn(100, 5), randn(5)])   // f32[10]
 */
export const multiDot: ((tensors: readonly Tensor[]) => Tensor) & Described = describe((tensors: readonly Tensor[]) => chain('linalg.multiDot', tensors), 'linalg.multiDot', ['tensors'])

export function chain(op: string, tensors: readonly Tensor[]): Tensor {
  if (!Array.isArray(tensors) || tensors.length < 2) fail(op, `expected a list of at least two tensors`, `${op}([a, b, c])`)
  const last = tensors.length - 1
  const list = tensors.map((x: unknown, i) => {
    const t = needTensor(op, x)
    const isVector = t.ndim === 1 && (i === 0 || i === last)
    if (t.ndim !== 2 && !isVector) fail(op, `tensor ${i} is ${t}`, 'all are matrices; the first and the last may be vectors')
    return isVector ? unsqueeze(t, i === 0 ? 0 : 1) : t
  })
  const size = [...list.map(x => x.shape[0]), list[last].shape[1]]
  list.forEach((x, i) => {
    if (x.shape[1] !== size[i + 1]) fail(op, `${tensors[i]} and ${tensors[i + 1]} do not follow one another`, 'the columns of one must be the rows of the next')
  })
  const product = cheapest(size)
  const multiply = (from: number, to: number): Tensor => (from === to ? list[from] : matmul(multiply(from, product[from][to]), multiply(product[from][to] + 1, to)))
  const y = multiply(0, last)
  return reshape(y, [...(tensors[0].ndim === 1 ? [] : [y.shape[0]]), ...(tensors[last].ndim === 1 ? [] : [y.shape[1]])])
}

/** Where to split each part of a chain of matrices size[i] × size[i+1] (dynamic programming; Cormen et al., chapter 15). */
function cheapest(size: readonly number[]): number[][] {
  const n = size.length - 1
  const cost = size.map(() => new Array<number>(n).fill(0))
  const split = size.map(() => new Array<number>(n).fill(0))
  for (let length = 1; length < n; length++)
    for (let i = 0, j = length; j < n; i++, j++) {
      cost[i][j] = Infinity
      for (let s = i; s < j; s++) {
        const c = cost[i][s] + cost[s + 1][j] + size[i] * size[s + 1] * size[j + 1]
        if (c < cost[i][j]) [cost[i][j], split[i][j]] = [c, s]
      }
    }
  return split
}

/**
 * Square matrices times themselves n times; the inverse for a negative n, the identity for 0. As `torch.linalg.matrix_power`.
 *
 * @example
 * linalg.matrixPower(tensor([[1, 1], [0, 1]]), 5) // → tensor([[1., 5.],
 * //           [0., 1.]])
 */
export const matrixPower: ((A: Tensor, n: number) => Tensor) & Described = describe((A: Tensor, n: number) => power('linalg.matrixPower', A, n), 'linalg.matrixPower', ['A', 'n'])

export function power(op: string, A: unknown, n: number): Tensor {
  const x = needTensor(op, A)
  if (x.ndim < 2 || x.shape.at(-1) !== x.shape.at(-2)) fail(op, `${x} holds no square matrices`, 'shape [..., n, n]')
  if (!Number.isInteger(n)) fail(op, `the exponent is ${String(n)}`, 'give a whole number')
  if (n === 0) return expand(identityLike(x, x.shape.at(-1)!), x.shape).clone()
  let base = n < 0 ? inverseOf(op, x, true)[0] : x
  let result: Tensor | null = null
  for (let left = Math.abs(n); ; base = matmul(base, base)) {
    if (left % 2 === 1) result = result ? matmul(result, base) : base
    left = Math.floor(left / 2)
    if (left === 0) return result ?? base
  }
}

/** Squarings at the most: enough for matrices of norm 10⁶. */
const SQUARINGS = 20
/** 1/k!, the terms of the series that are used; up to the given norms they are enough for the dtype (Bader, Blanes & Casas 2019). */
const terms = Array.from({ length: 19 }, (_, k) => 1 / Array.from({ length: k }, (__, i) => i + 1).reduce((a, b) => a * b, 1))
const NORM = { float32: 3, float64: 1 }

/**
 * The exponential Σ Aᵏ/k! of square matrices [..., n, n], by scaling and squaring: e^A = (e^(A/2ˢ))^(2ˢ), where s depends on each matrix and is never read:
 * all squarings are done and those that a matrix does not need are not taken. As `torch.linalg.matrix_exp`.
 *
 * @example
 * linalg.matrixExp(zeros(2, 2)) // → tensor([[1., 0.],
 * //           [0., 1.]])
 */
export const matrixExp: ((A: Tensor) => Tensor) & Described = describe((A: Tensor) => exponential('linalg.matrixExp', A), 'linalg.matrixExp', ['A'])

export function exponential(op: string, A: unknown): Tensor {
  const a = needSquare(op, A)
  const n = a.shape.at(-1)!
  if (a.numel === 0) return a.clone()
  const size = div(amax(sum(abs(a.detach()), -2), -1), a.dtype === 'float64' ? NORM.float64 : NORM.float32)
  const squarings = unsqueeze(unsqueeze(clampMax(clampMin(ceil(log2(size)), 0), SQUARINGS), -1), -1)
  const x = div(a, round(exp2(squarings)))
  const x2 = matmul(x, x)
  const powers = [identityLike(a, n), x, x2, matmul(x2, x)]
  const x4 = matmul(x2, x2)
  // c₀…c₃ + x⁴·(c₄…c₇ + x⁴·(c₈…c₁₁ + x⁴·(c₁₂…c₁₅ + x⁴·(c₁₆…c₁₈)))) (Paterson & Stockmeyer 1973).
  const group = (from: number): Tensor => terms.slice(from, from + 4).map((c, i) => mul(powers[i], c)).reduce((a, b) => add(a, b))
  let y = group(16)
  for (const from of [12, 8, 4, 0]) y = add(group(from), matmul(x4, y))
  for (let i = 0; i < SQUARINGS; i++) y = where(gt(squarings, i), matmul(y, y), y)
  return y
}

/**
 * Rows 1, x, x² … of each element: [..., n] → [..., n, N], N = n by default. As `torch.linalg.vander`.
 *
 * @example
 * linalg.vander(tensor([2, 3]), { N: 3 }) // → tensor([[1., 2., 4.],
 * //           [1., 3., 9.]])
 */
export const vander: ((x: Tensor, options?: { N?: number }) => Tensor) & Described = define('linalg.vander', ['x', '*', 'N'], ({ x, N }: { x: Tensor; N?: number }) => {
  const flat = needTensor('linalg.vander', x)
  const t = flat.ndim === 0 ? unsqueeze(flat, 0) : flat
  const n = N ?? t.shape.at(-1)!
  if (!Number.isInteger(n) || n <= 1) fail('linalg.vander', `N is ${String(n)}`, 'give a whole number greater than 1')
  const column = unsqueeze(t, -1)
  return cat([onesLike(column), cumprod(expand(column, [...t.shape, n - 1]), -1)], -1)
})
