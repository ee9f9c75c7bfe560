// Every public op on every device: values, shapes, dtypes, first and second derivatives as the reference has them.
import { beforeAll, describe, expect, test } from 'vitest'
import { device, init, type DeviceName } from '../../src/eager/device.ts'
import '../../src/eager/start.ts'
import * as ops from '../../src/ops/index.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { gpu } from '../devices.ts'
import { cases, type OpCase } from './cases.ts'
import { derivatives } from './derivatives.ts'
import { nameOf } from './inputs.ts'
import { pointwiseCases } from './pointwise-cases.ts'

const all = [...pointwiseCases, ...cases]

/** A tensor as text and numbers. */
interface Value {
  readonly what: string
  readonly numbers: ArrayLike<number>
}

const valueOf = async (x: Tensor | null): Promise<Value> => (x ? { what: String(x), numbers: await x.data() } : { what: 'none', numbers: [] })

/** Everything that a case computes on the current device. */
async function results(c: OpCase): Promise<Value[]> {
  const { outputs, first, second } = derivatives(c)
  return Promise.all([...outputs, ...first, ...second].map(valueOf))
}

const expected = new Map<OpCase, Promise<Value[]>>()

function expectedOf(c: OpCase): Promise<Value[]> {
  const current = device().name
  device('reference')
  const values = expected.get(c) ?? results(c)
  expected.set(c, values)
  device(current)
  return values
}

/** Relative to the largest number of the tensor, since sums cancel. */
const TOLERANCE = 2e-5

function differences(got: Value, want: Value): string[] {
  if (got.what !== want.what) return [`${got.what}, want ${want.what}`]
  const exact = !want.what.startsWith('f32')
  const finite = Array.from(want.numbers).filter(Number.isFinite)
  const scale = Math.max(1, ...finite.map(Math.abs))
  const agree = (g: number, w: number): boolean => Object.is(g, w) || g === w || (!exact && Math.abs(g - w) <= TOLERANCE * scale)
  return Array.from(want.numbers).flatMap((w, i) => (agree(got.numbers[i], w) ? [] : [`${want.what} at ${i}: ${got.numbers[i]}, want ${w}`]))
}

function suite(name: DeviceName): void {
  beforeAll(async () => {
    await init({ device: 'reference' })
    expect((await init({ device: name, gpu: gpu ?? undefined })).name).toBe(name)
  })

  const readsAtOnce = name !== 'webgpu'
  for (const c of all)
    if (c.reads && !readsAtOnce) test(`${nameOf(c)}: cannot read at once`, () => expect(() => derivatives(c)).toThrow(/cannot read at once/))
    else
      test(nameOf(c), async () => {
        device(name)
        const want = await expectedOf(c)
        const got = await results(c)
        const faults = want.flatMap((w, i) => differences(got[i], w).slice(0, 3).map(text => `result ${i}: ${text}`))
        expect(faults, faults.join('\n')).toEqual([])
        expect(got.length).toBe(want.length)
      })
}

describe('wasm', () => suite('wasm'))
if (gpu) describe('webgpu', () => suite('webgpu'))

describe('coverage', () => {
  /** Functions that say nothing about values, or change their operand: they have tests of their own. */
  const elsewhere = new Set(['manualSeed', 'defaultGenerator', 'setAt', 'tensor'])
  const tested = new Set(all.map(c => c.op))
  const names = Object.entries(ops).filter(([name, value]) => typeof value === 'function' && !/^[A-Z]/.test(name) && !elsewhere.has(name)).map(([name]) => name)
  test.each(names)('%s has a case', name => expect(tested).toContain(name))
})
