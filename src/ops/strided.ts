// A view of a tensor that is known only by its geometry, read and written. With these two autograd follows in-place changes through views
// (as PyTorch's CopySlices) and a trace makes them functional. `home` says how the tensor itself lies in its memory, counted from the
// first element that it touches, because the view may step through that memory in ways that shape alone cannot tell.
import { contiguousStrides, numel, type Shape } from '../core/shape.ts'
import { extent, isContiguous, type View } from '../core/view.ts'
import { program, S, type Scalar } from '../ir/scalar.ts'
import { apply1 } from './define.ts'
import { compact, copyInto, fillWith } from './lowering.ts'
import type { Arg, Lowering, Op } from './op.ts'
import { zerosLike } from './pointwise.ts'

type Geometry = Omit<View, 'dtype'>
export interface StridedParams {
  readonly view: Geometry
  readonly home: Geometry
}

/** How `view` lies in the memory of a tensor that lies there as `home`. */
export function stridedIn(home: View, view: View): StridedParams {
  const low = extent(home)?.[0] ?? home.offset
  const place = ({ shape, strides, offset }: View): Geometry => ({ shape, strides, offset: offset - low })
  return { view: place(view), home: place(home) }
}

const at = (memory: Arg, where: Geometry): Arg => ({ view: { dtype: memory.view.dtype, ...where }, slot: memory.slot })

/** Fresh memory with room for all that `home` touches. */
function memoryFor(k: Lowering, x: Arg, home: Geometry): Arg {
  const reach = extent({ dtype: x.view.dtype, ...home })
  return k.alloc(x.view.dtype, [reach ? reach[1] + 1 : 0])
}

/** x in fresh memory, lying there as `home`. */
function settled(k: Lowering, x: Arg, home: Geometry): Arg {
  const memory = memoryFor(k, x, home)
  copyInto(k, x, at(memory, home))
  return memory
}

/** The elements of x that the view shows. */
export const asStridedOp: Op<StridedParams> = {
  name: 'asStrided',
  infer: ([x], { view }) => [{ dtype: x.dtype, shape: view.shape }],
  view: (x, { view, home }) => {
    const plain = isContiguous(x) && isContiguous({ dtype: x.dtype, ...home })
    return plain ? { ...x, shape: view.shape, strides: view.strides, offset: x.offset + view.offset } : null
  },
  lower: (k, [x], { view, home }) => [at(settled(k, x, home), view)],
  vjp: ([g], { params }) => [g && apply1(addStridedOp, [g], params)],
  saves: 'nothing',
}

/** The transpose: zeros of the tensor's shape, to which each element of the view is added at its place. */
const addStridedOp: Op<StridedParams> = {
  name: 'asStridedTranspose',
  infer: ([g], { home }) => [{ dtype: g.dtype, shape: home.shape }],
  lower(k, [g], { view, home }) {
    const memory = memoryFor(k, g, home)
    fillWith(k, memory, 0)
    if (overlapsItself(view)) {
      const flat = (x: Arg): Arg => ({ view: { ...x.view, shape: [numel(view.shape)], strides: [1] }, slot: x.slot })
      k.run({ kind: 'scatter', op: 'sum', axis: 0 }, [positions(k, view), flat(compact(k, g))], [memory])
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
function positions(k: Lowering, { shape, strides, offset }: Geometry): Arg {
  const out = k.alloc('int32', [numel(shape)])
  const steps = contiguousStrides(shape)
  const sum = shape.reduce<Scalar>(
    (total, size, i) => S.add(total, S.mul(S.mod(S.floorDiv(S.index(), steps[i]), size), strides[i])),
    S.constant(offset, 'int32'),
  )
  k.run({ kind: 'map', program: program([sum], []), params: [] }, [], [out])
  return out
}
