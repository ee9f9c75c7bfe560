// Dense factorisations: every op, matrices of every form, in every layout.
import '../../../src/backend/factoring.ts'
import type { Shape } from '../../../src/core/shape.ts'
import type { FactorOp } from '../../../src/ir/kernel.ts'
import { define, input, launch, layouts, output, outputLayouts, plain, type Case, type Layout, type Operand, type Random, type Step } from '../data.ts'

/** Matrices whose element i of the diagonal is raised by `lift(i)`. */
function matrices(r: Random, shape: Shape, lift: (i: number) => number = () => 0, layout: Layout = 'plain'): Operand {
  const o = input(r, 'float32', shape, layout)
  const { strides, offset } = o.view
  const [m, n] = shape.slice(-2)
  const raise = (axis: number, at: number): void => {
    if (axis < shape.length - 2) for (let b = 0; b < shape[axis]; b++) raise(axis + 1, at + b * strides[axis])
    else for (let i = 0; i < Math.min(m, n); i++) o.words[at + i * (strides[axis] + strides[axis + 1])] += lift(i)
  }
  raise(0, offset)
  return o
}

/** Shapes of the results of an op that has one operand. */
const resultsOf: { readonly [K in 'cholesky' | 'lu' | 'qr' | 'eigh' | 'svd']: (batch: Shape, m: number, n: number) => Shape[] } = {
  cholesky: (b, n) => [[...b, n, n], b],
  lu: (b, m, n) => [[...b, m, n], [...b, Math.min(m, n)], b],
  qr: (b, m, n) => [[...b, m, n], [...b, Math.min(m, n)]],
  eigh: (b, n) => [[...b, n], [...b, n, n]],
  svd: (b, m, n) => [[...b, m, n], [...b, n], [...b, n, n]],
}
const isIndex = (op: FactorOp, k: number): boolean => (op === 'cholesky' && k === 1) || (op === 'lu' && k > 0)

function factor(op: keyof typeof resultsOf, a: Operand, to: (typeof outputLayouts)[number] = 'plain'): Step {
  const { shape } = a.view
  const results = resultsOf[op](shape.slice(0, -2), shape.at(-2)!, shape.at(-1)!)
  return launch({ kind: 'factor', op, strict: null }, [a], results.map((s, k) => output(isIndex(op, k) ? 'int32' : 'float32', s, to)))
}

const squares: readonly Shape[] = [[1, 1], [2, 2], [5, 5], [3, 4, 4], [2, 1, 3, 3], [0, 3, 3], [2, 0, 0]]
const tall: readonly Shape[] = [[5, 3], [2, 4, 1], [3, 0], [2, 3, 5, 4]]
const wide: readonly Shape[] = [[3, 5], [2, 1, 4], [0, 3]]
const close = { rel: 2e-5, abs: 2e-5 }

const lifts = { cholesky: (n: number) => () => n, lu: () => () => 0, qr: () => () => 0, eigh: () => (i: number) => 3 * i, svd: () => (i: number) => 3 + 3 * i }
const formsOf = { cholesky: squares, eigh: squares, lu: [...squares, ...tall, ...wide], qr: [...squares, ...tall, ...wide], svd: [...squares, ...tall] }
const ops = ['cholesky', 'lu', 'qr', 'eigh', 'svd'] as const

const single: readonly Case[] = ops.flatMap(op => {
  const lift = (n: number) => lifts[op](n)
  return [
    define(`${op} of every form`, close, r => formsOf[op].map(s => factor(op, matrices(r, s, lift(s.at(-1)!))))),
    define(`${op} in every layout`, close, r => [
      ...layouts.filter(from => from !== 'scalar' && from !== 'rows' && from !== 'columns').map(from => factor(op, matrices(r, [2, 4, 4], lift(4), from))),
      ...outputLayouts.map(to => factor(op, matrices(r, [2, 4, 4], lift(4)), to)),
    ]),
    define(`${op} large`, { rel: 1e-4, abs: op === 'lu' || op === 'qr' ? 5e-4 : 1e-3 }, r => [factor(op, matrices(r, [70, 70], i => lift(70)(i) + (op === 'lu' ? 70 : 0)))]),
  ]
})

