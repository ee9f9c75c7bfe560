// Shapes and order: views where memory allows, no kernel. Joining and padding write parts of fresh memory.
import { promote, type DType } from '../core/dtype.ts'
import { fail } from '../core/errors.ts'
import { axisOf, broadcastShapes, formatShape, normalizeDim, normalizeDims, numel, sameShape, type Shape } from '../core/shape.ts'
import { expandView, isContiguous, permuteView, reshapeView, selectView, sliceView, windowCount, windowsView, type View } from '../core/view.ts'
import { apply1, define, describe, needTensor, type Described } from './define.ts'
import { copyInto, fillWith } from './lowering.ts'
import { movementOp } from './movement-record.ts'
import type { Op } from './op.ts'
import { clone } from './pointwise.ts'
import { cast } from './cast.ts'
import type { Tensor } from './tensor.ts'

type Ints = number | readonly number[]

const list = (args: readonly Ints[]): number[] => args.flatMap(a => (typeof a === 'number' ? [a] : [...a]))

// Records

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

const flipOp: Op<{ axes: readonly number[] }> = movementOp('flip', {
  shape: x => [...x],
  view: (x, p) => p.axes.reduce((v, a) => sliceView(v, a, v.shape[a] - 1, -1, v.shape[a]), x),
  vjp: (g, p) => apply1(flipOp, [g], p),
})

