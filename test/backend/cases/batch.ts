// Batches of maps: parts of many shapes and sizes, some of them shared by threads, in place, and with several results.
import type { Shape } from '../../../src/core/shape.ts'
import { program, S, type Program } from '../../../src/ir/scalar.ts'
import { define, input, launch, output, type Case, type Operand, type Random, type Step } from '../data.ts'

const f = (index: number) => S.input(index, 'float32')
const scaled = program([S.add(S.mul(f(0), S.param(0, 'float32')), f(1))], ['float32', 'float32'], ['float32'])
const moments = program([S.sub(f(0), S.mul(f(2), S.add(f(1), 0.5))), S.add(S.mul(f(1), 0.9), f(2))], ['float32', 'float32', 'float32'])
const ones = program([{ op: 'const', value: 1, dtype: 'float32' }], [])
const places = program([S.add(S.cast(f(0), 'int32'), { op: 'index', dtype: 'int32' })], ['float32'])

const batch = (p: Program, maps: readonly { readonly inputs: readonly Operand[]; readonly outputs: readonly Operand[] }[], params: readonly number[] = []): Step =>
  launch({ kind: 'batch', program: p, params }, maps.flatMap(m => m.inputs), maps.flatMap(m => m.outputs))

const shapes: readonly Shape[] = [[1], [3, 5], [64], [2, 3, 4], [], [17, 9], [4097]]
/** Enough for two threads, in parts that no thread ends with. */
const large: readonly Shape[] = [[5], [123, 457], [3], [40001], [1], [31, 1000]]

const tolerance = { rel: 1e-6, abs: 1e-7 }
const of = (name: string, p: Program, count: number, sizes: readonly Shape[], params: readonly number[] = []): Case =>
  define(`batch ${name}`, tolerance, r => [batch(p, sizes.map(s => ({ inputs: Array.from({ length: count }, () => input(r, 'float32', s)), outputs: [output('float32', s)] })), params)])

/** Of a parameter, its state and its gradient: the first two are written where they lie. */
const inPlace = (r: Random, shape: Shape): { inputs: Operand[]; outputs: Operand[] } => {
  const [p, state, gradient] = [0, 1, 2].map(() => input(r, 'float32', shape))
  return { inputs: [p, state, gradient], outputs: [p, state] }
}

export const batches: readonly Case[] = [
  of('of one map', scaled, 2, [[6, 7]], [0.75]),
  of('of small maps', scaled, 2, shapes, [0.75]),
  of('of large and small maps', scaled, 2, large, [-1.5]),
  of('without inputs', ones, 0, shapes),
  define('batch of whole numbers that asks for positions', { zeros: true }, r => [batch(places, shapes.map(s => ({ inputs: [input(r, 'float32', s)], outputs: [output('int32', s)] })))]),
  define('batch with views and a number that all share', tolerance, r => {
    const number = input(r, 'float32', [])
    const shared = (shape: Shape): Operand => ({ view: { ...number.view, shape, strides: shape.map(() => 0) }, words: number.words })
    return [batch(scaled, shapes.map((s, k) => ({ inputs: [input(r, 'float32', s, k % 2 ? 'permuted' : 'part'), shared(s)], outputs: [output('float32', s, k % 2 ? 'plain' : 'offset')] })), [2])]
  }),
  define('batch in place', tolerance, r => [batch(moments, shapes.map(s => inPlace(r, s))), batch(moments, large.map(s => inPlace(r, s)))]),
]
