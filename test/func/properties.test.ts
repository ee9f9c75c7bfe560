// Random cases of every family of ops, operands being strided views: vmap gives what the loop gives, first and second derivatives too.
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { init } from '../../src/eager/device.ts'
import '../../src/eager/start.ts'
import { vmap } from '../../src/func/index.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import type { OpCase } from '../ops/case.ts'
import { derivatives, differences, results } from '../ops/derivatives.ts'
import { nameOf } from '../ops/inputs.ts'
import { families } from '../properties/arbitrary.ts'
import { batchOf, looped, type Axes } from './batch.ts'

const TOLERANCE = 5e-5

beforeAll(async () => {
  await init({ device: 'wasm' })
})

/** Anywhere in each input; not all are shared. */
const axesFor = (c: OpCase): fc.Arbitrary<Axes> =>
  fc.tuple(...c.inputs.map(({ shape }) => fc.option(fc.nat(shape.length), { nil: null, freq: 3 }))).map(axes => (axes.some(a => a !== null) ? axes : axes.with(0, 0)))

test.each(Object.keys(families))('%s as in a loop', { timeout: 120_000 }, async family => {
  const mapped = families[family].chain(c => axesFor(c).map(axes => ({ c, axes })))
  await fc.assert(
    fc.asyncProperty(mapped, async ({ c, axes }) => {
      const one = (...x: Tensor[]): readonly Tensor[] => [c.run(...x)].flat()
      const both: OpCase['run'][] = [(...x) => vmap(one, { inDims: axes })(...x), (...x) => looped(one, axes, x)]
      const inputs = batchOf(c, axes).map(x => (x.dtype === 'float32' ? x.requiresGrad_() : x))
      const [got, want] = await Promise.all(both.map(run => results(derivatives({ ...c, run }, inputs))))
      const faults = differences(got, want, TOLERANCE)
      expect(faults, `${nameOf(c)} along ${JSON.stringify(axes)}\n${faults.join('\n')}`).toEqual([])
    }),
    { numRuns: 60, seed: 20260101 },
  )
})
