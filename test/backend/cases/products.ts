// Matrix products at and around the edges of tiles, in every layout and batch; convolutions and the shapes of their gradients.
import { contiguousStrides, type Shape } from '../../../src/core/shape.ts'
import { permuteView, sliceView, windowCount } from '../../../src/core/view.ts'
import { define, input, launch, layouts, output, outputLayouts, type Case, type Operand, type Random, type Step, type Tolerance } from '../data.ts'

/** A sum of k products of numbers in -1 … 1 walks to about √k/3, and each of k additions rounds at that size. */
const sumOf = (k: number): Tolerance => ({ rel: 1e-6, abs: 1e-6 * Math.sqrt(k + 1) + 4e-8 * k })

const matmul = (a: Operand, b: Operand, to: Operand): Step => launch({ kind: 'matmul' }, [a, b], [to])

const swap = (o: Operand): Operand => {
  const rank = o.view.shape.length
  return { ...o, view: permuteView(o.view, [...Array(rank - 2).keys(), rank - 1, rank - 2]) }
}

const backwards = (o: Operand, axis: number): Operand => {
  const n = o.view.shape[axis]
  return { ...o, view: sliceView(o.view, axis, n - 1, -1, n) }
}

interface Product {
  readonly batch?: Shape
  readonly at?: boolean
  readonly bt?: boolean
  readonly outt?: boolean
}

function product(r: Random, m: number, k: number, n: number, { batch = [], at, bt, outt }: Product = {}): Step {
  const a = at ? swap(input(r, 'float32', [...batch, k, m])) : input(r, 'float32', [...batch, m, k])
  const b = bt ? swap(input(r, 'float32', [...batch, n, k])) : input(r, 'float32', [...batch, k, n])
  const out = outt ? swap(output('float32', [...batch, n, m])) : output('float32', [...batch, m, n])
  return matmul(a, b, out)
}

const counts = Array.from({ length: 20 }, (_, k) => k + 1)
const sides = [{}, { at: true }, { bt: true }, { at: true, bt: true }, { outt: true }]
const text = (p: Product): string => [p.at && 'aᵀ', p.bt && 'bᵀ', p.outt && 'outᵀ'].filter(Boolean).join(' ') || 'plain'

/** The same matrix or vector for every member of the batch. */
const shared = (o: Operand, batch: Shape): Operand => ({
  ...o,
  view: { ...o.view, shape: [...batch, ...o.view.shape], strides: [...batch.map(() => 0), ...o.view.strides] },
})

