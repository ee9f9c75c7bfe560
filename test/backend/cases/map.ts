// Maps over views of every kind: layouts, broadcasts, parts of larger blocks, work in place, several outputs, params, random bits.
import { numel, type Shape } from '../../../src/core/shape.ts'
import { contiguousView, permuteView, sliceView } from '../../../src/core/view.ts'
import { program, S, type Program } from '../../../src/ir/scalar.ts'
import { broadcasts, define, input, launch, layouts, output, outputLayouts, plain, type Case, type Operand, type Random, type Step } from '../data.ts'

const f = (index: number) => S.input(index, 'float32')
const i = (index: number) => S.input(index, 'int32')
const b = (index: number) => S.input(index, 'bool')

const add = program([S.add(f(0), f(1))], ['float32', 'float32'])
const copy = program([f(0)], ['float32'])
const fused = program([S.add(S.mul(f(0), f(1)), S.max(f(2), 0.25))], ['float32', 'float32', 'float32'])
const shapes: readonly Shape[] = [[], [1], [7], [3, 5], [1, 9, 1], [4, 1, 6], [2, 3, 4, 5], [2, 1, 3, 2, 3], [2, 2, 1, 3, 2, 2]]

const map = (p: Program, inputs: readonly Operand[], outputs: readonly Operand[], params: readonly number[] = []): Step =>
  launch({ kind: 'map', program: p, params }, inputs, outputs)

const layoutCases = layouts.flatMap(from =>
  outputLayouts.map(to =>
    define(`map add, ${from} + plain to ${to}`, {}, r =>
      shapes.map(s => map(add, [input(r, 'float32', s, from), input(r, 'float32', s)], [output('float32', s, to)])),
    ),
  ),
)

const randomShape = (r: Random): number[] => Array.from({ length: r.int(0, 6) }, () => r.pick([1, 2, 3, 4, 5, 8]))

/** All operands lie anyhow; the axes of each are permuted at random too. */
const anyLayoutCases = Array.from({ length: 8 }, (_, n) =>
  define(`map of three inputs in random layouts, ${n}`, { rel: 1e-6, abs: 1e-7 }, r =>
    Array.from({ length: 12 }, () => {
      const s = randomShape(r)
      const order = r.order(s.length)
      const turn = (o: Operand): Operand => ({ ...o, view: permuteView(o.view, order) })
      const x = [0, 1, 2].map(() => turn(input(r, 'float32', s, r.pick(layouts))))
      return map(fused, x, [turn(output('float32', s, r.pick(outputLayouts)))])
    }),
  ),
)

/** The output is one slice of a block in which all else stays: what `cat`, `pad` and slice assignment do. */
const partCases = [0, 1, 2].map(axis =>
  define(`map copy into a slice of axis ${axis}`, { zeros: true }, r =>
    [1, 2, -1].map(step => {
      const whole = output('float32', [5, 6, 7])
      const view = sliceView(whole.view, axis, step < 0 ? 3 : 1, step, 2)
      return map(copy, [input(r, 'float32', view.shape)], [{ view, words: whole.words }])
    }),
  ),
)

const emptyShapes: readonly Shape[] = [[0], [3, 0], [0, 4], [2, 0, 3]]
const dtypesOfCopy = ['float32', 'int32', 'bool'] as const

const inPlace = (name: string, make: (r: Random) => Step): Case => define(`map in place, ${name}`, { rel: 1e-6, abs: 1e-7 }, r => [make(r)])

