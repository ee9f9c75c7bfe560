// Compiled functions that are dropped without dispose() give back their plans and what they captured, once the collector finds them.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { compile, init, memory, nn, optim, tensor, zeros, type Tensor } from '../../src/index.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function settled(): Promise<number> {
  for (let i = 0; i < 10; i++) {
    collect()
    await new Promise(done => setTimeout(done))
  }
  return memory().held
}

test.each(['wasm', 'reference'] as const)('a classifier trained and forgotten, on %s', async device => {
  await init({ device, threads: 1 })
  const train = (): void => {
    const model = new nn.Sequential(new nn.Embedding(5, 4), new nn.Linear(4, 3))
    const adam = new optim.Adam(model.parameters())
    const step = compile((x: Tensor, y: Tensor) => {
      adam.zeroGrad()
      const loss = nn.functional.crossEntropy(model.forward(x), y)
      loss.backward()
      adam.step()
      return loss
    })
    step(zeros([2], { dtype: 'int32' }), tensor([0, 2], { dtype: 'int32' }))
  }
  train() // the device's own random state stays
  const before = await settled()
  for (let i = 0; i < 5; i++) train()
  expect(memory().held).toBeGreaterThan(before)
  expect(await settled()).toBe(before)
})
