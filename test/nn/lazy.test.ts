// Lazy layers: with the first input they become the layer that they stand for, training mode, names and all.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, init, nn, optim, randn, type Tensor } from '../../src/index.ts'

beforeAll(async () => {
  expect((await init({ device: 'wasm' })).name).toBe('wasm')
})

const rows: readonly (readonly [string, () => nn.Layer, readonly number[], new (...args: never[]) => nn.Layer, readonly number[]])[] = [
  ['LazyLinear', () => new nn.LazyLinear(5), [2, 3, 7], nn.Linear, [5, 7]],
  ['LazyConv1d', () => new nn.LazyConv1d(5, 3), [2, 4, 9], nn.Conv1d, [5, 4, 3]],
  ['LazyConv2d', () => new nn.LazyConv2d(6, 3, { groups: 2 }), [2, 4, 9, 9], nn.Conv2d, [6, 2, 3, 3]],
  ['LazyConv3d', () => new nn.LazyConv3d(5, 2), [3, 4, 4, 4], nn.Conv3d, [5, 3, 2, 2, 2]],
  ['LazyConvTranspose1d', () => new nn.LazyConvTranspose1d(5, 3), [2, 4, 9], nn.ConvTranspose1d, [4, 5, 3]],
  ['LazyConvTranspose2d', () => new nn.LazyConvTranspose2d(5, 3), [2, 4, 5, 5], nn.ConvTranspose2d, [4, 5, 3, 3]],
  ['LazyConvTranspose3d', () => new nn.LazyConvTranspose3d(5, 2), [1, 4, 3, 3, 3], nn.ConvTranspose3d, [4, 5, 2, 2, 2]],
  ['LazyBatchNorm1d', () => new nn.LazyBatchNorm1d(), [4, 3], nn.BatchNorm1d, [3]],
  ['LazyBatchNorm2d', () => new nn.LazyBatchNorm2d({ eps: 0.1 }), [4, 3, 2, 2], nn.BatchNorm2d, [3]],
  ['LazyBatchNorm3d', () => new nn.LazyBatchNorm3d(), [4, 3, 2, 2, 2], nn.BatchNorm3d, [3]],
  ['LazyInstanceNorm1d', () => new nn.LazyInstanceNorm1d({ affine: true }), [3, 4], nn.InstanceNorm1d, [3]],
  ['LazyInstanceNorm2d', () => new nn.LazyInstanceNorm2d({ affine: true }), [2, 3, 4, 4], nn.InstanceNorm2d, [3]],
  ['LazyInstanceNorm3d', () => new nn.LazyInstanceNorm3d({ affine: true }), [2, 3, 2, 2, 2], nn.InstanceNorm3d, [3]],
]

test.each(rows)('%s', async (name, make, shape, becomes, weight) => {
  const layer = make()
  expect(String(layer)).toContain(`${name}(?`)
  expect(() => layer.parameters()).toThrow(/run a batch through the model first/)
  const x = randn(shape)
  const y = layer.forward(x)
  expect(layer).toBeInstanceOf(becomes)
  expect((layer as unknown as { weight: Tensor }).weight.shape).toEqual(weight)
  expect(Object.keys(layer.stateDict())).toContain('weight')
  expect(await layer.forward(x).data()).toEqual(await y.data())
})

describe('in use', () => {
  test('evaluation mode and statistics stay with the layer', async () => {
    const layer = new nn.LazyBatchNorm1d()
    const model = new nn.Sequential(layer).eval()
    const x = randn(5, 3)
    expect(await model.forward(x).sub(x).abs().amax().item()).toBeLessThan(1e-4)
    model.train()
    model.forward(x)
    expect(await (layer as unknown as nn.BatchNorm1d).numBatchesTracked!.item()).toBe(1)
    expect([...model.namedBuffers()].map(([n]) => n)).toEqual(['0.running_mean', '0.running_var', '0.num_batches_tracked'])
  })

  test('a model that is met in a compiled step trains', async () => {
    const model = new nn.Sequential(new nn.LazyLinear(8), new nn.Tanh(), new nn.LazyLinear(1))
    const x = randn(16, 3)
    const first = compile((v: Tensor) => model.forward(v))
    expect(first(x).shape).toEqual([16, 1])
    first.dispose()
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
    const goal = x.sum(1, true)
    const losses: number[] = []
    for (let i = 0; i < 30; i++) {
      optimizer.zeroGrad()
      const loss = nn.functional.mseLoss(model.forward(x), goal)
      loss.backward()
      optimizer.step()
      losses.push(await loss.item())
    }
    expect(losses[29]).toBeLessThan(losses[0] / 2)
  })
})
