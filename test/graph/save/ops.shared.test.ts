// Every public op inside a compiled function that is saved and loaded: the same bits, derivatives included.
import { beforeAll, describe, expect, test } from 'vitest'
import { device, init, type DeviceName } from '../../../src/eager/device.ts'
import { compile, loadFunction, saveFunction, type Tensor } from '../../../src/index.ts'
import { gpuOfPage } from '../../devices.ts'
import { inBrowser } from '../../each-device.ts'
import { cases, type OpCase } from '../../ops/cases.ts'
import { derivatives, differences, results } from '../../ops/derivatives.ts'
import { inputsOf, nameOf } from '../../ops/inputs.ts'
import { pointwiseCases } from '../../ops/pointwise-cases.ts'

type Out = Parameters<typeof results>[0]

const traced = (c: OpCase) =>
  compile((...inputs: Tensor[]) => {
    const { outputs, first, second } = derivatives(c, inputs)
    return { outputs, first, second }
  })

function suite(name: DeviceName): void {
  beforeAll(async () => {
    expect((await init({ device: name, gpu: gpuOfPage ?? undefined })).name).toBe(name)
  })
  // Nothing in a file depends on the place, so the page takes a tenth of them; Node takes half, most ops having several cases.
  for (const c of [...pointwiseCases, ...cases].filter((c, i) => !c.reads && i % (inBrowser ? 10 : 2) === 0))
    test(nameOf(c), async () => {
      device(name)
      const inputs = inputsOf(c)
      const step = traced(c)
      step(...inputs)
      const loaded = loadFunction<Out>(await saveFunction(step))
      const faults = differences(await results(loaded(...inputs)), await results(step(...inputs)), 0)
      expect(faults, faults.join('\n')).toEqual([])
      step.dispose()
      loaded.dispose()
    })
}

describe('wasm', () => suite('wasm'))
if (gpuOfPage) describe('webgpu', () => suite('webgpu'))
