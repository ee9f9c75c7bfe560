// Reductions over every layout of axes, cumulations and sorts: NaN, ties, nothing at all, a million numbers.
import type { DType } from '../../../src/core/dtype.ts'
import { numel, type Shape } from '../../../src/core/shape.ts'
import { contiguousView, permuteView } from '../../../src/core/view.ts'
import type { CumulateOp, ReduceOp } from '../../../src/ir/kernel.ts'
import { define, input, launch, layouts, output, outputLayouts, plain, type Case, type Operand, type Random, type Step, type Tolerance } from '../data.ts'

const types: Record<ReduceOp, readonly DType[]> = {
  sum: ['float32', 'int32'],
  prod: ['float32', 'int32'],
  max: ['float32', 'int32', 'bool'],
  min: ['float32', 'int32', 'bool'],
  argmax: ['float32', 'int32'],
  argmin: ['float32', 'int32'],
}
const ops = Object.keys(types) as ReduceOp[]
const isArg = (op: ReduceOp): boolean => op === 'argmax' || op === 'argmin'
const close: Tolerance = { rel: 2e-6, abs: 2e-6 }

/** Reduces the last `count` axes of `x`. */
function reduce(op: ReduceOp, x: Operand, count: number, to: Operand = resultOf(op, x, count)): Step {
  return launch({ kind: 'reduce', op }, [x], [to])
}

const resultOf = (op: ReduceOp, { view }: Operand, count: number, layout: (typeof outputLayouts)[number] = 'plain'): Operand =>
  output(isArg(op) ? 'int32' : view.dtype, view.shape.slice(0, view.shape.length - count), layout)

/** Values near ±1 for products, so that they neither vanish nor overflow. */
function source(r: Random, op: ReduceOp, dtype: DType, shape: Shape, layout: (typeof layouts)[number] = 'plain'): Operand {
  const x = input(r, dtype, shape, layout)
  return op === 'prod' && dtype === 'float32' ? { ...x, words: x.words.map(v => 1 + v / 8) } : x
}

const subsets = (n: number): number[][] => Array.from({ length: 2 ** n }, (_, bits) => Array.from({ length: n }, (_, k) => k).filter(k => bits & (1 << k)))

/** Every set of axes of a contiguous tensor: the kept ones moved to the front. */
const axesCases = ops.flatMap(op =>
  types[op].map(dtype =>
    define(`reduce ${op} ${dtype} over every set of axes`, close, r =>
      [[3, 4, 5], [2, 9, 1, 6], [37, 3]].flatMap(shape => {
        const x = source(r, op, dtype, shape)
        return subsets(shape.length)
          .filter(reduced => reduced.length > 0)
          .map(reduced => {
            const kept = shape.map((_, k) => k).filter(k => !reduced.includes(k))
            return reduce(op, { ...x, view: permuteView(x.view, [...kept, ...reduced]) }, reduced.length)
          })
      }),
    ),
  ),
)

const layoutCases = layouts.map(from =>
  define(`reduce from ${from}`, close, r =>
    outputLayouts.flatMap(to =>
      (['sum', 'max', 'argmin'] as const).map(op => {
        const x = source(r, op, 'float32', [4, 3, 11], from)
        return reduce(op, x, 1, resultOf(op, x, 1, to))
      }),
    ),
  ),
)

const rows: readonly (readonly number[])[] = [
  [1, NaN, 3, NaN], [NaN, NaN, NaN, NaN], [-Infinity, -Infinity, -Infinity, -Infinity], [Infinity, -Infinity, 0, 1], [5, 2, 5, 2], [0, -0, 0, -0],
  [-1, -2, -3, NaN], [Infinity, Infinity, Infinity, Infinity],
]

const specialCases = ops.map(op =>
  define(`reduce ${op} of NaN, infinities and ties`, {}, () => {
    const wide = (n: number) => rows.flatMap(row => Array.from({ length: n }, (_, k) => row[k % 4]))
    const turned = plain('float32', [4, 8], rows[0].flatMap((_, k) => rows.map(row => row[k])))
    return [
      ...[4, 8, 40].map(n => reduce(op, plain('float32', [8, n], wide(n)), 1)),
      reduce(op, { ...turned, view: permuteView(turned.view, [1, 0]) }, 1),
    ]
  }),
)

const emptyCases = ops
  .filter(op => !isArg(op))
  .flatMap(op => types[op].map(dtype => define(`reduce ${op} ${dtype} of nothing`, {}, () => [
    reduce(op, plain(dtype, [3, 0], []), 1),
    reduce(op, plain(dtype, [0], []), 1),
    reduce(op, plain(dtype, [2, 0, 4], []), 2),
    reduce(op, plain(dtype, [0, 4], []), 1),
  ])))

