// The families of shaders of the webgpu backend, each on whatever adapter there is: that of threads alone with and without quads. The conformance
// suite runs all cases with the adapter's own; here are, for each, the kinds in which they differ.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createReference } from '../../src/backend/reference/index.ts'
import { openWebGPU, type WebGPUBackend, type WebGPUOptions } from '../../src/backend/webgpu/index.ts'
import { gpu } from '../devices.ts'
import { cases } from './conformance.ts'
import { define, input, launch, output, type Case } from './data.ts'
import { execute, mismatch } from './run.ts'

const large = define('matmul with tiles of 64 and an edge', { rel: 1e-6, abs: 1e-5 }, r => [
  launch({ kind: 'matmul' }, [input(r, 'float32', [150, 70]), input(r, 'float32', [70, 140])], [output('float32', [150, 140])]),
])
const vectors = define('matmul with tiles of 64 and an edge, read and stored in vectors', { rel: 1e-6, abs: 1e-5 }, r =>
  [false, true].map(turned => launch(
    { kind: 'matmul' },
    [input(r, 'float32', [132, 36], turned ? 'permuted' : 'plain'), input(r, 'float32', [36, 136], turned ? 'permuted' : 'plain')],
    [output('float32', [132, 136])],
  )),
)
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
const sizes = [large, vectors, wide, deep]
const products = cases.filter(c => /^(matmul|conv)/.test(c.name))
const families: readonly [Pick<WebGPUOptions, 'family' | 'quads'>, readonly Case[]][] = [
  [{ family: 'register', quads: true }, sizes],
  [{ family: 'register', quads: false }, [...products, ...sizes]],
  [{ family: 'shared' }, [...products, ...sizes, ...cases.filter(c => /^(reduce|scatter|attention|batch)/.test(c.name)), pairs]],
]

describe.skipIf(!gpu)('webgpu (skipped where there is no adapter)', () => {
  for (const [options, differing] of families)
    describe(Object.values(options).join(' '), () => {
      let backend: WebGPUBackend
      beforeAll(async () => {
        backend = await openWebGPU({ gpu: gpu!, ...options })
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
