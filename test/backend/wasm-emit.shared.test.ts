// Loops made for programs of a plan: all intrinsics, layouts and tails, on one thread and two, in both binaries, give the bits that
// their steps give one by one; outputs may lie on inputs.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend/backend.ts'
import { openWasm } from '../../src/backend/wasm/index.ts'
import type { ScalarType } from '../../src/core/dtype.ts'
import { numel, type Shape } from '../../src/core/shape.ts'
import { contiguousView, permuteView, type View } from '../../src/core/view.ts'
import type { MapKernel } from '../../src/ir/kernel.ts'
import { intrinsics, program, S, type Intrinsic, type Program, type Scalar } from '../../src/ir/scalar.ts'
import { layouts, outputLayouts, place, Random } from './data.ts'
import { difference, elements, run, stepwise, wordsOf } from './stepwise.ts'

const settings = [
  { threads: 1, relaxed: true },
  { threads: 2, relaxed: true },
  { threads: 2, relaxed: false },
] as const
const backends: Backend[] = []
beforeAll(async () => {
  for (const s of settings) backends.push(await openWasm(s))
})
afterAll(() => backends.forEach(b => b.dispose()))

const numbers: readonly ScalarType[] = ['float32', 'int32']
const accepts: Record<(typeof intrinsics)[Intrinsic]['takes'], readonly ScalarType[]> = {
  float: ['float32'], int: ['int32'], number: numbers, bits: ['int32', 'bool'], any: ['float32', 'int32', 'bool'],
}

/** Operands far from and near to where functions change their ways. */
const special = [0, -0, 1, -1, 2, 0.5, 1e-40, -3e-39, 5e-8, 3e38, -3e38, 87, -90, 300000.5, -1e9, Infinity, -Infinity, NaN]

const intrinsic = Object.keys(intrinsics) as Intrinsic[]
const cases = intrinsic.flatMap(op => accepts[intrinsics[op].takes].map(dtype => ({ op, dtype })))

test.each(cases)('$op of $dtype, after and before another step', async ({ op, dtype }) => {
  const random = new Random(`${op} ${dtype}`)
  const n = 207
  const { arity } = intrinsics[op]
  const types = Array.from({ length: arity }, (_, i): ScalarType => (op === 'select' && i === 0 ? 'bool' : dtype))
  const operands = types.map((t, i) => S.input(i, t))
  const first = types[0] === 'bool' ? S.xor(operands[0], S.input(0, 'bool')) : S.neg(operands[0])
  const y = S[op](first, ...operands.slice(1))
  const p = program([y, S.cast(y, y.dtype === 'float32' ? 'int32' : 'float32')], types)
  const inputs = types.map(t => random.words(t, n).map((x, i) => (t === 'float32' ? (i % 3 ? x * 9 : random.pick(special)) : x)))
  const views = types.map(t => place('plain', t, [n]).view)
  for (const same of [false, true]) {
    const placed = views.map((v, i) => (same && i === arity - 1 ? place('scalar', v.dtype, [n]).view : v))
    for (const backend of backends) {
      // An exponent that is one for all is one in the steps too.
      const want = await stepwise(backend, p, inputs.map((w, i) => elements(placed[i], w)), [], n, placed)
      const kernel: MapKernel = { kind: 'map', program: p, params: [], inputs: placed, outputs: p.outputs.map(o => place('plain', p.steps[o].dtype, [n]).view) }
      const got = await run(backend, kernel, [...inputs, ...p.outputs.map(o => wordsOf(p.steps[o].dtype, n))], true)
      want.forEach((w, k) => expect(difference(got[k], w), `output ${k}, ${backend.info.detail}`).toBe(-1))
    }
  }
})

test('loops made while the threads work reach all of them, and no result depends on when', async () => {
  const n = 70_000
  const [, backend] = backends
  const view = place('plain', 'float32', [n]).view
  const x = new Random('reach').words('float32', n)
  for (let i = 0; i < 20; i++) {
    const kernel: MapKernel = { kind: 'map', program: program([S.exp(S.mul(S.sub(S.input(0, 'float32'), i), i + 0.5))], ['float32']), params: [], inputs: [view], outputs: [view] }
    const [want] = await run(backend, kernel, [x, wordsOf('float32', n)])
    for (let k = 0; k < 3; k++) expect(difference((await run(backend, kernel, [x, wordsOf('float32', n)], true))[0], want)).toBe(-1)
  }
})

