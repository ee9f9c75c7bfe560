// Gathers, their transposes, and the folding of windows.
import type { DType } from '../../../src/core/dtype.ts'
import { numel, type Shape } from '../../../src/core/shape.ts'
import { permuteView, windowCount, windowsView } from '../../../src/core/view.ts'
import type { ScatterOp } from '../../../src/ir/kernel.ts'
import { define, input, launch, layouts, output, outputLayouts, place, plain, type Case, type Layout, type Operand, type Random, type Step } from '../data.ts'

const types: readonly DType[] = ['float32', 'int32', 'bool']
const shapes: readonly Shape[] = [[6], [4, 5], [3, 4, 5], [2, 3, 2, 4]]

/** Random positions below `size`. */
function positions(r: Random, shape: Shape, size: number, layout: Layout = 'plain'): Operand {
  const { view, length } = place(layout, 'int32', shape)
  return { view, words: Int32Array.from({ length }, () => r.int(0, size)) }
}

const gather = (axis: number, x: Operand, index: Operand, to: Layout = 'plain'): Step =>
  launch({ kind: 'gather', axis }, [x, index], [output(x.view.dtype, index.view.shape, to)])

const scatter = (op: ScatterOp, axis: number, index: Operand, x: Operand, to: Operand): Step => launch({ kind: 'scatter', op, axis }, [index, x], [to])
const scatterAdd = (axis: number, index: Operand, x: Operand, to: Operand): Step => scatter('sum', axis, index, x, to)

const axesOf = (s: Shape): number[] => s.map((_, axis) => axis)

/** A vector of positions, each of which names a whole row: an embedding. */
const perRow = (index: Operand, width: number): Operand => ({ ...index, view: { ...index.view, shape: [...index.view.shape, width], strides: [...index.view.strides, 0] } })

/** Rows of `count` numbers that every position shares: the source of a gradient of an expanded tensor. */
const zeros = (dtype: DType, shape: Shape, layout: (typeof outputLayouts)[number] = 'plain'): Operand => {
  const o = output(dtype, shape, layout)
  return { ...o, words: o.words.fill(0) }
}

const gatherCases: readonly Case[] = [
  ...types.map(dtype =>
    define(`gather ${dtype} on every axis`, {}, r =>
      shapes.flatMap(s => axesOf(s).flatMap(axis => [1, s[axis], 9].map(n => gather(axis, input(r, dtype, s), positions(r, s.with(axis, n), s[axis]))))),
    ),
  ),
  ...layouts.map(from =>
    define(`gather from ${from}`, {}, r =>
      outputLayouts.flatMap(to => [
        gather(1, input(r, 'float32', [3, 6, 5], from), positions(r, [3, 4, 5], 6), to),
        gather(0, input(r, 'float32', [8, 5]), positions(r, [4, 5], 8, from), to),
      ]),
    ),
  ),
  define('gather rows by a vector', {}, r => [gather(0, input(r, 'float32', [10, 33]), perRow(positions(r, [21], 10), 33)), gather(0, input(r, 'float32', [7, 1]), perRow(positions(r, [3], 7), 1))]),
  define('gather one of each row', {}, r => [gather(1, input(r, 'float32', [50, 10]), positions(r, [50, 1], 10))]),
  define('gather nothing', {}, r => [gather(0, input(r, 'float32', [4, 3]), positions(r, [0, 3], 4)), gather(0, input(r, 'float32', [0, 3]), positions(r, [0, 3], 0)), gather(1, input(r, 'float32', [0, 3]), positions(r, [0, 2], 3))]),
  define('gather large', {}, r => [gather(0, input(r, 'float32', [1000, 300]), perRow(positions(r, [700], 1000), 300))]),
]

const sums = { rel: 2e-6, abs: 2e-6 }

