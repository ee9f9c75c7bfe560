// Normalisations: derivatives of both orders against finite differences, and values where the mean is large beside the deviation.
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { gradcheck, gradgradcheck } from '../../src/debug/index.ts'
import { grad, init, manualSeed, nn, randn, tensor, type Tensor } from '../../src/index.ts'
import { standardize } from '../../src/ops/standardize.ts'

beforeAll(async () => {
  await init({ device: 'reference' })
})
beforeEach(() => manualSeed(4))

const leaf = (...shape: number[]): Tensor => randn(shape, { requiresGrad: true })
const { batchNorm, groupNorm, instanceNorm, layerNorm, rmsNorm } = nn.functional

const cases: readonly (readonly [string, (...x: Tensor[]) => Tensor | Tensor[], () => Tensor[]])[] = [
  ['standardize, all results', x => Object.values(standardize(x, [0, 2], 0.1)), () => [leaf(2, 3, 4)]],
  ['standardize, statistics alone', x => Object.values(standardize(x, [1], 0.1)).slice(1), () => [leaf(2, 3)]],
  ['layerNorm', (x, weight, bias) => layerNorm(x, 4, { weight, bias }), () => [leaf(3, 4), leaf(4), leaf(4)]],
  ['groupNorm', (x, weight, bias) => groupNorm(x, 2, { weight, bias }), () => [leaf(2, 4, 3), leaf(4), leaf(4)]],
  ['batchNorm', (x, weight, bias) => batchNorm(x, null, null, { weight, bias, training: true }), () => [leaf(4, 2, 2), leaf(2), leaf(2)]],
  ['rmsNorm', (x, weight) => rmsNorm(x, 3, { weight }), () => [leaf(2, 3), leaf(3)]],
]

describe('derivatives', () => {
  for (const [name, fn, inputs] of cases) {
    test(name, async () => {
      expect(await gradcheck(fn, inputs())).toBe(true)
    })
    test(`${name}, second order`, async () => {
      expect(await gradgradcheck(fn, inputs())).toBe(true)
    })
  }
})

test('a layer behind may work in place', async () => {
  const norms = [(x: Tensor) => layerNorm(x, 3), (x: Tensor) => groupNorm(x, 2), (x: Tensor) => batchNorm(x, null, null, { training: true }), (x: Tensor) => instanceNorm(x)]
  for (const norm of norms) {
    const x = leaf(2, 4, 3)
    const [want] = grad(norm(x).relu().square().sum(), [x])
    const [got] = grad(norm(x).relu_().square().sum(), [x])
    expect(await got.toArray()).toEqual(await want.toArray())
  }
})

test('a large mean costs no accuracy', async () => {
  await init({ device: 'wasm' })
  const values = Float32Array.from({ length: 256 }, (_, i) => 4096 + ((i * 37) % 64) / 8)
  const mean = values.reduce((a, b) => a + b, 0) / 256
  const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / 256 + 1e-5)
  const y = await layerNorm(tensor(values), 256).data()
  for (const [i, v] of y.entries()) expect(v).toBeCloseTo((values[i] - mean) / deviation, 3)
})
