// Whatever the encoder does to a program (slots used again, steps paired, uniform ones run once, outputs written in place), it must
// give the bits that its steps give when each runs alone. Random programs over operands of every layout, with outputs that may
// repeat, be inputs, or lie on inputs.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Backend } from '../../src/backend/backend.ts'
import { openWasm } from '../../src/backend/wasm/index.ts'
import type { DType, Words } from '../../src/core/dtype.ts'
import { numel, type Shape } from '../../src/core/shape.ts'
import { contiguousView, type View } from '../../src/core/view.ts'
import type { MapKernel } from '../../src/ir/kernel.ts'
import { program, S, type Program, type Scalar, type Step } from '../../src/ir/scalar.ts'
import { broadcasts, outputLayouts, place, Random } from './data.ts'
import { download, upload } from './run.ts'

let one: Backend
let two: Backend
beforeAll(async () => {
  one = await openWasm({ threads: 1 })
  two = await openWasm({ threads: 2, relaxed: false })
})
afterAll(() => [one, two].forEach(b => b.dispose()))

async function run(backend: Backend, kernel: MapKernel, words: readonly Words[]): Promise<Words[]> {
  const blocks = new Map([...new Set(words)].map(w => [w, upload(backend, w)]))
  backend.run(kernel, words.map(w => blocks.get(w)!))
  const results = await Promise.all(words.slice(kernel.inputs.length).map(w => download(backend, blocks.get(w)!, w)))
  for (const b of blocks.values()) backend.free(b)
  return results
}

const wordsOf = (dtype: DType, n: number): Words => (dtype === 'float32' ? new Float32Array(n) : new Int32Array(n))
const bits = (w: Words): Int32Array => new Int32Array(w.buffer, w.byteOffset, w.length)

function elements(v: View, words: Words): Words {
  let at = [v.offset]
  v.shape.forEach((size, axis) => (at = at.flatMap(o => Array.from({ length: size }, (_, i) => o + i * v.strides[axis]))))
  return wordsOf(v.dtype, at.length).map((_, i) => words[at[i]])
}

/** A step with its operands, params and constants as inputs of its own. */
function alone(p: Program, { op, args, dtype }: Step): Program {
  const operands = args.map((a, i) => S.input(i, p.steps[a].dtype))
  const inputs = args.map(a => p.steps[a].dtype)
  if (op === 'index') return program([S.index()], [])
  if (op === 'cast') return program([S.cast(operands[0], dtype)], inputs)
  return program([S[op as 'add'](...operands)], inputs)
}

/** The outputs of a program, computed step by step on contiguous operands. */
async function stepwise(backend: Backend, p: Program, inputs: readonly Words[], params: readonly number[], n: number): Promise<Words[]> {
  const values: Words[] = []
  for (const s of p.steps) {
    if (s.op === 'input') values.push(inputs[s.index!])
    else if (s.op === 'param' || s.op === 'const') values.push(wordsOf(s.dtype, n).fill(s.op === 'param' ? params[s.index!] : s.value!))
    else {
      const views = s.args.map(a => contiguousView(p.steps[a].dtype, [n]))
      const kernel: MapKernel = { kind: 'map', program: alone(p, s), params: [], inputs: views, outputs: [contiguousView(s.dtype, [n])] }
      values.push((await run(backend, kernel, [...s.args.map(a => values[a]), wordsOf(s.dtype, n)]))[0])
    }
  }
  return p.outputs.map(o => values[o])
}

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
      const nan = (w: Words) => bits(w).map((b, i) => (Number.isNaN(w[i]) ? 0x7fc00000 : b))
      expect(nan(elements(v, got[k])), `output ${k} of ${p.key} on [${shape}]`).toEqual(nan(want[k]))
    })
  }
})