const inPlaceCases = [
  inPlace('x += y', r => {
    const x = input(r, 'float32', [9, 11])
    return map(add, [x, input(r, 'float32', [9, 11])], [x])
  }),
  inPlace('y = x + y with a broadcast x', r => {
    const y = input(r, 'float32', [9, 11])
    return map(add, [input(r, 'float32', [9, 11], 'rows'), y], [y])
  }),
  inPlace('x += x', r => {
    const x = input(r, 'float32', [1030])
    return map(add, [x, x], [x])
  }),
  inPlace('a strided part', r => {
    const x = input(r, 'float32', [6, 7], 'strided')
    return map(add, [x, input(r, 'float32', [6, 7], 'permuted')], [x])
  }),
  inPlace('one row of a matrix from another row', r => {
    const x = input(r, 'float32', [4, 70])
    const row = (k: number): Operand => ({ ...x, view: sliceView(x.view, 0, k, 1, 1) })
    return map(add, [row(0), row(3)], [row(1)])
  }),
]

/** Adam (Kingma & Ba 2014): three outputs in place, the step's numbers as params. */
const adam = ((): Program => {
  const [p, g, m, v] = [f(0), f(1), f(2), f(3)]
  const [rate, beta1, beta2] = [0, 1, 2].map(k => S.param(k, 'float32'))
  const m1 = S.add(S.mul(beta1, m), S.mul(S.sub(1, beta1), g))
  const v1 = S.add(S.mul(beta2, v), S.mul(S.sub(1, beta2), S.mul(g, g)))
  const p1 = S.sub(p, S.div(S.mul(rate, m1), S.add(S.sqrt(v1), 1e-8)))
  return program([p1, m1, v1], ['float32', 'float32', 'float32', 'float32'], ['float32', 'float32', 'float32'])
})()

function adamStep(r: Random, shape: Shape): Step {
  const [p, g, m] = [0, 1, 2].map(() => input(r, 'float32', shape))
  const v = { view: contiguousView('float32', shape), words: Float32Array.from({ length: numel(shape) }, () => r.uniform(0, 2)) }
  return map(adam, [p, g, m, v], [p, m, v], [0.01, 0.9, 0.999])
}

const gelu = program([S.mul(S.mul(f(0), 0.5), S.add(1, S.erf(S.mul(f(0), Math.SQRT1_2))))], ['float32'])
const biasRelu = program([S.max(S.add(f(0), f(1)), 0)], ['float32', 'float32'])
const relu = program([S.max(f(0), 0)], ['float32'])
const clampCount = program([S.select(S.and(S.gt(f(0), -0.5), S.not(b(1))), S.cast(i(2), 'float32'), f(0)), S.lt(f(0), 0)], ['float32', 'bool', 'int32'])
const affine = program([S.add(S.mul(f(0), S.param(0, 'float32')), S.param(1, 'float32'))], ['float32'], ['float32', 'float32'])
const intParam = program([S.select(S.param(1, 'bool'), S.add(i(0), S.param(0, 'int32')), S.mod(i(0), 4))], ['int32'], ['int32', 'bool'])
const iota = program([S.index()], [])
const fill = program([S.param(0, 'float32')], [], ['float32'])
const constants = program([S.constant(NaN, 'float32'), S.constant(-Infinity, 'float32'), S.constant(-0, 'float32'), S.constant(-(2 ** 31), 'int32')], [])
/** One of 2²⁴ numbers from 0 up to 1, drawn by the position. */
const uniform = program(
  [S.mul(S.cast(S.shru(S.randomBits(S.param(0, 'int32'), S.param(1, 'int32'), S.index()), 8), 'float32'), 2 ** -24)],
  [],
  ['int32', 'int32'],
)
/** A long chain: more values alive than a machine has registers. */
const long = ((): Program => {
  const terms = Array.from({ length: 24 }, (_, k) => S.mul(S.add(f(0), k / 8), S.sub(f(1), k / 16)))
  return program([terms.reduce((a, t) => S.add(a, t)), terms.reduce((a, t) => S.max(a, t))], ['float32', 'float32'])
})()

const special = plain('float32', [9], [0, -0, 1, -1, 1e30, -1e30, Infinity, -Infinity, NaN])

