// Making tensors from values and writing into them, against results written out by hand.
import { describe, expect, test } from 'vitest'
import { arange, tensor, zeros, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const grid = (): Tensor => arange(12, { dtype: 'float32' }).reshape(3, 4).clone()

eachDevice(() => {
  describe('tensor', () => {
    test.each([
      ['nested numbers', () => tensor([[1, 2], [3, 4.5]]), 'f32[2,2]', [[1, 2], [3, 4.5]]],
      ['a number', () => tensor(3), 'f32[]', 3],
      ['booleans', () => tensor([true, false]), 'bool[2]', [true, false]],
      ['a typed array with a shape', () => tensor(new Float32Array([1, 2, 3, 4]), { shape: [2, 2] }), 'f32[2,2]', [[1, 2], [3, 4]]],
      ['ints by dtype', () => tensor([1.9, -1.9], { dtype: 'int32' }), 'i32[2]', [1, -1]],
      ['bytes', () => tensor(new Uint8Array([0, 255])), 'u8[2]', [0, 255]],
      ['64-bit ints', () => tensor(new BigInt64Array([1n, -5n])), 'i32[2]', [1, -5]],
      ['numbers as bools', () => tensor([0, 2, -1], { dtype: 'bool' }), 'bool[3]', [false, true, true]],
      ['nothing', () => tensor([]), 'f32[0]', []],
      ['a tensor', () => tensor(tensor([1, 2]), { dtype: 'int32' }), 'i32[2]', [1, 2]],
    ] as const)('of %s', async (_, make, kind, values) => {
      const x = make()
      expect(String(x)).toBe(kind)
      expect(await x.toArray()).toEqual(values)
    })
  })

  describe('writing in place', () => {
    test('a whole tensor, a row of it through a view, and nothing else', async () => {
      const x = grid()
      x.select(0, 1).fill_(-1)
      x.narrow(1, 3, 1).copy_(tensor([[7], [8], [9]]))
      expect(await x.toArray()).toEqual([[0, 1, 2, 7], [-1, -1, -1, 8], [8, 9, 10, 9]])
      x.zero_()
      expect(await x.toArray()).toEqual([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    })

    test('broadcast and converted', async () => {
      const x = zeros([2, 3], { dtype: 'int32' })
      x.copy_(tensor([1.5, -2.5, 3]))
      expect(await x.toArray()).toEqual([[1, -2, 3], [1, -2, 3]])
    })

    test('from a part of the same memory in another order', async () => {
      const x = tensor([1, 2, 3, 4, 5])
      x.copy_(x.flip(0))
      expect(await x.toArray()).toEqual([5, 4, 3, 2, 1])
      x.narrow(0, 1, 4).copy_(x.narrow(0, 0, 4))
      expect(await x.toArray()).toEqual([5, 5, 4, 3, 2])
      const square = tensor([[1, 2], [3, 4]])
      square.add_(square.t())
      expect(await square.toArray()).toEqual([[2, 5], [5, 8]])
    })

    test('random numbers stay in their range', async () => {
      const u = Array.from(await zeros(1000).uniform_(2, 3).data())
      expect(Math.min(...u)).toBeGreaterThanOrEqual(2)
      expect(Math.max(...u)).toBeLessThan(3)
      const n = Array.from(await zeros(4000).normal_(10, 0.5).data())
      const mean = n.reduce((a, b) => a + b) / n.length
      const deviation = Math.sqrt(n.reduce((a, b) => a + (b - mean) ** 2, 0) / n.length)
      expect(Math.abs(mean - 10)).toBeLessThan(0.04)
      expect(Math.abs(deviation - 0.5)).toBeLessThan(0.03)
    })
  })

  describe('setAt', () => {
    test.each([
      ['one element', (x: Tensor) => x.setAt([1, -1], 50), [[0, 1, 2, 3], [4, 5, 6, 50], [8, 9, 10, 11]]],
      ['a slice', (x: Tensor) => x.setAt([':', '1:3'], 0), [[0, 0, 0, 3], [4, 0, 0, 7], [8, 0, 0, 11]]],
      ['a slice by a row', (x: Tensor) => x.setAt(['::2'], tensor([1, 2, 3, 4])), [[1, 2, 3, 4], [4, 5, 6, 7], [1, 2, 3, 4]]],
    ] as const)('%s', async (_, write, want) => {
      const x = grid()
      expect(write(x)).toBe(x)
      expect(await x.toArray()).toEqual(want)
    })

    test.each([
      ['rows by a list', (x: Tensor) => x.setAt([[2, 0]], -1), [[-1, -1, -1, -1], [4, 5, 6, 7], [-1, -1, -1, -1]]],
      ['columns by a tensor', (x: Tensor) => x.setAt([':', tensor([3, 1], { dtype: 'int32' })], tensor([[1, 2], [3, 4], [5, 6]])), [[0, 2, 2, 1], [4, 4, 6, 3], [8, 6, 10, 5]]],
      ['points', (x: Tensor) => x.setAt([[0, 2], [1, 3]], tensor([70, 80])), [[0, 70, 2, 3], [4, 5, 6, 7], [8, 9, 10, 80]]],
      ['a mask', (x: Tensor) => x.setAt([x.gt(8)], 0), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 0, 0, 0]]],
      ['the last of equal positions wins', (x: Tensor) => x.setAt([[1, 1]], tensor([[1, 1, 1, 1], [2, 2, 2, 2]])), [[0, 1, 2, 3], [2, 2, 2, 2], [8, 9, 10, 11]]],
      ['values in order under a mask', (x: Tensor) => x.setAt([x.gt(8)], tensor([1, 2, 3])), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 1, 2, 3]]],
      ['rows under a mask', (x: Tensor) => x.setAt([[false, true, true]], tensor([[1, 1, 1, 1], [2, 2, 2, 2]])), [[0, 1, 2, 3], [1, 1, 1, 1], [2, 2, 2, 2]]],
      ['an index that is no list', (x: Tensor) => x.setAt(-1, tensor([[0, 0, 1, 1]])), [[0, 1, 2, 3], [4, 5, 6, 7], [0, 0, 1, 1]]],
    ] as const)('%s', async (_, write, want) => {
      const x = grid()
      write(x)
      expect(await x.toArray()).toEqual(want)
    })

    test('what does not fit under a mask faults', async () => {
      await expect((async () => grid().setAt([grid().gt(8)], tensor([1, 2])).toArray())()).rejects.toThrow(/index -1 is outside/)
    })

    test('a mask beside a list is counted', async () => {
      const x = grid()
      await x.setAtAsync([[true, false, true], [1, 3]], 50)
      expect(await x.toArray()).toEqual([[0, 50, 2, 3], [4, 5, 6, 7], [8, 9, 10, 50]])
    })
  })
})
