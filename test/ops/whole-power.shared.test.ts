// Powers of integers are exact: float32 would round them from 2²⁴ on.
import { expect, test } from 'vitest'
import { tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const rows: readonly (readonly [base: number, power: number, want: number])[] = [
  [3, 16, 43046721], [-3, 19, -1162261467], [7, 11, 1977326743], [2, 30, 2 ** 30], [46340, 2, 2147395600],
  [0, 0, 1], [5, 0, 1], [0, 3, 0], [0, 40, 0], [1, 33, 1], [-1, 33, -1], [-1, 64, 1],
  [1, -5, 1], [-1, -5, -1], [-1, -4, 1], [2, -1, 0], [-7, -2, 0],
]

eachDevice(() => {
  test('integers to integers', async () => {
    const column = (i: 0 | 1 | 2): Int32Array => Int32Array.from(rows, r => r[i])
    expect(Array.from(await tensor(column(0)).pow(tensor(column(1))).data())).toEqual(Array.from(column(2)))
    expect(Array.from(await tensor(new Int32Array([3, -3])).pow(17).data())).toEqual([129140163, -129140163])
  })
})
