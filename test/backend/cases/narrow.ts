// Elements shorter than a word: conversion of every value, and stores that leave the neighbours in a word alone.
import type { DType } from '../../../src/core/dtype.ts'
import type { Shape } from '../../../src/core/shape.ts'
import { contiguousView, permuteView, sliceView } from '../../../src/core/view.ts'
import { program, S, type Program } from '../../../src/ir/scalar.ts'
import { broadcasts, define, input, launch, layouts, output, outputLayouts, place, plain, type Case, type Operand, type Random, type Step } from '../data.ts'

const narrow = ['uint8', 'float16', 'bfloat16'] as const
type Narrow = (typeof narrow)[number]

const map = (p: Program, inputs: readonly Operand[], outputs: readonly Operand[], params: readonly number[] = []): Step =>
  launch({ kind: 'map', program: p, params }, inputs, outputs)

const adds = (a: DType, b: DType, out: DType): Program => {
  const compute = a === 'uint8' && b === 'uint8' ? 'int32' : 'float32'
  const sum = S.add(S.cast(S.input(0, a), compute), S.cast(S.input(1, b), compute))
  return program([S.cast(sum, out)], [a, b])
}
const copies = (from: DType, to: DType = from): Program => program([S.cast(S.input(0, from), to)], [from])

const shapes: readonly Shape[] = [[], [1], [2], [3], [7], [33], [3, 5], [1, 9, 1], [4, 1, 6], [50, 3], [2, 3, 4, 5], [2, 2, 1, 3, 2, 2], [3, 700], [1301]]

const layoutCases = narrow.flatMap(t =>
  layouts.flatMap(from =>
    outputLayouts.map(to =>
      define(`narrow ${t} add, ${from} + plain to ${to}`, { zeros: true }, r => shapes.map(s => map(adds(t, t, t), [input(r, t, s, from), input(r, t, s)], [output(t, s, to)]))),
    ),
  ),
)

/** Words are all bit patterns; the other way every tie and its neighbours in float32. */
const everyValue = (t: 'float16' | 'bfloat16'): Case[] => [
  define(`narrow every ${t} to float32`, { zeros: true }, () => [
    map(copies(t, 'float32'), [{ view: contiguousView(t, [65536]), words: Uint16Array.from({ length: 65536 }, (_, i) => i) }], [output('float32', [65536])]),
  ]),
  define(`narrow float32 to ${t}, around every tie`, { zeros: true }, () => {
    // Between two neighbours in the upper bits of float32 lie their half-way points for either format.
    const bits = new Uint32Array(65536 * 8)
    for (let high = 0; high < 65536; high++) [0, 1, 0x0fff, 0x1000, 0x1001, 0x7fff, 0x8000, 0x8001].forEach((low, k) => (bits[high * 8 + k] = ((high << 16) | low) >>> 0))
    const words = new Float32Array(bits.buffer)
    return [map(copies('float32', t), [{ view: contiguousView('float32', [words.length]), words }], [output(t, [words.length])])]
  }),
  define(`narrow float32 to ${t}, around every tie of small numbers`, { zeros: true }, () => {
    const values = Array.from({ length: 2100 }, (_, i) => i * 2 ** -25).flatMap(v => [v, v * (1 + 2 ** -23), v * (1 - 2 ** -24), -v])
    return [map(copies('float32', t), [plain('float32', [values.length], values)], [output(t, [values.length])])]
  }),
]

/** A slice of a block is written; all else in it stays. */
const partCases = narrow.map(t =>
  define(`narrow ${t} into parts of a block`, { zeros: true }, r =>
    [[0, 1], [1, 1], [2, 1], [3, 1], [1, 2], [2, 3], [30, -1], [29, -2]].flatMap(([start, step]) =>
      [1, 2, 3, 5, 8, 13].map(length => {
        const whole = output(t, [41])
        return map(copies(t), [input(r, t, [length])], [{ view: sliceView(whole.view, 0, start, step, length), words: whole.words }])
      }),
    ),
  ),
)

