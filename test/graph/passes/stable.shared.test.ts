// Naive formulas at extreme inputs, compiled: values and gradients are those of float64 to 1e-6.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, device, init, tensor, type DeviceName, type Tensor } from '../../../src/index.ts'
import { gpuOfPage } from '../../devices.ts'
import { naive, type Naive } from './stable.ts'

const TOLERANCE = 1e-6
/** Below the smallest normal float32 there are fewer digits. */
const LEAST = 1.2e-38

/** Errors over the tolerance; those of a row are measured by its largest number, or by `least`. */
function wrong(f: Naive, got: readonly number[], want: readonly (readonly number[])[], what: string, least = 0): string[] {
  const shared = f.x.length > 1
  let at = 0
  return want.flatMap((row, r) => {
    const scale = Math.max(least, ...row.map(Math.abs))
    return row.flatMap((w, c) => {
      const g = got[at++]
      return Math.abs(g - w) <= TOLERANCE * (shared ? scale : Math.abs(w)) + LEAST ? [] : [`${what} at ${f.x[r][c] ?? ''}: ${g}, want ${w}`]
    })
  })
}

/** What of the values is differentiated, and the weight of value `i` of so many in it. Where all weigh the same, the compiler knows the number. */
const costs: readonly { readonly text: string; readonly of: (y: Tensor) => Tensor; readonly weight: (i: number, count: number) => number; readonly same: boolean }[] = [
  { text: 'weighted', of: y => y.mul(tensor(Array.from({ length: y.shape[1] }, (_, i) => i + 1))).sum(), weight: i => i + 1, same: false },
  { text: 'sum', of: y => y.sum(), weight: () => 1, same: true },
  { text: 'loss', of: y => y.neg().mean(), weight: (_, count) => -1 / count, same: true },
]

function suite(name: DeviceName): void {
  beforeAll(async () => {
    expect((await init({ device: name, gpu: gpuOfPage ?? undefined })).name).toBe(name)
  })
  for (const f of naive)
    test(f.text, async () => {
      device(name)
      for (const { text, of, weight, same } of costs) {
        const step = compile((x: Tensor) => {
          const y = f.run(x)
          of(y).backward()
          return y
        })
        const rows = f.x.map(row => row.map(Math.fround))
        const x = tensor(rows, { requiresGrad: true })
        const y = step(x)
        const [wide, count] = [y.shape[1], y.numel]
        const weights = Array.from({ length: wide }, (_, i) => weight(i, count))
        const faults = [
          ...wrong(f, [...(await y.data())], rows.map(f.value), 'value'),
          ...wrong(f, [...(await x.grad!.data())], rows.map(row => f.slope(row, weights)), `slope, ${text}`, same ? Math.abs(weights[0]) : 0),
        ]
        expect(faults, `${faults.join('\n')}\n${step.explain()}`).toEqual([])
        step.dispose()
      }
    })
}

describe('wasm', () => suite('wasm'))
if (gpuOfPage) describe('webgpu', () => suite('webgpu'))
