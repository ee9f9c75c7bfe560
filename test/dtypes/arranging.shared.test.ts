// Movement, indexing and scattering in every dtype: small whole numbers come out as they do in float32 and int32.
import { describe, expect, test } from 'vitest'
import * as lampas from '../../src/index.ts'
import { tensor, type DType, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

/** Small whole numbers, as any dtype holds them. */
const some = (shape: readonly number[], dtype: DType, from = 0): Tensor => {
  const n = shape.reduce((a, b) => a * b, 1)
  return tensor(Float32Array.from({ length: n }, (_, i) => (i * 7 + from * 3) % 11), { shape }).to(dtype)
}
const ints = (values: lampas.NestedArray): Tensor => tensor(values, { dtype: 'int32' })
const mask = (): Tensor => tensor([[true, false, true, true], [false, false, true, false], [true, true, false, false]])
const columns = (): Tensor => ints([[0, 3], [1, 1], [2, 0]])

const ops: Readonly<Record<string, (d: DType) => Tensor | Promise<Tensor>>> = {
  at: d => some([3, 4], d).at(ints([2, -1]), ':'),
  'at under a mask': d => some([3, 4], d).atAsync(mask()),
  setAt: d => some([3, 4], d).setAt([ints([0, 2]), ints([1, 1])], some([2], d, 1)),
  'setAt under a mask': d => some([3, 4], d).setAt(mask(), some([6], d, 1)),
  gather: d => some([3, 4], d).gather(1, columns()),
  scatter: d => some([3, 4], d).scatter(1, columns(), some([3, 2], d, 2)),
  'scatter of a number': d => some([3, 4], d).scatter(1, columns(), 5),
  scatterAdd: d => some([3, 4], d).scatterAdd(1, columns(), some([3, 2], d, 2)),
  ...Object.fromEntries((['sum', 'mean', 'prod', 'amax', 'amin'] as const).map(r => [`scatterReduce ${r}`, (d: DType) => some([4], d).scatterReduce(0, ints([0, 0, 2, 3, 3]), some([5], d, 1), r, { includeSelf: false })])),
  indexAdd: d => some([3, 4], d).indexAdd(0, ints([0, 0]), some([2, 4], d, 1), { alpha: 2 }),
  indexFill: d => some([3, 4], d).indexFill(0, ints([0]), 4),
  indexCopy: d => some([3, 4], d).indexCopy(0, ints([1]), some([1, 4], d, 4)),
  put: d => some([3, 4], d).put(ints([1, 5]), some([2], d, 4), true),
  maskedFill: d => some([3, 4], d).maskedFill(mask(), 2),
  maskedScatter: d => some([3, 4], d).maskedScatter(mask(), some([7], d, 5)),
  maskedSelect: d => some([3, 4], d).maskedSelectAsync(mask()),
  nonzero: d => some([3, 4], d).nonzeroAsync(),
  searchsorted: d => lampas.searchsorted(tensor([0, 2, 4, 7]).to(d), some([5], d)),
  isin: d => lampas.isin(some([3, 4], d), some([3], d, 1)),
  'pad by a value': d => lampas.pad(some([1, 3, 4], d), [1, 2], 'constant', 3),
  'pad by reflection': d => lampas.pad(some([1, 3, 4], d), [1, 2], 'reflect'),
  roll: d => some([3, 4], d).roll(2, 1),
  flip: d => some([3, 4], d).flip([0, 1]),
  rot90: d => some([3, 4], d).rot90(),
  cat: d => lampas.cat([some([3, 4], d), some([3, 1], d, 2)], 1),
  blockDiag: d => lampas.blockDiag(some([2, 2], d), some([1, 3], d, 2)),
  diagEmbed: d => some([2, 3], d).diagEmbed(),
  tril: d => some([3, 4], d).tril(),
  asStrided: d => some([6], d).asStrided([2, 3], [1, 2], 0),
  repeat: d => some([2, 2], d).repeat(2, 3),
  repeatInterleave: d => some([2, 2], d).repeatInterleave(2, 1),
  unfold: d => some([6], d).unfold(0, 3, 2),
  sliceScatter: d => some([3, 4], d).sliceScatter(some([1, 4], d, 2), 0, 1, 2),
  takeAlongDim: d => some([3, 4], d).takeAlongDim(ints([[1], [2], [0]]), 1),
  fullLike: d => lampas.fullLike(some([2], d), 2),
  eye: d => lampas.eye(2, { dtype: d }),
  linspace: d => lampas.linspace(0, 4, 5, { dtype: d }),
  sumToSize: d => some([2, 3], d).sumToSize(1, 3),
}
/** What PyTorch does not define for complex numbers either. */
const ordered = /amax|amin|prod|searchsorted|isin/

const numbers = async (x: Tensor): Promise<number[]> => (x.dtype === 'complex64' ? Array.from(await lampas.viewAsReal(x).data()).filter((_, i) => i % 2 === 0) : Array.from(await x.data()))

eachDevice(name => {
  for (const dtype of ['uint8', 'uint32', 'float16', 'bfloat16', 'float64', 'complex64'] as const)
    describe(dtype, () => {
      for (const [op, run] of Object.entries(ops))
        if (name === 'webgpu' && dtype === 'float64') test(`${op} is refused`, async () => expect(async () => run(dtype)).rejects.toThrow(/float64/))
        else if (dtype === 'complex64' && ordered.test(op)) test(`${op} is refused`, () => expect(() => run(dtype)).toThrow(/complex/))
        else
          test(op, async () => {
            const [got, want] = [await run(dtype), await run(dtype.startsWith('u') ? 'int32' : 'float32')]
            expect(got.shape).toEqual(want.shape)
            expect(await numbers(got)).toEqual(await numbers(want))
          })
    })
})
