// Tiles found by measuring: only where asked, kept for later, and right whichever wins.
import { describe, expect, test } from 'vitest'
import { contiguousView } from '../../src/core/view.ts'
import { openWebGPU, type WebGPUBackend } from '../../src/backend/webgpu/index.ts'
import { lower } from '../../src/backend/webgpu/lower.ts'
import { Tuner } from '../../src/backend/webgpu/tuner.ts'
import type { Kernel } from '../../src/ir/kernel.ts'
import { gpu } from '../devices.ts'
import { inBrowser } from '../each-device.ts'
import { Random } from './data.ts'
import { download, upload } from './run.ts'

const target = { family: 'register', quads: false } as const
const product = (m: number, k: number, n: number): Kernel => ({
  kind: 'matmul', inputs: [contiguousView('float32', [m, k]), contiguousView('float32', [k, n])], outputs: [contiguousView('float32', [m, n])],
})
/** What is computed with which tile is in the key of the shader. */
const shaderOf = (kernel: Kernel, tuner: Tuner): string => lower(kernel, [0, 1, 2], { ...target, pick: tuner.pick }).jobs[0].key

/** Tells milliseconds by the size of the tile that a shader has. */
const clock = (faster: string, asked: string[] = []) => async (_: Kernel, { jobs: [job] }: { jobs: readonly { key: string }[] }, times: number): Promise<number> => {
  asked.push(job.key)
  return times * (job.key.includes(faster) ? 1 : 2)
}

describe('the tuner', () => {
  test('takes the fastest tile for products of like size, and asks once', async () => {
    const tuner = await Tuner.open(`test ${Math.random()}`)
    expect(shaderOf(product(64, 64, 64), tuner)).toContain(' 4x4 ')
    const asked: string[] = []
    expect(await tuner.measure([product(64, 64, 64), product(66, 64, 62)], target, clock('8x8', asked))).toBe(true)
    expect(new Set(asked.map(key => /\dx\d/.exec(key)![0]))).toEqual(new Set(['4x4', '8x8']))
    expect(shaderOf(product(64, 64, 64), tuner)).toContain(' 8x8 ')
    expect(shaderOf(product(66, 64, 62), tuner)).toContain(' 8x8 ')
    expect(shaderOf(product(16, 64, 64), tuner)).toContain(' 4x4 ')
    expect(await tuner.measure([product(64, 64, 64)], target, clock('4x4'))).toBe(false)
    expect(shaderOf(product(64, 64, 64), tuner)).toContain(' 8x8 ')
  })

  test('keeps the usual tile where another is hardly faster, and asks nothing where one tile alone fits', async () => {
    const tuner = await Tuner.open(`test ${Math.random()}`)
    await tuner.measure([product(64, 64, 64)], target, async (_, { jobs }, times) => times * (jobs[0].key.includes('8x8') ? 0.97 : 1))
    expect(shaderOf(product(64, 64, 64), tuner)).toContain(' 4x4 ')
    const asked: string[] = []
    expect(await tuner.measure([product(2, 64, 64), product(0, 64, 64)], target, clock('8x8', asked))).toBe(false)
    expect(asked).toEqual([])
  })

  test.skipIf(!inBrowser)('remembers on later visits, each adapter by itself (skipped where there is no IndexedDB)', async () => {
    const name = `test ${Math.random()}`
    const first = await Tuner.open(name)
    await first.measure([product(64, 64, 64)], target, clock('8x8'))
    expect(shaderOf(product(64, 64, 64), await Tuner.open(name))).toContain(' 8x8 ')
    expect(shaderOf(product(64, 64, 64), await Tuner.open(`${name} other`))).toContain(' 4x4 ')
  })
})

describe.skipIf(!gpu)('a device that tunes (skipped where there is no adapter)', () => {
  const r = new Random('tuned')
  const [a, b] = [4096, 4096].map(n => Float32Array.from({ length: n }, () => r.uniform(-1, 1)))

  async function results(backend: WebGPUBackend, warm: boolean): Promise<{ values: number[]; shaders: number }> {
    const blocks = [upload(backend, a), upload(backend, b), backend.alloc(a.byteLength)]
    const prepared = backend.prepare([{ kernel: product(64, 64, 64), blocks }])
    if (warm) await prepared.warm?.()
    prepared.run()
    const values = [...(await download(backend, blocks[2], a))].map(Number)
    prepared.dispose()
    return { values, shaders: backend.shaderCount }
  }

  test('measures in warm() alone, and computes the same to rounding', async () => {
    const plain = await openWebGPU({ gpu: gpu! })
    const tuned = await openWebGPU({ gpu: gpu!, tune: true })
    const want = await results(plain, true)
    const cold = await results(tuned, false)
    const warmed = await results(tuned, true)
    expect(want.shaders).toBe(1)
    expect(cold).toEqual(want)
    expect(warmed.shaders).toBeGreaterThan(want.shaders)
    warmed.values.forEach((v, i) => expect(v).toBeCloseTo(want.values[i], 4))
    plain.dispose()
    tuned.dispose()
  })
})