test('what comes back often outside of a plan is the work of a loop from then on, and its bits stay', async () => {
  const n = 3001
  const [a, b, c] = [0, 1, 2].map(i => S.input(i, 'float32'))
  const p = program([S.sub(a, S.div(S.mul(b, 0.1), S.add(S.sqrt(c), 1e-8))), S.add(S.mul(b, 0.9), S.mul(a, S.sub(1, 0.9)))], ['float32', 'float32', 'float32'])
  const view = place('plain', 'float32', [n]).view
  const kernel: MapKernel = { kind: 'map', program: p, params: [], inputs: [view, view, view], outputs: [view, view] }
  const words = ['p', 'm', 'v'].map(seed => new Random(seed).words('float32', n).map(Math.abs))
  const operands = [...words, wordsOf('float32', n), wordsOf('float32', n)]
  for (const backend of backends) {
    const want = await run(backend, kernel, operands, true)
    for (let k = 0; k < 40; k++) (await run(backend, kernel, operands)).forEach((got, i) => expect(difference(got, want[i]), `use ${k}, output ${i}, ${backend.info.detail}`).toBe(-1))
  }
})

test('what takes long outside of a plan is the work of a loop too, and gives the bits that small pieces give', async () => {
  const [n, pieces] = [700_000, 700]
  const p = program([S.mul(S.tanh(S.add(S.input(0, 'float32'), 0.5)), S.input(0, 'float32'))], ['float32'])
  const x = new Random('long').words('float32', n)
  const kernel = (size: number): MapKernel => {
    const { view } = place('plain', 'float32', [size])
    return { kind: 'map', program: p, params: [], inputs: [view], outputs: [view] }
  }
  for (const backend of backends) {
    const [got] = await run(backend, kernel(n), [x, wordsOf('float32', n)])
    for (let i = 0; i < pieces; i += 50) {
      const [from, to] = [(i * n) / pieces, ((i + 1) * n) / pieces]
      const [want] = await run(backend, kernel(to - from), [x.slice(from, to), wordsOf('float32', to - from)])
      expect(difference(got.subarray(from, to), want)).toBe(-1)
    }
  }
})

test('lines that are copied to another order', async () => {
  const random = new Random('lines')
  const p = program([S.input(0, 'int32')], ['int32'])
  for (const shape of [[3, 5, 4, 32], [2, 300, 7], [40, 3, 600]]) {
    const order = shape.map((_, i) => (i < shape.length - 1 ? shape.length - 2 - i : i))
    const from = permuteView(contiguousView('int32', order.map(i => shape[i])), order)
    const to = contiguousView('int32', shape)
    const words = random.words('int32', numel(shape))
    for (const backend of backends) {
      const [got] = await run(backend, { kind: 'map', program: p, params: [], inputs: [from], outputs: [to] }, [words, wordsOf('int32', numel(shape))], true)
      expect(difference(got, elements(from, words)), `[${shape}], ${backend.info.detail}`).toBe(-1)
    }
  }
})

test('two numbers that alternate, and numbers that come twice', async () => {
  const random = new Random('pairs')
  const [x, y, z, b] = [S.input(0, 'float32'), S.input(1, 'float32'), S.input(2, 'float32'), S.input(3, 'float32')]
  const p = program([S.add(S.mul(x, y), S.exp(z)), S.sub(S.mul(x, z), b)], ['float32', 'float32', 'float32', 'float32'])
  for (const shape of [[5, 1, 2], [3, 2, 7, 2], [300, 2, 14, 2], [2, 40_000, 2]]) {
    const rank = shape.length
    const whole = contiguousView('float32', shape)
    const only = (axes: readonly number[]): View => {
      const { strides } = contiguousView('float32', shape.filter((_, i) => axes.includes(i)))
      return { ...whole, strides: shape.map((_, i) => (axes.includes(i) ? strides[axes.indexOf(i)] : 0)) }
    }
    const views = [whole, only([0, rank - 2]), only([rank - 1]), only([0])]
    const words = views.map(v => random.words('float32', numel(shape.filter((_, i) => v.strides[i] !== 0))))
    for (const backend of backends) {
      const want = await stepwise(backend, p, views.map((v, i) => elements(v, words[i])), [], numel(shape))
      const outputs = want.map(() => wordsOf('float32', numel(shape)))
      const got = await run(backend, { kind: 'map', program: p, params: [], inputs: views, outputs: [whole, whole] }, [...words, ...outputs], true)
      want.forEach((w, k) => expect(difference(got[k], w), `output ${k} of [${shape}], ${backend.info.detail}`).toBe(-1))
    }
  }
})

