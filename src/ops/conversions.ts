// Tensor methods named after a dtype: `x.float()` is `x.to('float32')`.
import type { DType } from '../core/dtype.ts'
import { cast } from './cast.ts'
import { needTensor, tagged } from './define.ts'
import type { Unary } from './pointwise-record.ts'
import type { Tensor } from './tensor.ts'

const conversion = (name: string, dtype: DType): Unary => tagged((x: Tensor) => cast(needTensor(name, x), dtype), name, ['input'])

/**
 * As bool: true where x is not 0. As `torch.Tensor.bool`.
 *
 * @example
 * tensor([0, 1.5, 3]).bool() // → tensor([False,  True,  True])
 */
export const bool: Unary = conversion('bool', 'bool')
/**
 * As uint8. As `torch.Tensor.byte`.
 *
 * @example
 * tensor([0, 1.5, 3]).byte() // → tensor([0, 1, 3], dtype=uint8)
 */
export const byte: Unary = conversion('byte', 'uint8')
/**
 * As int32, without the fraction. As `torch.Tensor.int`.
 *
 * @example
 * tensor([0, 1.5, 3]).int() // → tensor([0, 1, 3])
 */
export const int: Unary = conversion('int', 'int32')
/**
 * As int32, which is where int64 is kept. As `torch.Tensor.long`.
 *
 * @example
 * tensor([0, 1.5, 3]).long() // → tensor([0, 1, 3])
 */
export const long: Unary = conversion('long', 'int32')
/**
 * As float16. As `torch.Tensor.half`.
 *
 * @example
 * tensor([0, 1.5, 3]).half() // → tensor([0.0000, 1.5000, 3.0000], dtype=float16)
 */
export const half: Unary = conversion('half', 'float16')
/**
 * As bfloat16. As `torch.Tensor.bfloat16`.
 *
 * @example
 * tensor([0, 1.5, 3]).bfloat16() // → tensor([0.0000, 1.5000, 3.0000], dtype=bfloat16)
 */
export const bfloat16: Unary = conversion('bfloat16', 'bfloat16')
/**
 * As float32. As `torch.Tensor.float`.
 *
 * @example
 * tensor([0, 1.5, 3]).float() // → tensor([0.0000, 1.5000, 3.0000])
 */
export const float: Unary = conversion('float', 'float32')
/**
 * As float64. As `torch.Tensor.double`.
 *
 * @example
 * tensor([0, 1.5, 3]).double() // → tensor([0.0000, 1.5000, 3.0000], dtype=float64)
 */
export const double: Unary = conversion('double', 'float64')
