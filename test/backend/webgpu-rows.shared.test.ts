// Fused kernels of the webgpu backend against the reference: rows of stages, products with epilogues, and what it says of them beforehand.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contiguousView } from '../../src/core/view.ts'
import { createReference } from '../../src/backend/reference/index.ts'
import { openWebGPU, type WebGPUBackend } from '../../src/backend/webgpu/index.ts'
import type { Kernel, ReduceOp } from '../../src/ir/kernel.ts'
import { program, S, type Scalar } from '../../src/ir/scalar.ts'
import { gpu } from '../devices.ts'
import { convolved, linear, randomMatmul, residual } from './cases/epilogues.ts'
import { biasGradient, layerNorm, randomRows, softmax, softmaxStages, squaredError, stage } from './cases/rows.ts'
import { launch, output, plain, Random, type Step } from './data.ts'
import { download, execute, mismatch, upload } from './run.ts'

const f32 = (...shape: number[]) => contiguousView('float32', shape)
const x = S.input(0, 'float32')

async function faults(backend: WebGPUBackend, steps: readonly Step[], tolerance = { rel: 2e-6, abs: 2e-6 }): Promise<string[]> {
  const reference = createReference()
  const want = await execute(reference, steps)
  reference.dispose()
  const got = await execute(backend, steps)
  return got.flatMap((result, i) => mismatch(result, want[i], tolerance).map(text => `${i}, ${result.name}: ${text}`))
}

/** Throws what is wrong, for fast-check to shrink. */
async function agree(backend: WebGPUBackend, step: Step): Promise<void> {
  const found = await faults(backend, [step], { rel: 1e-5, abs: 2e-5 })
  if (found.length) throw new Error(found.join('\n'))
}

