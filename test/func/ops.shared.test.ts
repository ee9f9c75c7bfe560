// Every public op under vmap gives what it gives for one example after the other: values, and first and second derivatives, of the mapped op and
// inside of what is mapped.
import { expect, test } from 'vitest'
import { vmap } from '../../src/func/index.ts'
import { manualSeed } from '../../src/ops/index.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { eachDevice, inBrowser } from '../each-device.ts'
import { cases, type OpCase } from '../ops/cases.ts'
import { derivatives, differences, results, type Value } from '../ops/derivatives.ts'
import { nameOf } from '../ops/inputs.ts'
import { pointwiseCases } from '../ops/pointwise-cases.ts'
import { axesOf, batchOf, looped } from './batch.ts'

/** In the page, where a software adapter is slow, a part of them: what differs there is the kernels, which have tests of their own. */
const all = (inBrowser ? cases.filter((_, i) => i % 8 === 0) : [...pointwiseCases, ...cases]).filter(c => !c.reads && c.inputs.length > 0)
const list = (y: Tensor | readonly Tensor[]): readonly Tensor[] => (Array.isArray(y) ? y : [y as Tensor])
const read = (xs: readonly Tensor[]): Promise<Value[]> => Promise.all(xs.map(async x => ({ what: String(x), numbers: await x.data() })))
const TOLERANCE = 2e-5

eachDevice(() => {
  for (const [turn, c] of all.entries()) {
    test(`${nameOf(c)}: mapped, then differentiated`, async () => {
      const axes = axesOf(c, turn % 2)
      const one = (...x: Tensor[]): readonly Tensor[] => list(c.run(...x))
      const both: OpCase['run'][] = [(...x) => (manualSeed(0), vmap(one, { inDims: axes, randomness: 'same' })(...x)), (...x) => looped(one, axes, x)]
      const inputs = batchOf(c, axes).map(x => (x.dtype === 'float32' ? x.requiresGrad_() : x))
      const [got, want] = await Promise.all(both.map(run => results(derivatives({ ...c, run }, inputs))))
      const faults = differences(got, want, TOLERANCE)
      expect(faults, faults.join('\n')).toEqual([])
    })
    if (!inBrowser)
      test(`${nameOf(c)}: differentiated, then mapped`, async () => {
        const axes = axesOf(c, (turn + 1) % 2)
        const one = (...xs: Tensor[]): readonly Tensor[] => {
          const { outputs, first, second } = derivatives(c, xs.map(x => (x.dtype === 'float32' ? x.detach().requiresGrad_() : x)))
          return [...outputs, ...first, ...second].filter(x => x !== null).map(x => x.detach())
        }
        const inputs = batchOf(c, axes)
        manualSeed(0)
        const faults = differences(await read(vmap(one, { inDims: axes, randomness: 'same' })(...inputs)), await read(looped(one, axes, inputs)), TOLERANCE)
        expect(faults, faults.join('\n')).toEqual([])
      })
  }
}, [inBrowser ? 'webgpu' : 'wasm'])
