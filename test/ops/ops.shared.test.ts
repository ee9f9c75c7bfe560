// Every public op on every device: values, shapes, dtypes, first and second derivatives as the reference has them.
import { beforeAll, describe, expect, test } from 'vitest'
import { device, init, type DeviceName } from '../../src/eager/device.ts'
import '../../src/eager/start.ts'
import * as ops from '../../src/ops/index.ts'
import { gpuOfPage } from '../devices.ts'
import { cases, type OpCase } from './cases.ts'
import { derivatives, differences, results, type Value } from './derivatives.ts'
import { nameOf } from './inputs.ts'
import { pointwiseCases } from './pointwise-cases.ts'

const all = [...pointwiseCases, ...cases]

const expected = new Map<OpCase, Promise<Value[]>>()

function expectedOf(c: OpCase): Promise<Value[]> {
  const current = device().name
  device('reference')
  const values = expected.get(c) ?? results(derivatives(c))
  expected.set(c, values)
  device(current)
  return values
}

/** Relative to the largest number of a tensor, since sums cancel. */
const TOLERANCE = 2e-5

function suite(name: DeviceName): void {
  beforeAll(async () => {
    await init({ device: 'reference' })
    expect((await init({ device: name, gpu: gpuOfPage ?? undefined })).name).toBe(name)
  })

  const readsAtOnce = name !== 'webgpu'
  for (const c of all)
    if (c.reads && !readsAtOnce) test(`${nameOf(c)}: cannot read at once`, () => expect(() => derivatives(c)).toThrow(/cannot read at once/))
    else
      test(nameOf(c), async () => {
        device(name)
        const faults = differences(await results(derivatives(c)), await expectedOf(c), TOLERANCE)
        expect(faults, faults.join('\n')).toEqual([])
      })
}

describe('wasm', () => suite('wasm'))
if (gpuOfPage) describe('webgpu', () => suite('webgpu'))

describe('coverage', () => {
  /** Functions that say nothing about values, or change their operand, or await: they have tests of their own. */
  const elsewhere = new Set(['manualSeed', 'defaultGenerator', 'setAt', 'tensor'])
  const tested = new Set(all.map(c => c.op))
  const names = Object.entries(ops).filter(([name, value]) => typeof value === 'function' && !/^[A-Z]|Async$/.test(name) && !elsewhere.has(name)).map(([name]) => name)
  test.each(names)('%s has a case', name => expect(tested).toContain(name))
})
