// Conversion between dtypes.
import type { DType } from '../core/dtype.ts'
import { program, S, type Program } from '../ir/scalar.ts'
import { apply1 } from './define.ts'
import type { Op } from './op.ts'
import type { Tensor } from './tensor.ts'

const programs = new Map<string, Program>()
const castProgram = (from: DType, to: DType): Program => {
  const key = from + to
  let p = programs.get(key)
  if (!p) programs.set(key, (p = program([S.cast(S.input(0, from), to)], [from])))
  return p
}

const castOp: Op<{ dtype: DType }> = {
  name: 'cast',
  infer: ([x], { dtype }) => [{ dtype, shape: x.shape }],
  lower(k, [x], { dtype }) {
    const out = k.alloc(dtype, x.view.shape)
    k.run({ kind: 'map', program: castProgram(x.view.dtype, dtype), params: [] }, [x], [out])
    return [out]
  },
  // The gradient stays in float32, which is the only dtype that has one.
  vjp: ([g], { params }) => [params.dtype === 'float32' ? g : null],
  saves: 'nothing',
}

/** The same values in another dtype; the tensor itself when it has it already. To int32 truncates, to bool is `≠ 0`. As `torch.Tensor.to(dtype)`. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply1(castOp, [x], { dtype })
}
