// Whatever the encoder does to a program (slots used again, steps paired, uniform ones run once, outputs written in place), it must
// give the bits that its steps give when each runs alone. Random programs over operands of every layout, with outputs that may
// repeat, be inputs, or lie on inputs.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Backend } from '../../src/backend/backend.ts'
import { openWasm } from '../../src/backend/wasm/index.ts'
import { numel, type Shape } from '../../src/core/shape.ts'
import type { MapKernel } from '../../src/ir/kernel.ts'
import { program, S, type Scalar } from '../../src/ir/scalar.ts'
import { broadcasts, outputLayouts, place, Random } from './data.ts'
import { bits, elements, run, stepwise, wordsOf } from './stepwise.ts'

let one: Backend
let two: Backend
beforeAll(async () => {
  one = await openWasm({ threads: 1 })
  two = await openWasm({ threads: 2, relaxed: false })
})
afterAll(() => [one, two].forEach(b => b.dispose()))

const unary = ['neg', 'abs', 'sqrt', 'exp', 'tanh', 'floor', 'sign'] as const
const binary = ['add', 'sub', 'mul', 'add', 'sub', 'mul', 'max', 'min', 'div'] as const

/** A random expression graph over three float inputs, one bool input, two params and the position. */
function grow(random: Random): Scalar[] {
  const floats: Scalar[] = [S.input(0, 'float32'), S.input(1, 'float32'), S.input(2, 'float32'), S.param(0, 'float32'), S.param(1, 'float32'), S.constant(0.75, 'float32')]
  const bools: Scalar[] = [S.input(3, 'bool')]
  const pick = () => floats[Math.max(0, floats.length - 1 - Math.floor(Math.abs(random.uniform(-1, 1)) ** 2 * floats.length))]
  for (let i = random.int(1, 16); i > 0; i--) {
    const kind = random.int(0, 10)
    if (kind < 6) floats.push(S[random.pick(binary)](pick(), pick()))
    else if (kind < 8) floats.push(S[random.pick(unary)](pick()))
    else if (kind === 8) bools.push(S.lt(pick(), pick()))
    else floats.push(random.int(0, 2) ? S.select(random.pick(bools), pick(), pick()) : S.cast(random.int(0, 2) ? S.index() : S.cast(random.pick(bools), 'int32'), 'float32'))
  }
  return Array.from({ length: random.int(1, 5) }, () => (random.int(0, 6) ? pick() : random.pick([...floats, ...bools])))
}

const shapes: readonly Shape[] = [[1], [5], [16], [1037], [3, 11], [40, 7], [6, 200], [2, 300], [3, 4, 33], [9000]]

test.each(Array.from({ length: 12 }, (_, i) => i))('random programs, seed %i', async seed => {
  const random = new Random(`programs ${seed}`)
  for (let round = 0; round < 15; round++) {
    const p = program(grow(random), ['float32', 'float32', 'float32', 'bool'], ['float32', 'float32'])
    const shape = random.pick(shapes)
    const n = numel(shape)
    const params = [random.uniform(), random.int(-3, 4)]
    const placed = p.inputs.map(t => place(random.pick(random.int(0, 2) ? ['plain'] : [...outputLayouts, ...broadcasts]), t, shape))
    const inputs = placed.map(({ view, length }) => random.words(view.dtype, length))
    const targets = p.outputs.map(o => place(random.pick(random.int(0, 2) ? ['plain'] : outputLayouts), p.steps[o].dtype, shape))
    const outputs = targets.map(t => wordsOf(t.view.dtype, t.length))
    // Some outputs overwrite an input.
    const taken = new Set<number>()
    const views = targets.map((t, k) => {
      const j = random.int(0, 6)
      if (j > 2 || taken.has(j) || t.view.dtype !== 'float32' || placed[j].view.strides.some((s, i) => s === 0 && shape[i] > 1)) return t.view
      taken.add(j)
      outputs[k] = inputs[j]
      return placed[j].view
    })
    const backend = random.int(0, 2) ? one : two
    const want = await stepwise(backend, p, placed.map(({ view }, i) => elements(view, inputs[i])), params, n)
    const kernel: MapKernel = { kind: 'map', program: p, params, inputs: placed.map(x => x.view), outputs: views }
    const got = await run(backend, kernel, [...inputs, ...outputs])
    views.forEach((v, k) => {
      expect(bits(elements(v, got[k])), `output ${k} of ${p.key} on [${shape}]`).toEqual(bits(want[k]))
    })
  }
})
