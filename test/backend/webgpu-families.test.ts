// The two families of shaders of the webgpu backend, each on whatever adapter there is. The conformance suite runs all cases with the
// adapter's own family; here are, for both, the kinds in which they differ.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createReference } from '../../src/backend/reference/index.ts'
import { openWebGPU, type WebGPUBackend } from '../../src/backend/webgpu/index.ts'
import { gpu } from '../devices.ts'
import { cases } from './conformance.ts'
import { define, input, launch, output } from './data.ts'
import { execute, mismatch } from './run.ts'

const large = define('matmul with tiles of 64 and an edge', { rel: 1e-6, abs: 1e-5 }, r => [
  launch({ kind: 'matmul' }, [input(r, 'float32', [150, 70]), input(r, 'float32', [70, 140])], [output('float32', [150, 140])]),
])
const wide = define('matmul with threads of 8 by 8 and an edge', { rel: 1e-6, abs: 1e-5 }, r =>
  [false, true].map(turned => launch(
    { kind: 'matmul' },
    [input(r, 'float32', [260, 12], turned ? 'permuted' : 'plain'), input(r, 'float32', [12, 270], turned ? 'permuted' : 'plain')],
    [output('float32', [260, 270])],
  )),
)
const deep = define('matmul of few results and a long inner axis', { rel: 1e-6, abs: 1e-4 }, r => [
  launch({ kind: 'matmul' }, [input(r, 'float32', [9, 5000]), input(r, 'float32', [5000, 12])], [output('float32', [9, 12])]),
])
const pairs = define('svd by one workgroup for each pair of columns', { rel: 1e-4, abs: 1e-4 }, r => {
  const a = input(r, 'float32', [36, 33])
  for (let i = 0; i < 33; i++) a.words[i * 34] += 2 * i
  return [launch({ kind: 'factor', op: 'svd', strict: null }, [a], [[36, 33], [33], [33, 33]].map(s => output('float32', s)))]
})
const differing = [...cases.filter(c => /^(matmul|conv|reduce|scatter)/.test(c.name)), large, wide, deep, pairs]

describe.skipIf(!gpu)('webgpu (skipped where there is no adapter)', () => {
  for (const family of ['register', 'shared'] as const)
    describe(`${family} shaders`, () => {
      let backend: WebGPUBackend
      beforeAll(async () => {
        backend = await openWebGPU({ gpu: gpu!, family })
      })
      afterAll(() => backend.dispose())

      for (const c of differing)
        test(c.name, async () => {
          const reference = createReference()
          const want = await execute(reference, c.build())
          reference.dispose()
          const got = await execute(backend, c.build())
          expect(got.flatMap((result, i) => mismatch(result, want[i], c.tolerance))).toEqual([])
        })
    })
})
