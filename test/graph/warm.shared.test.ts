// f.warm(): a call is made ready before it, and then finds all it needs.
import { expect, test } from 'vitest'
import { backendNamed } from '../../src/eager/device.ts'
import type { WebGPUBackend } from '../../src/backend/webgpu/index.ts'
import { compile, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const shaders = (): number => (backendNamed('webgpu') as WebGPUBackend).shaderCount

eachDevice(name => {
  test('a call after warm() gives what it gives without, and traces no more', async () => {
    const fn = (x: Tensor, y: Tensor): Tensor => x.matmul(y).tanh().sum(1).mul(3)
    const [x, y] = [tensor([[1, 2], [3, 4]]), tensor([[0.5, -1], [0.25, 2]])]
    const f = compile(fn)
    await f.warm([x, y])
    expect(f.info().traces).toBe(1)
    const made = name === 'webgpu' ? shaders() : 0
    expect(await f(x, y).toArray()).toEqual(await compile(fn)(x, y).toArray())
    expect(f.info().traces).toBe(1)
    if (name === 'webgpu') expect(shaders()).toBe(made)
  })

  test('progress counts the shaders that are not there yet', async () => {
    const f = compile((x: Tensor) => x.cumsum(0).sort().values.mul(x.sum()).atan())
    const x = tensor([3, 1, 2])
    const told: (readonly [number, number])[] = []
    const hear = (done: number, all: number): void => void told.push([done, all])
    const before = name === 'webgpu' ? shaders() : 0
    await f.warm([x], hear)
    if (name !== 'webgpu') expect(told).toEqual([])
    else {
      const all = shaders() - before
      expect(all).toBeGreaterThan(2)
      expect(told).toEqual(Array.from({ length: all + 1 }, (_, done) => [done, all]))
      told.length = 0
      await f.warm([x], hear)
      expect(told).toEqual([[0, 0]])
    }
  })
})