const matmulCases: readonly Case[] = [
  ...counts.map(m => define(`matmul ${m} rows`, sumOf(20), r => counts.map(n => product(r, m, ((m * 7 + n * 3) % 20) + 1, n)))),
  ...sides.map(p => define(`matmul ${text(p)}`, sumOf(130), r => [[3, 4, 5], [1, 33, 1], [17, 1, 9], [63, 64, 65], [65, 130, 63], [66, 9, 129]].map(([m, k, n]) => product(r, m, k, n, p)))),
  ...sides.map(p => define(`matmul large, ${text(p)}`, sumOf(300), r => [product(r, 130, 257, 190, p), product(r, 200, 300, 10, p)])),
  define('matmul of vectors', sumOf(1000), r => [[1, 1000, 1], [1, 500, 300], [300, 500, 1], [200, 1, 200]].flatMap(([m, k, n]) => sides.map(p => product(r, m, k, n, p)))),
  define('matmul long inner axis', sumOf(20000), r => [product(r, 2, 20000, 3), product(r, 7, 3000, 8, { at: true })]),
  // Scans that go backwards read such; sizes in fours are read in vectors.
  define('matmul of axes that run backwards', sumOf(16), r =>
    [[3, 3, 4], [8, 12, 8], [20, 16, 24]].flatMap(([m, k, n]) =>
      [0, 1].map(axis => matmul(backwards(input(r, 'float32', [m, k]), axis), backwards(swap(input(r, 'float32', [n, k])), 1 - axis), output('float32', [m, n])))
        .concat([0, 1].map(axis => matmul(swap(input(r, 'float32', [k, m])), backwards(input(r, 'float32', [k, n]), axis), output('float32', [m, n]))))
        .concat(matmul(backwards(swap(input(r, 'float32', [k, m])), 1), input(r, 'float32', [k, n]), backwards(output('float32', [m, n]), 0))),
    ),
  ),
  define('matmul of nothing', {}, r => [[0, 3, 4], [3, 0, 4], [3, 4, 0], [0, 0, 0]].flatMap(([m, k, n]) => [product(r, m, k, n), product(r, m, k, n, { batch: [2] })])),
  define('matmul of an empty batch', {}, r => [product(r, 3, 4, 5, { batch: [0] })]),
  ...sides.map(p => define(`matmul batched, ${text(p)}`, sumOf(40), r => [[3], [2, 3], [1, 4], [2, 1, 2]].flatMap(batch => [product(r, 5, 7, 6, { batch, ...p }), product(r, 13, 40, 9, { batch, ...p })]))),
  define('matmul with one side shared by the batch', sumOf(30), r =>
    [[4], [2, 3]].flatMap(batch => [
      matmul(shared(input(r, 'float32', [9, 30]), batch), input(r, 'float32', [...batch, 30, 11]), output('float32', [...batch, 9, 11])),
      matmul(input(r, 'float32', [...batch, 9, 30]), shared(input(r, 'float32', [30, 11]), batch), output('float32', [...batch, 9, 11])),
      matmul(input(r, 'float32', [...batch, 9, 30]), shared(swap(input(r, 'float32', [11, 30])), batch), output('float32', [...batch, 9, 11])),
    ]),
  ),
  define('matmul of a batch whose axes are permuted', sumOf(16), r => {
    // Attention's view: [batch, time, heads, size] seen as [batch, heads, time, size].
    const heads = (): Operand => {
      const x = input(r, 'float32', [2, 10, 3, 16])
      return { ...x, view: permuteView(x.view, [0, 2, 1, 3]) }
    }
    const mixed = output('float32', [2, 10, 3, 16])
    return [
      matmul(heads(), swap(heads()), output('float32', [2, 3, 10, 10])),
      matmul(input(r, 'float32', [2, 3, 10, 10]), heads(), { ...mixed, view: permuteView(mixed.view, [0, 2, 1, 3]) }),
    ]
  }),
  ...layouts.map(from =>
    define(`matmul from ${from}`, sumOf(20), r => outputLayouts.flatMap(to => [
      matmul(input(r, 'float32', [7, 20], from), input(r, 'float32', [20, 9]), output('float32', [7, 9], to)),
      matmul(input(r, 'float32', [2, 7, 20]), input(r, 'float32', [2, 20, 9], from), output('float32', [2, 7, 9], to)),
    ])),
  ),
  define('matmul keeps NaN and infinities', {}, r => {
    const a = input(r, 'float32', [9, 20])
    const b = input(r, 'float32', [20, 17])
    const round = (o: Operand) => o.words.forEach((v, i) => (o.words[i] = Math.round(v * 8)))
    round(a)
    round(b)
    a.words.set([NaN, Infinity, 0], 20)
    b.words.set([-Infinity, NaN], 170)
    return [matmul(a, b, output('float32', [9, 17]))]
  }),
]

interface Conv {
  readonly groups?: number
  readonly batch?: number
  readonly channels?: number
  readonly features?: number
  readonly space: Shape
  readonly kernel: Shape
  readonly stride?: Shape
  readonly dilation?: Shape
  readonly inputDilation?: Shape
  readonly padLow?: Shape
  readonly padHigh?: Shape
}

type Filled = Required<Conv>

function fill(c: Conv): Filled {
  const ones = c.space.map(() => 1)
  const zeros = c.space.map(() => 0)
  return { groups: 1, batch: 2, channels: 3, features: 4, stride: ones, dilation: ones, inputDilation: ones, padLow: zeros, padHigh: c.padLow ?? zeros, ...c }
}

const outSpace = (c: Filled): number[] =>
  c.space.map((s, a) => windowCount(Math.max(0, (s - 1) * c.inputDilation[a] + 1) + c.padLow[a] + c.padHigh[a], c.kernel[a], c.stride[a], c.dilation[a]))

