// Faults that show only as kernels run: compiled code names the op, its shapes and the line.
import { describe, expect, test } from 'vitest'
import { compile, eye, gather, linalg, LampasError, loadFunction, nn, saveFunction, scatterAdd, symbolic, tensor, zeros, type Compiled, type Tensor } from '../../../src/index.ts'
import { eachDevice } from '../../each-device.ts'

const ints = (list: number[]): Tensor => tensor(new Int32Array(list))

async function faultOf(call: () => Tensor): Promise<string> {
  try {
    await call().data()
  } catch (error) {
    if (error instanceof LampasError) return error.message
    throw error
  }
  return 'no fault'
}

eachDevice(name => {
  describe('places', () => {
    test('an index out of range in gather', async () => {
      const f = compile((x: Tensor, i: Tensor) => gather(x.mul(2), 0, i))
      expect(await faultOf(() => f(tensor([1, 2, 3]), ints([0, 2])))).toBe('no fault')
      expect(await faultOf(() => f(tensor([1, 2, 3]), ints([0, 3])))).toMatch(/index 3 is outside 0 … 2.*, in gather\(float32\[3\], int32\[2\]\) \(.*places\.shared\.test\.ts/)
    })

    test('an index out of range in scatter', async () => {
      const f = compile((x: Tensor, i: Tensor, v: Tensor) => scatterAdd(x, 0, i, v).mul(2))
      expect(await faultOf(() => f(zeros(4), ints([1, 7]), tensor([1, 1])))).toMatch(/index 7 is outside 0 … 3.*, in scatterAdd\(.*places\.shared\.test\.ts/)
    })

    test('a singular matrix, and one that is not positive definite', async () => {
      const solve = compile((a: Tensor, b: Tensor) => linalg.solve(a, b))
      expect(await faultOf(() => solve(eye(3), zeros(3)))).toBe('no fault')
      expect(await faultOf(() => solve(zeros([3, 3]), zeros(3)))).toMatch(/singular.*, in linalg\.\w+\(float32\[3,3\].*places\.shared\.test\.ts/)
      const factor = compile((a: Tensor) => linalg.cholesky(a))
      expect(await faultOf(() => factor(eye(2).neg()))).toMatch(/not positive definite.*, in linalg\.\w+\(float32\[2,2\].*places\.shared\.test\.ts/)
    })

    test('of two nodes that fit the device names the one, or both where it cannot know', async () => {
      const f = compile((x: Tensor, i: Tensor, j: Tensor) => gather(x, 0, i).add(gather(x.exp(), 0, j)))
      const told = await faultOf(() => f(tensor([1, 2]), ints([0]), ints([5])))
      expect(told.includes('one of: ')).toBe(name === 'webgpu')
      expect(told).toContain('places.shared.test.ts')
    })

    test('the fault of eager code names no node of a compiled function that did well', async () => {
      const f = compile((x: Tensor, i: Tensor) => gather(x, 0, i))
      expect(await faultOf(() => f(tensor([1, 2, 3]), ints([0, 2])))).toBe('no fault')
      const told = await faultOf(() => gather(tensor([1, 2, 3]), 0, ints([9])))
      expect(told).toContain('index 9 is outside')
      expect(told).not.toContain('places.shared.test.ts')
    })

    test('it is named after the function that the line calls, also where that is made of other ops', async () => {
      const table = new nn.Embedding(4, 2)
      const { crossEntropy } = nn.functional
      const calls: Readonly<Record<string, readonly [f: Compiled<[Tensor], Tensor>, x: Tensor]>> = {
        embedding: [compile((i: Tensor) => table.forward(i).sum()), ints([0, 9])],
        crossEntropy: [compile((y: Tensor) => crossEntropy(tensor([[1, 2, 3]]), y)), ints([9])],
        at: [compile((i: Tensor) => tensor([1, 2, 3]).at(i)), ints([1, 9])],
        'linalg.solve': [compile((a: Tensor) => linalg.solve(a, zeros(3))), zeros([3, 3])],
      }
      for (const [call, [f, x]] of Object.entries(calls)) {
        const told = await faultOf(() => f(x))
        expect(told).toMatch(new RegExp(`^\\[${call}\\] .*, in .*places\\.shared\\.test\\.ts`))
        const saved = loadFunction(await saveFunction(f))
        expect(await faultOf(() => saved(x) as Tensor)).toMatch(new RegExp(`^\\[${call}\\] .*, in .*places\\.shared\\.test\\.ts`))
      }
    })

    test('symbolic functions too', async () => {
      const [x, i] = [symbolic.vector('x'), symbolic.ivector('i')]
      const entries = symbolic.func({ inputs: [i], outputs: nn.functional.embedding(i, zeros(3, 2)) })
      expect(await faultOf(() => entries([4]) as Tensor)).toMatch(/^\[embedding\] index 4 .*, in gather\(float32\[3,2\], int32\[1,2\]\) \(.*places/)
      const f = symbolic.func({ inputs: [x, i], outputs: gather(x, 0, i) })
      expect(await faultOf(() => f([1, 2], ints([4])) as Tensor)).toMatch(/index 4 .*, in gather\(float32\[2\], int32\[1\]\)/)
    })
  })
})
