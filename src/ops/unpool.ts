// Values put at positions of a line of zeros. Where windows overlapped, one position is named several times with one value: it is there once,
// and each of its namings takes the gradient, as in PyTorch.
import { program, S } from '../ir/scalar.ts'
import { apply1 } from './define.ts'
import { gather } from './gather.ts'
import { fillWith } from './lowering.ts'
import type { Op } from './op.ts'
import type { Tensor } from './tensor.ts'

const f = S.input(0, 'float32')
const mean = program([S.div(f, S.max(S.input(1, 'float32'), 1))], ['float32', 'float32'])

const unpoolOp: Op<{ size: number }> = {
  name: 'unpool',
  infer: ([x], { size }) => [{ dtype: x.dtype, shape: x.shape.with(-1, size) }],
  lower(k, [x, index], _, [{ dtype, shape }]) {
    const axis = shape.length - 1
    const [out, count, one] = [k.alloc(dtype, shape), k.alloc(dtype, shape), k.alloc(dtype, x.view.shape)]
    for (const [to, value] of [[out, 0], [count, 0], [one, 1]] as const) fillWith(k, to, value)
    k.run({ kind: 'scatterAdd', axis }, [index, x], [out])
    k.run({ kind: 'scatterAdd', axis }, [index, one], [count])
    k.run({ kind: 'map', program: mean, params: [] }, [out, count], [out])
    return [out]
  },
  vjp: ([g], { inputs: [, index] }) => [g && gather(g, -1, index), null],
  saves: 'inputs',
}

/** x […, n] at the positions `index` […, n] of its last dimension, which gets the given size; zeros elsewhere. */
export const unpool = (x: Tensor, index: Tensor, size: number): Tensor => apply1(unpoolOp, [x, index], { size })