function conv(r: Random, given: Conv, layout: (typeof outputLayouts)[number] = 'plain'): Step {
  const c = fill(given)
  const { stride, dilation, inputDilation, padLow } = c
  return launch(
    { kind: 'conv', stride, dilation, inputDilation, padLow },
    [input(r, 'float32', [c.groups, c.batch, c.channels, ...c.space], layout), input(r, 'float32', [c.groups, c.features, c.channels, ...c.kernel], layout)],
    [output('float32', [c.groups, c.batch, c.features, ...outSpace(c)], layout)],
  )
}

const each = (list: readonly (readonly number[])[]): number[][] => list.reduce<number[][]>((all, options) => all.flatMap(head => options.map(o => [...head, o])), [[]])

const lineCases = each([[1, 2, 3], [1, 2], [1, 2, 3]]).map(([stride, dilation, inputDilation]) =>
  define(`conv 1d stride ${stride}, dilation ${dilation}, input dilation ${inputDilation}`, sumOf(12), r =>
    each([[-2, 0, 1, 3], [-1, 0, 2], [1, 3]]).map(([low, high, size]) =>
      conv(r, { space: [11], kernel: [size], stride: [stride], dilation: [dilation], inputDilation: [inputDilation], padLow: [low], padHigh: [high] }),
    ),
  ),
)

const planes: readonly (Conv & { name: string })[] = [
  { name: '3×3', space: [9, 8], kernel: [3, 3] },
  { name: '3×3 padded', space: [9, 8], kernel: [3, 3], padLow: [1, 1], features: 17, channels: 5 },
  { name: '5×5 stride 2', space: [14, 13], kernel: [5, 5], stride: [2, 2], padLow: [2, 2] },
  { name: '1×1', space: [7, 5], kernel: [1, 1], channels: 20, features: 9 },
  { name: '1×1 stride 2', space: [7, 5], kernel: [1, 1], stride: [2, 2] },
  { name: '2×3, all different', space: [9, 10], kernel: [2, 3], stride: [2, 1], dilation: [1, 3], inputDilation: [1, 2], padLow: [0, 2], padHigh: [3, -1] },
  { name: 'dilated', space: [12, 12], kernel: [3, 3], dilation: [2, 3], padLow: [2, 3] },
  { name: 'input dilation', space: [5, 4], kernel: [3, 3], inputDilation: [2, 3], padLow: [1, 1], padHigh: [2, 1] },
  { name: 'negative padding', space: [9, 9], kernel: [2, 2], padLow: [-2, -1], padHigh: [-1, -3] },
  { name: 'whole picture', space: [6, 6], kernel: [6, 6] },
  { name: 'kernel larger than the picture', space: [2, 3], kernel: [5, 5], padLow: [2, 2] },
  { name: 'one pixel', space: [1, 1], kernel: [4, 3], padLow: [3, 2], features: 17 },
  { name: 'one pixel, stride and dilation', space: [1, 1], kernel: [3, 4], stride: [2, 3], dilation: [3, 2], padLow: [6, 8], padHigh: [9, -1], groups: 2 },
  { name: 'one row', space: [1, 9], kernel: [3, 3], padLow: [1, 1], inputDilation: [3, 2] },
  { name: 'groups', space: [8, 8], kernel: [3, 3], groups: 3, channels: 2, padLow: [1, 1] },
  { name: 'depthwise', space: [8, 9], kernel: [3, 3], groups: 16, channels: 1, features: 1, padLow: [1, 1] },
  { name: 'depthwise, stride and dilation', space: [11, 12], kernel: [3, 5], groups: 5, channels: 1, features: 2, stride: [2, 1], dilation: [1, 2], padLow: [1, 3] },
  { name: 'depthwise, stride 2', space: [13, 9], kernel: [3, 3], groups: 9, channels: 1, features: 1, stride: [2, 2], padLow: [1, 1] },
  { name: 'digits', space: [8, 8], kernel: [3, 3], batch: 33, channels: 1, features: 16, padLow: [1, 1] },
  { name: 'large', space: [28, 28], kernel: [3, 3], batch: 4, channels: 16, features: 24, padLow: [1, 1] },
]

const planeCases = planes.map(({ name, ...c }) => define(`conv 2d ${name}`, sumOf(150), r => [conv(r, c)]))

