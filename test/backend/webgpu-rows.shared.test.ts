// Fused kernels of the webgpu backend against the reference: rows of stages in all forms, and what is refused.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createReference } from '../../src/backend/reference/index.ts'
import { openWebGPU, type WebGPUBackend } from '../../src/backend/webgpu/index.ts'
import { gpu } from '../devices.ts'
import { biasGradient, layerNorm, randomRows, softmax, squaredError } from './cases/rows.ts'
import { Random, type Step } from './data.ts'
import { execute, mismatch } from './run.ts'

async function faults(backend: WebGPUBackend, steps: readonly Step[], tolerance = { rel: 2e-6, abs: 2e-6 }): Promise<string[]> {
  const reference = createReference()
  const want = await execute(reference, steps)
  reference.dispose()
  const got = await execute(backend, steps)
  return got.flatMap((result, i) => mismatch(result, want[i], tolerance).map(text => `${i}, ${result.name}: ${text}`))
}

describe.skipIf(!gpu)('rows on webgpu (skipped where there is no adapter)', () => {
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

  test('a derivative and its sums over the batch', async () => {
    const r = new Random('bias')
    expect(await faults(backend, [[3, 5], [8, 6], [16, 128]].map(shape => biasGradient(r, shape)))).toEqual([])
  })

  test('a loss over all axes, in chunks when there are many elements', async () => {
    const r = new Random('loss')
    expect(await faults(backend, [[7], [4, 9], [200, 300], [3, 7001]].map(shape => squaredError(r, shape)))).toEqual([])
  })

  test('random stages', async () => {
    await fc.assert(fc.asyncProperty(fc.integer(), async seed => {
      const found = await faults(backend, [randomRows(`rows ${seed}`)], { rel: 1e-5, abs: 2e-5 })
      if (found.length) throw new Error(found.join('\n'))
    }), { numRuns: 60 })
  })
})
