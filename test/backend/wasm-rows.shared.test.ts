// Rows kernels and products with epilogues against the reference: those of models and random ones, alone and in plans, on one thread and
// two, in both binaries.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../src/backend/backend.ts'
import { openReference } from '../../src/backend/reference/index.ts'
import { openWasm } from '../../src/backend/wasm/index.ts'
import type { Words } from '../../src/core/dtype.ts'
import { numel, type Shape } from '../../src/core/shape.ts'
import { S } from '../../src/ir/scalar.ts'
import { convolved, linear, randomMatmul, residual } from './cases/epilogues.ts'
import { biasGradient, layerNorm, randomRows, softmax, squaredError, stage } from './cases/rows.ts'
import { input, launch, layouts, output, Random, type Operand, type Step } from './data.ts'
import { download, execute, mismatch, upload } from './run.ts'
import { difference } from './stepwise.ts'

const backends: Backend[] = []
let reference: Backend
beforeAll(async () => {
  reference = await openReference()
  for (const s of [{ threads: 1, relaxed: true }, { threads: 2, relaxed: true }, { threads: 2, relaxed: false }]) backends.push(await openWasm(s))
})
afterAll(() => backends.forEach(b => b.dispose()))

async function inPlan(backend: Backend, { kernel, words }: Step): Promise<Words[]> {
  const blocks = new Map([...new Set(words)].map(w => [w, upload(backend, w)]))
  const plan = backend.prepare([{ kernel, blocks: words.map(w => blocks.get(w)!) }])
  plan.run()
  plan.dispose()
  const results = await Promise.all(words.slice(kernel.inputs.length).map(w => download(backend, blocks.get(w)!, w)))
  for (const b of blocks.values()) backend.free(b)
  return results
}

async function agree(step: Step, rel = 2e-5, abs = 2e-5): Promise<void> {
  const want = await execute(reference, [step])
  const first: Words[][] = []
  for (const backend of backends) {
    const got = await execute(backend, [step])
    got.forEach((g, k) => expect(mismatch(g, want[k], { rel, abs }), `${backend.info.detail}, output ${k}`).toEqual([]))
    first.push(await inPlan(backend, step))
    if (noSharedOutputs(step)) want.forEach((x, k) => expect(mismatch({ ...x, words: first.at(-1)![k] }, x, { rel, abs }), `${backend.info.detail}, output ${k} in a plan`).toEqual([]))
  }
  // One thread and two give the same bits.
  first[0].forEach((w, k) => expect(difference(first[1][k], w)).toBe(-1))
}

/** The reference's results are listed by block. */
const noSharedOutputs = ({ kernel, words }: Step): boolean => new Set(words.slice(kernel.inputs.length)).size === kernel.outputs.length

const shapes: readonly Shape[] = [[1, 1], [3, 10], [128, 10], [5, 513], [7, 64], [2, 3, 33], [2, 1500], [70, 1024], [300, 7], [40, 3]]

describe('of models', () => {
  test.each(shapes)('%j %j %j', async (...sizes) => {
    const shape = sizes.filter(s => typeof s === 'number')
    const r = new Random(`rows ${shape.join()}`)
    for (const layout of layouts) await agree(softmax(r, shape, layout))
    await agree(layerNorm(r, shape), 1e-4, 1e-4)
    if (shape.length === 2) await agree(biasGradient(r, shape))
    await agree(squaredError(r, shape))
  })
  test('all axes, by chunks', async () => {
    await agree(squaredError(new Random('chunks'), [300, 701]))
    await agree(squaredError(new Random('chunks'), [210_001]))
  })
  test('a stage over what is the same along the row gives a value of the row', async () => {
    for (const [shape, axes, layout] of [[[9, 40], 1, 'columns'], [[9, 3], 1, 'columns'], [[40, 5, 6], 1, 'columns'], [[1, 70_000], 2, 'scalar']] as const) {
      const r = new Random('same along the row')
      const x = input(r, 'float32', shape)
      const stages = [stage([S.tanh(S.input(1, 'float32'))]), stage([S.mul(S.input(0, 'float32'), S.input(2, 'float32'))], ['sum'])]
      const kept = (): Operand => output('float32', shape.slice(0, shape.length - axes))
      await agree(launch({ kind: 'rows', axes, stages, results: [2, 3] }, [x, input(r, 'float32', shape, layout)], [kept(), kept()]))
    }
  })
  test('columns longer than a leaf, over blocks', async () => agree(biasGradient(new Random('columns'), [150, 333])))
})

test.each(Array.from({ length: 40 }, (_, i) => i))('random stages, seeds %i', async seed => {
  for (let k = 0; k < 5; k++) {
    const step = randomRows(`wasm rows ${seed} ${k}`)
    if (numel(step.kernel.inputs[0].shape) < 20_000) await agree(step, 1e-4, 1e-4)
  }
})

describe('epilogues', () => {
  test.each([[3, 5, 7], [64, 64, 64], [1, 100, 300], [130, 70, 90], [300, 5, 1], [4, 0, 6]])('of a product, %i × %i × %i', async (m, k, n) => {
    const r = new Random(`epilogues ${m} ${k} ${n}`)
    await agree(linear(r, m, k, n), 1e-4, 1e-4)
    await agree(residual(r, [m, k, n]), 1e-4, 1e-4)
    await agree(residual(r, [m, k, n], [3]), 1e-4, 1e-4)
  })
  test.each(Array.from({ length: 12 }, (_, i) => i))('random operands, seed %i', async seed => agree(randomMatmul(new Random(`wasm epilogues ${seed}`)), 1e-4, 1e-4))
  test.each([1, 2] as const)('of a convolution over %i axes', async axes => {
    await agree(convolved(new Random(`convolved ${axes}`), axes), 1e-4, 1e-4)
    await agree(convolved(new Random(`convolved more ${axes}`), axes, 20, 15), 1e-4, 1e-4)
  })
})