const diagonalOp: Op<{ offset: number; a: number; b: number }> = movementOp('diagonal', {
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
const diagonalLength = (x: Shape, offset: number, a: number, b: number): number =>
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
    const out = k.alloc('float32', foldShape(g.view.shape, p))
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

const catOp: Op<{ axis: number }> = {
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
const padOp: Op<PadParams> = {
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

// Public functions

/**
 * The same elements in the same order under another shape; one size may be -1. A view when strides allow, else a copy. As `torch.reshape`.
 * @throws LampasError when the number of elements differs.
 */
export const reshape: ((x: Tensor, ...shape: Ints[]) => Tensor) & Described = describe((x: Tensor, ...shape: Ints[]) => {
  const target = inferSize(x, list(shape))
  return sameShape(target, x.shape) ? x : apply1(reshapeOp, [x], { shape: target })
}, 'reshape', ['input', 'shape'])

function inferSize(x: Tensor, shape: number[]): number[] {
  const free = shape.indexOf(-1)
  const known = shape.reduce((n, s, i) => (i === free ? n : n * s), 1)
  if (shape.some((s, i) => i !== free && (!Number.isInteger(s) || s < 0))) fail('reshape', `${formatShape(shape)} is not a shape`, 'sizes are whole numbers ≥ 0; one may be -1')
  if (free >= 0 && known === 0) fail('reshape', `in ${formatShape(shape)} the size for -1 could be anything, since the others multiply to 0`, 'give every size')
  const out = free < 0 ? shape : shape.with(free, x.numel / known)
  if (numel(out) !== x.numel || !out.every(Number.isInteger))
    fail('reshape', `${x} has ${x.numel} elements, which do not fill ${formatShape(shape)}${free < 0 ? ` (${known})` : ''}`, 'sizes must multiply to the same count; -1 lets one be worked out')
  return out
}

/** As `reshape`, but never a copy. As `torch.Tensor.view`. */
export const view: ((x: Tensor, ...shape: Ints[]) => Tensor) & Described = describe((x: Tensor, ...shape: Ints[]) => {
  const target = inferSize(x, list(shape))
  if (!reshapeView(x.layout, target)) fail('view', `${x} with strides ${formatShape(x.layout.strides)} cannot be seen as ${formatShape(target)} without a copy`, 'use reshape')
  return reshape(x, target)
}, 'view', ['input', 'shape'])

/** Reorders dimensions: dimension i of the result is `dims[i]` of the input. A view. As `torch.permute`. */
export const permute: ((x: Tensor, ...dims: Ints[]) => Tensor) & Described = describe((x: Tensor, ...dims: Ints[]) => {
  const order = list(dims).map(d => normalizeDim('permute', d, x.ndim))
  if (order.length !== x.ndim || new Set(order).size !== order.length) fail('permute', `dims ${formatShape(order)} do not name each of the ${x.ndim} dimensions of ${x} once`, 'give every dimension exactly once')
  return apply1(permuteOp, [x], { order })
}, 'permute', ['input', 'dims'])

/** Swaps two dimensions. A view. As `torch.transpose`. */
export const transpose: ((x: Tensor, dim0: number, dim1: number) => Tensor) & Described = describe((x: Tensor, dim0: number, dim1: number) => {
  const order = x.shape.map((_, i) => i)
  const [a, b] = [normalizeDim('transpose', dim0, x.ndim), normalizeDim('transpose', dim1, x.ndim)]
  if (x.ndim === 0) return x
  ;[order[a], order[b]] = [b, a]
  return apply1(permuteOp, [x], { order })
}, 'transpose', ['input', 'dim0', 'dim1'])

/** Transpose of a matrix (or a tensor of fewer dimensions, unchanged). As `torch.t`. */
export const t: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => {
  if (x.ndim > 2) fail('t', `expected at most 2 dimensions, got ${x}`, 'use mT() or permute')
  return x.ndim < 2 ? x : transpose(x, 0, 1)
}, 't', ['input'])

/** Transpose of the last two dimensions. As `torch.Tensor.mT`. */
export const mT: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => {
  if (x.ndim < 2) fail('mT', `expected at least 2 dimensions, got ${x}`, 'unsqueeze first')
  return transpose(x, -2, -1)
}, 'mT', ['input'])

/** Moves dimensions to other positions, the rest keep their order. As `torch.movedim`. */
export const movedim: ((x: Tensor, source: Ints, destination: Ints) => Tensor) & Described = describe((x: Tensor, source: Ints, destination: Ints) => {
  const from = list([source]).map(d => normalizeDim('movedim', d, x.ndim))
  const to = list([destination]).map(d => normalizeDim('movedim', d, x.ndim))
  if (from.length !== to.length) fail('movedim', `${from.length} sources but ${to.length} destinations`, 'give as many of each')
  if (new Set(from).size !== from.length || new Set(to).size !== to.length) fail('movedim', 'a dimension is named twice', 'name each once')
  const order = new Array<number>(x.ndim).fill(-1)
  to.forEach((d, i) => (order[d] = from[i]))
  const rest = x.shape.map((_, i) => i).filter(i => !from.includes(i))
  return permute(x, order.map(d => (d < 0 ? rest.shift()! : d)))
}, 'movedim', ['input', 'source', 'destination'])

/** Repeats dimensions of size 1 without copying; -1 keeps a size. A view. As `torch.Tensor.expand`. */
export const expand: ((x: Tensor, ...shape: Ints[]) => Tensor) & Described = describe((x: Tensor, ...shape: Ints[]) => {
  const want = list(shape)
  const lead = want.length - x.ndim
  const target = want.map((n, i) => (n === -1 && i >= lead ? x.shape[i - lead] : n))
  if (lead < 0 || x.shape.some((n, i) => n !== 1 && n !== target[i + lead]))
    fail('expand', `${x} does not expand to ${formatShape(want)}`, 'only sizes of 1 can be repeated, and new dimensions come first')
  return sameShape(target, x.shape) ? x : apply1(expandOp, [x], { shape: target })
}, 'expand', ['input', 'sizes'])

/** As `expand`, with the rules of broadcasting. As `torch.broadcast_to`. */
export const broadcastTo: ((x: Tensor, shape: Shape) => Tensor) & Described = describe((x: Tensor, shape: Shape) => expand(x, shape), 'broadcastTo', ['input', 'shape'])

/** Drops dimensions of size 1: all, or those named. As `torch.squeeze`. */
export const squeeze: ((x: Tensor, dim?: Ints) => Tensor) & Described = describe((x: Tensor, dim?: Ints) => {
  const dims = normalizeDims('squeeze', dim, x.ndim)
  return reshape(x, x.shape.filter((n, i) => n !== 1 || !dims.includes(i)))
}, 'squeeze', ['input', 'dim'])

/** Puts a dimension of size 1 at `dim`. As `torch.unsqueeze`. */
export const unsqueeze: ((x: Tensor, dim: number) => Tensor) & Described = describe((x: Tensor, dim: number) => reshape(x, x.shape.toSpliced(normalizeDim('unsqueeze', dim, x.ndim + 1), 0, 1)), 'unsqueeze', ['input', 'dim'])

/** Joins dimensions startDim … endDim into one. As `torch.flatten`. */
export const flatten: ((x: Tensor, startDim?: number, endDim?: number) => Tensor) & Described = describe((x: Tensor, startDim = 0, endDim = -1) => {
  if (x.ndim === 0) return reshape(x, 1)
  const [a, b] = [normalizeDim('flatten', startDim, x.ndim), normalizeDim('flatten', endDim, x.ndim)]
  if (a > b) fail('flatten', `startDim ${startDim} comes after endDim ${endDim} in ${x}`, 'swap them')
  return reshape(x, [...x.shape.slice(0, a), numel(x.shape.slice(a, b + 1)), ...x.shape.slice(b + 1)])
}, 'flatten', ['input', 'startDim', 'endDim'])

/** Splits one dimension into several sizes. As `torch.unflatten`. */
export const unflatten: ((x: Tensor, dim: number, sizes: Shape) => Tensor) & Described = describe((x: Tensor, dim: number, sizes: Shape) => {
  const a = normalizeDim('unflatten', dim, x.ndim)
  const free = sizes.indexOf(-1)
  const full = free < 0 ? sizes : sizes.with(free, x.shape[a] / sizes.reduce((n, s) => (s === -1 ? n : n * s), 1))
  return reshape(x, x.shape.toSpliced(a, 1, ...full))
}, 'unflatten', ['input', 'dim', 'sizes'])

/** Reverses the order along dimensions. A view. As `torch.flip`. */
export const flip: ((x: Tensor, dims: Ints) => Tensor) & Described = describe((x: Tensor, dims: Ints) => apply1(flipOp, [x], { axes: normalizeDims('flip', dims, x.ndim) }), 'flip', ['input', 'dims'])

/** Elements start … start+length−1 of a dimension. A view. As `torch.narrow`. */
export const narrow: ((x: Tensor, dim: number, start: number, length: number) => Tensor) & Described = describe((x: Tensor, dim: number, start: number, length: number) => {
  const axis = axisOf('narrow', dim, x.ndim)
  if (!Number.isInteger(start) || !Number.isInteger(length)) fail('narrow', `start ${String(start)} and length ${String(length)} must be whole numbers`, 'to pick at positions that a tensor holds use indexSelect')
  const from = start < 0 ? start + x.shape[axis] : start
  if (from < 0 || length < 0 || from + length > x.shape[axis]) fail('narrow', `${start} … ${start + length} is outside dimension ${dim} of ${x}`, `its size is ${x.shape[axis]}`)
  return apply1(sliceOp, [x], { axis, start: from, step: 1, length })
}, 'narrow', ['input', 'dim', 'start', 'length'])

/** One position of a dimension, which disappears. A view. As `torch.select`. */
export const select: ((x: Tensor, dim: number, index: number) => Tensor) & Described = describe((x: Tensor, dim: number, index: number) => {
  if (x.ndim === 0) fail('select', 'a 0-dim tensor has no dimension to select from', 'use item()')
  const axis = normalizeDim('select', dim, x.ndim)
  if (!Number.isInteger(index) || index < -x.shape[axis] || index >= x.shape[axis]) fail('select', `index ${index} is outside dimension ${dim} of ${x}`, `its size is ${x.shape[axis]}`)
  return apply1(selectOp, [x], { axis, index: index < 0 ? index + x.shape[axis] : index })
}, 'select', ['input', 'dim', 'index'])

/** Elements of a diagonal, as the last dimension. A view. As `torch.diagonal`. */
export const diagonal: ((x: Tensor, offset?: number, dim1?: number, dim2?: number) => Tensor) & Described = describe((x: Tensor, offset = 0, dim1 = 0, dim2 = 1) => {
  const [a, b] = [normalizeDim('diagonal', dim1, x.ndim), normalizeDim('diagonal', dim2, x.ndim)]
  if (x.ndim < 2 || a === b) fail('diagonal', `expected two different dimensions, got ${dim1} and ${dim2} of ${x}`, 'a diagonal needs a matrix')
  return apply1(diagonalOp, [x], { offset, a, b })
}, 'diagonal', ['input', 'offset', 'dim1', 'dim2'])

/** Pieces of `size` along a dimension (the last may be smaller), or of the given sizes. Views. As `torch.split`. */
export const split: ((x: Tensor, size: Ints, dim?: number) => Tensor[]) & Described = describe((x: Tensor, size: Ints, dim = 0) => {
  const axis = axisOf('split', dim, x.ndim)
  const n = x.shape[axis]
  if (typeof size === 'number' && !(size > 0)) fail('split', `the size of a piece is ${size}`, 'give a whole number ≥ 1')
  const sizes = typeof size === 'number' ? Array.from({ length: Math.max(1, Math.ceil(n / size)) }, (_, i) => Math.min(size, n - i * size)) : size
  if (sizes.reduce((a, b) => a + b, 0) !== n) fail('split', `sizes ${formatShape(sizes)} do not add up to ${n}, dimension ${dim} of ${x}`, 'they must cover it')
  let at = 0
  return sizes.map(length => narrow(x, axis, (at += length) - length, length))
}, 'split', ['input', 'splitSize', 'dim'])

/** At most `chunks` pieces of equal size (the last may be smaller). Views. As `torch.chunk`. */
export const chunk: ((x: Tensor, chunks: number, dim?: number) => Tensor[]) & Described = describe((x: Tensor, chunks: number, dim = 0) => {
  if (!(chunks > 0)) fail('chunk', `${chunks} chunks`, 'give a whole number ≥ 1')
  return split(x, Math.max(1, Math.ceil(x.shape[normalizeDim('chunk', dim, x.ndim)] / chunks)), dim)
}, 'chunk', ['input', 'chunks', 'dim'])

/** All positions of a dimension as separate tensors. Views. As `torch.unbind`. */
export const unbind: ((x: Tensor, dim?: number) => Tensor[]) & Described = describe((x: Tensor, dim = 0) => {
  if (x.ndim === 0) fail('unbind', `${x} has no dimension to take apart`, 'give a tensor of at least one dimension')
  return Array.from({ length: x.shape[normalizeDim('unbind', dim, x.ndim)] }, (_, i) => select(x, dim, i))
}, 'unbind', ['input', 'dim'])

/** Sliding windows of one dimension; the window becomes the last dimension. A view. As `torch.Tensor.unfold`. */
export const unfold: ((x: Tensor, dimension: number, size: number, step: number) => Tensor) & Described = describe((x: Tensor, dimension: number, size: number, step: number) => {
  const axis = axisOf('unfold', dimension, x.ndim)
  if (size > x.shape[axis] || !(step > 0)) fail('unfold', `windows of ${size} every ${step} do not fit dimension ${dimension} of ${x}`, 'size must be at most the dimension, step at least 1')
  // The transpose of windows wants the windowed axis last, before the taps.
  return movedim(apply1(windowsOp, [movedim(x, axis, -1)], { axes: [x.ndim - 1], size: [size], stride: [step], dilation: [1] }), -2, axis)
}, 'unfold', ['input', 'dimension', 'size', 'step'])

/** Joins tensors along an existing dimension. As `torch.cat`. */
export const cat: ((tensors: readonly Tensor[], dim?: number) => Tensor) & Described = describe((tensors: readonly Tensor[], dim = 0) => {
  if (!Array.isArray(tensors) || tensors.length === 0) fail('cat', 'expected a list of at least one tensor', 'cat([a, b], dim)')
  const xs = tensors.map(x => needTensor('cat', x)).filter((x, _, all) => !(x.ndim === 1 && x.numel === 0 && all.some(y => y.ndim !== 1)))
  const axis = normalizeDim('cat', dim, xs[0].ndim)
  for (const x of xs)
    if (x.ndim !== xs[0].ndim || x.ndim === 0 || x.shape.some((n, i) => i !== axis && n !== xs[0].shape[i]))
      fail('cat', `${xs.map(String).join(', ')} do not join along dim ${dim}`, 'all other sizes must be equal and 0-dim tensors need stack')
  const dtype = xs.map(x => x.dtype).reduce(promote)
  return apply1(catOp, xs.map(x => cast(x, dtype)), { axis })
}, 'cat', ['tensors', 'dim'])

/** Joins tensors of one shape along a new dimension. As `torch.stack`. */
export const stack: ((tensors: readonly Tensor[], dim?: number) => Tensor) & Described = describe((tensors: readonly Tensor[], dim = 0) => {
  if (!Array.isArray(tensors) || tensors.length === 0) fail('stack', 'expected a list of at least one tensor', 'stack([a, b], dim)')
  const first = needTensor('stack', tensors[0])
  for (const x of tensors) if (!sameShape(x.shape, first.shape)) fail('stack', `${x} and ${first} have different shapes`, 'stack needs equal shapes; cat joins along an existing dimension')
  const axis = normalizeDim('stack', dim, first.ndim + 1)
  return cat(tensors.map(x => unsqueeze(x, axis)), axis)
}, 'stack', ['tensors', 'dim'])

/** Repeats the whole tensor `repeats[i]` times along dimension i; more repeats than dimensions add some in front. As `torch.Tensor.repeat`. */
export const repeat: ((x: Tensor, ...repeats: Ints[]) => Tensor) & Described = describe((x: Tensor, ...repeats: Ints[]) => {
  const r = list(repeats)
  if (r.length < x.ndim) fail('repeat', `${r.length} repeats for ${x}`, 'give one for each dimension')
  const shape = [...new Array<number>(r.length - x.ndim).fill(1), ...x.shape]
  const paired = reshape(x, shape.flatMap(n => [1, n]))
  return reshape(expand(paired, shape.flatMap((n, i) => [r[i], n])), shape.map((n, i) => n * r[i]))
}, 'repeat', ['input', 'repeats'])

/** As `repeat`, but fewer repeats than dimensions count from the last. As `torch.tile`. */
export const tile: ((x: Tensor, ...dims: Ints[]) => Tensor) & Described = describe((x: Tensor, ...dims: Ints[]) => {
  const r = list(dims)
  return repeat(x, [...new Array<number>(Math.max(0, x.ndim - r.length)).fill(1), ...r])
}, 'tile', ['input', 'dims'])

/** Moves elements along dimensions, what falls off comes in at the other end. As `torch.roll`. */
export const roll: ((x: Tensor, shifts: Ints, dims?: Ints) => Tensor) & Described = describe((x: Tensor, shifts: Ints, dims?: Ints) => {
  if (dims === undefined) return reshape(roll(flatten(x), shifts, 0), x.shape)
  const [by, along] = [list([shifts]), list([dims])]
  if (by.length !== along.length) fail('roll', `${by.length} shifts for ${along.length} dims`, 'give one shift for each dimension')
  return along.reduce((y, d, i) => {
    const n = y.shape[normalizeDim('roll', d, y.ndim)]
    const at = n === 0 ? 0 : (((-by[i] % n) + n) % n)
    return at === 0 ? y : cat([narrow(y, d, at, n - at), narrow(y, d, 0, at)], d)
  }, x)
}, 'roll', ['input', 'shifts', 'dims'])

/** All tensors expanded to their common shape. As `torch.broadcast_tensors`. */
export const broadcastTensors: ((...tensors: Tensor[]) => Tensor[]) & Described = describe((...tensors: Tensor[]) => {
  const shape = broadcastShapes('broadcastTensors', tensors.map(x => x.shape))
  return tensors.map(x => expand(x, shape))
}, 'broadcastTensors', ['tensors'])

/** Pads with a value: `pad` lists (low, high) pairs from the last dimension backwards; negative sizes cut off. As `torch.nn.functional.pad`, mode constant. */
export const pad: ((x: Tensor, pad: readonly number[], options?: { value?: number }) => Tensor) & Described = define('pad', ['input', 'pad', 'value'], ({ input, pad: sizes, value = 0 }: { input: Tensor; pad: readonly number[]; value?: number }) => {
  if (typeof value !== 'number') fail('pad', `the value is ${String(value)}`, 'give a number; modes other than constant are not there')
  if (sizes.length % 2 || sizes.length / 2 > input.ndim) fail('pad', `${formatShape(sizes)} does not pair up with the dimensions of ${input}`, 'give (low, high) for the last dimension first')
  const at = (i: number, side: 0 | 1) => sizes[2 * (input.ndim - 1 - i) + side] ?? 0
  const cut = input.shape.reduce((y, n, axis) => {
    const [low, high] = [Math.min(0, at(axis, 0)), Math.min(0, at(axis, 1))]
    return low || high ? narrow(y, axis, -low, n + low + high) : y
  }, input)
  const low = input.shape.map((_, i) => Math.max(0, at(i, 0)))
  const high = input.shape.map((_, i) => Math.max(0, at(i, 1)))
  return low.some(Boolean) || high.some(Boolean) ? apply1(padOp, [cut], { low, high, value }) : cut
})

/** The tensor itself when it lies in row-major order without gaps, else a copy that does. As `torch.Tensor.contiguous`. */
export const contiguous: ((x: Tensor) => Tensor) & Described = describe((x: Tensor) => (isContiguous(x.layout) ? x : clone(x)), 'contiguous', ['input'])
