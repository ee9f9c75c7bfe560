// PyTorch's second names of elementwise functions.
import { clamp } from './activation.ts'
import type { Operand } from './define.ts'
import type { Scaled } from './operands.ts'
import { abs, acos, acosh, asin, asinh, atan, atan2, atanh, div, ge, gt, le, lt, mul, ne, neg, sub, trunc } from './pointwise.ts'
import { byName, type BinaryFn, type Unary } from './pointwise-record.ts'

/**
 * Magnitude: `abs`. As `torch.absolute`.
 *
 * @example
 * absolute(tensor([-1.5, 0, 2.25])) // → tensor([1.5000, 0.0000, 2.2500])
 */
export const absolute: Unary = abs
/**
 * `acos`. As `torch.arccos`.
 *
 * @example
 * arccos(tensor([-0.5, 0, 0.5])) // → tensor([2.0944, 1.5708, 1.0472])
 */
export const arccos: Unary = acos
/**
 * `acosh`. As `torch.arccosh`.
 *
 * @example
 * arccosh(tensor([1, 2, 3])) // → tensor([0.0000, 1.3170, 1.7627])
 */
export const arccosh: Unary = acosh
/**
 * `asin`. As `torch.arcsin`.
 *
 * @example
 * arcsin(tensor([-0.5, 0, 0.5])) // → tensor([-0.5236,  0.0000,  0.5236])
 */
export const arcsin: Unary = asin
/**
 * `asinh`. As `torch.arcsinh`.
 *
 * @example
 * arcsinh(tensor([-1, 0, 2])) // → tensor([-0.8814,  0.0000,  1.4436])
 */
export const arcsinh: Unary = asinh
/**
 * `atan`. As `torch.arctan`.
 *
 * @example
 * arctan(tensor([-1, 0, 2])) // → tensor([-0.7854,  0.0000,  1.1071])
 */
export const arctan: Unary = atan
/**
 * `atan2`. As `torch.arctan2`.
 *
 * @example
 * arctan2(tensor([3, 5, 8]), tensor([4, 12, 15])) // → tensor([0.6435, 0.3948, 0.4900])
 */
export const arctan2: BinaryFn = atan2
/**
 * `atanh`. As `torch.arctanh`.
 *
 * @example
 * arctanh(tensor([-0.5, 0, 0.5])) // → tensor([-0.5493,  0.0000,  0.5493])
 */
export const arctanh: Unary = atanh
/**
 * `clamp`. As `torch.clip`.
 *
 * @example
 * clip(tensor([-2, 0, 2]), { max: 1 }) // → tensor([-2.,  0.,  1.])
 */
export const clip: typeof clamp = clamp
/**
 * `div`. As `torch.divide`.
 *
 * @example
 * divide(tensor([7, -7]), 2) // → tensor([ 3.5000, -3.5000])
 */
export const divide: typeof div = div
/**
 * `trunc`. As `torch.fix`.
 *
 * @example
 * fix(tensor([-1.5, 0, 2.25])) // → tensor([-1.,  0.,  2.])
 */
export const fix: Unary = trunc
/**
 * `gt`. As `torch.greater`.
 *
 * @example
 * greater(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([False, False,  True])
 */
export const greater: BinaryFn = gt
/**
 * `ge`. As `torch.greater_equal`.
 *
 * @example
 * greaterEqual(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([False,  True,  True])
 */
export const greaterEqual: BinaryFn = ge
/**
 * `lt`. As `torch.less`.
 *
 * @example
 * less(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([ True, False, False])
 */
export const less: BinaryFn = lt
/**
 * `le`. As `torch.less_equal`.
 *
 * @example
 * lessEqual(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([ True,  True, False])
 */
export const lessEqual: BinaryFn = le
/**
 * `mul`. As `torch.multiply`.
 *
 * @example
 * multiply(tensor([3, 5, 8]), tensor([4, 12, 15])) // → tensor([ 12.,  60., 120.])
 */
export const multiply: BinaryFn = mul
/**
 * `neg`. As `torch.negative`.
 *
 * @example
 * negative(tensor([-1.5, 0, 2.25])) // → tensor([ 1.5000, -0.0000, -2.2500])
 */
export const negative: Unary = neg
/**
 * `ne`. As `torch.not_equal`.
 *
 * @example
 * notEqual(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([ True, False,  True])
 */
export const notEqual: BinaryFn = ne
/**
 * `sub`. As `torch.subtract`.
 *
 * @example
 * subtract(tensor([1, 2, 3]), tensor([4, 5, 6]), { alpha: 2 }) // → tensor([-7., -8., -9.])
 */
export const subtract: Scaled = sub
/**
 * Quotient without rounding. As `torch.true_divide`.
 *
 * @example
 * trueDivide(tensor([3, 5, 8]), tensor([4, 12, 15])) // → tensor([0.7500, 0.4167, 0.5333])
 */
export const trueDivide: BinaryFn = byName((x: Operand, other: Operand) => div(x, other), 'trueDivide', ['input', 'other'])
