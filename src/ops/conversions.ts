// Tensor methods named after a dtype: `x.float()` is `x.to('float32')`.
import type { DType } from '../core/dtype.ts'
import { cast } from './cast.ts'
import { needTensor, tagged } from './define.ts'
import type { Unary } from './pointwise-record.ts'
import type { Tensor } from './tensor.ts'

const conversion = (name: string, dtype: DType): Unary => tagged((x: Tensor) => cast(needTensor(name, x), dtype), name, ['input'])

/** As bool: true where x is not 0. As `torch.Tensor.bool`. */
export const bool: Unary = conversion('bool', 'bool')
/** As uint8. As `torch.Tensor.byte`. */
export const byte: Unary = conversion('byte', 'uint8')
/** As int32, without the fraction. As `torch.Tensor.int`. */
export const int: Unary = conversion('int', 'int32')
/** As int32, which is where int64 is kept. As `torch.Tensor.long`. */
export const long: Unary = conversion('long', 'int32')
/** As float16. As `torch.Tensor.half`. */
export const half: Unary = conversion('half', 'float16')
/** As bfloat16. As `torch.Tensor.bfloat16`. */
export const bfloat16: Unary = conversion('bfloat16', 'bfloat16')
/** As float32. As `torch.Tensor.float`. */
export const float: Unary = conversion('float', 'float32')
/** As float64. As `torch.Tensor.double`. */
export const double: Unary = conversion('double', 'float64')
