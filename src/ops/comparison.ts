// Elementwise comparison, logic and choice; copies and constants of the same shape.
import { S } from '../ir/scalar.ts'
import type { Described, Operand } from './define.ts'
import { isReal } from './formula.ts'
import { operands } from './operands.ts'
import { binary, ternary, unary, type BinaryFn, type Unary } from './pointwise-record.ts'
import type { Tensor } from './tensor.ts'

/**
 * a = b. As `torch.eq`.
 *
 * @example
 * eq(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([False,  True, False])
 */
export const eq: BinaryFn = operands('other', binary('eq', { dtype: 'bool', value: S.eq }))
/**
 * a ≠ b. As `torch.ne`.
 *
 * @example
 * ne(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([ True, False,  True])
 */
export const ne: BinaryFn = operands('other', binary('ne', { dtype: 'bool', value: S.ne }))
/**
 * a < b. As `torch.lt`.
 *
 * @example
 * lt(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([ True, False, False])
 */
export const lt: BinaryFn = operands('other', binary('lt', { dtype: 'bool', value: S.lt }))
/**
 * a ≤ b. As `torch.le`.
 *
 * @example
 * le(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([ True,  True, False])
 */
export const le: BinaryFn = operands('other', binary('le', { dtype: 'bool', value: S.le }))
/**
 * a > b. As `torch.gt`.
 *
 * @example
 * gt(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([False, False,  True])
 */
export const gt: BinaryFn = operands('other', binary('gt', { dtype: 'bool', value: S.gt }))
/**
 * a ≥ b. As `torch.ge`.
 *
 * @example
 * ge(tensor([1, 2, 3]), tensor([2, 2, 2])) // → tensor([False,  True,  True])
 */
export const ge: BinaryFn = operands('other', binary('ge', { dtype: 'bool', value: S.ge }))
const truth = (x: ReturnType<typeof S.input>) => S.cast(x, 'bool')
/**
 * True where both are not 0. As `torch.logical_and`.
 *
 * @example
 * logicalAnd(tensor([0, 1, 1]), tensor([0, 0, 1])) // → tensor([False, False,  True])
 */
export const logicalAnd: BinaryFn = operands('tensors', binary('logicalAnd', { dtype: 'bool', value: (a, b) => S.and(truth(a), truth(b)) }))
/**
 * True where either is not 0. As `torch.logical_or`.
 *
 * @example
 * logicalOr(tensor([0, 1, 1]), tensor([0, 0, 1])) // → tensor([False,  True,  True])
 */
export const logicalOr: BinaryFn = operands('tensors', binary('logicalOr', { dtype: 'bool', value: (a, b) => S.or(truth(a), truth(b)) }))
/**
 * True where exactly one is not 0. As `torch.logical_xor`.
 *
 * @example
 * logicalXor(tensor([0, 1, 1]), tensor([0, 0, 1])) // → tensor([False,  True, False])
 */
export const logicalXor: BinaryFn = operands('tensors', binary('logicalXor', { dtype: 'bool', value: (a, b) => S.xor(truth(a), truth(b)) }))
/**
 * True where x is 0. As `torch.logical_not`.
 *
 * @example
 * logicalNot(tensor([0, 1, 2])) // → tensor([ True, False, False])
 */
export const logicalNot: Unary = unary('logicalNot', { dtype: 'bool', value: x => S.not(truth(x)) })
/**
 * Bitwise and of int32 (logical for bool). As `torch.bitwise_and`.
 *
 * @example
 * bitwiseAnd(tensor([12, 5], { dtype: 'int32' }), tensor([10, 3], { dtype: 'int32' })) // → tensor([8, 1])
 */
export const bitwiseAnd: BinaryFn = operands('one', binary('bitwiseAnd', { dtype: 'bits', value: S.and }))
/**
 * Bitwise or. As `torch.bitwise_or`.
 *
 * @example
 * bitwiseOr(tensor([12, 5], { dtype: 'int32' }), tensor([10, 3], { dtype: 'int32' })) // → tensor([14,  7])
 */
export const bitwiseOr: BinaryFn = operands('one', binary('bitwiseOr', { dtype: 'bits', value: S.or }))
/**
 * Bitwise exclusive or. As `torch.bitwise_xor`.
 *
 * @example
 * bitwiseXor(tensor([12, 5], { dtype: 'int32' }), tensor([10, 3], { dtype: 'int32' })) // → tensor([6, 6])
 */
export const bitwiseXor: BinaryFn = operands('one', binary('bitwiseXor', { dtype: 'bits', value: S.xor }))
/**
 * Bitwise complement (logical for bool). As `torch.bitwise_not`.
 *
 * @example
 * bitwiseNot(tensor([0, 5], { dtype: 'int32' })) // → tensor([-1, -6])
 */
export const bitwiseNot: Unary = unary('bitwiseNot', { dtype: 'bits', value: S.not })
/**
 * True where x is NaN. As `torch.isnan`.
 *
 * @example
 * isnan(tensor([1, NaN, Infinity])) // → tensor([False,  True, False])
 */
export const isnan: Unary = unary('isnan', { dtype: 'bool', value: x => S.ne(x, x) })
/**
 * True where x is +∞ or −∞. As `torch.isinf`.
 *
 * @example
 * isinf(tensor([1, NaN, Infinity])) // → tensor([False, False,  True])
 */
export const isinf: Unary = unary('isinf', { dtype: 'bool', value: x => (isReal(x) ? S.eq(S.abs(x), Infinity) : S.ne(x, x)) })
/**
 * True where x is neither infinite nor NaN. As `torch.isfinite`.
 *
 * @example
 * isfinite(tensor([1, NaN, Infinity])) // → tensor([ True, False, False])
 */
export const isfinite: Unary = unary('isfinite', { dtype: 'bool', value: x => (isReal(x) ? S.lt(S.abs(x), Infinity) : S.eq(x, x)) })
/**
 * `input` where the condition holds, else `other`. As `torch.where`.
 *
 * @example
 * where(tensor([true, false]), tensor([1, 2]), 0) // → tensor([1., 0.])
 */
export const where: ((condition: Operand, input: Operand, other: Operand) => Tensor) & Described = ternary('where', ['condition', 'input', 'other'], {
  dtype: 'select',
  value: (c, a, b) => S.select(c, a, b),
  vjp: [null, (g, c) => where(c, g, 0), (g, c) => where(c, 0, g)],
  samples: [{ shapes: [[2, 3], [2, 3], [2, 3]], dtypes: ['bool', 'float32', 'float32'] }],
})
/**
 * A copy with its own memory. As `torch.clone`.
 *
 * @example
 * clone(tensor([1, 2])) // → tensor([1., 2.])
 */
export const clone: Unary = unary('clone', { dtype: 'same', value: x => x, linear: [g => g] })
/**
 * Zeros of the same shape and dtype. As `torch.zeros_like`.
 *
 * @example
 * zerosLike(tensor([1, 2])) // → tensor([0., 0.])
 */
export const zerosLike: Unary = unary('zerosLike', { dtype: 'same', value: x => S.constant(0, x.dtype) })
/**
 * Ones of the same shape and dtype. As `torch.ones_like`.
 *
 * @example
 * onesLike(tensor([1, 2])) // → tensor([1., 1.])
 */
export const onesLike: Unary = unary('onesLike', { dtype: 'same', value: x => S.constant(1, x.dtype) })
