// An op that comes back with operands of the same kind follows what was written down for the first: only if they are of the same kind.
import { expect, test } from 'vitest'
import { memory, ones, reshape, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

eachDevice(name => {
  test('parameters that the caller changes afterwards', async () => {
    const x = tensor([[1, 2], [3, 4]])
    const dims = [0]
    expect(await list(x.sum(dims))).toEqual([4, 6])
    dims[0] = 1
    expect(await list(x.sum(dims))).toEqual([3, 7])
    const shape = [4]
    const y = reshape(x, shape)
    shape[0] = 2
    expect([y.shape, reshape(x, [...shape, 2]).shape]).toEqual([[4], [2, 2]])
  })

  test('plain numbers', async () => {
    const x = tensor([1, -1])
    for (const by of [2, 3, 2, NaN, 0, -0, 0.5, 2 ** 40]) {
      const y = await list(x.mul(by))
      expect(y.map((v, i) => Object.is(v, Math.fround([1, -1][i] * by)))).toEqual([true, true])
    }
    const whole = tensor([1, 2], { dtype: 'int32' })
    expect([1, 1.5, true, 1].map(by => whole.add(by).dtype)).toEqual(['int32', 'float32', 'int32', 'int32'])
  })

  test('layouts of one shape', async () => {
    const x = tensor([[1, 2], [3, 4]])
    const whole = tensor([[1, 2], [3, 4]], { dtype: 'int32' })
    for (let round = 0; round < 2; round++) {
      expect(await list(x.add(x))).toEqual([2, 4, 6, 8])
      expect(await list(x.add(x.t()))).toEqual([2, 5, 5, 8])
      expect(await list(x.t().add(x))).toEqual([2, 5, 5, 8])
      expect(await list(x.at(0).add(x.at(1)))).toEqual([4, 6])
      expect(await list(x.at(1).add(x.at(1)))).toEqual([6, 8])
      expect([x.add(whole).dtype, whole.add(whole).dtype]).toEqual(['float32', 'int32'])
    }
  })

  test('in place, beside the target and in its memory', async () => {
    for (let round = 0; round < 2; round++) {
      const x = tensor([[1, 2], [3, 4]])
      expect(await list(x.add_(tensor([[10, 20], [30, 40]]).t()))).toEqual([11, 32, 23, 44])
      const y = tensor([[1, 2], [3, 4]])
      expect(await list(y.add_(y.t()))).toEqual([2, 5, 5, 8])
      expect(await list(y.add_(y))).toEqual([4, 10, 10, 16])
    }
  })

  test('what did not fit still does not', () => {
    const [x, y] = [ones(2, 3), ones(2, 3)]
    x.matmul(y.t())
    for (let round = 0; round < 2; round++) expect(() => x.matmul(y)).toThrow('inner sizes 3 and 2 differ')
  })

  // On webgpu a fault is told by the next read.
  if (name === 'wasm')
    test('a fault of a kernel leaves no memory behind', () => {
      const x = ones(4)
      const index = (at: number): Tensor => tensor([at], { dtype: 'int32' })
      const [good, bad] = [index(3), index(4)]
      x.gather(0, good).dispose()
      const { held } = memory()
      for (let round = 0; round < 3; round++) expect(() => x.gather(0, bad)).toThrow('index 4 is outside 0 … 3')
      x.gather(0, good).dispose()
      expect(memory().held).toBe(held)
    })
})
