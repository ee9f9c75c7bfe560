// The largest value of a window, as pooling takes it: of equal ones the first, which alone takes the gradient.
import { numel, type Shape } from '../core/shape.ts'
import { permuteView } from '../core/view.ts'
import { arange } from './creation.ts'
import { apply1 } from './define.ts'
import { gather } from './gather.ts'
import { expand, reshape } from './movement.ts'
import type { Op } from './op.ts'
import { eq, where } from './pointwise.ts'
import type { Tensor } from './tensor.ts'

interface Params {
  readonly axes: readonly number[]
}

const kept = (shape: Shape, axes: readonly number[]): number[] => [...shape.keys()].filter(i => !axes.includes(i))

function extremeOp(name: string, kernel: 'max' | 'argmax', vjp?: Op<Params>['vjp']): Op<Params> {
  return {
    name,
    infer: ([x], { axes }) => [{ dtype: kernel === 'argmax' ? 'int32' : x.dtype, shape: kept(x.shape, axes).map(i => x.shape[i]) }],
    lower(k, [x], { axes }, [{ dtype, shape }]) {
      const out = k.alloc(dtype, shape)
      k.run({ kind: 'reduce', op: kernel }, [{ view: permuteView(x.view, [...kept(x.view.shape, axes), ...axes]), slot: x.slot }], [out])
      return [out]
    },
    vjp,
    saves: 'inputs',
  }
}

const positionOp = extremeOp('firstMaxPosition', 'argmax')
const maxOp = extremeOp('firstMax', 'max', ([g], { params: { axes }, inputs: [x] }) => {
  if (!g) return [null]
  const spread = (t: Tensor): Tensor => reshape(t, x.shape.map((n, i) => (axes.includes(i) ? 1 : n)))
  const position = reshape(arange(numel(axes.map(a => x.shape[a]))), x.shape.map((n, i) => (axes.includes(i) ? n : 1)))
  return [where(eq(position, spread(firstPosition(x, axes))), spread(g), 0)]
})

/** Largest value over the axes; of equal ones the first takes the gradient. */
export const firstMax = (x: Tensor, axes: readonly number[]): Tensor => apply1(maxOp, [x], { axes })
/** Where it is: the row-major position among the axes, int32. */
const firstPosition = (x: Tensor, axes: readonly number[]): Tensor => apply1(positionOp, [x], { axes })

/** The entry that a table of trailing windows […T, …K] has for the winning tap of each window of x […, …T, …K]; n is the number of taps' axes. */
export function winners(x: Tensor, table: Tensor, n: number): Tensor {
  const tap = firstPosition(x, Array.from({ length: n }, (_, i) => x.ndim - n + i))
  const rows = reshape(table, [...table.shape.slice(0, -n), numel(table.shape.slice(-n))])
  const spread = expand(rows, [...tap.shape, rows.shape.at(-1)!])
  return reshape(gather(spread, -1, reshape(tap, [...tap.shape, 1])), tap.shape)
}
