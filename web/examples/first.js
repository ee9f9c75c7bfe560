// First steps: tensors, gradients, learning, compiling.
import { compile, init, noGrad, print, randn, tensor } from 'lampas'
import { pause, plot, report, settings } from 'playground'

await init({ device: settings.device })

// 1. A tensor is a grid of numbers. What you call is computed at once.
const x = tensor([[1, 2, 3], [4, 5, 6]])
console.log('x, of shape', x.shape)
await print(x)
console.log('each number times 10, plus 1')
await print(x.mul(10).add(1))
console.log('the sum of each column, and of each row')
await print(x.sum(0))
await print(x.sum(1))

// 2. A tensor that requires a gradient remembers what is made of it.
// `backward` walks the way back: how fast does y grow when a does?
const a = tensor(3, { requiresGrad: true })
const y = a.square().add(a.mul(2)) // a² + 2a
y.backward()
console.log('the gradient of a² + 2a at a = 3, which is 2a + 2')
await print(a.grad)

// 3. Learning is going down the gradient. Which w has w · w = 2?
const w = tensor(1, { requiresGrad: true })
const descend = () => {
  const loss = w.mul(w).sub(2).square() // 0 where w · w is 2
  loss.backward()
  noGrad(() => w.sub_(w.grad.mul(0.02)))
  w.grad = null
  return loss
}
const step = settings.compile ? compile(descend) : descend
const steps = 60
for (let n = 1; n <= steps; n++) {
  report({ step: n, steps, loss: await step().item() })
  plot('w', n, await w.item())
  await pause()
}
console.log(`w is ${(await w.item()).toFixed(4)}, √2 is ${Math.SQRT2.toFixed(4)}`)

// 4. `compile` runs a function once, writes down what it did, and from
// then on replays that as one plan, with several calls in one kernel.
const spread = v => v.sub(v.mean()).square().mean().sqrt()
const fast = compile(spread)
const values = randn([1000])
console.log('one answer, both ways')
await print(spread(values))
await print(fast(values))
async function microseconds(f) {
  const start = performance.now()
  for (let n = 0; n < 1000; n++) f(values).dispose()
  await f(values).item()
  return (performance.now() - start).toFixed(0) // ms of 1000 calls
}
const [line, plan] = [await microseconds(spread), await microseconds(fast)]
console.log(`five ops, one by one: ${line} µs`)
console.log(`compiled to ${fast.info().kernels} kernels: ${plan} µs`)