const broken: readonly Case[] = [
  define('cholesky of matrices that are not positive definite', close, () => [factor('cholesky', plain('float32', [3, 2, 2], [4, 0, 2, 5, 1, 0, 2, 1, -1, 0, 3, 4]))]),
  define('lu of singular matrices', close, () => [factor('lu', plain('float32', [2, 3, 3], [1, 2, 3, 2, 4, 6, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]))]),
  define('qr of columns that are zero below', close, () => [factor('qr', plain('float32', [3, 2], [-2, 1, 0, 3, 0, 4]))]),
  define('eigh and svd of diagonal matrices', close, () => {
    const diagonal = [3, 0, 0, 0, -1, 0, 0, 0, 2]
    return [factor('eigh', plain('float32', [3, 3], diagonal)), factor('svd', plain('float32', [3, 3], diagonal))]
  }),
  define('eigh and svd of what is not finite', close, () => [NaN, Infinity].flatMap(x => (['eigh', 'svd'] as const).map(op => factor(op, plain('float32', [2, 3, 3], [1, 0, 2, 0, 3, 1, x, 1, 5, 3, 0, 0, 0, 7, 0, 0, 0, 1]))))),
  define('svd of extreme sizes', { rel: 2e-5 }, () => [1e-25, 1e25].map(s => factor('svd', plain('float32', [2, 2], [2 * s, s, s, 3 * s])))),
]

/** For each of k rows one at or behind it, from 1. */
const pivots = (r: Random, batch: Shape, k: number, m: number): Operand => {
  const count = batch.reduce((a, b) => a * b, 1)
  return plain('int32', [...batch, k], Array.from({ length: count * k }, (_, at) => r.int(at % k, m) + 1))
}

const used: readonly Case[] = [
  define('permutation', {}, r => [[[], 5, 5], [[], 3, 6], [[2, 3], 4, 4], [[2], 0, 3]].map(([batch, k, m]) =>
    launch({ kind: 'factor', op: 'permutation', strict: null }, [pivots(r, batch as Shape, k as number, m as number)], [output('int32', [...(batch as Shape), m as number])]))),
  define('householder', close, r => [[[], 4, 3, 4], [[], 4, 4, 2], [[2], 5, 3, 3], [[], 3, 0, 3], [[2], 1, 1, 1]].map(([batch, m, k, q]) => {
    const b = batch as Shape
    return launch({ kind: 'factor', op: 'householder', strict: null }, [input(r, 'float32', [...b, m as number, k as number]), input(r, 'float32', [...b, k as number])], [output('float32', [...b, m as number, q as number])])
  })),
  ...(['lowerSolve', 'upperSolve', 'unitLowerSolve', 'unitUpperSolve'] as const).flatMap(op => {
    const solve = (r: Random, a: Shape, c: number, from: Layout = 'plain', to: (typeof outputLayouts)[number] = 'plain'): Step => {
      const b = [...a.slice(0, -1), c]
      return launch({ kind: 'factor', op, strict: null }, [matrices(r, a, () => 3, from), input(r, 'float32', b, from)], [output('float32', b, to)])
    }
    return [
      define(`${op} of every form`, close, r => squares.flatMap(s => [1, 3, 0].map(c => solve(r, s, c)))),
      define(`${op} in every layout`, close, r => outputLayouts.flatMap(l => [solve(r, [2, 4, 4], 3, l), solve(r, [2, 4, 4], 3, 'plain', l)])),
      define(`${op} large`, { rel: 1e-4, abs: 1e-4 }, r => [launch({ kind: 'factor', op, strict: null }, [{ ...matrices(r, [90, 90]), words: r.words('float32', 8100).map((v, at) => (at % 91 === 0 ? 3 : v / 90)) }, input(r, 'float32', [90, 70])], [output('float32', [90, 70])])]),
    ]
  }),
  define('one matrix for many', close, r => {
    const { view, words } = matrices(r, [4, 4], () => 3)
    const many = { view: { ...view, shape: [3, 4, 4], strides: [0, ...view.strides] }, words }
    return [launch({ kind: 'factor', op: 'upperSolve', strict: null }, [many, input(r, 'float32', [3, 4, 2])], [output('float32', [3, 4, 2])]), factor('qr', many)]
  }),
]

export const factors: readonly Case[] = [...single, ...broken, ...used]
