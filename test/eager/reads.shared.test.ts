// Reads tell the values of the moment in which they were asked for.
import { describe, expect, test } from 'vitest'
import { compile, noGrad, ones, tensor, zeros, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

eachDevice(name => {
  describe('a read', () => {
    test('does not see later changes, nor minds that the tensor is freed', async () => {
      const x = tensor([1, 2, 3])
      const [before, view] = [x.data(), x.flip(0).data()]
      x.mul_(10)
      const after = x.data()
      x.dispose()
      const y = ones(3)
      expect([Array.from(await before), Array.from(await view), Array.from(await after), await list(y)]).toEqual([[1, 2, 3], [3, 2, 1], [10, 20, 30], [1, 1, 1]])
    })

    test('of a result is not disturbed by the next compiled call', async () => {
      const state = zeros([2])
      const step = compile((x: Tensor) => state.add_(x).mul(1))
      const reads = [1, 2, 3].map(k => step(ones(2).mul(k)).data())
      const states = state.data()
      step(ones(2))
      expect((await Promise.all(reads)).map(d => d[0])).toEqual([1, 3, 6])
      expect(Array.from(await states)).toEqual([6, 6])
    })

    test('gives an array of its own', async () => {
      const x = tensor([1, 2])
      const [a, b] = [await x.data(), await x.data()]
      a[0] = 9
      expect([b[0], (await list(x))[0]]).toEqual([1, 1])
    })

    test('gives the right kinds: typed arrays, nested lists, numbers', async () => {
      const mask = tensor([[true, false]])
      expect(await mask.data()).toEqual(new Uint8Array([1, 0]))
      expect(await mask.toArray()).toEqual([[true, false]])
      expect(await tensor(new Int32Array([-5])).data()).toEqual(new Int32Array([-5]))
      expect(await tensor([[1.5], [2]]).t().toArray()).toEqual([[1.5, 2]])
      expect([await tensor(3).toArray(), await tensor(3).item(), await zeros([0, 2]).toArray()]).toEqual([3, 3, []])
      expect(await tensor([NaN, Infinity, -0]).toArray()).toEqual([NaN, Infinity, -0])
    })

    test('of an input array that is changed after the tensor was made', async () => {
      const array = new Float32Array([1, 2])
      const x = tensor(array)
      array[0] = 9
      expect(await list(x)).toEqual([1, 2])
    })

    test('at once, where the device can', async () => {
      const x = tensor([[1, 2], [3, 4]])
      if (name === 'webgpu') for (const read of [() => x.dataSync(), () => x.toArraySync(), () => x.sum().itemSync()]) expect(read).toThrow(/\[dataSync\] the device 'webgpu' cannot read at once\. help: use `await x\.data\(\)`/)
      else expect([x.t().toArraySync(), x.sum().itemSync(), Array.from(x.at(1).dataSync())]).toEqual([[[1, 3], [2, 4]], 10, [3, 4]])
    })

    test('records nothing', async () => {
      const w = tensor([[1, 2], [3, 4]], { requiresGrad: true })
      await w.t().data()
      const loss = w.t().mul(2).sum()
      await loss.item()
      loss.backward()
      expect(await list(noGrad(() => w.grad!.t()))).toEqual([2, 2, 2, 2])
    })
  })
})