const columns = narrow.map(t =>
  define(`narrow ${t} into a column`, { zeros: true }, r =>
    [0, 1, 2].map(axis => {
      const whole = output(t, [5, 6, 7])
      const view = sliceView(whole.view, axis, 1, 1, 2)
      return map(copies(t), [input(r, t, view.shape)], [{ view, words: whole.words }])
    }),
  ),
)

const inPlaceCases = narrow.map(t =>
  define(`narrow ${t} in place`, { zeros: true }, r =>
    [contiguousView(t, [301]), { ...contiguousView(t, [97]), offset: 3 }, sliceView(contiguousView(t, [301]), 0, 1, 3, 99), sliceView(contiguousView(t, [20, 15]), 1, 2, 1, 5)].map(view => {
      const words = r.words(t, 301)
      return map(adds(t, t, t), [{ view, words }, input(r, t, view.shape)], [{ view, words }])
    }),
  ),
)

const mixed = narrow.flatMap(a =>
  ([...narrow, 'float32', 'int32', 'bool'] as const).map(out =>
    define(`narrow ${a} + float32 to ${out}`, { rel: 1e-6, zeros: true }, r =>
      [[7], [64], [1025], [60, 3], [3, 5, 4]].map(s => map(adds(a, 'float32', out), [input(r, a, s, r.pick(layouts)), input(r, 'float32', s, r.pick(broadcasts))], [output(out, s, r.pick(outputLayouts))])),
    ),
  ),
)

const twoOutputs = narrow.map(t =>
  define(`narrow ${t} to two outputs`, { zeros: true }, r => {
    const [x, y] = [S.input(0, t), S.input(1, t)]
    const p = program([y, x, S.add(x, y)], [t, t])
    return [[5], [64], [6, 5]].map(s => map(p, [input(r, t, s), input(r, t, s)], [output(t, s), output(t, s, 'strided'), output(t, s, 'offset')]))
  }),
)

const fills = narrow.map(t =>
  define(`narrow ${t} from a param and a position`, { zeros: true }, () => {
    const p = program([S.add(S.param(0, t), S.cast(S.index(), t))], [], [t])
    return ([[1], [3], [130], [5, 9]] as const).map((s, k) => map(p, [], [output(t, s, outputLayouts[k])], [3]))
  }),
)

const wraps = define('narrow uint8 wraps around', {}, () => {
  const values = [-1, -256, -257, 255, 256, 257, 511, 2 ** 31 - 1, -(2 ** 31), 0, 128, 384, 1000]
  return [map(copies('int32', 'uint8'), [plain('int32', [13], values)], [output('uint8', [13])])]
})

function anything(r: Random): Step {
  const shape = Array.from({ length: r.int(0, 5) }, () => r.pick([1, 2, 3, 4, 5, 8]))
  const order = r.order(shape.length)
  const turn = (o: Operand): Operand => ({ ...o, view: permuteView(o.view, order) })
  const types: Narrow[] = [r.pick(narrow), r.pick(narrow)]
  const to = r.pick(narrow)
  const x = types.map(t => turn(input(r, t, shape, r.pick(layouts))))
  const { view, length } = place(r.pick(outputLayouts), to, shape)
  const out: Operand = { view: { ...view, offset: view.offset + r.int(0, 4) }, words: r.words(to, length + 4) }
  return map(adds(types[0], types[1], to), x, [turn(out)])
}
const anyCases = Array.from({ length: 6 }, (_, n) => define(`narrow anyhow, ${n}`, { zeros: true }, r => Array.from({ length: 25 }, () => anything(r))))

export const narrows: readonly Case[] = [
  ...layoutCases, ...everyValue('float16'), ...everyValue('bfloat16'), ...partCases, ...columns, ...inPlaceCases, ...mixed, ...twoOutputs, ...fills, wraps, ...anyCases,
]
