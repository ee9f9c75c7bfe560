// nn.functional as a whole: every function has an op case, its parameters are named, and what cannot be a formula's case is tested here.
import { beforeAll, describe, expect, test } from 'vitest'
import { init, manualSeed, nn, ones, randn, tensor, zeros, type Tensor } from '../../src/index.ts'
import { cases } from '../ops/cases.ts'
import { pointwiseCases } from '../ops/pointwise-cases.ts'

const F = nn.functional

beforeAll(async () => {
  expect((await init({ device: 'wasm' })).name).toBe('wasm')
})

describe('every function', () => {
  const tested = new Set([...cases, ...pointwiseCases].map(c => c.op.replace('nn.functional.', '')))
  for (const [name, fn] of Object.entries(F)) {
    // Twins that await and in-place forms are tested with the ops.
    if (typeof fn !== 'function' || /(Async|_)$/.test(name)) continue
    test(`${name} has a case and names for its parameters`, () => {
      expect(tested).toContain(name)
      expect((fn as { paramNames?: readonly string[] }).paramNames?.length).toBeGreaterThan(0)
    })
  }
})

const share = (x: Tensor): Promise<number> => x.ne(0).to('float32').mean().item()

describe('dropout', () => {
  test.each(['dropout', 'dropout1d', 'dropout2d', 'dropout3d'] as const)('%s keeps the mean, drops p, and does nothing outside training', async name => {
    manualSeed(1)
    const x = ones(40, 50, 2, 2, 2)
    const y = F[name](x, 0.3)
    expect(await share(y)).toBeCloseTo(0.7, 1)
    expect(await y.mean().item()).toBeCloseTo(1, 1)
    expect(F[name](x, 0.3, { training: false })).toBe(x)
  })

  test('whole channels fall together; without a batch the first dimension are the channels', async () => {
    manualSeed(2)
    const channels = F.dropout2d(ones(20, 30, 4, 4), 0.5)
    expect(await channels.amax([2, 3]).sub(channels.amin([2, 3])).abs().sum().item()).toBe(0)
    const unbatched = F.dropout1d(ones(200, 6), 0.5)
    expect(await unbatched.amax(1).sub(unbatched.amin(1)).abs().sum().item()).toBe(0)
    expect(await share(unbatched)).toBeCloseTo(0.5, 1)
  })

  test('alphaDropout keeps mean and variance', async () => {
    manualSeed(3)
    const x = randn(300, 300)
    const y = F.alphaDropout(x, 0.2)
    expect(await y.mean().item()).toBeCloseTo(0, 1)
    expect(await y.var().item()).toBeCloseTo(1, 1)
  })

  test('in place', async () => {
    const x = ones(100)
    expect(F.dropout(x, 0.5, { inplace: true })).toBe(x)
    expect(await x.sub(1).abs().mean().item()).toBe(1)
  })
})

test('gumbelSoftmax draws each class as often as its probability; hard values are one-hot', async () => {
  manualSeed(4)
  const logits = tensor([0.1, 0.2, 0.7]).log().expand(4000, 3)
  const y = F.gumbelSoftmax(logits, { hard: true })
  const often = await y.mean(0).data()
  expect([...often].map(v => Math.round(v * 20) / 20)).toEqual([0.1, 0.2, 0.7])
  expect(await y.sum(1).sub(1).abs().amax().item()).toBeLessThan(1e-6)
})

test('maxNorm shortens the rows that are looked up, and no others', async () => {
  const weight = tensor([[3, 4], [0, 1], [6, 8]])
  F.embedding(tensor(new Int32Array([0, 1])), weight, { maxNorm: 1 })
  const rows = await weight.data()
  expect(rows[0]).toBeCloseTo(0.6)
  expect(Array.from(rows).slice(2)).toEqual([0, 1, 6, 8])
})

test('a target without labels: all steps are blank', async () => {
  const logp = randn(3, 1, 4).logSoftmax(2)
  const loss = F.ctcLoss(logp, zeros([1, 0], { dtype: 'int32' }), [3], [0], { reduction: 'sum' })
  expect(await loss.add(logp.select(2, 0).sum()).abs().item()).toBeLessThan(1e-5)
})

test('an unpooled tie stays where the first maximum was', async () => {
  const x = tensor([[[1, 1, 0, 2]]])
  const [y, at] = F.maxPool1d(x, 2, { returnIndices: true })
  expect([...(await at.data())]).toEqual([0, 3])
  expect([...(await F.maxUnpool1d(y, at, 2).data())]).toEqual([1, 0, 0, 2])
})

test('an infinite value stays in its own windows when images change size', async () => {
  const x = zeros(1, 1, 7)
  x.select(2, 6).fill_(Infinity)
  expect([...(await F.adaptiveAvgPool1d(x, 3).data())]).toEqual([0, 0, Infinity])
})

describe('bad input', () => {
  const image = () => zeros(1, 4, 4, 4)
  const bad: readonly [string, () => unknown, RegExp][] = [
    ['pixelShuffle', () => F.pixelShuffle(zeros(1, 5, 2, 2), 2), /5 channels/],
    ['unfold', () => F.unfold(image(), 9), /do not fit/],
    ['fold', () => F.fold(zeros(1, 12, 5), [4, 5], 2), /patches/],
    ['gridSample', () => F.gridSample(image(), zeros(2, 3, 3, 2)), /does not go with/],
    ['affineGrid', () => F.affineGrid(zeros(1, 3, 3), [1, 1, 4, 4]), /theta/],
    ['interpolate', () => F.interpolate(image(), { size: 3, alignCorners: true }), /alignCorners/],
    ['maxUnpool2d', () => F.maxUnpool2d(image(), image(), 2), /indices/],
    ['adaptiveMaxPool2d', () => F.adaptiveMaxPool2d(image(), 0), /outputSize/],
    ['embeddingBag', () => F.embeddingBag(tensor(new Int32Array(3)), zeros(2, 2)), /offsets/],
    ['ctcLoss', () => F.ctcLoss(zeros(3, 2, 4), zeros(2, 2), [3, 3], [2, 2]), /int32/],
    ['gaussianNllLoss', () => F.gaussianNllLoss(zeros(2), zeros(2), tensor([1, -1])), /negative/],
    ['binaryCrossEntropy', () => F.binaryCrossEntropy(tensor([1.5]), tensor([1])), /outside 0 … 1/],
    ['scaledDotProductAttention', () => F.scaledDotProductAttention(image(), image(), image(), { isCausal: true, attnMask: zeros(4, 4) }), /both given/],
    ['multiMarginLoss', () => F.multiMarginLoss(zeros(2, 3), tensor(new Int32Array(2)), { p: 3 }), /p is 3/],
    ['crossEntropy', () => F.crossEntropy(zeros(2, 3), tensor(new Int32Array(2)), { reduction: 'avg' as 'mean' }), /reduction 'avg'/],
  ]
  test.each(bad)('%s', (name, call, message) => {
    expect(call).toThrow(message)
    expect(call).toThrow(`[${name}]`)
  })
})
