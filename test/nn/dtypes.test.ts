// nn.functional in the other float dtypes: results and gradients keep the dtype and are those of float32 within its rounding.
import { beforeAll, describe, expect, test } from 'vitest'
import { device, grad, init, manualSeed, nn, ones, randn, tensor, zeros, type DType, type Tensor } from '../../src/index.ts'

const F = nn.functional
const ints = (...list: number[]): Tensor => tensor(Int32Array.from(list))

type Row = readonly [name: string, shapes: readonly (readonly number[])[], run: (...x: Tensor[]) => Tensor]
const rows: readonly Row[] = [
  ['conv2d', [[2, 3, 5, 5], [4, 3, 3, 3], [4]], (x, w, b) => F.conv2d(x, w, b, { padding: 1 })],
  ['convTranspose2d', [[2, 3, 5, 5], [3, 4, 3, 3]], (x, w) => F.convTranspose2d(x, w, null, { stride: 2 })],
  ['maxPool2d', [[2, 3, 4, 4]], x => F.maxPool2d(x, 2)],
  ['avgPool2d', [[2, 3, 4, 4]], x => F.avgPool2d(x, 3, { padding: 1 })],
  ['adaptiveAvgPool2d', [[2, 3, 4, 4]], x => F.adaptiveAvgPool2d(x, 3)],
  ['interpolate', [[2, 3, 4, 4]], x => F.interpolate(x, { size: 7, mode: 'bilinear' })],
  ['gridSample', [[2, 3, 4, 4], [2, 3, 3, 2]], (x, at) => F.gridSample(x, at.mul(0.3))],
  ['unfold', [[2, 3, 4, 4]], x => F.unfold(x, 2)],
  ['fold', [[2, 12, 12]], x => F.fold(x, [4, 5], 2)],
  ['crossEntropy', [[2, 4]], x => F.crossEntropy(x, ints(1, 2))],
  ['mseLoss', [[2, 4], [2, 4]], (x, t) => F.mseLoss(x, t)],
  ['binaryCrossEntropy', [[2, 4], [2, 4]], (x, t) => F.binaryCrossEntropy(x.sigmoid(), t.sigmoid())],
  ['binaryCrossEntropyWithLogits', [[2, 4], [2, 4]], (x, t) => F.binaryCrossEntropyWithLogits(x, t.sigmoid())],
  ['gaussianNllLoss', [[4, 3], [4, 3], [4, 3]], (x, t, v) => F.gaussianNllLoss(x, t, v.exp())],
  ['tripletMarginLoss', [[4, 3], [4, 3], [4, 3]], (x, y, z) => F.tripletMarginLoss(x, y, z)],
  ['multiMarginLoss', [[4, 3]], x => F.multiMarginLoss(x, ints(1, 0, 2, 1))],
  ['ctcLoss', [[5, 1, 4]], x => F.ctcLoss(x.logSoftmax(2), ints(1, 2).reshape(1, 2), [5], [2])],
  ['batchNorm', [[4, 3], [3], [3]], (x, w, b) => F.batchNorm(x, null, null, { weight: w, bias: b, training: true }).square()],
  ['layerNorm', [[4, 3], [3], [3]], (x, w, b) => F.layerNorm(x, 3, { weight: w, bias: b }).square()],
  ['rmsNorm', [[4, 3], [3]], (x, w) => F.rmsNorm(x, 3, { weight: w }).square()],
  ['instanceNorm', [[4, 3, 5]], x => F.instanceNorm(x).pow(3)],
  ['localResponseNorm', [[4, 3, 5]], x => F.localResponseNorm(x, 3)],
  ['normalize', [[4, 3]], x => F.normalize(x)],
  ['embedding', [[4, 3]], w => F.embedding(ints(1, 1, 2), w, { scaleGradByFreq: true })],
  ['embeddingBag sum', [[4, 3]], w => F.embeddingBag(ints(1, 1, 2), w, ints(0, 2), { mode: 'sum' })],
  ['embeddingBag mean', [[4, 3]], w => F.embeddingBag(ints(1, 1, 2), w, ints(0, 2))],
  ['embeddingBag max', [[4, 3]], w => F.embeddingBag(ints(1, 1, 2), w, ints(0, 2), { mode: 'max' })],
  ['pairwiseDistance', [[4, 3], [4, 3]], (x, y) => F.pairwiseDistance(x, y)],
  ['bilinear', [[4, 3], [4, 2], [5, 3, 2]], (x, y, w) => F.bilinear(x, y, w)],
  ['scaledDotProductAttention', [[2, 4, 3], [2, 4, 3], [2, 4, 3]], (q, k, v) => F.scaledDotProductAttention(q, k, v, { isCausal: true })],
]

/** Units in the last place, times what sums and quotients of a few values gather of them. */
const slack: Readonly<Partial<Record<DType, number>>> = { float64: 1e-5, float16: 5e-3, bfloat16: 4e-2 }

describe.each(['reference', 'wasm'] as const)('%s', name => {
  beforeAll(async () => {
    expect((await init({ device: name })).name).toBe(name)
  })

  describe.each(Object.entries(slack))('%s', (dtype, tolerance) => {
    test.each(rows)('%s', async (_, shapes, run) => {
      device(name)
      manualSeed(5)
      const given = shapes.map(s => randn(s).to(dtype as DType))
      const answers = (['own', 'float32'] as const).map(which => {
        const inputs = given.map(x => (which === 'own' ? x.detach() : x.to('float32').detach()).requiresGrad_())
        const y = run(...inputs)
        return [y, ...grad(y.sum(), inputs)]
      })
      for (const [i, want] of answers[1].entries()) {
        const got = answers[0][i]
        expect(got.dtype).toBe(dtype)
        const error = await got.to('float32').sub(want).abs().amax().item()
        expect(error / (1 + (await want.abs().amax().item()))).toBeLessThan(tolerance)
      }
    })

    test('what is drawn', () => {
      device(name)
      expect(F.dropout(ones([10], { dtype: dtype as DType }), 0.4).dtype).toBe(dtype)
      expect(F.gumbelSoftmax(zeros([3, 4], { dtype: dtype as DType })).dtype).toBe(dtype)
    })
  })
})
