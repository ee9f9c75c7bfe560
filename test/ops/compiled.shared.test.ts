// Every public op inside of compile(): the same bits as without, in the call that traces and in one that replays, derivatives included; where
// a rewrite fired that may round differently, nearly the same.
import { beforeAll, describe, expect, test } from 'vitest'
import { device, init, type DeviceName } from '../../src/eager/device.ts'
import '../../src/eager/start.ts'
import { compile } from '../../src/graph/compile.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { gpuOfPage } from '../devices.ts'
import { inBrowser } from '../each-device.ts'
import { cases, type OpCase } from './cases.ts'
import { derivatives, differences, results } from './derivatives.ts'
import { inputsOf, nameOf } from './inputs.ts'
import { pointwiseCases } from './pointwise-cases.ts'

const traced = (c: OpCase) =>
  compile((...inputs: Tensor[]) => {
    const { outputs, first, second } = derivatives(c, inputs)
    return { outputs, first, second }
  })

function suite(name: DeviceName): void {
  beforeAll(async () => {
    expect((await init({ device: name, gpu: gpuOfPage ?? undefined })).name).toBe(name)
  })

  // wasm does the same in the page as in Node, so the page takes a tenth there; on webgpu a third, beside what PyTorch computed, which is compiled too.
  const every = !inBrowser ? 1 : name === 'wasm' ? 10 : 3
  for (const c of [...pointwiseCases, ...cases].filter((_, i) => i % every === 0))
    if (c.reads) test(`${nameOf(c)}: cannot read while tracing`, () => expect(() => traced(c)(...inputsOf(c))).toThrow(/compile|trac/))
    else
      test(nameOf(c), async () => {
        device(name)
        const want = await results(derivatives(c))
        const step = traced(c)
        for (const call of ['first', 'second']) {
          // The compiler of a shader may join steps of one kernel that are rounded apart in two.
          const faults = differences(await results(step(...inputsOf(c))), want, name === 'webgpu' || step.explain().rounds ? 1e-6 : 0).map(text => `${call} call, ${text}`)
          expect(faults, faults.join('\n')).toEqual([])
        }
        expect(step.info().traces).toBe(1)
        step.dispose()
      })
}

describe('wasm', () => suite('wasm'))
if (gpuOfPage) describe('webgpu', () => suite('webgpu'))
