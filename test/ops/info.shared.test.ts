// What tensors say of themselves without their values.
import { expect, test } from 'vitest'
import { arange, broadcastShapes, emptyStrided, zeros } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

eachDevice(() => {
  test('sizes, strides, bytes', async () => {
    const x = zeros(2, 3, 4).permute(2, 0, 1)
    expect([x.size(), x.size(-1), x.stride(), x.stride(0), x.dim(), x.nelement()]).toEqual([[4, 2, 3], 3, [1, 12, 4], 1, 3, 24])
    expect([x.isContiguous(), x.contiguous().isContiguous(), x.elementSize(), x.nbytes()]).toEqual([false, true, 4, 96])
    expect(zeros([3], { dtype: 'uint8' }).nbytes()).toBe(3)
    expect(arange(6).narrow(0, 2, 3).storageOffset()).toBe(2)
    expect(await arange(3).tolist()).toEqual([0, 1, 2])
    expect(() => x.size(3)).toThrow(/\[size\] dim 3 is outside -3 … 2/)
  })

  test('shapes that broadcast, memory of given strides', () => {
    expect(broadcastShapes([2, 1], [3], [1, 1, 1])).toEqual([1, 2, 3])
    expect(() => broadcastShapes([2], [3])).toThrow(/\[broadcastShapes\] shapes \[2\] and \[3\] do not broadcast/)
    expect(emptyStrided([2, 3], [1, 2]).stride()).toEqual([1, 2])
  })
})
