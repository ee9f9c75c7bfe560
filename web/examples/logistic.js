// Logistic regression in the symbolic style: first the formulas, then values.
import { gt, init, manualSeed, randint, randn, symbolic, zeros } from 'lampas'
import { pause, report, settings } from 'playground'

await init({ device: settings.device })
manualSeed(1)

// 400 rows of 784 random numbers, each with a random label.
const rows = randn([400, 784])
const labels = randint(0, 2, [400]).to('float32')

// Variables have no values yet; shared variables keep theirs between calls.
const x = symbolic.matrix('x')
const y = symbolic.vector('y')
const w = symbolic.shared(randn([784]).mul(0.05), { name: 'w' })
const b = symbolic.shared(zeros([]), { name: 'b' })

// The probability that a label is 1. `log` of it would fail where it is 0:
// see under Graph, Rewrites how the compiler makes it safe.
const p = x.matmul(w).add(b).neg().exp().add(1).reciprocal()
const prediction = gt(p, 0.5)
const entropy = y.neg().mul(p.log()).sub(y.neg().add(1).mul(p.neg().add(1).log()))
const cost = entropy.mean().add(w.square().sum().mul(0.01))
const [gw, gb] = symbolic.grad(cost, [w, b])

const mode = settings.compile ? 'fastRun' : 'eager'
const train = symbolic.func({
  name: 'train',
  inputs: [x, y],
  outputs: { loss: cost, accuracy: prediction.eq(y.gt(0.5)).to('float32').mean() },
  updates: [[w, w.sub(gw.mul(0.1))], [b, b.sub(gb.mul(0.1))]],
  mode,
})
const predict = symbolic.func({
  name: 'predict',
  inputs: [x],
  outputs: prediction,
  mode,
})

const steps = 300
for (let step = 1; step <= steps; step++) {
  const { loss, accuracy } = train(rows, labels)
  report({ step, steps, loss: await loss.item(), accuracy: await accuracy.item() })
  await pause()
}
const first = list => list.slice(0, 20).map(Number).join(' ')
console.log('labels     ', first(await labels.toArray()))
console.log('predictions', first(await predict(rows).toArray()))
