// Naive formulas at extreme inputs, compiled: values and gradients are those of float64 to 1e-6.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, device, init, tensor, type DeviceName, type Tensor } from '../../../src/index.ts'
import { gpuOfPage } from '../../devices.ts'
import { naive, weights, type Naive } from './stable.ts'

const TOLERANCE = 1e-6
/** Below the smallest normal float32 there are fewer digits. */
const LEAST = 1.2e-38

/** Errors over the tolerance; those of a row are measured by its largest number. */
function wrong(f: Naive, got: readonly number[], want: readonly (readonly number[])[], what: string): string[] {
  const shared = f.x.length > 1
  let at = 0
  return want.flatMap((row, r) => {
    const scale = Math.max(...row.map(Math.abs))
    return row.flatMap((w, c) => {
      const g = got[at++]
      return Math.abs(g - w) <= TOLERANCE * (shared ? scale : Math.abs(w)) + LEAST ? [] : [`${what} at ${f.x[r][c] ?? ''}: ${g}, want ${w}`]
    })
  })
}

function suite(name: DeviceName): void {
  beforeAll(async () => {
    expect((await init({ device: name, gpu: gpuOfPage ?? undefined })).name).toBe(name)
  })
  for (const f of naive)
    test(f.text, async () => {
      device(name)
      const step = compile((x: Tensor) => {
        const y = f.run(x)
        y.mul(tensor(weights(y.shape[1]))).sum().backward()
        return y
      })
      const rows = f.x.map(row => row.map(Math.fround))
      const x = tensor(rows, { requiresGrad: true })
      const y = step(x)
      const faults = [...wrong(f, [...(await y.data())], rows.map(f.value), 'value'), ...wrong(f, [...(await x.grad!.data())], rows.map(f.slope), 'slope')]
      expect(faults, `${faults.join('\n')}\n${step.explain()}`).toEqual([])
      step.dispose()
    })
}

describe('wasm', () => suite('wasm'))
if (gpuOfPage) describe('webgpu', () => suite('webgpu'))
