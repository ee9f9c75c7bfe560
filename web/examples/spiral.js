// Three spiral arms, and the boundary that a small network draws.
import { compile, init, manualSeed, nn, optim } from 'lampas'
import { randn, tensor } from 'lampas'
import { pause, report, settings, showBoundary } from 'playground'

await init({ device: settings.device })
manualSeed(3)

// Each arm winds out from the centre, a little unsteadily.
const noise = await randn([3, 70]).toArray()
const points = []
const arms = []
for (let arm = 0; arm < 3; arm++) {
  for (let i = 0; i < 70; i++) {
    const radius = 0.1 + (0.9 * i) / 70
    const start = (arm * 2 * Math.PI) / 3 + 0.17 * noise[arm][i]
    const angle = start + 5 * radius
    points.push([radius * Math.cos(angle), radius * Math.sin(angle)])
    arms.push(arm)
  }
}
const x = tensor(points)
const y = tensor(arms, { dtype: 'int32' })

const model = new nn.Sequential(
  new nn.Linear(2, 32), new nn.Tanh(),
  new nn.Linear(32, 32), new nn.Tanh(),
  new nn.Linear(32, 3),
)
const optimizer = new optim.AdamW(model.parameters(), { lr: 0.005 })

const trainStep = (x, y) => {
  optimizer.zeroGrad()
  const logits = model.forward(x)
  const loss = nn.functional.crossEntropy(logits, y)
  loss.backward()
  optimizer.step()
  return [loss, logits.argmax(1).eq(y).to('float32').mean()]
}
const step = settings.compile ? compile(trainStep) : trainStep

const probabilities = xy => model.forward(xy).softmax(1)

const steps = 1000
for (let n = 1; n <= steps; n++) {
  const [loss, right] = step(x, y)
  const accuracy = await right.item()
  report({ step: n, steps, loss: await loss.item(), accuracy })
  if (n % 5 === 0) {
    await showBoundary(probabilities, { points: x, labels: y })
  }
  await pause()
}
