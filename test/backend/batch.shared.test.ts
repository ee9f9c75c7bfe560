// A batch gives the bits that its maps give one by one: on one thread and two, in both binaries, and on WebGPU.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Backend, Launch } from '../../src/backend/backend.ts'
import { openWasm } from '../../src/backend/wasm/index.ts'
import { openWebGPU } from '../../src/backend/webgpu/index.ts'
import type { Words } from '../../src/core/dtype.ts'
import { mapsOf, type BatchKernel } from '../../src/ir/kernel.ts'
import { gpuOfPage } from '../devices.ts'
import { batches } from './cases/batch.ts'
import type { Step } from './data.ts'
import { download, upload } from './run.ts'
import { difference } from './stepwise.ts'

const backends: Backend[] = []
beforeAll(async () => {
  for (const s of [{ threads: 1, relaxed: true }, { threads: 2, relaxed: true }, { threads: 2, relaxed: false }]) backends.push(await openWasm(s))
  if (gpuOfPage) backends.push(await openWebGPU({ gpu: gpuOfPage }))
})
afterAll(() => backends.forEach(b => b.dispose()))

/** What a plan of some launches over the operands of a step leaves in its outputs. */
async function outputsOf(backend: Backend, { kernel, words }: Step, launches: (of: (operand: number) => Launch['blocks'][number]) => Launch[]): Promise<Words[]> {
  const blocks = new Map([...new Set(words)].map(w => [w, upload(backend, w)]))
  const plan = backend.prepare(launches(k => blocks.get(words[k])!))
  plan.run()
  plan.dispose()
  const results = await Promise.all(words.slice(kernel.inputs.length).map(w => download(backend, blocks.get(w)!, w)))
  for (const b of blocks.values()) backend.free(b)
  return results
}

test.each(batches.map(c => [c.name, c] as const))('%s', async (_, { build }) => {
  for (const step of build()) {
    const kernel = step.kernel as BatchKernel
    const [n, m] = [kernel.program.inputs.length, kernel.program.outputs.length]
    const list = (count: number, from: number): number[] => Array.from({ length: count }, (_, i) => from + i)
    const all: Words[][] = []
    for (const backend of backends) {
      const together = await outputsOf(backend, step, of => [{ kernel, blocks: step.words.map((_, k) => of(k)) }])
      const apart = await outputsOf(backend, step, of => mapsOf(kernel).map((map, k) => ({ kernel: map, blocks: [...list(n, k * n), ...list(m, kernel.inputs.length + k * m)].map(of) })))
      together.forEach((got, k) => expect(difference(got, apart[k]), `${backend.info.detail}, output ${k}`).toBe(-1))
      all.push(together)
    }
    all[0].forEach((w, k) => expect(difference(all[1][k], w), `output ${k} on two threads`).toBe(-1))
  }
})
