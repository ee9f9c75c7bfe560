// A view of a tensor that is known only by its geometry, read and written. With these two autograd follows in-place changes through views
// (as PyTorch's CopySlices) and a trace makes them functional. `home` says how the tensor itself lies in its memory, counted from the
// first element that it touches, because the view may step through that memory in ways that shape alone cannot tell. The two may count in
// different elements: complex numbers can be seen as pairs of real ones, and pairs as complex numbers.
import { dtypes } from '../core/dtype.ts'
import { contiguousStrides, numel, type Shape } from '../core/shape.ts'
import { extent, isContiguous, type View } from '../core/view.ts'
import { program, S, type Scalar } from '../ir/scalar.ts'
import { apply1 } from './define.ts'
import { compact, copyInto, fillWith } from './lowering.ts'
import type { Arg, Lowering, Op } from './op.ts'
import { zerosLike } from './pointwise.ts'

export interface StridedParams {
  readonly view: View
  readonly home: View
}

/** How many elements of a there are in one of b. */
const ratio = (a: View, b: View): number => dtypes[b.dtype].bytes / dtypes[a.dtype].bytes

/** How `view` lies in the memory of a tensor that lies there as `home`. */
export function stridedIn(home: View, view: View): StridedParams {
  const first = extent(home)?.[0] ?? home.offset
  const each = ratio(home, view)
  // Whole elements of both.
  const low = first - (first % Math.max(1, each))
  return { view: { ...view, offset: view.offset - low / each }, home: { ...home, offset: home.offset - low } }
}

const at = (memory: Arg, where: View): Arg => ({ view: where, slot: memory.slot })

/** Fresh memory with room for all that `home` touches. */
function memoryFor(k: Lowering, home: View): Arg {
  const reach = extent(home)
  return k.alloc(home.dtype, [reach ? reach[1] + 1 : 0])
}

/** x in fresh memory, lying there as `home`. */
function settled(k: Lowering, x: Arg, home: View): Arg {
  const memory = memoryFor(k, home)
  copyInto(k, x, at(memory, home))
  return memory
}

/** The elements of x that the view shows. */
export const asStridedOp: Op<StridedParams> = {
  name: 'asStrided',
  infer: (_, { view }) => [{ dtype: view.dtype, shape: view.shape }],
  view: (x, { view, home }) => {
    const start = x.offset / ratio(x, view)
    return isContiguous(x) && isContiguous(home) && Number.isInteger(start) ? { ...view, offset: start + view.offset } : null
  },
  lower: (k, [x], { view, home }) => [at(settled(k, x, home), view)],
  vjp: ([g], { params }) => [g && apply1(addStridedOp, [g], params)],
  saves: 'nothing',
}

/** The transpose: zeros of the tensor's shape, to which each element of the view is added at its place. */
const addStridedOp: Op<StridedParams> = {
  name: 'asStridedTranspose',
  infer: (_, { home }) => [{ dtype: home.dtype, shape: home.shape }],
  lower(k, [g], { view, home }) {
    const memory = memoryFor(k, home)
    fillWith(k, memory, 0)
    if (overlapsItself(view)) {
      const flat = (x: Arg): Arg => ({ view: { ...x.view, shape: [numel(view.shape)], strides: [1] }, slot: x.slot })
      const elements = { dtype: view.dtype, shape: [numel(memory.view.shape) * ratio(view, home)], strides: [1], offset: 0 }
      k.run({ kind: 'scatter', op: 'sum', axis: 0 }, [positions(k, view), flat(compact(k, g))], [at(memory, elements)])
    } else copyInto(k, g, at(memory, view))
    return [at(memory, home)]
  },
  vjp: ([g], { params }) => [g && apply1(asStridedOp, [g], params)],
  saves: 'nothing',
}

/** The first input with the second written over the elements that the view shows. */
export const writeStridedOp: Op<StridedParams> = {
  name: 'writeStrided',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  lower(k, [x, value], { view, home }) {
    const memory = settled(k, x, home)
    copyInto(k, value, at(memory, view))
    return [at(memory, home)]
  },
  vjp: ([g], { params, needs }) => {
    if (!g) return [null, null]
    const shown = apply1(asStridedOp, [g], params)
    return [needs[0] ? apply1(writeStridedOp, [g, zerosLike(shown)], params) : null, needs[1] ? shown : null]
  },
  saves: 'nothing',
}

/** False when no two indices of the view meet: each axis steps over all that the smaller steps reach. */
export function overlapsItself({ shape, strides }: { readonly shape: Shape; readonly strides: readonly number[] }): boolean {
  if (numel(shape) <= 1) return false
  const axes = shape.map((size, i) => ({ size, step: Math.abs(strides[i]) })).filter(a => a.size > 1)
  let reach = 0
  for (const { size, step } of axes.sort((a, b) => a.step - b.step)) {
    if (step <= reach) return true
    reach += (size - 1) * step
  }
  return false
}

/** int32 [n]: where in memory each element of the view lies, in row-major order. */
function positions(k: Lowering, { shape, strides, offset }: View): Arg {
  const out = k.alloc('int32', [numel(shape)])
  const steps = contiguousStrides(shape)
  const sum = shape.reduce<Scalar>(
    (total, size, i) => S.add(total, S.mul(S.mod(S.floorDiv(S.index(), steps[i]), size), strides[i])),
    S.constant(offset, 'int32'),
  )
  k.run({ kind: 'map', program: program([sum], []), params: [] }, [], [out])
  return out
}