describe.skipIf(!gpu)('fused kernels on webgpu (skipped where there is no adapter)', () => {
  describe('rows', () => {
    let backend: WebGPUBackend
    beforeAll(async () => {
      backend = await openWebGPU({ gpu: gpu! })
    })
    afterAll(() => backend.dispose())

    test('softmax', async () => {
      const r = new Random('softmax')
      expect(await faults(backend, [[3, 5], [1, 64], [20, 12], [2, 3, 300], [70, 33]].map(shape => softmax(r, shape)))).toEqual([])
      expect(await faults(backend, [softmax(r, [12, 8], 'permuted'), softmax(r, [5, 8], 'part'), softmax(r, [5, 8], 'flipped')])).toEqual([])
    })

    test('layer norm with its mean and deviation', async () => {
      const r = new Random('norm')
      expect(await faults(backend, [[3, 5], [20, 64], [2, 6, 128]].map(shape => layerNorm(r, shape)))).toEqual([])
    })

    test('a derivative over its input, and its sums over the batch', async () => {
      const r = new Random('bias')
      expect(await faults(backend, [[3, 5], [8, 6], [16, 128], [12, 3000]].map(shape => biasGradient(r, shape)))).toEqual([])
    })

    test('a loss over all axes, in chunks when there are many elements', async () => {
      const r = new Random('loss')
      expect(await faults(backend, [[7], [4, 9], [200, 300], [3, 7001]].map(shape => squaredError(r, shape)))).toEqual([])
    })

    test('random stages over random layouts', async () => {
      const same = fc.asyncProperty(fc.integer(), seed => agree(backend, randomRows(`rows ${seed}`)))
      await expect(fc.assert(same, { numRuns: 50 })).resolves.toBeUndefined()
    })

    test('NaN and infinities: the first wins in max and min, and spoils sums', async () => {
      const rows = [[1, NaN, 3, 2], [1, Infinity, 3, 2], [-Infinity, 5, 1, 2], [-0, 0, 0, -0], [1, 2, Infinity, -Infinity]]
      const all: ReduceOp[] = ['max', 'min', 'sum', 'prod']
      const doubled = stage(all.map(() => S.mul(x, 2)), all)
      // Four lanes, one lane, and four rows in the lanes.
      const turned = plain('float32', [4, 5], [0, 1, 2, 3].flatMap(c => rows.map(r => r[c])))
      const forms = [
        plain('float32', [5, 4], rows.flat()),
        plain('float32', [5, 3], rows.flatMap(r => r.slice(0, 3))),
        { ...turned, view: { ...turned.view, shape: [5, 4], strides: [1, 5] } },
      ]
      const steps = forms.map(input => launch({ kind: 'rows', axes: 1, stages: [doubled], results: [1, 2, 3, 4] }, [input], all.map(() => output('float32', [5]))))
      expect(await faults(backend, steps)).toEqual([])
    })

    test('a product divided by its factor is computed, since 0 / 0 and ∞ / ∞ are NaN', async () => {
      const y = S.input(1, 'float32')
      const operands = [plain('float32', [4], [5, 5, 5, 6]), plain('float32', [4], [0, Infinity, NaN, 2])]
      const kernel = { kind: 'map', program: program([S.div(S.mul(x, y), y)], ['float32', 'float32']), params: [] } as const
      expect(await faults(backend, [launch(kernel, operands, [output('float32', [4])])])).toEqual([])
    })

    test('rows without elements give what the operations begin with; no rows give nothing', async () => {
      const sums = [upload(backend, new Float32Array(3).fill(9)), upload(backend, new Float32Array(3).fill(9))]
      const stages = [stage([x, x], ['sum', 'max']), stage([S.add(S.input(1, 'float32'), 5)])]
      backend.run({ kind: 'rows', axes: 1, stages, results: [3, 2], inputs: [f32(3, 0)], outputs: [f32(3), f32(3)] }, [sums[0], ...sums])
      backend.run({ kind: 'rows', axes: 1, stages, results: [3, 2], inputs: [f32(0, 4)], outputs: [f32(0), f32(0)] }, [sums[0], ...sums])
      expect([...(await download(backend, sums[0], new Float32Array(3)))]).toEqual([5, 5, 5])
      expect([...(await download(backend, sums[1], new Float32Array(3)))]).toEqual([-Infinity, -Infinity, -Infinity])
    })

    test('sums of a long row are as exact as those of a reduction', async () => {
      const n = 2 ** 20
      const r = new Random('long')
      const words = Float32Array.from({ length: n }, () => r.uniform(0, 1))
      const want = words.reduce((a, b) => a + b, 0)
      const block = upload(backend, words)
      const out = backend.alloc(4)
      for (const axes of [1, 2]) {
        // As one long row in chunks, and by one thread.
        const shape = axes === 1 ? [1, n] : [n / 8, 8]
        const turned = axes === 1 ? f32(...shape) : { ...f32(1, ...shape), strides: [0, 1, n / 8] }
        backend.run({ kind: 'rows', axes, stages: [stage([S.mul(x, 1)], ['sum'])], results: [1], inputs: [turned], outputs: [f32(1)] }, [block, out])
        const [got] = await download(backend, out, new Float32Array(1))
        expect(Math.abs(Number(got) - want) / want).toBeLessThan(2e-7)
      }
    })

    test('one shader serves all sizes', async () => {
      const before = backend.shaderCount
      const r = new Random('sizes')
      expect(await faults(backend, [[2, 36], [9, 120], [130, 8], [40, 44]].map(shape => softmax(r, shape)))).toEqual([])
      expect(backend.shaderCount - before).toBeLessThanOrEqual(1)
    })
  })

  test.each([true, false])('rows by teams of threads, kept in registers or not; subgroups where there are any: %s', async subgroups => {
    const backend = await openWebGPU({ gpu: gpu!, family: 'shared', subgroups })
    const r = new Random('teams')
    expect(await faults(backend, [[5, 40], [3, 300], [2, 1024], [2, 4500], [3, 1500]].map(shape => softmax(r, shape)))).toEqual([])
    expect(await faults(backend, [layerNorm(r, [7, 96]), biasGradient(r, [40, 900]), squaredError(r, [90, 500]), squaredError(r, [3, 50])])).toEqual([])
    const rows = [[1, NaN, 3, 2], [1, Infinity, 3, 2], [-Infinity, 5, 1, 2], [-0, 0, 0, -0]]
    const all: ReduceOp[] = ['max', 'min', 'sum', 'prod']
    const long = plain('float32', [4, 400], rows.flatMap(row => [...row, ...Array.from({ length: 396 }, (_, i) => row[i % 4])]))
    expect(await faults(backend, [launch({ kind: 'rows', axes: 1, stages: [stage(all.map(() => x), all)], results: [1, 2, 3, 4] }, [long], all.map(() => output('float32', [4])))])).toEqual([])
    backend.dispose()
  })

  describe('epilogues', () => {
    for (const family of ['register', 'shared'] as const)
      test(`of products, ${family} shaders`, async () => {
        const backend = await openWebGPU({ gpu: gpu!, family })
        const r = new Random('epilogues')
        const some = [linear(r, 1, 7, 10), linear(r, 33, 5, 17), residual(r, [13, 9, 6]), residual(r, [5, 4, 6], [3]), convolved(r, 1), convolved(r, 2)]
        // The inner axis is cut into slices, after which the epilogue follows.
        const sliced = [linear(r, 9, 5000, 12), convolved(r, 2, 200)]
        expect(await faults(backend, [...some, ...sliced], { rel: 1e-5, abs: 2e-5 })).toEqual([])
        backend.dispose()
      })

    test('random layouts of the operands', async () => {
      const backend = await openWebGPU({ gpu: gpu! })
      const same = fc.asyncProperty(fc.integer(), seed => agree(backend, randomMatmul(new Random(`matmul ${seed}`))))
      await expect(fc.assert(same, { numRuns: 30 })).resolves.toBeUndefined()
      backend.dispose()
    })
  })

  describe('what is run as one', () => {
    let backend: WebGPUBackend
    let shared: WebGPUBackend
    beforeAll(async () => {
      backend = await openWebGPU({ gpu: gpu! })
      shared = await openWebGPU({ gpu: gpu!, family: 'shared' })
    })
    afterAll(() => {
      backend.dispose()
      shared.dispose()
    })
    const rows = (shape: readonly number[], stages = softmaxStages, whole = true): Kernel => ({
      kind: 'rows', axes: 1, stages, results: [stages.length], inputs: [f32(...shape)], outputs: [whole ? f32(...shape) : f32(...shape.slice(0, -1))],
    })
    const chain = (n: number): Scalar => Array.from({ length: n }).reduce((v: Scalar, _, k) => S.add(v, k + 0.5), x)
    const map = (n: number, steps = 1): Kernel => ({
      kind: 'map', params: [], inputs: Array.from({ length: n - 1 }, () => f32(4)), outputs: [f32(4)],
      program: program([Array.from({ length: n - 1 }, (_, k) => S.input(k, 'float32')).reduce<Scalar>((a, b) => S.add(a, b), chain(steps))], []),
    })

    test('up to the number of blocks that the adapter can bind', () => {
      const { maxBlocks } = backend
      expect(maxBlocks).toBeGreaterThanOrEqual(8)
      expect(backend.fuses(map(maxBlocks), maxBlocks)).toBe(true)
      expect(backend.fuses(map(maxBlocks + 1), maxBlocks + 1)).toBe(false)
      // Several operands may lie in one block.
      expect(backend.fuses(map(maxBlocks + 1), 3)).toBe(true)
      // Chunks are passed through one block more.
      const sum = rows([1, 100000], [stage([S.exp(x)], ['sum'])], false)
      expect(backend.fuses(sum, maxBlocks - 1)).toBe(true)
      expect(backend.fuses(sum, maxBlocks)).toBe(false)
    })

    test('no endless programs', () => {
      expect(backend.fuses(map(2, 60), 2)).toBe(true)
      expect(backend.fuses(map(2, 300), 2)).toBe(false)
      expect(backend.fuses(rows([8, 8], [stage([chain(300)], ['sum'])], false), 2)).toBe(false)
    })

    test('no few long rows of several passes, which one core would compute', () => {
      for (const b of [backend, shared]) {
        expect(b.fuses(rows([1000, 1000]), 2)).toBe(true)
        expect(b.fuses(rows([4, 64]), 2)).toBe(true)
        expect(b.fuses(rows([1, 1000000]), 2)).toBe(false)
        expect(b.fuses(rows([1, 1000000], [stage([S.exp(x)], ['sum'])], false), 2)).toBe(true)
      }
    })

    test('no epilogues that ask where they are, or for elements shorter than a word', () => {
      const product = (value: Scalar, dtype: 'float32' | 'int32' | 'float16' = 'float32'): Kernel =>
        ({ kind: 'matmul', epilogue: { program: program([value], []), params: [] }, inputs: [f32(4, 4), f32(4, 4)], outputs: [contiguousView(dtype, [4, 4])] })
      expect(backend.fuses(product(S.exp(x)), 3)).toBe(true)
      expect(backend.fuses(product(S.cast(x, 'int32'), 'int32'), 3)).toBe(true)
      expect(backend.fuses(product(S.index(), 'int32'), 3)).toBe(false)
      expect(backend.fuses(product(x, 'float16'), 3)).toBe(false)
      expect(backend.fuses(product(chain(300)), 3)).toBe(false)
    })
  })
})
