// The small entry stands alone: its layers and optimisers use no method that only the whole library has.
import { beforeAll, expect, test } from 'vitest'
import { compile, init, manualSeed, nn, optim, randint, randn, tensor, Tensor } from '../../src/lite.ts'

beforeAll(async () => void (await init({ device: 'wasm', threads: 1 })))

test('the rest of the library is not there', () => expect('cdist' in Tensor.prototype).toBe(false))

const help = "import from 'lampas', or "
test.each<[string, () => unknown]>([
  ['[compile] lampas/lite has no dynamic axes', () => compile((x: Tensor) => x.exp(), { dynamic: { 0: [0] } })],
  ['[compile] lampas/lite has no budgets of memory', () => compile((x: Tensor) => x.exp(), { budget: 100 })(randn(3))],
  ['[compile] lampas/lite has no footprints of memory', () => compile((x: Tensor) => x.exp()).memory(randn(3))],
  ['[compile] lampas/lite has no debug, nanGuard, monitor and profile', () => compile((x: Tensor) => x.exp(), { mode: 'debug' })],
  ['[graph] lampas/lite has no descriptions of graphs', () => compile((x: Tensor) => x.exp()).graph()],
  ['[map] lampas/lite does not compute with float64 on wasm', () => tensor([1, 2], { dtype: 'float64' }).exp()],
])('%s', (problem, call) => expect(call).toThrow(`${problem}. help: ${help}`))

const models: [string, () => nn.Module, number[]][] = [
  ['dense', () => new nn.Sequential(new nn.Linear(6, 8), new nn.LayerNorm(8), new nn.GELU(), new nn.Dropout(0.1), new nn.Linear(8, 3)), [4, 6]],
  ['convolutions', () => new nn.Sequential(new nn.Conv2d(2, 4, 3, { padding: 1 }), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.MaxPool2d(2), new nn.AdaptiveAvgPool2d(1), new nn.Flatten()), [4, 2, 6, 6]],
  ['a transformer', () => new nn.TransformerEncoderLayer(8, 2, { dimFeedforward: 16 }), [5, 4, 8]],
  ...(['RNN', 'GRU', 'LSTM'] as const).map((kind): [string, () => nn.Module, number[]] => [kind, () => new nn[kind](6, 4, { numLayers: 2, bidirectional: true }), [5, 4, 6]]),
  ['attention to nothing', () => new nn.MultiheadAttention(8, 2, { addZeroAttn: true, addBiasKv: true }), [5, 4, 8]],
]

const first = (y: unknown): Tensor => (y instanceof Tensor ? y : first((y as unknown[])[0]))

test.each(models)('%s: the same loss goes down, eager and compiled', async (name, make, shape) => {
  const train = async (wrap: (step: () => Tensor) => () => Tensor): Promise<number[]> => {
    manualSeed(1)
    const x = randn(shape)
    const model = make() as nn.Module & { forward(...inputs: Tensor[]): unknown }
    const adam = new optim.AdamW(model.parameters(), { lr: 0.01 })
    const step = wrap(() => {
      const loss = first(name === 'attention to nothing' ? model.forward(x, x, x) : model.forward(x)).square().mean()
      adam.zeroGrad()
      loss.backward()
      adam.step()
      return loss
    })
    const losses: number[] = []
    for (let i = 0; i < 5; i++) losses.push(await step().item())
    return losses
  }
  const [eager, compiled] = [await train(step => step), await train(step => compile(step))]
  expect(eager[4]).toBeLessThan(eager[0])
  compiled.forEach((loss, i) => expect(loss).toBeCloseTo(eager[i], 4))
})

test('a table of words and a loss over classes', async () => {
  manualSeed(2)
  const model = new nn.Sequential(new nn.Embedding(10, 4), new nn.Linear(4, 10))
  const sgd = new optim.SGD(model.parameters(), { lr: 0.5, momentum: 0.9 })
  const words = randint(0, 10, [12])
  const step = (): Tensor => {
    const loss = nn.functional.crossEntropy(model.forward(words), words)
    sgd.zeroGrad()
    loss.backward()
    sgd.step()
    return loss
  }
  const before = await step().item()
  for (let i = 0; i < 20; i++) step()
  expect(await step().item()).toBeLessThan(before / 2)
})