const scatterCases: readonly Case[] = [
  ...(['float32', 'int32'] as const).map(dtype =>
    define(`scatterAdd ${dtype} on every axis`, sums, r =>
      shapes.flatMap(s => axesOf(s).flatMap(axis => [1, 3, 20].map(n => scatterAdd(axis, positions(r, s.with(axis, n), s[axis]), input(r, dtype, s.with(axis, n)), input(r, dtype, s))))),
    ),
  ),
  ...layouts.map(from =>
    define(`scatterAdd from ${from}`, sums, r =>
      outputLayouts.flatMap(to => [
        scatterAdd(1, positions(r, [3, 9, 5], 4), input(r, 'float32', [3, 9, 5], from), zeros('float32', [3, 4, 5], to)),
        scatterAdd(0, positions(r, [9, 5], 4, from), input(r, 'float32', [9, 5]), zeros('float32', [4, 5], to)),
      ]),
    ),
  ),
  define('scatterAdd all to one place', { rel: 1e-5 }, () => [
    scatterAdd(0, plain('int32', [1000], new Int32Array(1000).fill(2)), plain('float32', [1000], new Float32Array(1000).fill(0.1)), zeros('float32', [3])),
  ]),
  define('scatterAdd rows by a vector', { rel: 1e-5, abs: 2e-5 }, r => [scatterAdd(0, perRow(positions(r, [200], 7), 33), input(r, 'float32', [200, 33]), zeros('float32', [7, 33]))]),
  define('scatterAdd int32 wraps', {}, () => [scatterAdd(0, plain('int32', [4], [0, 0, 1, 0]), plain('int32', [4], [2 ** 30, 2 ** 30, 5, 3]), plain('int32', [2], [7, 7]))]),
  ...(['set', 'prod', 'max', 'min'] as const).flatMap(op =>
    (['float32', 'int32'] as const).map(dtype =>
      define(`scatter ${op} ${dtype}`, sums, r => [
        ...[0, 1, 2].map(axis => scatter(op, axis, positions(r, [3, 4, 5].with(axis, 7), [3, 4, 5][axis]), input(r, dtype, [3, 4, 5].with(axis, 7)), input(r, dtype, [3, 4, 5]))),
        scatter(op, 0, perRow(positions(r, [20], 7), 33), input(r, dtype, [20, 33]), input(r, dtype, [7, 33])),
        scatter(op, 0, positions(r, [100], 6), input(r, dtype, [100]), input(r, dtype, [6])),
        scatter(op, 0, positions(r, [3000], 2000), input(r, dtype, [3000]), input(r, dtype, [2000])),
      ]),
    ),
  ),
  define('scatter max and min with NaN', {}, () => (['max', 'min'] as const).map(op => scatter(op, 0, plain('int32', [4], [0, 1, 1, 2]), plain('float32', [4], [NaN, 1, NaN, 5]), plain('float32', [3], [3, 3, NaN])))),
  define('scatterAdd nothing', {}, r => [scatterAdd(0, positions(r, [0, 3], 4), input(r, 'float32', [0, 3]), input(r, 'float32', [4, 3])), scatterAdd(1, positions(r, [0, 2], 3), input(r, 'float32', [0, 2]), zeros('float32', [0, 3]))]),
  define('scatterAdd NaN and infinities', {}, () => [scatterAdd(0, plain('int32', [4], [0, 1, 2, 2]), plain('float32', [4], [NaN, Infinity, Infinity, -Infinity]), zeros('float32', [4]))]),
  define('scatterAdd long columns', { rel: 1e-5, abs: 1e-5 }, r => [
    scatterAdd(1, positions(r, [3, 2500], 1000), input(r, 'float32', [3, 2500]), input(r, 'float32', [3, 1000])),
    scatterAdd(0, perRow(positions(r, [2500], 50), 20), input(r, 'float32', [2500, 20]), zeros('float32', [50, 20])),
  ]),
  define('scatterAdd large', { rel: 1e-5, abs: 1e-5 }, r => [scatterAdd(0, perRow(positions(r, [700], 1000), 300), input(r, 'float32', [700, 300]), zeros('float32', [1000, 300]))]),
]

interface Windows {
  readonly outer: Shape
  readonly space: Shape
  readonly size: Shape
  readonly stride: Shape
  readonly dilation: Shape
}

const windowed: readonly Windows[] = [
  { outer: [2], space: [9], size: [3], stride: [1], dilation: [1] },
  { outer: [2], space: [10], size: [2], stride: [3], dilation: [1] },
  { outer: [], space: [12], size: [3], stride: [2], dilation: [2] },
  { outer: [2, 3], space: [6, 8], size: [2, 2], stride: [2, 2], dilation: [1, 1] },
  { outer: [2, 3], space: [7, 9], size: [3, 2], stride: [2, 1], dilation: [1, 3] },
  { outer: [1, 2], space: [5, 6, 7], size: [2, 3, 2], stride: [1, 2, 3], dilation: [2, 1, 1] },
  { outer: [4, 5], space: [30, 31], size: [3, 3], stride: [1, 1], dilation: [1, 1] },
  { outer: [2], space: [2], size: [3], stride: [1], dilation: [1] },
  { outer: [3], space: [4, 10], size: [2, 2], stride: [2, 2], dilation: [1, 1] },
  { outer: [0, 2], space: [4], size: [2], stride: [1], dilation: [1] },
]

const windowShape = ({ outer, space, size, stride, dilation }: Windows): number[] => [...outer, ...space.map((s, a) => windowCount(s, size[a], stride[a], dilation[a])), ...size]

const fold = (r: Random, w: Windows, from: Layout = 'plain', to: (typeof outputLayouts)[number] = 'plain'): Step =>
  launch({ kind: 'fold', stride: w.stride, dilation: w.dilation }, [input(r, 'float32', windowShape(w), from)], [output('float32', [...w.outer, ...w.space], to)])

const foldCases: readonly Case[] = [
  ...windowed.map(w => define(`fold ${JSON.stringify(w.size)} windows of ${JSON.stringify(w.space)}, stride ${w.stride.join('×')}, dilation ${w.dilation.join('×')}, ${numel(w.outer)} times`, sums, r => [fold(r, w)])),
  ...layouts.map(from => define(`fold from ${from}`, sums, r => outputLayouts.map(to => fold(r, windowed[4], from, to)))),
  define('reduce and copy windows', sums, r => {
    // The other direction: windows are views, and pooling reduces them.
    const x = input(r, 'float32', [2, 3, 8, 9])
    const view = windowsView(x.view, [2, 3], [3, 2], [2, 1], [1, 2])
    const outer = view.shape.slice(0, 4)
    const channelsLast = permuteView(view, [0, 2, 3, 1, 4, 5])
    return (['max', 'sum', 'argmax'] as const).flatMap(op => {
      const to = op === 'argmax' ? 'int32' : 'float32'
      return [
        launch({ kind: 'reduce', op }, [{ ...x, view }], [output(to, outer)]),
        launch({ kind: 'reduce', op }, [{ ...x, view: channelsLast }], [output(to, channelsLast.shape.slice(0, 4), 'part')]),
      ]
    })
  }),
]

export const indexing: readonly Case[] = [...gatherCases, ...scatterCases, ...foldCases]