/** The convolutions that give the derivatives of a convolution: by its input, and by its weights. */
function gradients(r: Random, given: Conv): Step[] {
  const c = fill(given)
  const axes = c.space.map((_, a) => a + 3)
  const turn = (o: Operand, order: readonly number[]): Operand => ({ ...o, view: permuteView(o.view, order) })
  const features = [0, 2, 1, ...axes]
  const g = input(r, 'float32', [c.groups, c.batch, c.features, ...outSpace(c)])
  const x = input(r, 'float32', [c.groups, c.batch, c.channels, ...c.space])
  const w = input(r, 'float32', [c.groups, c.features, c.channels, ...c.kernel])
  const flipped = axes.reduce((v, a) => sliceView(v, a, v.shape[a] - 1, -1, v.shape[a]), w.view)
  const gradW = output('float32', w.view.shape)
  return [
    launch(
      {
        kind: 'conv',
        stride: c.inputDilation,
        dilation: c.dilation,
        inputDilation: c.stride,
        padLow: c.padLow.map((p, a) => (c.kernel[a] - 1) * c.dilation[a] - p),
      },
      [g, turn({ ...w, view: flipped }, features)],
      [output('float32', x.view.shape)],
    ),
    launch(
      { kind: 'conv', stride: c.dilation, dilation: c.stride, inputDilation: c.inputDilation, padLow: c.padLow },
      [turn(x, features), turn(g, features)],
      [turn(gradW, [0, 2, 1, ...axes])],
    ),
  ]
}

const gradientCases = planes.map(({ name, ...c }) => define(`conv 2d gradients, ${name}`, sumOf(3200), r => gradients(r, c)))

const otherCases = [
  ...outputLayouts.map(layout =>
    define(`conv in layout ${layout}`, sumOf(27), r => [
      conv(r, { space: [6, 7], kernel: [3, 3], padLow: [1, 1], groups: 2 }, layout),
      conv(r, { space: [11], kernel: [3], stride: [2], padLow: [1] }, layout),
    ]),
  ),
  define('conv of images whose groups lie side by side in the channels', sumOf(27), r => {
    const split = (o: Operand, batch: number, channels: number): Operand => {
      const [g, , , ...space] = [2, batch, channels, 6, 6]
      const [n, c, ...rest] = contiguousStrides([batch, g * channels, ...space])
      return { ...o, view: { ...o.view, shape: [g, batch, channels, ...space], strides: [c * channels, n, c, ...rest] } }
    }
    const c = fill({ space: [6, 6], kernel: [3, 3], padLow: [1, 1] })
    return [
      launch(
        { kind: 'conv', stride: c.stride, dilation: c.dilation, inputDilation: c.inputDilation, padLow: c.padLow },
        [split(input(r, 'float32', [3, 6, 6, 6]), 3, 3), input(r, 'float32', [2, 4, 3, 3, 3])],
        [split(output('float32', [3, 8, 6, 6]), 3, 4)],
      ),
    ]
  }),
  define('conv 3d', sumOf(81), r => [
    conv(r, { space: [5, 6, 7], kernel: [3, 3, 3], padLow: [1, 1, 1] }),
    conv(r, { space: [5, 6, 7], kernel: [2, 1, 3], stride: [2, 1, 2], dilation: [1, 2, 1], groups: 2 }),
    conv(r, { space: [3, 4, 2], kernel: [2, 3, 2], inputDilation: [2, 1, 3], padLow: [1, -1, 2], padHigh: [0, 2, 1] }),
    ...gradients(r, { space: [5, 4, 6], kernel: [2, 3, 2], stride: [2, 1, 1], padLow: [1, 0, 1] }),
  ]),
  define('conv of nothing', {}, r => [
    conv(r, { space: [6, 6], kernel: [3, 3], batch: 0 }),
    conv(r, { space: [6, 6], kernel: [3, 3], channels: 0 }),
    conv(r, { space: [2, 6], kernel: [3, 3] }),
    conv(r, { space: [4], kernel: [2], features: 0 }),
  ]),
]

export const products: readonly Case[] = [...matmulCases, ...lineCases, ...planeCases, ...gradientCases, ...otherCases]
