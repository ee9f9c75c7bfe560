// One network, written both ways: as code that runs, and as formulas.
import { compile, init, manualSeed, nn } from 'lampas'
import { optim, randn, symbolic, tensor, zerosLike } from 'lampas'
import { pause, plot, report, settings, showBoundary } from 'playground'

await init({ device: settings.device })
manualSeed(4)
const lr = 0.1
const momentum = 0.9

// Two half moons.
const noise = await randn([200, 2]).mul(0.08).toArray()
const points = noise.map(([u, v], i) => {
  const angle = (Math.PI * (i >> 1)) / 100
  const [a, b] = [0.6 * Math.cos(angle) - 0.15, 0.6 * Math.sin(angle) - 0.15]
  return i % 2 ? [0.3 - a + u, v - b] : [a + u, b + v]
})
const x = tensor(points)
const y = tensor(points.map((_, i) => i % 2), { dtype: 'int32' })

// One way: modules, an optimiser, a step that runs, compiled as it stands.
const model = new nn.Sequential(
  new nn.Linear(2, 16),
  new nn.Tanh(),
  new nn.Linear(16, 2),
)
const weights = [...model.parameters()].map(p => p.detach().clone())
const optimizer = new optim.SGD(model.parameters(), { lr, momentum })
const trainStep = (x, y) => {
  optimizer.zeroGrad()
  const loss = nn.functional.crossEntropy(model.forward(x), y)
  loss.backward()
  optimizer.step()
  return loss
}
const eager = settings.compile ? compile(trainStep) : trainStep

// The other: variables, formulas, a gradient, a function with updates.
const input = symbolic.matrix('input')
const target = symbolic.ivector('target')
const names = ['w1', 'b1', 'w2', 'b2']
const shared = weights.map((w, i) => symbolic.shared(w, { name: names[i] }))
const [w1, b1, w2, b2] = shared
const hidden = nn.functional.linear(input, w1, b1).tanh()
const logits = nn.functional.linear(hidden, w2, b2)
const cost = nn.functional.crossEntropy(logits, target)
const moved = shared.map((w, i) => {
  const velocity = symbolic.shared(zerosLike(weights[i]), { name: 'velocity' })
  const next = velocity.mul(momentum).add(symbolic.grad(cost, w))
  return [[velocity, next], [w, w.sub(next.mul(lr))]]
})
const formula = symbolic.func({
  name: 'formula', inputs: [input, target], outputs: cost,
  updates: moved.flat(), mode: settings.compile ? 'fastRun' : 'eager',
})

const steps = 600
let apart = 0
for (let n = 1; n <= steps; n++) {
  const one = await eager(x, y).item()
  const other = await formula(x, y).item()
  apart = Math.max(apart, Math.abs(one - other))
  report({ step: n, steps, loss: one })
  plot('Loss, both ways', n, { modules: one, formulas: other })
  if (n % 5 === 0)
    await showBoundary(xy => model.forward(xy).softmax(1), { points: x, labels: y })
  await pause()
}
const gap = apart === 0 ? 'equal in every bit' : `never more than ${apart.toExponential(1)} apart`
console.log(`In ${steps} steps the two losses were ${gap}.`)