const unary = ['neg', 'abs', 'sqrt', 'exp', 'tanh', 'floor', 'sign', 'log1p', 'sin', 'erf'] as const
const binary = ['add', 'sub', 'mul', 'add', 'sub', 'mul', 'max', 'min', 'div'] as const

/** A random program over three float inputs, a bool one, two params and the position. */
function grow(random: Random): Program {
  const floats: Scalar[] = [S.input(0, 'float32'), S.input(1, 'float32'), S.input(2, 'float32'), S.param(0, 'float32'), S.param(1, 'float32'), S.constant(0.75, 'float32')]
  const bools: Scalar[] = [S.input(3, 'bool')]
  const pick = () => floats[Math.max(0, floats.length - 1 - Math.floor(Math.abs(random.uniform(-1, 1)) ** 2 * floats.length))]
  for (let i = random.int(3, 20); i > 0; i--) {
    const kind = random.int(0, 10)
    if (kind < 6) floats.push(S[random.pick(binary)](pick(), pick()))
    else if (kind < 8) floats.push(S[random.pick(unary)](pick()))
    else if (kind === 8) bools.push(S.lt(pick(), pick()))
    else floats.push(random.int(0, 2) ? S.select(random.pick(bools), pick(), pick()) : S.cast(random.int(0, 2) ? S.index() : S.cast(random.pick(bools), 'int32'), 'float32'))
  }
  return program(Array.from({ length: random.int(1, 4) }, () => (random.int(0, 6) ? pick() : random.pick([...floats, ...bools]))), ['float32', 'float32', 'float32', 'bool'], ['float32', 'float32'])
}

const shapes: readonly Shape[] = [[1], [2], [3], [5], [16], [1037], [3, 11], [40, 7], [6, 200], [2, 300], [3, 4, 33], [2, 3, 4, 5], [66_000], [200, 331]]

describe('random programs', () => {
  test.each(Array.from({ length: 8 }, (_, i) => i))('seed %i', async seed => {
    const random = new Random(`loops ${seed}`)
    for (let round = 0; round < 6; round++) {
      const p = grow(random)
      const shape = random.pick(shapes)
      const n = numel(shape)
      const params = [random.uniform(), random.int(-3, 4)]
      const placed = p.inputs.map(t => place(random.pick(random.int(0, 2) ? ['plain'] : layouts), t, shape))
      const inputs = placed.map(({ view, length }) => random.words(view.dtype, length))
      const targets = p.outputs.map(o => place(random.pick(random.int(0, 2) ? ['plain'] : outputLayouts), p.steps[o].dtype, shape))
      const outputs = targets.map(t => wordsOf(t.view.dtype, t.length).fill(-77))
      const taken = new Set<number>()
      const views = targets.map((t, k) => {
        const j = random.int(0, 6)
        if (j > 2 || taken.has(j) || t.view.dtype !== 'float32' || placed[j].view.strides.some((s, i) => s === 0 && shape[i] > 1)) return t.view
        taken.add(j)
        outputs[k] = inputs[j]
        return placed[j].view
      })
      const backend = random.pick(backends)
      const want = await stepwise(backend, p, placed.map(({ view }, i) => elements(view, inputs[i])), params, n)
      const kernel: MapKernel = { kind: 'map', program: p, params, inputs: placed.map(x => x.view), outputs: views }
      const got = await run(backend, kernel, [...inputs, ...outputs], true)
      views.forEach((v, k) => {
        expect(difference(elements(v, got[k]), want[k]), `output ${k} of ${p.key} on [${shape}]`).toBe(-1)
        // Nothing beside the view is written.
        const [before, after] = [outputs[k].slice(), got[k].slice()]
        for (const w of [before, after]) for (const at of positions(v)) w[at] = 0
        expect(difference(after, before)).toBe(-1)
      })
    }
  })
})

function positions({ shape, strides, offset }: { readonly shape: Shape; readonly strides: readonly number[]; readonly offset: number }): number[] {
  let at = [offset]
  shape.forEach((size, axis) => (at = at.flatMap(o => Array.from({ length: size }, (_, i) => o + i * strides[axis]))))
  return at
}