const million = 1_000_000
const longCases = [
  define('reduce sum of a million', { rel: 2e-6 }, () => [
    reduce('sum', plain('float32', [million], new Float32Array(million).fill(0.1)), 1),
    reduce('sum', plain('float32', [2, million / 2], new Float32Array(million).fill(1 / 3)), 1),
  ]),
  define('reduce sum of a million by columns', { rel: 2e-6 }, () => {
    const x = plain('float32', [million / 4, 4], new Float32Array(million).fill(0.7))
    return [reduce('sum', { ...x, view: permuteView(x.view, [1, 0]) }, 1)]
  }),
  define('reduce sum of a million that cancels', { abs: 0.02 }, r => [reduce('sum', input(r, 'float32', [million]), 1)]),
  define('reduce extremes of a long row', {}, r =>
    (['max', 'min', 'argmax', 'argmin'] as const).map(op => reduce(op, input(r, 'float32', [100_003]), 1)),
  ),
  define('reduce sum int32 wraps', {}, () => [reduce('sum', plain('int32', [2, 5000], new Int32Array(10000).fill(2 ** 30)), 1)]),
  define('reduce prod int32 wraps', {}, () => [reduce('prod', plain('int32', [70], Array.from({ length: 70 }, (_, k) => 2 * k + 12345)), 1)]),
  define('reduce of many short rows', close, r => [1, 2, 3, 4, 5, 7, 8].map(n => reduce('sum', input(r, 'float32', [1000, n]), 1))),
  define('reduce of no axes', {}, r => [reduce('sum', input(r, 'float32', [5, 6], 'permuted'), 0), reduce('argmax', input(r, 'float32', [5]), 0), reduce('max', input(r, 'float32', []), 0)]),
]

const cumulateOps: readonly CumulateOp[] = ['sum', 'prod', 'max', 'min']
const cumulate = (op: CumulateOp, reverse: boolean, x: Operand, to: Operand = output(x.view.dtype, x.view.shape)): Step =>
  launch({ kind: 'cumulate', op, reverse }, [x], [to])

const cumulateCases = cumulateOps.flatMap(op =>
  [false, true].map(reverse =>
    define(`cumulate ${op}${reverse ? ' reverse' : ''}`, { rel: 5e-6, abs: 5e-6 }, r => [
      ...layouts.map(from => cumulate(op, reverse, source(r, op, 'float32', [3, 2, 9], from))),
      ...outputLayouts.map(to => cumulate(op, reverse, source(r, op, 'float32', [4, 5], 'permuted'), output('float32', [4, 5], to))),
      ...[[1], [0], [3, 0], [0, 3], [40, 1], [2, 1000], [70, 70]].map(s => cumulate(op, reverse, source(r, op, 'float32', s))),
      ...[[5], [3, 40]].map(s => cumulate(op, reverse, input(r, 'int32', s))),
      cumulate(op, reverse, plain('float32', [8, 4], rows.flat())),
    ]),
  ),
)

const longCumulate = define('cumulate sum of a long row', { rel: 2e-5 }, () => [cumulate('sum', false, plain('float32', [100_000], new Float32Array(100_000).fill(0.1)))])

const sort = (descending: boolean, x: Operand, to: (typeof outputLayouts)[number] = 'plain'): Step =>
  launch({ kind: 'sort', descending }, [x], [output(x.view.dtype, x.view.shape, to), output('int32', x.view.shape, to)])

/** Few distinct values, NaN, infinities and both zeros among them: ties everywhere. */
function ties(r: Random, shape: Shape): Operand {
  const values = [0, -0, 1, -1, 2, NaN, Infinity, -Infinity, 0.5]
  return { view: contiguousView('float32', shape), words: Float32Array.from({ length: numel(shape) }, () => r.pick(values)) }
}

const sortCases = [false, true].flatMap(descending => {
  const name = descending ? 'sort descending' : 'sort'
  return [
    define(`${name} floats`, {}, r => [[0], [3, 0], [1], [2], [3], [5, 16], [4, 17], [2, 100], [1000], [3, 4099]].map(s => sort(descending, input(r, 'float32', s)))),
    define(`${name} is stable, NaN greatest`, { zeros: true }, r => [[1, 9], [6, 33], [2, 1000]].map(s => sort(descending, ties(r, s)))),
    define(`${name} ints and bools`, {}, r => [
      ...[[7], [3, 130]].flatMap(s => [sort(descending, input(r, 'int32', s)), sort(descending, input(r, 'bool', s))]),
      sort(descending, plain('int32', [5], [0, -(2 ** 31), 2 ** 31 - 1, -1, 1])),
    ]),
    define(`${name} of every layout`, { zeros: true }, r => [
      ...layouts.map(from => sort(descending, input(r, 'float32', [3, 2, 9], from))),
      ...outputLayouts.map(to => sort(descending, input(r, 'float32', [4, 5], 'permuted'), to)),
    ]),
  ]
})

export const reductions: readonly Case[] = [
  ...axesCases, ...layoutCases, ...specialCases, ...emptyCases, ...longCases, ...cumulateCases, longCumulate, ...sortCases,
]
