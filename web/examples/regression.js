// Linear regression in the eager style: no module, no optimiser.
import { compile, init, linspace, manualSeed } from 'lampas'
import { noGrad, randn, tensor } from 'lampas'
import { pause, plot, report, settings, showFit } from 'playground'

await init({ device: settings.device })
manualSeed(7)

// Points around the line y = 3x - 1.
const x = linspace(-1, 1, 80).reshape(80, 1)
const y = x.mul(3).sub(1).add(randn([80, 1]).mul(0.3))

const w = tensor([[0]], { requiresGrad: true })
const b = tensor([0], { requiresGrad: true })
const rate = 0.1

const predict = x => x.matmul(w).add(b)

// Each line computes when it is reached, and `backward` walks the way
// back. With Compile on, the very same code is traced once and replayed.
const descend = (x, y) => {
  const loss = predict(x).sub(y).square().mean()
  loss.backward()
  noGrad(() => {
    for (const p of [w, b]) {
      p.sub_(p.grad.mul(rate))
      p.grad = null
    }
  })
  return loss
}
const step = settings.compile ? compile(descend) : descend

const steps = 100
for (let n = 1; n <= steps; n++) {
  const loss = await step(x, y).item()
  report({ step: n, steps, loss })
  plot('Slope', n, await w.item())
  plot('Intercept', n, await b.item())
  await showFit(predict, { x, y })
  await pause()
}
const [slope, intercept] = [await w.item(), await b.item()]
console.log(`y = ${slope.toFixed(2)} x + ${intercept.toFixed(2)}`)