const programCases = [
  define('map adam, three outputs in place', { rel: 2e-6, abs: 1e-7 }, r => [[3, 5], [1], [2049]].map(s => adamStep(r, s))),
  define('map gelu', { rel: 2e-6, abs: 2e-7 }, r => [[3, 5], [1025]].map(s => map(gelu, [input(r, 'float32', s)], [output('float32', s)]))),
  define('map bias and relu', {}, r => [[7, 33], [3, 1]].map(s => map(biasRelu, [input(r, 'float32', s), input(r, 'float32', s, 'rows')], [output('float32', s)]))),
  define('map relu keeps NaN', {}, () => [map(relu, [special], [output('float32', [9])])]),
  define('map of three dtypes to two outputs', { rel: 1e-6 }, r =>
    [[3, 5], [70]].map(s => map(clampCount, [input(r, 'float32', s), input(r, 'bool', s), input(r, 'int32', s)], [output('float32', s), output('bool', s)])),
  ),
  define('map float params', { rel: 1e-6, abs: 1e-7 }, r =>
    [[2, -1], [0, 0.5], [-0.125, 1e6]].map(params => map(affine, [input(r, 'float32', [130])], [output('float32', [130])], params)),
  ),
  define('map infinite and NaN params', {}, () => [NaN, Infinity, -Infinity].map(v => map(affine, [special], [output('float32', [9])], [1, v]))),
  define('map int and bool params', {}, r => [[5, 1], [-7, 0]].map(params => map(intParam, [input(r, 'int32', [37])], [output('int32', [37])], params))),
  define('map index', {}, () => [[], [5], [3, 4], [70000]].flatMap(s => outputLayouts.map(to => map(iota, [], [output('int32', s, to)])))),
  define('map fill', {}, () => [1.5, -Infinity].flatMap(v => outputLayouts.map(to => map(fill, [], [output('float32', [3, 6], to)], [v])))),
  define('map constants', { zeros: true }, () => [
    map(constants, [], [output('float32', [5]), output('float32', [5], 'strided'), output('float32', [5]), output('int32', [5])]),
  ]),
  define('map random bits by position', {}, () =>
    [[0, 0], [42, -1], [-(2 ** 31), 2 ** 31 - 1]].map(key => map(uniform, [], [output('float32', [3, 777])], key)),
  ),
  define('map long chain', { rel: 3e-6, abs: 3e-5 }, r => [map(long, [input(r, 'float32', [11, 13]), input(r, 'float32', [11, 13], 'permuted')], [output('float32', [11, 13]), output('float32', [11, 13])])]),
  define('map of every short length', {}, r =>
    Array.from({ length: 40 }, (_, n) => map(add, [input(r, 'float32', [n]), input(r, 'float32', [n], 'offset')], [output('float32', [n], 'offset')])),
  ),
  define('map large', { rel: 1e-6, abs: 1e-7 }, r => [
    map(fused, [input(r, 'float32', [300, 701]), input(r, 'float32', [300, 701], 'rows'), input(r, 'float32', [300, 701], 'columns')], [output('float32', [300, 701])]),
    map(add, [input(r, 'float32', [300, 701], 'permuted'), input(r, 'float32', [300, 701])], [output('float32', [300, 701])]),
  ]),
]

const copyCases = dtypesOfCopy.flatMap(dtype =>
  (['permuted', 'flipped', 'strided', ...broadcasts] as const).map(from =>
    define(`map copy ${dtype} from ${from}`, { zeros: true }, r =>
      [[], [65], [17, 19], [3, 4, 5, 6]].map(s => {
        const x = S.input(0, dtype)
        return map(program([x], [dtype]), [input(r, dtype, s, from)], [output(dtype, s)])
      }),
    ),
  ),
)

const emptyCase = define('map of no elements', {}, r =>
  emptyShapes.map(s => map(add, [input(r, 'float32', s), input(r, 'float32', s, 'permuted')], [{ ...output('float32', s), words: new Float32Array(3) }])),
)

export const maps: readonly Case[] = [...layoutCases, ...anyLayoutCases, ...partCases, ...copyCases, ...inPlaceCases, ...programCases, emptyCase]
