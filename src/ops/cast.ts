// Conversion between dtypes.
import { isComplex, isDifferentiable, type DType } from '../core/dtype.ts'
import { program, S, type Program } from '../ir/scalar.ts'
import { apply1 } from './define.ts'
import { fillWith, part } from './lowering.ts'
import type { Op } from './op.ts'
import type { Tensor } from './tensor.ts'

const programs = new Map<string, Program>()
const castProgram = (from: DType, to: DType): Program => {
  const key = from + to
  let p = programs.get(key)
  if (!p) programs.set(key, (p = program([S.cast(S.input(0, from), to)], [from])))
  return p
}

const isNonzero: Program = program([S.or(S.ne(S.input(0, 'float32'), 0), S.ne(S.input(1, 'float32'), 0))], ['float32', 'float32'])

export const castOp: Op<{ dtype: DType }> = {
  name: 'cast',
  infer: ([x], { dtype }) => [{ dtype, shape: x.shape }],
  lower(k, [x], { dtype }) {
    const out = k.alloc(dtype, x.view.shape)
    if (isComplex(x.view.dtype) && dtype === 'bool') {
      k.run({ kind: 'map', program: isNonzero, params: [] }, [part(x, 0), part(x, 1)], [out])
      return [out]
    }
    // The imaginary part is dropped, or starts as 0.
    const from = isComplex(x.view.dtype) ? part(x, 0) : x
    const to = isComplex(dtype) ? part(out, 0) : out
    k.run({ kind: 'map', program: castProgram(from.view.dtype, to.view.dtype), params: [] }, [from], [to])
    if (isComplex(dtype)) fillWith(k, part(out, 1), 0)
    return [out]
  },
  // The engine gives the cotangent the dtype of the input.
  vjp: ([g], { params }) => [isDifferentiable(params.dtype) ? g : null],
  saves: 'nothing',
}

/** The same values in another dtype; the tensor itself when it has it already. To int32 truncates, to bool is `≠ 0`. Of complex numbers
 * the real part, to bool both. As `torch.Tensor.to(dtype)`. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply1(castOp, [x], { dtype })
}
