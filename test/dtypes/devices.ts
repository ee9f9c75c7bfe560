// The devices on which dtypes are tested: all that the place has. And both worlds.
import { beforeAll, beforeEach, describe, expect } from 'vitest'
import { compile, device, init, type DeviceName, type Tensor } from '../../src/index.ts'
import { gpuOfPage } from '../devices.ts'

export function eachDevice(suite: (name: DeviceName) => void): void {
  for (const name of ['reference', 'wasm', ...(gpuOfPage ? ['webgpu' as const] : [])] as const)
    describe(name, () => {
      beforeAll(async () => {
        // Values are also sent to others.
        for (const other of ['reference', 'wasm'] as const) await init({ device: other })
        expect((await init(name === 'webgpu' ? { device: name, gpu: gpuOfPage! } : { device: name })).name).toBe(name)
      })
      beforeEach(() => void device(name))
      suite(name)
    })
}

/** What `fn` gives at once; compiled it must give the same. */
export async function both(fn: (...x: Tensor[]) => Tensor, ...args: Tensor[]): Promise<Tensor> {
  const eager = fn(...args)
  const compiled = compile(fn)(...args)
  expect(String(compiled)).toBe(String(eager))
  expect(await compiled.data()).toEqual(await eager.data())
  return eager
}

export const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())
