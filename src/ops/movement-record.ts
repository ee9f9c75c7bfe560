// Movement ops: the result shows the same memory through another view. The transpose of such a map writes the cotangent
// through that view into zeros; both are made here from one function on views.
import type { Shape } from '../core/shape.ts'
import { contiguousView, type View } from '../core/view.ts'
import { apply1 } from './define.ts'
import { compact, copyInto, fillWith } from './lowering.ts'
import type { Op, Sample } from './op.ts'
import type { Tensor } from './tensor.ts'

export interface MovementSpec<P> {
  /** Shape of the result. Checks arguments; throws a LampasError. */
  readonly shape: (x: Shape, params: P) => number[]
  /** The result as a view; null when only a copy can be it. */
  readonly view: (x: View, params: P) => View | null
  /** Derivative, for maps that use each element once or that have a better transpose than writing into zeros. */
  readonly vjp?: (g: Tensor, params: P, shape: Shape) => Tensor
  readonly samples?: readonly Sample[]
}

interface TransposeParams<P> {
  readonly params: P
  readonly shape: Shape
}

/** The op record of a movement, and the record of its transpose when it has no derivative rule of its own. */
/* @__NO_SIDE_EFFECTS__ */
export function movementOp<P>(name: string, spec: MovementSpec<P>): Op<P> {
  const transpose: Op<TransposeParams<P>> = {
    name: `${name}Transpose`,
    infer: ([g], { shape }) => [{ dtype: g.dtype, shape }],
    lower(k, [g], { params, shape }) {
      const out = k.alloc(g.view.dtype, shape)
      fillWith(k, out, 0)
      const window = spec.view(out.view, params)
      if (window) copyInto(k, g, { view: window, slot: out.slot })
      return [out]
    },
    vjp: ([g], { params }) => [g && apply1(op, [g], params.params)],
    saves: 'nothing',
  }
  const op: Op<P> = {
    name,
    infer: ([x], params) => [{ dtype: x.dtype, shape: spec.shape(x.shape, params) }],
    view: spec.view,
    lower(k, [x], params) {
      const whole = compact(k, x)
      const view = spec.view(whole.view, params)
      return [{ view: view ?? contiguousView(x.view.dtype, spec.shape(x.view.shape, params)), slot: whole.slot }]
    },
    vjp: ([g], { params, shapes: [shape] }) => [g && (spec.vjp ? spec.vjp(g, params, shape) : apply1(transpose, [g], { params, shape }))],
    saves: 'nothing',
    samples: spec.samples,
  }
  return op
}
