// Random cases of every family of ops: each device computes what the reference does, values and derivatives of first and second order; on
// the reference the derivatives agree with finite differences.
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { device, init } from '../../src/eager/device.ts'
import '../../src/eager/start.ts'
import { gpuOfPage } from '../devices.ts'
import { checkDifferences } from '../ops/differences.ts'
import { derivatives, differences, results } from '../ops/derivatives.ts'
import { nameOf } from '../ops/inputs.ts'
import { families } from './arbitrary.ts'

/** Relative to the largest number of a tensor, since sums cancel. */
const TOLERANCE = 5e-5
const SEED = 20260101

beforeAll(async () => {
  await init({ device: 'reference' })
  await init({ device: 'wasm' })
  if (gpuOfPage) await init({ device: 'webgpu', gpu: gpuOfPage })
})

for (const [name, numRuns] of [['wasm', 150], ...(gpuOfPage ? [['webgpu', 25] as const] : [])] as const)
  describe(name, () => {
    test.each(Object.keys(families))('%s as on the reference', { timeout: 120_000 }, async family => {
      await fc.assert(
        fc.asyncProperty(families[family], async c => {
          device('reference')
          const want = await results(derivatives(c))
          device(name)
          const faults = differences(await results(derivatives(c)), want, TOLERANCE)
          expect(faults, `${nameOf(c)}\n${faults.join('\n')}`).toEqual([])
        }),
        { numRuns, seed: SEED },
      )
    })
  })

describe('differences', () => {
  test.each(Object.keys(families))('%s', { timeout: 120_000 }, family => {
    device('reference')
    fc.assert(
      fc.property(families[family], c => {
        if (c.inputs.some(x => x.dtype === 'float32')) checkDifferences(c)
      }),
      { numRuns: 40, seed: SEED },
    )
  })
})
