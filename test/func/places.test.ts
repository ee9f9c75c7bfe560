// Mapped functions where compiled ones can be: with axes of changing size, saved, on another device than the current one, on none.
import { beforeAll, expect, test } from 'vitest'
import { device, init } from '../../src/eager/device.ts'
import '../../src/eager/start.ts'
import { grad, hessian, vmap } from '../../src/func/index.ts'
import { compile } from '../../src/graph/compile.ts'
import { loadFunction, saveFunction } from '../../src/graph/save/index.ts'
import '../../src/graph/whole.ts'
import * as nn from '../../src/nn/index.ts'
import { manualSeed, ones, randn } from '../../src/ops/index.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { each, near } from './near.ts'

const formula = (x: Tensor): Tensor => x.softmax(0).mul(x.flip(0)).cumsum(0)
const slopes = vmap(grad((x: Tensor) => formula(x).sum()))

beforeAll(async () => {
  await init({ device: 'reference' })
  await init({ device: 'wasm' })
})

test('one trace for all sizes of a batch', async () => {
  const step = compile((x: Tensor) => vmap(formula)(x), { dynamic: { 0: [0] } })
  for (const n of [3, 5, 8]) {
    const x = randn(n, 4)
    await near(step(x), each(formula, x))
  }
  expect(step.info().traces).toBe(1)
})

test('saved and loaded', async () => {
  const step = compile((x: Tensor) => slopes(x))
  const x = randn(4, 3)
  const want = step(x)
  const loaded = await loadFunction(await saveFunction(step))
  await near(loaded(x) as Tensor, want)
})

test('random numbers go on from call to call', async () => {
  const model = new nn.Sequential(new nn.Linear(3, 5), new nn.Dropout(0.5))
  const run = vmap((x: Tensor) => model.forward(x), { randomness: 'different' })
  const step = compile((x: Tensor) => run(x))
  manualSeed(3)
  const want = [run(ones(6, 3)), run(ones(6, 3))]
  manualSeed(3)
  for (const y of want) await near(step(ones(6, 3)), y)
  expect(await want[0].sub(want[1]).abs().max().item()).toBeGreaterThan(0)
})

test('where the tensors are', async () => {
  const second = hessian((x: Tensor) => x.pow(3).sum())
  device('reference')
  const x = randn(4, 3)
  device('wasm')
  const mapped = vmap(second)(x)
  expect(mapped.device).toBe('reference')
  device('reference')
  await near(mapped, each(second, x))
  device('meta')
  expect(vmap(second)(randn(4, 3)).shape).toEqual([4, 3, 3])
  device('wasm')
})

test('watched', async () => {
  const x = randn(4, 3)
  for (const mode of ['fastCompile', 'debug', 'nanGuard'] as const) {
    const step = compile((y: Tensor) => slopes(y), { mode })
    await near(step(x), slopes(x))
    await step.checked()
  }
})
