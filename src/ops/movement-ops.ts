// The records of movement: views of what is there, and fresh memory that parts are written to.
import type { DType } from '../core/dtype.ts'
import type { Shape } from '../core/shape.ts'
import { expandView, permuteView, reshapeView, selectView, sliceView, windowCount, windowsView, type View } from '../core/view.ts'
import { apply1 } from './define.ts'
import { copyInto, fillWith } from './lowering.ts'
import { movementOp } from './movement-record.ts'
import type { Op } from './op.ts'

export const reshapeOp: Op<{ shape: Shape }> = movementOp('reshape', {
  shape: (_, p) => [...p.shape],
  view: (x, p) => reshapeView(x, p.shape),
  vjp: (g, _, shape) => apply1(reshapeOp, [g], { shape }),
})

export const permuteOp: Op<{ order: readonly number[] }> = movementOp('permute', {
  shape: (x, p) => p.order.map(d => x[d]),
  view: (x, p) => permuteView(x, p.order),
  vjp: (g, p) => apply1(permuteOp, [g], { order: p.order.map((_, i) => p.order.indexOf(i)) }),
})

// The cotangent keeps the broadcast shape: autograd sums it back.
export const expandOp: Op<{ shape: Shape }> = movementOp('expand', {
  shape: (_, p) => [...p.shape],
  view: (x, p) => expandView(x, p.shape),
  vjp: g => g,
})

export const sliceOp: Op<{ axis: number; start: number; step: number; length: number }> = movementOp('slice', {
  shape: (x, p) => x.with(p.axis, p.length),
  view: (x, p) => sliceView(x, p.axis, p.start, p.step, p.length),
})

export const selectOp: Op<{ axis: number; index: number }> = movementOp('select', {
  shape: (x, p) => x.toSpliced(p.axis, 1),
  view: (x, p) => selectView(x, p.axis, p.index),
})

export const flipOp: Op<{ axes: readonly number[] }> = movementOp('flip', {
  shape: x => [...x],
  view: (x, p) => p.axes.reduce((v, a) => sliceView(v, a, v.shape[a] - 1, -1, v.shape[a]), x),
  vjp: (g, p) => apply1(flipOp, [g], p),
})

export const diagonalOp: Op<{ offset: number; a: number; b: number }> = movementOp('diagonal', {
  shape: (x, { offset, a, b }) => [...x.filter((_, i) => i !== a && i !== b), diagonalLength(x, offset, a, b)],
  view: (x, { offset, a, b }) => {
    const rest = x.shape.map((_, i) => i).filter(i => i !== a && i !== b)
    const start = offset >= 0 ? offset * x.strides[b] : -offset * x.strides[a]
    const length = diagonalLength(x.shape, offset, a, b)
    return {
      ...x,
      shape: [...rest.map(i => x.shape[i]), length],
      strides: [...rest.map(i => x.strides[i]), x.strides[a] + x.strides[b]],
      offset: x.offset + (length > 0 ? start : 0),
    }
  },
})
export const diagonalLength = (x: Shape, offset: number, a: number, b: number): number =>
  Math.max(0, offset >= 0 ? Math.min(x[a], x[b] - offset) : Math.min(x[a] + offset, x[b]))

interface WindowParams {
  readonly axes: readonly number[]
  readonly size: Shape
  readonly stride: Shape
  readonly dilation: Shape
}

/** Sliding windows over `axes`; the taps become trailing axes. */
export const windowsOp: Op<WindowParams> = movementOp('windows', {
  shape: (x, p) => [...x.map((n, i) => (p.axes.includes(i) ? windowCount(n, p.size[p.axes.indexOf(i)], p.stride[p.axes.indexOf(i)], p.dilation[p.axes.indexOf(i)]) : n)), ...p.size],
  view: (x, p) => windowsView(x, p.axes, p.size, p.stride, p.dilation),
  vjp: (g, p, shape) => apply1(foldOp, [g], { ...p, spatial: p.axes.map(a => shape[a]) }),
  samples: [],
})

/** The transpose of `windows` over the last axes before the taps. */
export const foldOp: Op<WindowParams & { spatial: Shape }> = {
  name: 'fold',
  infer: ([g], p) => [{ dtype: g.dtype, shape: foldShape(g.shape, p) }],
  lower(k, [g], p) {
    const out = k.alloc(g.view.dtype, foldShape(g.view.shape, p))
    k.run({ kind: 'fold', stride: p.stride, dilation: p.dilation }, [g], [out])
    return [out]
  },
  vjp: ([g], { params }) => [g && apply1(windowsOp, [g], params)],
  saves: 'nothing',
}
const foldShape = (g: Shape, p: WindowParams & { spatial: Shape }): number[] => [...g.slice(0, p.axes[0]), ...p.spatial]

export const filledOp: Op<{ shape: Shape; value: number; dtype: DType }> = {
  name: 'full',
  infer: (_, p) => [{ dtype: p.dtype, shape: p.shape }],
  lower(k, _, p) {
    const out = k.alloc(p.dtype, p.shape)
    fillWith(k, out, p.value)
    return [out]
  },
  saves: 'nothing',
}

/** The same on the device of the input, of which nothing else is used. */
export const filledBesideOp: Op<{ shape: Shape; value: number; dtype: DType }> = { ...filledOp, name: 'fullLike', infer: (_, p) => filledOp.infer([], p) }

export const catOp: Op<{ axis: number }> = {
  name: 'cat',
  infer: (xs, { axis }) => [{ dtype: xs[0].dtype, shape: xs[0].shape.with(axis, xs.reduce((n, x) => n + x.shape[axis], 0)) }],
  lower(k, xs, { axis }) {
    const total = xs.reduce((n, x) => n + x.view.shape[axis], 0)
    const out = k.alloc(xs[0].view.dtype, xs[0].view.shape.with(axis, total))
    let at = 0
    for (const x of xs) {
      const n = x.view.shape[axis]
      if (n > 0) copyInto(k, x, { view: sliceView(out.view, axis, at, 1, n), slot: out.slot })
      at += n
    }
    return [out]
  },
  vjp: ([g], { shapes, needs, params: { axis } }) => {
    let at = 0
    return shapes.map((s, i) => {
      const start = at
      at += s[axis]
      return needs[i] && g ? apply1(sliceOp, [g], { axis, start, step: 1, length: s[axis] }) : null
    })
  },
  saves: 'nothing',
}

interface PadParams {
  readonly low: Shape
  readonly high: Shape
  readonly value: number
}
export const padOp: Op<PadParams> = {
  name: 'pad',
  infer: ([x], { low, high }) => [{ dtype: x.dtype, shape: x.shape.map((n, i) => n + low[i] + high[i]) }],
  lower(k, [x], { low, high, value }) {
    const out = k.alloc(x.view.dtype, x.view.shape.map((n, i) => n + low[i] + high[i]))
    fillWith(k, out, value)
    copyInto(k, x, { view: inner(out.view, low, x.view.shape), slot: out.slot })
    return [out]
  },
  vjp: ([g], { params: { low }, shapes: [shape] }) => [g && shape.reduce((t, n, axis) => (n === t.shape[axis] ? t : apply1(sliceOp, [t], { axis, start: low[axis], step: 1, length: n })), g)],
  saves: 'nothing',
}
const inner = (v: View, low: Shape, shape: Shape): View => shape.reduce((w, n, axis) => sliceView(w, axis, low[axis], 1, n), v)
