// What a function makes of its own (indices, masks, weights) lies beside its operands: on a device that is not the current one, and on `meta`, where
// there are shapes and dtypes alone.
import { beforeAll, describe, expect, test } from 'vitest'
import { device, grad, init, toDevice, type Tensor } from '../../src/index.ts'
import { inputsOf, nameOf } from '../ops/inputs.ts'
import { functionalCases } from './functional-cases.ts'

beforeAll(async () => {
  for (const name of ['reference', 'wasm'] as const) expect((await init({ device: name })).name).toBe(name)
})

const listed = (y: Tensor | readonly Tensor[]): readonly Tensor[] => (Array.isArray(y) ? y : [y as Tensor])

describe('beside the operands', () => {
  test.each(functionalCases.map(c => [nameOf(c), c] as const))('%s', async (_, c) => {
    device('reference')
    const inputs = inputsOf(c)
    device('wasm')
    const outputs = listed(c.run(...inputs))
    expect(outputs.map(y => y.device)).toEqual(outputs.map(() => 'reference'))
    const sums = outputs.filter(y => y.requiresGrad).map(y => y.sum())
    const slopes = sums.length > 0 ? grad(sums, inputs.filter(x => x.requiresGrad), { allowUnused: true }) : []
    for (const g of slopes) expect(g?.device ?? 'reference').toBe('reference')

    const shapes = await Promise.all(inputs.map(x => toDevice(x.detach(), 'meta')))
    const unreal = listed(c.run(...shapes))
    expect(unreal.map(y => `${y} on ${y.device}`)).toEqual(outputs.map(y => `${y} on meta`))
  })
})
